import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCli } from "./testing/run-cli.js";

const launcher = fileURLToPath(new URL("../bin/corvo.mjs", import.meta.url));

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `corvo dev` as a process of its own; resolves with what it printed when it says what to try. */
async function dev(args: readonly string[]) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const env = { PATH: process.env.PATH, HOME: tmpdir() };
  const child = spawn(process.execPath, [launcher, "dev", "--bind", url.slice("http://".length), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (bytes: Buffer) => {
      out += bytes.toString();
    });
    child.stdout.on("data", (bytes: Buffer) => {
      out += bytes.toString();
      if (/^try .*\n/m.test(out)) resolve();
    });
    void ended.then((code) => reject(new Error(`it ended with ${code}: ${out}`)));
  });
  return { url, out, data: /^data +(\S+)/m.exec(out)?.[1] ?? "", stop: () => void child.kill("SIGTERM"), ended };
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
  const free = `127.0.0.1:${await freePort()}`;
  expect(await runCli(["dev", "--bind", free], { load: { server } })).toMatchObject({ code: 1, out: "", removed: ["/tmp/corvo-dev-1"] });
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
