import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli, type Surroundings, shellWords } from "../../packages/cli/src/testing/run-cli.js";
import { serve, type TestServer } from "../../server/test/harness.js";

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), "corvo-run-"));
beforeAll(async () => {
  server = await serve();
});
afterAll(() => rmSync(folder, { recursive: true }));

const corvo = (line: string, around: Surroundings = {}) =>
  runCli(shellWords(line), { nowMs: Date.now, ...around, env: { CORVO_SERVER: server.url, ...around.env } });

async function added(queue: string, more: object = {}): Promise<string> {
  return String((await server.rest.post("enqueue", { queue, ...more })).json?.job_id);
}

async function jobIs(id: string): Promise<Record<string, unknown>> {
  return (await server.rest.get(`jobs/${id}`)).json as Record<string, unknown>;
}

/** A program of a few lines of shell. */
function script(name: string, lines: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

test("the payload goes in as it was typed, and JSON that comes out is the result", async () => {
  const id = await added("echo", { payload: { n: 1, deep: { ü: [1.5] } } });
  const { code, out } = await corvo("run -q echo --limit 1 -- cat");
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^ready: echo, 1 at a time, worker run@testhost:\\d+\\n\\S+ {2}completed {2}${id} {2}echo {2}\\S+\\n$`));
  expect(await jobIs(id)).toMatchObject({ state: "completed", result: { n: 1, deep: { ü: [1.5] } } });
});

test("numbers beyond 2^53 come through; what is not JSON is no result", async () => {
  const big = await added("exact");
  await corvo(`run -q exact --limit 1 -- echo 12345678901234567890`);
  expect((await server.rest.get(`jobs/${big}`)).text).toContain('"result":12345678901234567890');
  const words = await added("exact");
  expect((await corvo("run -q exact --limit 1 -- echo done, all fine")).code).toBe(0);
  const job = await jobIs(words);
  expect([job.state, job.result]).toEqual(["completed", undefined]);
});

test("another exit code fails the attempt: the last line of standard error is the error, what was before it the backtrace", async () => {
  const id = await added("fails", { max_retries: 1 });
  const { code, out, err } = await corvo(`run -q fails --limit 1 -o json -- ${script("fail.sh", "echo connecting >&2\necho 'SMTP 535' >&2\nexit 75")}`);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ job_id: id, queue: "fails", outcome: "dead", why: "exit code 75: SMTP 535" });
  expect(err).toBe("connecting\nSMTP 535\n");
  expect(await jobIs(id)).toMatchObject({ state: "dead", errors: [{ error: "SMTP 535", backtrace: "exit code 75\nconnecting\nSMTP 535\n" }] });
  const silent = await added("fails", { max_retries: 1 });
  await corvo("run -q fails --limit 1 -- false");
  expect(await jobIs(silent)).toMatchObject({ errors: [{ error: "exit code 1" }] });
  const absent = await added("fails", { max_retries: 1 });
  await corvo("run -q fails --limit 1 -- /no/such/program");
  expect(await jobIs(absent)).toMatchObject({ errors: [{ error: expect.stringContaining("/no/such/program cannot be started") }] });
});

test("the program knows its job", async () => {
  const id = await added("knows", { tags: { tenant: "acme" }, checkpoint: { page: 3 } });
  const print = script("env.sh", `printf '["%s","%s","%s",%s,%s]' "$CORVO_JOB_ID" "$CORVO_QUEUE" "$CORVO_ATTEMPT" "$CORVO_TAGS" "$CORVO_CHECKPOINT"`);
  await corvo(`run -q knows --limit 1 -- ${print}`);
  expect((await jobIs(id)).result).toEqual([id, "knows", "1", { tenant: "acme" }, { page: 3 }]);
});

test("several run at a time: each waits until the other has begun", async () => {
  const ids = [await added("pair", { payload: "a" }), await added("pair", { payload: "b" })];
  const meet = script(
    "meet.sh",
    `me=$(cat | tr -d '"')\ntouch ${folder}/begun-$me\nwhile [ ! -e ${folder}/begun-a ] || [ ! -e ${folder}/begun-b ]; do sleep 0.05; done`,
  );
  expect((await corvo(`run -q pair -c 2 --limit 2 -- ${meet}`)).code).toBe(0);
  for (const id of ids) expect((await jobIs(id)).state).toBe("completed");
});

test("Ctrl-C lets a running program finish, and takes no other job", async () => {
  const ids = [await added("calm"), await added("calm")];
  const stop = new AbortController();
  const wait = script("wait.sh", `echo begun >&2\nwhile [ ! -e ${folder}/go ]; do sleep 0.05; done`);
  const running = corvo(`run -q calm -- ${wait}`, { interrupt: stop.signal });
  await untilActive(ids[0]);
  stop.abort();
  writeFileSync(join(folder, "go"), "");
  expect((await running).code).toBe(0);
  expect([(await jobIs(ids[0])).state, (await jobIs(ids[1])).state]).toEqual(["completed", "pending"]);
});

test("a program that does not finish in time is ended, and its job given back without an attempt", async () => {
  const id = await added("slow");
  const stop = new AbortController();
  const running = corvo("run -q slow --shutdown-timeout 0s -- sleep 1000", { interrupt: stop.signal });
  await untilActive(id);
  stop.abort();
  const { code, err } = await running;
  expect([code, err]).toEqual([1, `job ${id} given back\n`]);
  expect(await jobIs(id)).toMatchObject({ state: "pending", attempt: 0 });
});

test("a job that is cancelled ends its program with the next heartbeat, and the server is told nothing", async () => {
  const id = await added("lost");
  const trap = script("trap.sh", `trap 'touch ${folder}/ended; exit 3' TERM\nwhile :; do sleep 0.05; done`);
  const running = corvo(`run -q lost --lease 3s --limit 1 -- ${trap}`);
  await untilActive(id);
  await server.rest.post(`jobs/${id}/cancel`, {});
  const { code, out } = await running;
  expect(code).toBe(0);
  expect(out).toMatch(/ {2}lost {7}job_\S+ {2}lost {2}\S+ {2}not_active\n$/);
  expect(await jobIs(id)).toMatchObject({ state: "cancelled" });
});

test("what is wrong is said at once: no queue, no server, no program", async () => {
  expect(await corvo("run -- cat")).toMatchObject({ code: 2, err: expect.stringContaining("no queue is named") });
  expect(await corvo("run -q q")).toMatchObject({ code: 2, err: expect.stringContaining("missing required argument") });
  expect(await corvo("run -q q --lease 1s -- cat")).toMatchObject({ code: 2, err: expect.stringContaining("--lease") });
  expect(await corvo("run -q q -- cat", { env: { CORVO_SERVER: "http://127.0.0.1:1" } })).toMatchObject({ code: 6 });
});

async function untilActive(id: string): Promise<void> {
  while ((await jobIs(id)).state !== "active") await new Promise((resolve) => setTimeout(resolve, 20));
}
