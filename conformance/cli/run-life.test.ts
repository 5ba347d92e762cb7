import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { RunTools, runs, until } from "./run-tools.js";

const tools = new RunTools();
const { folder } = tools;
const corvo = tools.corvo.bind(tools);
const added = tools.added.bind(tools);
const jobIs = tools.jobIs.bind(tools);
const script = tools.script.bind(tools);
const untilActive = (id: string) => tools.untilState(id, "active");
const bin = fileURLToPath(new URL("../../packages/cli/bin/corvo.mjs", import.meta.url));

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

test("a program that does not hear SIGTERM is ended by SIGKILL", { timeout: 30_000 }, async () => {
  const id = await added("deaf");
  const stop = new AbortController();
  const deaf = script("deaf.sh", `trap '' TERM\ntouch ${folder}/deaf\nwhile :; do sleep 0.05; done`);
  const running = corvo(`run -q deaf --shutdown-timeout 0s -- ${deaf}`, { interrupt: stop.signal });
  await until(() => existsSync(join(folder, "deaf")));
  stop.abort();
  expect(await running).toMatchObject({ code: 1, err: `job ${id} given back\n` });
  expect((await jobIs(id)).state).toBe("pending");
});

test("a job that is cancelled ends its program with the next heartbeat, and the server is told nothing", async () => {
  const id = await added("lost");
  const trap = script("trap.sh", `trap 'touch ${folder}/ended; exit 3' TERM\nwhile :; do sleep 0.05; done`);
  const running = corvo(`run -q lost --lease 3s --limit 1 -- ${trap}`);
  await untilActive(id);
  await tools.server.rest.post(`jobs/${id}/cancel`, {});
  const { code, out } = await running;
  expect(code).toBe(0);
  expect(out).toMatch(/ {2}lost {7}job_\S+ {2}lost {2}\S+ {2}not_active\n$/);
  expect(await jobIs(id)).toMatchObject({ state: "cancelled" });
});

test("it is listed before its first job, obeys quiet, resume and stop, and is forgotten when it leaves", { timeout: 60_000 }, async () => {
  let said = "";
  const running = corvo("run -q orders -c 3 --lease 3s --worker w-run -- cat", { onError: (text) => (said = text) });
  const row = async () => (await tools.server.rest.get("workers")).json.find(({ id }: { id: string }) => id === "w-run");
  await until(async () => (await row()) !== undefined);
  expect(await row()).toMatchObject({ sdk: "corvo-run", slots: 3, queues: '["orders"]', capabilities: ["quiet", "stop"] });

  await corvo("worker quiet w-run");
  await until(() => said.includes("quiet: nothing more is fetched until corvo worker resume w-run\n"));
  const id = await added("orders");
  await corvo("worker resume w-run");
  await tools.untilState(id, "completed");
  expect(said).toContain("resumed: jobs are fetched again\n");

  await corvo("worker stop w-run");
  expect(await running).toMatchObject({ code: 0, err: expect.stringContaining("asked to stop: nothing more is fetched\n") });
  expect((await row())?.order ?? "").toBe("");
});

test("a server that goes away and comes back: the program is not disturbed, and its job is acknowledged once", { timeout: 60_000 }, async () => {
  const { serve, temporaryDirectory } = await import("../../server/test/harness.js");
  const dir = temporaryDirectory();
  const before = await serve({}, dir);
  const id = String((await before.rest.post("enqueue", { queue: "outage" })).json?.job_id);
  const wait = script("outage.sh", `touch ${folder}/outage-begun\nwhile [ ! -e ${folder}/outage-over ]; do sleep 0.05; done\necho '"whole"'`);
  const running = corvo(`run -q outage --limit 1 --lease 3s -- ${wait}`, { env: { CORVO_SERVER: before.url } });
  await until(() => existsSync(join(folder, "outage-begun")));
  await before.stop();
  writeFileSync(join(folder, "outage-over"), "");
  const after = await serve({ bind: `127.0.0.1:${before.port}` }, dir);
  expect((await running).code).toBe(0);
  expect((await after.rest.get(`jobs/${id}`)).json).toMatchObject({ state: "completed", attempt: 1, result: "whole" });
});

test("kill -9: its programs end with it, the job is delivered again, and the fence keeps the old one out", { timeout: 60_000 }, async () => {
  const id = await added("killed", { max_retries: 5 });
  // The child of a script must go too, and one that does not hear SIGTERM as well.
  const stay = script(
    "stay.sh",
    `trap '' TERM\n(trap '' TERM; while :; do sleep 0.05; done) &\necho "$$ $! $CORVO_FENCE" > ${folder}/pids.new\nmv ${folder}/pids.new ${folder}/pids\nwait\nwhile :; do sleep 0.05; done`,
  );
  const child = spawn(process.execPath, [bin, "run", "-q", "killed", "--lease", "3s", "--", stay], {
    env: { ...process.env, CORVO_SERVER: tools.server.url },
    stdio: "ignore",
  });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  await until(() => existsSync(join(folder, "pids")));
  const [script1, script2, fence] = readFileSync(join(folder, "pids"), "utf8").trim().split(" ").map(Number);
  expect([runs(script1), runs(script2), (await jobIs(id)).state]).toEqual([true, true, "active"]);
  child.kill("SIGKILL");
  await gone;
  await until(() => !runs(script1) && !runs(script2));

  const next = (await tools.server.rest.post("fetch", { queues: ["killed"], worker_id: "w2", timeout: 60 })).json;
  expect(next).toMatchObject({ job_id: id, attempt: 2 });
  expect(next.fence).toBeGreaterThan(fence);
  expect((await tools.server.rest.post(`ack/${id}`, { fence, result: 1 })).json).toMatchObject({ code: "STALE_FENCE" });
  expect((await tools.server.rest.post(`ack/${id}`, { fence: next.fence, result: 2 })).status).toBe(200);
  expect(await jobIs(id)).toMatchObject({ state: "completed", attempt: 2, result: 2 });
});
