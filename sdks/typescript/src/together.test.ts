import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChainOptions, type ChainStep, connect } from "./index.js";
import { TestServer } from "./testing/server.js";

let server: TestServer;
let client: ReturnType<typeof connect>;
beforeAll(async () => {
  server = await TestServer.start();
  client = connect({ url: server.url });
});
afterAll(async () => {
  client.close();
  await server.end();
});

/** Fetches the next job of a queue, which must be there. */
async function take(queue: string) {
  const [job] = await client.fetch([queue], { waitMs: 5_000 });
  if (job === undefined) throw new Error(`no job in ${queue}`);
  return job;
}

function chainOf(then: readonly ChainStep[], ends: Omit<ChainOptions, "then"> = {}): ChainOptions {
  return { then, ...ends };
}

test("a batch counts what becomes of its members and adds its callback once", async () => {
  const { batchId, jobs } = await client.enqueueBatch(
    [
      { job: "sdk.resize", payload: { id: 1 } },
      { job: "sdk.resize", payload: { id: 2 }, options: { maxAttempts: 1 } },
      { job: "sdk.resize", payload: { id: 3 } },
    ],
    { queue: "sdk.resized", payload: { album: 7 } },
  );
  expect(jobs.map(({ status }) => status)).toEqual(["pending", "pending", "pending"]);
  expect(await client.together.batch(batchId)).toMatchObject({
    id: batchId,
    state: "running",
    total: 3,
    pending: 3,
    callbackQueue: "sdk.resized",
    callbackPayloadJson: '{"album":7}',
    callbackJobId: "",
    completedAt: undefined,
  });
  const [first, second] = [await take("sdk.resize"), await take("sdk.resize")];
  await client.ack(first.id, { fence: first.fence });
  expect(await client.fail(second.id, "boom", { fence: second.fence })).toMatchObject({ status: "dead" });
  expect(await client.together.batch(batchId)).toMatchObject({ state: "running", pending: 1, succeeded: 1, failed: 1 });
  expect(await client.fetch(["sdk.resized"], { waitMs: 0 })).toEqual([]);
  await client.cancel(jobs[2].id);
  const done = await client.together.batch(batchId);
  expect(done).toMatchObject({ state: "completed", total: 3, pending: 0, succeeded: 1, failed: 1, cancelled: 1, deleted: 0 });
  expect(done.completedAt).toBeInstanceOf(Date);
  const callback = await take("sdk.resized");
  expect([callback.id, callback.payload]).toEqual([done.callbackJobId, { album: 7 }]);
  expect(await client.fetch(["sdk.resized"], { waitMs: 0 })).toEqual([]);
});

test("an open batch takes members until it is sealed", async () => {
  const batchId = await client.together.createBatch({ queue: "sdk.all" });
  const one = await client.enqueue("sdk.member", { n: 1 }, { batchId });
  expect(await client.together.batch(batchId)).toMatchObject({ state: "open", total: 1, pending: 1 });
  await client.cancel(one.id);
  expect(await client.together.batch(batchId)).toMatchObject({ state: "open", cancelled: 1, callbackJobId: "" });
  const callback = await client.together.sealBatch(batchId);
  expect((await client.together.batch(batchId)).callbackJobId).toBe(callback);
  await expect(client.enqueue("sdk.member", 2, { batchId })).rejects.toMatchObject({ field: "batch_id", message: `batch "${batchId}" is sealed` });
  // Sealed twice is sealed once.
  expect(await client.together.sealBatch(batchId)).toBe(callback);
});

