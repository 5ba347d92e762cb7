import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryDirectory } from "./harness.js";
import { startProcess } from "./process.js";
import { Rest } from "./rest.js";

const home = temporaryDirectory();
const shim = join(home, "failing-disk.so");
const compiled = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", shim, fileURLToPath(new URL("failing-disk.c", import.meta.url)), "-ldl"]);
const possible = process.platform === "linux" && compiled.status === 0;
if (!possible) {
  const why = compiled.error ? "there is no C compiler (cc)" : String(compiled.stderr).trim() || `this is ${process.platform}`;
  console.warn(`skipped: disk errors need a library that is preloaded, and ${why}`);
  if (process.env.CI === "true" && compiled.error === undefined && process.platform === "linux") throw new Error(why);
}

/** What one caller saw: jobs whose enqueue was answered with success, and when the last answer came. */
interface Seen {
  ids: string[];
  lastMs: number;
}

it.skipIf(!possible).each([
  ["a failed fdatasync", "sync"],
  ["a failed write", "write"],
])("%s stops the process: nothing is acknowledged after it, and a restart has everything that was", async (_name, fault) => {
  const dir = join(home, fault);
  const trigger = join(home, `${fault}.fault`);
  const env = { LD_PRELOAD: shim, CORVO_TEST_FAULT: trigger, CORVO_TEST_DIR: dir, UV_USE_IO_URING: "0" };
  const server = await startProcess(dir, {}, env);
  const rest = new Rest(server.port);
  const seen: Seen[] = Array.from({ length: 8 }, () => ({ ids: [], lastMs: 0 }));
  let warm = (): void => {};
  const hundred = new Promise<void>((resolve) => {
    warm = resolve;
  });
  const loops = seen.map(async (mine) => {
    try {
      for (;;) {
        const { status, json } = await rest.post("enqueue", { queue: "errors", payload: mine.ids.length });
        if (status !== 201) continue;
        mine.ids.push(json.job_id);
        mine.lastMs = performance.now();
        if (seen.reduce((sum, one) => sum + one.ids.length, 0) === 100) warm();
      }
    } catch {
      // The connection is gone.
    }
  });
  await hundred;
  writeFileSync(trigger, fault);
  const brokenMs = performance.now();
  expect(await server.exit).toBe(1);
  const goneMs = performance.now();
  await Promise.all(loops);
  rest.close();
  expect(server.lines.join("\n")).toMatch(/level=ERROR msg="a promise cannot be kept, the server stops at once".*EIO/);
  // An answer may have been on its way when the disk broke; none may follow the failure, which the process does not survive.
  console.log(
    `  stopped ${(goneMs - brokenMs).toFixed(0)} ms after the disk broke; the last answer ${(Math.max(...seen.map((one) => one.lastMs)) - brokenMs).toFixed(0)} ms after it`,
  );

  rmSync(trigger);
  const again = await startProcess(dir, {}, env);
  const after = new Rest(again.port);
  const ids = seen.flatMap((one) => one.ids);
  expect(ids.length).toBeGreaterThanOrEqual(100);
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 1000)
    for (const { id } of (await after.post("jobs/bulk-get", { job_ids: ids.slice(at, at + 1000) })).json.jobs) found.add(id);
  expect(ids.filter((id) => !found.has(id))).toEqual([]);
  expect((await after.post("enqueue", { queue: "errors" })).status).toBe(201);
  after.close();
  expect(await again.signal("SIGTERM")).toBe(0);
});

it.skipIf(!possible)("a disk that fails during the start is told in a sentence", async () => {
  const dir = join(home, "start");
  const trigger = join(home, "start.fault");
  const env = { LD_PRELOAD: shim, CORVO_TEST_FAULT: trigger, CORVO_TEST_DIR: dir, UV_USE_IO_URING: "0" };
  writeFileSync(trigger, "sync");
  const failure = await startProcess(dir, {}, env).catch((error: Error) => error.message);
  expect(failure).toMatch(/error: .*EIO/);
});
