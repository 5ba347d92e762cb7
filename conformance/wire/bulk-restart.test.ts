import { setTimeout as sleep } from "node:timers/promises";
import * as pb from "@corvo/gen/corvo/v1/bulk_pb.js";
import { expect, test } from "vitest";
import { same } from "../../packages/simulator/src/model-check.js";
import { serve, type TestServer } from "../../server/test/harness.js";
import { post, readTasks } from "./bulk.js";
import { Caller } from "./caller.js";
import { readLog, replayLog } from "./log.js";

const flags = { durable: "false", "snapshot-threshold": "1000000" };
const jobs = 8_000;
const perRequest = 2_000;
const triesMax = 8;

async function add(server: TestServer, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const { json } = await server.rest.post("enqueue/batch", { jobs: Array.from({ length: perRequest }, () => ({ queue: "bulk" })) });
    ids.push(...(json.job_ids as string[]));
  }
  return ids;
}

/** Stops the server in the middle of a task; false: the task was quicker. */
async function stopInTheMiddle(server: TestServer, caller: Caller, id: string): Promise<boolean> {
  for (;;) {
    const { task } = await post(caller, "GetBulkTask", pb.GetBulkTaskRequestSchema, { id }, pb.GetBulkTaskResponseSchema);
    if (task?.status !== "running") return false;
    if (task.processed > 0n) break;
    await sleep(1);
  }
  caller.close();
  await server.stop();
  return true;
}

/**
 * What a preview found is what is touched, whatever happens meanwhile; a task goes on where it was when its server stopped, each job has one
 * turn, and every outcome is the one that the model has for the server's own log.
 */
test("a task on a preview's jobs goes on over restarts, and does to each job once what the model says", { timeout: 240_000 }, async () => {
  let server = await serve(flags);
  let caller = new Caller(server.port);
  const ids = await add(server, jobs);
  let stopped = 0;
  for (let tries = 0; tries < triesMax && stopped === 0; tries++) {
    // Held ones are approved, and the other way round: all that a preview finds fits.
    const [action, state] = tries % 2 === 0 ? ["hold", "pending"] : ["approve", "held"];
    const preview = { action, filter: { queue: "bulk", state: [state] }, minIndex: BigInt(await lastIndex(server)) };
    const plan = await post(caller, "PreviewBulk", pb.PreviewBulkRequestSchema, preview, pb.PreviewBulkResponseSchema);
    expect([Number(plan.count), Number(plan.eligible)]).toEqual([ids.length, ids.length]);
    expect(plan.sample).toEqual(ids.slice(0, plan.sample.length));
    // The world goes on: some leave the state, some go, new ones come; what is to be touched stays what it was.
    const gone = ids.splice(tries * 7, 5);
    for (const id of gone) await server.rest.post(`jobs/${id}/${action === "hold" ? "cancel" : "reject"}`, {});
    const late = await add(server, perRequest);
    const wish = { action, token: plan.token, async: true, expectedCount: plan.count, requestId: `task ${tries}` };
    const begun = await post(caller, "Bulk", pb.BulkRequestSchema, wish, pb.BulkResponseSchema);
    expect(Number(begun.estimatedTotal)).toBe(ids.length + gone.length);
    if (await stopInTheMiddle(server, caller, begun.bulkOperationId)) {
      stopped++;
      server = await serve(flags, server.dir);
      caller = new Caller(server.port);
    }
    const task = (await readTasks(caller)).at(-1)!;
    expect([task.status, task.affected, task.wrongState]).toEqual(["completed", ids.length, gone.length]);
    expect(task.items.map(({ jobId }) => jobId)).toEqual([...ids, ...gone].sort());
    expect(task.items.filter(({ outcome }) => outcome === "wrong_state").map(({ jobId }) => jobId)).toEqual(gone);
    await removed(server, late);
  }
  expect(stopped, "tasks that were stopped in the middle").toBe(1);
  const tasks = await readTasks(caller);
  caller.close();
  await server.stop();
  const model = replayLog(await readLog(server.dir));
  same("bulk tasks", tasks, model.bulkTasks());
});

async function lastIndex(server: TestServer): Promise<number> {
  const { logIndex } = await server.rpc.worker.enqueue({ queue: "other" });
  return Number(logIndex);
}

async function removed(server: TestServer, ids: readonly string[]): Promise<void> {
  const { json } = await server.rest.post("jobs/bulk", { action: "delete", job_ids: ids });
  expect(json.affected).toBe(ids.length);
}