test("batches and chains are listed newest first, page by page", async () => {
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push(await client.together.createBatch());
  const first = await client.together.batches({ state: "open", limit: 2 });
  expect(first.batches.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
  const second = await client.together.batches({ state: "open", limit: 2, cursor: first.next });
  expect(second.batches[0].id).toBe(ids[0]);
  await expect(client.together.batches({ state: "bogus" as never })).rejects.toMatchObject({ field: "state" });
  await expect(client.together.chains({ cursor: "x" })).rejects.toMatchObject({ field: "cursor" });
});

test("a chain adds each step with the result of the one before, and its end", async () => {
  const { id } = await client.enqueue(
    "sdk.ingest",
    { file: "a.csv" },
    {
      chain: chainOf([{ job: "sdk.clean", payload: { strict: true } }, { job: "sdk.load" }], { onFailure: { job: "sdk.alarm" }, onExit: { job: "sdk.tidy" } }),
    },
  );
  const { chainId } = await client.job(id);
  expect(await client.together.chain(chainId)).toMatchObject({
    id: chainId,
    state: "running",
    step: 0,
    steps: [
      { queue: "sdk.ingest", jobId: id },
      { queue: "sdk.clean", jobId: "" },
      { queue: "sdk.load", jobId: "" },
    ],
    onFailure: { queue: "sdk.alarm", jobId: "" },
    onExit: { queue: "sdk.tidy", jobId: "" },
  });
  await client.ack((await take("sdk.ingest")).id, { result: { rows: 3 } });
  const clean = await take("sdk.clean");
  expect(clean.payload).toEqual({ previous_job_id: id, previous_result: { rows: 3 }, strict: true });
  await client.ack(clean.id, { exitChain: true });
  const tidy = await take("sdk.tidy");
  // Over RPC no result is the result {}.
  expect(tidy.payload).toEqual({ previous_job_id: clean.id, previous_result: {} });
  expect(await client.fetch(["sdk.load", "sdk.alarm"], { waitMs: 0 })).toEqual([]);
  const ended = await client.together.chain(chainId);
  expect(ended).toMatchObject({ state: "exited", step: 1, onExit: { queue: "sdk.tidy", jobId: tidy.id } });
  expect((await client.together.chains({ state: "exited" })).chains.map((chain) => chain.id)).toEqual([chainId]);
});

test("a step that dies fails the chain; a retry of it lets the chain go on", async () => {
  const chain = chainOf([{ job: "sdk.second" }], { onFailure: { job: "sdk.failed", payload: { page: "ops" } } });
  const { id } = await client.enqueue("sdk.first", {}, { chain, maxAttempts: 1 });
  const { chainId } = await client.job(id);
  await client.fail((await take("sdk.first")).id, "boom");
  const handler = await take("sdk.failed");
  expect(handler.payload).toEqual({ failed_job_id: id, failed_step: 0, error: "boom", page: "ops" });
  expect(await client.together.chain(chainId)).toMatchObject({ state: "failed", onFailure: { queue: "sdk.failed", jobId: handler.id } });
  await client.retry(id);
  await client.ack((await take("sdk.first")).id);
  await client.ack((await take("sdk.second")).id);
  expect(await client.together.chain(chainId)).toMatchObject({ state: "completed", step: 1 });
});

test("a job waits for those that it depends on, says for whom, and for good when one is gone", async () => {
  const [a, b] = [await client.enqueue("sdk.extract", 1), await client.enqueue("sdk.extract", 2)];
  const report = await client.enqueue("sdk.report", {}, { dependsOn: [a.id, b.id, a.id] });
  expect(await client.together.dependencies(report.id)).toEqual({
    dependsOn: [
      { jobId: a.id, state: "pending", met: false, reason: `${a.id} is pending` },
      { jobId: b.id, state: "pending", met: false, reason: `${b.id} is pending` },
    ],
    waiting: 2,
    dependents: [],
  });
  expect((await client.together.dependencies(a.id)).dependents).toEqual([report.id]);
  await client.ack((await take("sdk.extract")).id);
  expect(await client.fetch(["sdk.report"], { waitMs: 0 })).toEqual([]);
  expect(await client.together.dependencies(report.id)).toMatchObject({ waiting: 1, dependsOn: [{ met: true, reason: "" }, { met: false }] });
  await client.ack((await take("sdk.extract")).id);
  expect((await take("sdk.report")).id).toBe(report.id);

  const gone = await client.enqueue("sdk.extract", 3);
  const stuck = await client.enqueue("sdk.report", {}, { dependsOn: [gone.id] });
  await client.delete(gone.id);
  expect(await client.fetch(["sdk.report"], { waitMs: 0 })).toEqual([]);
  expect((await client.together.dependencies(stuck.id)).dependsOn).toMatchObject([{ state: "missing", met: false }]);
});

test("the first step of a chain may wait for others", async () => {
  const data = await client.enqueue("sdk.data", {});
  const { id } = await client.enqueue("sdk.begin", {}, { chain: chainOf([{ job: "sdk.go" }]), dependsOn: [data.id] });
  expect(await client.fetch(["sdk.begin"], { waitMs: 0 })).toEqual([]);
  await client.ack((await take("sdk.data")).id);
  expect((await take("sdk.begin")).id).toBe(id);
  await client.ack(id);
  expect((await take("sdk.go")).payload).toEqual({ previous_job_id: id, previous_result: {} });
});

test("children are counted by what became of them", async () => {
  const parent = await client.enqueue("sdk.album", {});
  const kids = await client.enqueueMany([1, 2, 3].map((n) => ({ job: "sdk.photo", payload: n, options: { parentId: parent.id } })));
  await client.ack((await take("sdk.photo")).id);
  await client.cancel(kids[1].id);
  const family = await client.together.children(parent.id);
  expect(family).toMatchObject({ total: 3, pending: 1, succeeded: 1, failed: 0, cancelled: 1, deleted: 0 });
  expect(family.jobs.map((job) => [job.id, job.parentId, job.state])).toEqual(
    [kids[2], kids[1], kids[0]].map(({ id }, i) => [id, parent.id, ["pending", "cancelled", "completed"][i]]),
  );
});

test("what does not exist, or cannot be meant, is refused with a reason and its field", async () => {
  const { together } = client;
  const calls: [call: () => Promise<unknown>, field: string][] = [
    [() => together.batch("nope"), "batch_id"],
    [() => together.sealBatch("nope"), "batch_id"],
    [() => client.enqueue("q", 1, { batchId: "nope" }), "batch_id"],
    [() => together.chain("nope"), "chain_id"],
    [() => together.dependencies("nope"), "job_id"],
  ];
  for (const [call, field] of calls) await expect(call()).rejects.toMatchObject({ code: "not_found", reason: "NOT_FOUND", field });
  await expect(client.enqueue("q", 1, { dependsOn: ["nope"] })).rejects.toMatchObject({ reason: "INVALID_VALUE", field: "depends_on[0]" });
  await expect(client.enqueueBatch([])).rejects.toMatchObject({ reason: "REQUIRED", field: "jobs" });
  await expect(client.enqueue("q", 1, { chain: chainOf([]) })).rejects.toThrow("chain: there is no step behind the first");
});

test("validateOnly looks at batches and chains and changes nothing", async () => {
  const before = (await client.together.batches({ limit: 1 })).batches[0].id;
  await client.validateOnly().enqueueBatch([{ job: "sdk.looked", payload: 1 }], { queue: "sdk.all" });
  await client.validateOnly().together.createBatch();
  expect((await client.together.batches({ limit: 1 })).batches[0].id).toBe(before);
  await expect(client.validateOnly().enqueue("q", 1, { batchId: "nope" })).rejects.toMatchObject({ reason: "NOT_FOUND" });
});
