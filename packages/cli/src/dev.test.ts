import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { refusingPort } from "./testing/refusing-port.js";
import { runCli } from "./testing/run-cli.js";

const launcher = fileURLToPath(new URL("../bin/corvo.mjs", import.meta.url));

/** `corvo dev` wants to be told its port, and another program may take the one that was free a moment ago: then the next one is tried. */
const triesMax = 20;

/** `corvo dev` as a process of its own; resolves with what it printed when it says what to try. */
async function dev(args: readonly string[]) {
  for (let tries = 1; ; tries++) {
    const { port, free } = await refusingPort();
    free();
    const started = await devAt(`127.0.0.1:${port}`, args);
    if (typeof started !== "string") return started;
    if (tries === triesMax || !/another program listens|is in use/.test(started)) throw new Error(started);
  }
}

/** A text: it ended, and why. */
async function devAt(bind: string, args: readonly string[]) {
  const env = { PATH: process.env.PATH, HOME: tmpdir() };
  const child = spawn(process.execPath, [launcher, "dev", "--bind", bind, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (bytes: Buffer) => {
        out += bytes.toString();
        if (/^try .*\n/m.test(out)) resolve();
      });
  });
  const failed = await Promise.race([ready, ended.then((code) => `it ended with ${code}: ${out}`)]);
  if (failed !== undefined) return failed;
  return { url: `http://${bind}`, out, data: /^data +(\S+)/m.exec(out)?.[1] ?? "", stop: () => void child.kill("SIGTERM"), ended };
}

test("dev: a server with made-up contents, of which nothing is left", async () => {
  const { url, out, data, stop, ended } = await dev(["--seed"]);
  expect(out).toContain(`server   ${url}\n`);
  expect(out).toMatch(/^seeded {3}\d\d+ jobs/m);
  expect(existsSync(join(data, "identity"))).toBe(true);
  const queues = JSON.parse((await runCli(["queues", "-o", "json"], { env: { CORVO_SERVER: url } })).out) as { dead: number }[];
  expect(queues.some((queue) => queue.dead > 0)).toBe(true);
  stop();
  expect(await ended).toBe(0);
  expect(existsSync(data)).toBe(false);
});

test("dev --data-dir keeps what is in it", async () => {
  const kept = mkdtempSync(join(tmpdir(), "corvo-dev-test-"));
  const { data, stop, ended, out } = await dev(["--data-dir", kept]);
  expect([data, out.includes("removed")]).toEqual([kept, false]);
  stop();
  expect(await ended).toBe(0);
  expect(existsSync(join(kept, "identity"))).toBe(true);
  rmSync(kept, { recursive: true });
});

test("dev: a server that does not start leaves no folder, and its exit code stays", async () => {
  const bind = { name: "bind", kind: "text", default: "", description: "" } as const;
  const server = async () => ({ serverFlags: [bind], runServer: async () => 1, resolveServerOptions: () => ({}) as never });
  const { port, free } = await refusingPort();
  expect(await runCli(["dev", "--bind", `127.0.0.1:${port}`], { load: { server } })).toMatchObject({ code: 1, out: "", removed: ["/tmp/corvo-dev-1"] });
  free();
  const slip = await runCli(["dev", "--nope"], { load: { server } });
  expect([slip.code, slip.removed]).toEqual([2, undefined]);
  const other = createHttp((_request, response) => void response.end("ok")).listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const taken = `127.0.0.1:${(other.address() as { port: number }).port}`;
  const late = await runCli(["dev", "--seed", "--bind", taken], { load: { server } });
  expect([late.code, late.removed]).toEqual([1, undefined]);
  expect(late.err).toContain(`another program listens on ${taken}`);
  other.close();
  expect((await runCli(["dev", "--help"], { load: { server } })).out).toContain("--seed");
});
