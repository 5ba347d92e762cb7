import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, createReadStream, existsSync, readdirSync, readFileSync, statSync, watch } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { add, corvo, counts, killedAt, living, temporaryFolder, verified } from "./aimed.js";

const flags = { "log-segment-size": "1MiB" };
const corvoPath = fileURLToPath(new URL("../../../packages/cli/bin/corvo.mjs", import.meta.url));
const home = temporaryFolder();
const backup = join(home, "whole.backup");
const source = join(home, "source");
let ids: string[] = [];
/** Some wait and some are done; payloads make the backup several pieces long. */
const expected = { pending: 260, completed: 40 };

beforeAll(async () => {
  ids = await living(source, flags, async ({ rest, server }) => {
    const all = await add(rest, "q", 300, { payload: "x".repeat(20_000) });
    for (let i = 0; i < 40; i++) {
      const { job_id, fence } = (await rest.post("fetch", { queues: ["q"], worker_id: "w", timeout: 30 })).json;
      await rest.post(`ack/${job_id}`, { fence });
    }
    expect(await corvo(["backup", backup, "--server", server.url])).toMatchObject({ code: 0 });
    return all;
  });
});

/** Sends the backup to the server's restore; resolves with the answer's status. */
function upload(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, method: "POST", path: "/api/v1/admin/restore", headers: { "content-length": statSync(backup).size } });
    call.once("error", reject);
    call.once("response", (response) => {
      response.resume().once("error", reject);
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    createReadStream(backup).pipe(call);
  });
}

/** The restored node has every job as it was, works, and its files are intact. */
async function hasAll(dir: string): Promise<void> {
  await living(dir, flags, async ({ rest }) => {
    expect(await counts(rest, ids)).toEqual(expected);
    expect(readdirSync(dir)).not.toContain("restore");
    await rest.add("after");
  });
}

test("a restore that dies leaves an empty node or the whole content, wherever that was", async () => {
  const dir = temporaryFolder();
  // Each of these lives begins with an empty node.
  for (const place of ["restore-received", "restore-made", "restore-ready"]) await killedAt(place, 1, dir, flags, ({ server }) => upload(server.port));
  // The first, one in the middle, the last.
  for (const step of [1, 7, 12]) {
    const copy = temporaryFolder();
    cpSync(dir, copy, { recursive: true });
    await killedAt("restore-step", step, copy, flags, () => Promise.resolve());
    await hasAll(copy);
  }
  await verified(dir);
});

test("a restore over HTTP that nothing ends", async () => {
  const dir = temporaryFolder();
  await living(dir, flags, async ({ server }) => {
    expect(await upload(server.port)).toBe(200);
    await server.line(/a restored backup was taken up/);
  });
  await hasAll(dir);
});

test.each(["restore-before-rename", "restore-after-rename"])("corvo restore that dies at %s leaves the whole directory or none", async (place) => {
  const dir = join(temporaryFolder(), "data");
  const died = await corvo(["restore", backup, "--data-dir", dir], { CORVO_FAILPOINT: `${place}:1` });
  expect(died.code).toBe("SIGKILL");
  expect(existsSync(dir)).toBe(place === "restore-after-rename");
  if (place === "restore-before-rename") expect(await corvo(["restore", backup, "--data-dir", dir])).toMatchObject({ code: 0 });
  expect(readdirSync(join(dir, ".."))).toEqual(["data"]);
  await verified(dir);
  await hasAll(dir);
});

test("a backup whose server dies in the middle fails, and leaves no file", async () => {
  const folder = temporaryFolder();
  for (const piece of [1, 3]) {
    await killedAt("backup-piece", piece, source, flags, async ({ server }) => {
      const told = await corvo(["backup", join(folder, "broken.backup"), "--server", server.url]);
      expect(told.code).not.toBe(0);
      expect(told.err).toContain("error:");
    });
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("a backup whose own process dies in the middle leaves nothing under its name, and nothing that could be restored", async () => {
  const whole = readFileSync(backup);
  // Sends half of it, and then nothing.
  const half = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/vnd.corvo.backup" });
    response.write(whole.subarray(0, whole.length / 2));
  }).listen(0, "127.0.0.1");
  await once(half, "listening");
  const { port } = half.address() as { port: number };
  const folder = temporaryFolder();
  const path = join(folder, "killed.backup");
  const incoming = `${path}.incoming`;
  const watcher = watch(folder);
  const child = spawn(process.execPath, [corvoPath, "backup", path, "--server", `http://127.0.0.1:${port}`]);
  while (!existsSync(incoming) || statSync(incoming).size < 1_000_000) await once(watcher, "change");
  watcher.close();
  child.kill("SIGKILL");
  await once(child, "exit");
  half.closeAllConnections();
  half.close();
  expect(readdirSync(folder)).toEqual(["killed.backup.incoming"]);
  expect(await corvo(["verify", incoming])).toMatchObject({ code: 1 });
  const target = join(folder, "data");
  expect((await corvo(["restore", incoming, "--data-dir", target])).code).not.toBe(0);
  expect(existsSync(target)).toBe(false);
  // The same command again.
  await living(source, flags, async ({ server }) => {
    expect(await corvo(["backup", path, "--server", server.url])).toMatchObject({ code: 0 });
    expect(await corvo(["backup", path, "--server", server.url])).toMatchObject({ code: 5, err: expect.stringContaining("is there already") });
  });
  expect(readdirSync(folder)).toEqual(["killed.backup"]);
  expect(await corvo(["verify", path])).toMatchObject({ code: 0 });
});
