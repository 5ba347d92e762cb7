import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import { AckOutcome, EnqueueOutcome, type LifecycleStreamRequestSchema, type LifecycleStreamResponse } from "@corvo/gen/corvo/v1/worker_pb.js";
import { beforeAll, describe, expect, it } from "vitest";
import { type Clients, clients, serve, type TestServer } from "./harness.js";

let server: TestServer;
let rpc: Clients;
beforeAll(async () => {
  server = await serve({ "stream-max-fps": "0", "idle-fetch-sleep": "20ms" });
  ({ rpc } = server);
});

type Frame = MessageInitShape<typeof LifecycleStreamRequestSchema>;

/** One open stream: frames in, answers out. */
class Stream {
  private readonly frames: Frame[] = [];
  private wake = (): void => {};
  private ended = false;
  private readonly abort = new AbortController();
  private readonly answers: AsyncIterator<LifecycleStreamResponse>;
  constructor(client: Clients["worker"]) {
    this.answers = client.streamLifecycle(this.sent(), { signal: this.abort.signal })[Symbol.asyncIterator]();
  }
  private async *sent(): AsyncGenerator<Frame> {
    while (true) {
      const frame = this.frames.shift();
      if (frame) yield frame;
      else if (this.ended) return;
      else
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
    }
  }
  send(...frames: Frame[]): void {
    this.frames.push(...frames);
    this.wake();
  }
  /** The next answer; undefined: the stream has ended well. */
  async next(): Promise<LifecycleStreamResponse | undefined> {
    const { value, done } = await this.answers.next();
    return done ? undefined : value;
  }
  async ask(frame: Frame): Promise<LifecycleStreamResponse> {
    this.send(frame);
    const answer = await this.next();
    if (!answer) throw new Error("the stream has ended");
    return answer;
  }
  end(): void {
    this.ended = true;
    this.wake();
  }
  cancel(): void {
    this.abort.abort();
    this.end();
  }
}

const absent = "job_18ea0fd52f904a40ffffffffff";
const state = async (jobId: string): Promise<JobState | undefined> => (await rpc.job.getJob({ jobId })).job?.state;

describe.each(["connect", "grpc"] as const)("StreamLifecycle over %s", (protocol) => {
  const q = `life-${protocol}`;
  let stream: Stream;
  beforeAll(() => {
    stream = new Stream(clients(server.url, protocol).worker);
  });

  it("adds, then fetches, then completes: one answer per frame, same request id", async () => {
    const added = await stream.ask({
      requestId: 1n,
      enqueues: [
        { queue: q, payloadJson: '{"n":1}' },
        { queue: q, priority: "critical" },
      ],
    });
    expect(added).toMatchObject({ requestId: 1n, error: "", acked: 0, jobs: [], enqueueOutcomes: [EnqueueOutcome.PENDING, EnqueueOutcome.PENDING] });
    const fetched = await stream.ask({ requestId: 2n, queues: [q], workerId: "w", hostname: "h", leaseDuration: 9, fetchCount: 5 });
    expect(fetched.requestId).toBe(2n);
    expect(fetched.jobs.map((job) => job.jobId)).toEqual([added.enqueuedJobIds[1], added.enqueuedJobIds[0]]);
    expect(fetched.jobs[1]).toMatchObject({ queue: q, payloadJson: '{"n":1}', attempt: 1, maxRetries: 3, leaseDuration: 9 });
    const acked = await stream.ask({ requestId: 3n, acks: fetched.jobs.map(({ jobId, fence }) => ({ jobId, fence, resultJson: "1" })) });
    expect(acked).toMatchObject({ requestId: 3n, acked: 2, error: "", outcomes: [AckOutcome.ACKED, AckOutcome.ACKED] });
    expect(await state(added.enqueuedJobIds[0])).toBe(JobState.COMPLETED);
  });

  it("answers frames sent ahead in their order", async () => {
    stream.send(...Array.from({ length: 50 }, (_, i) => ({ requestId: BigInt(100 + i), enqueues: [{ queue: `${q}-order` }] })));
    for (let i = 0; i < 50; i++) expect((await stream.next())?.requestId).toBe(BigInt(100 + i));
  });

  it("within a frame acks come first, then the fetch, then the enqueues", async () => {
    const queue = `${q}-parts`;
    await rpc.queue.setConcurrency({ name: queue, max: 1 });
    await rpc.worker.enqueueBatch({ jobs: [{ queue }, { queue }] });
    const first = await stream.ask({ queues: [queue], fetchCount: 5 });
    expect(first.jobs).toHaveLength(1);
    // The acknowledgement frees the only place, the fetch takes it; the new job is not seen by the fetch of its own frame.
    const second = await stream.ask({ queues: [queue], fetchCount: 5, acks: [{ jobId: first.jobs[0].jobId }], enqueues: [{ queue, priority: "critical" }] });
    expect(second).toMatchObject({ acked: 1, error: "" });
    expect(second.jobs.map((job) => job.jobId)).not.toContain(second.enqueuedJobIds[0]);
    expect(second.jobs).toHaveLength(1);
    expect((await stream.ask({ queues: [queue], fetchCount: 5, acks: [{ jobId: second.jobs[0].jobId }] })).jobs[0].jobId).toBe(second.enqueuedJobIds[0]);
  });

  it("counts what was really completed; acknowledgements of others' jobs are no error", async () => {
    const queue = `${q}-count`;
    await rpc.worker.enqueueBatch({ jobs: [{ queue }, { queue }] });
    const { jobs } = await stream.ask({ queues: [queue], fetchCount: 2 });
    const answer = await stream.ask({
      acks: [{ jobId: jobs[0].jobId }, { jobId: jobs[0].jobId }, { jobId: absent }, { jobId: jobs[1].jobId, fence: jobs[1].fence + 7n }],
    });
    expect(answer).toMatchObject({ acked: 1, error: "", outcomes: [AckOutcome.ACKED, AckOutcome.NOT_ACTIVE, AckOutcome.NOT_FOUND, AckOutcome.STALE_FENCE] });
    expect(await state(jobs[1].jobId)).toBe(JobState.ACTIVE);
  });

  it("says the first error and does the rest", async () => {
    const queue = `${q}-errors`;
    await rpc.worker.enqueue({ queue });
    const { jobs } = await stream.ask({ queues: [queue], fetchCount: 1 });
    const answer = await stream.ask({
      requestId: 9n,
      acks: [{ jobId: "" }, { jobId: jobs[0].jobId }],
      fetchCount: 1,
      enqueues: [{ queue: "" }, { queue }, { queue, payloadJson: "{" }],
    });
    expect(answer).toMatchObject({
      requestId: 9n,
      error: "ack: job_id is required",
      acked: 1,
      outcomes: [AckOutcome.REFUSED, AckOutcome.ACKED],
      enqueueOutcomes: [EnqueueOutcome.REFUSED, EnqueueOutcome.PENDING, EnqueueOutcome.REFUSED],
    });
    expect(answer.enqueuedJobIds).toHaveLength(1);
    expect((await stream.ask({ fetchCount: 1 })).error).toBe("fetch: at least one queue is required");
    expect((await stream.ask({ enqueues: [{ queue: "" }] })).error).toBe("enqueue: queue is required");
    expect((await stream.ask({ enqueues: [{ queue, payloadJson: "nope" }] })).error).toMatch(/^enqueue: invalid payload_json/);
    expect((await stream.ask({ enqueues: [{ queue, payloadJson: JSON.stringify("x".repeat(262_143)) }] })).error).toBe(
      "enqueue: payload too large: 262145 bytes (max 262144)",
    );
  });

  it("an empty frame is answered empty, at once", async () => {
    expect(await stream.ask({ requestId: 77n })).toMatchObject({ requestId: 77n, error: "", acked: 0, jobs: [], enqueuedJobIds: [] });
  });

  it("items honour every option of an enqueue, unique keys and request ids among them", async () => {
    const queue = `${q}-options`;
    const item = { queue, uniqueKey: "k", maxRetries: 1, tagsJson: '{"t":1}' };
    const first = await stream.ask({ enqueues: [item, item, { queue, requestId: `${q}-r1` }] });
    expect(first.enqueueOutcomes).toEqual([EnqueueOutcome.PENDING, EnqueueOutcome.DUPLICATE, EnqueueOutcome.PENDING]);
    expect(first.enqueuedJobIds[1]).toBe(first.enqueuedJobIds[0]);
    expect((await stream.ask({ enqueues: [{ queue, requestId: `${q}-r1` }] })).enqueuedJobIds).toEqual([first.enqueuedJobIds[2]]);
    expect((await rpc.job.getJob({ jobId: first.enqueuedJobIds[0] })).job).toMatchObject({ maxRetries: 1, tagsJson: '{"t":1}', uniqueKey: "k" });
  });

  it("ends when the caller ends it, after the last answer", async () => {
    stream.send({ requestId: 500n, enqueues: [{ queue: `${q}-last` }] });
    stream.end();
    expect((await stream.next())?.requestId).toBe(500n);
    expect(await stream.next()).toBeUndefined();
  });
});

/** Samples of the server's own counters. */
async function metric(name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec((await server.rest.get("metrics")).text)?.[1]);
}
async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done()));
}

describe("pacing and waiting", () => {
  it("an idle fetch is answered after the idle sleep, one with wait_ms when a job comes or its time is over", async () => {
    const stream = new Stream(rpc.worker);
    let from = performance.now();
    expect((await stream.ask({ queues: ["idle"], fetchCount: 1 })).jobs).toEqual([]);
    expect(performance.now() - from).toBeGreaterThanOrEqual(18);
    from = performance.now();
    expect((await stream.ask({ queues: ["idle"], fetchCount: 1, waitMs: 150 })).jobs).toEqual([]);
    expect(performance.now() - from).toBeGreaterThanOrEqual(148);
    const waiting = stream.ask({ queues: ["idle"], fetchCount: 1, waitMs: 60_000 });
    await until(async () => (await metric("corvo_fetch_waiters")) === 1);
    from = performance.now();
    const { jobId } = await rpc.worker.enqueue({ queue: "idle" });
    expect((await waiting).jobs[0].jobId).toBe(jobId);
    console.log(`  from an enqueue to the frame's answer: ${(performance.now() - from).toFixed(1)} ms`);
    expect(await metric("corvo_lifecycle_idle_fetch_total")).toBeGreaterThanOrEqual(2);
    stream.end();
    expect(await stream.next()).toBeUndefined();
  });

  it("a caller that leaves while its frame waits fetches nothing", async () => {
    const stream = new Stream(rpc.worker);
    const waiting = stream.ask({ queues: ["leave"], fetchCount: 1, waitMs: 60_000 }).catch(() => "gone");
    await until(async () => (await metric("corvo_fetch_waiters")) === 1);
    stream.cancel();
    expect(await waiting).toBe("gone");
    await until(async () => (await metric("corvo_fetch_waiters")) === 0);
    const { jobId } = await rpc.worker.enqueue({ queue: "leave" });
    expect(await state(jobId)).toBe(JobState.PENDING);
    await until(async () => (await metric("corvo_lifecycle_streams_open")) === 0);
  });

  it("frames are spaced by --stream-max-fps, and a stream that sends bad frames is slowed down, never closed", async () => {
    const slow = await serve({ "stream-max-fps": "100", "idle-fetch-sleep": "0s" });
    const stream = new Stream(slow.rpc.worker);
    const time = async (frames: Frame[]): Promise<number> => {
      const from = performance.now();
      for (const frame of frames) await stream.ask(frame);
      return performance.now() - from;
    };
    // The first frame does not wait. It reaches the server after the clock is read, and a timer may be up to 1 ms early.
    expect(await time(Array.from({ length: 11 }, () => ({})))).toBeGreaterThanOrEqual(99);
    // Each bad frame adds 5 ms to the next one's wait: 5 + 10 + … + 45. The first of them may come when its 10 ms have passed already.
    const bad = await time(Array.from({ length: 10 }, () => ({ enqueues: [{}] })));
    expect(bad).toBeGreaterThanOrEqual(90 + 225 - 1);
    expect((await stream.ask({ requestId: 1n })).requestId).toBe(1n);
    // Good frames have their own pace again: with the wait of before, eight of them would never take less than eight times 50 ms.
    while ((await time(Array.from({ length: 8 }, () => ({})))) >= 8 * 50);
    stream.end();
    await stream.next();
    await slow.stop();
  });

  it("more streams than --stream-max-open are refused with a hint, until one ends", async () => {
    const small = await serve({ "stream-max-open": "2" });
    const open = [new Stream(small.rpc.worker), new Stream(small.rpc.worker)];
    for (const stream of open) await stream.ask({});
    const third = new Stream(small.rpc.worker);
    const error = await third.ask({}).catch((thrown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.ResourceExhausted, rawMessage: "too many open lifecycle streams" });
    open[0].end();
    expect(await open[0].next()).toBeUndefined();
    expect((await new Stream(small.rpc.worker).ask({ requestId: 4n })).requestId).toBe(4n);
    await small.stop();
  });

  it("sleeping frames hold no slot: others work although as many sleep as --stream-max-inflight allows", async () => {
    const small = await serve({ "stream-max-inflight": "1" });
    const sleeper = new Stream(small.rpc.worker);
    const asleep = sleeper.ask({ queues: ["slot"], fetchCount: 1, waitMs: 60_000 });
    const worker = new Stream(small.rpc.worker);
    const { enqueuedJobIds } = await worker.ask({ enqueues: [{ queue: "slot" }] });
    expect((await asleep).jobs[0].jobId).toBe(enqueuedJobIds[0]);
    expect((await small.rest.get("metrics")).text).toContain("corvo_lifecycle_frames_inflight 0");
    await small.stop();
  });

  it("counts streams and frames", async () => {
    const [opened, frames] = [await metric("corvo_lifecycle_streams_total"), await metric("corvo_lifecycle_frames_total")];
    const stream = new Stream(rpc.worker);
    await stream.ask({ enqueues: [{ queue: "counted" }] });
    await stream.ask({});
    expect(await metric("corvo_lifecycle_streams_total")).toBe(opened + 1);
    expect(await metric("corvo_lifecycle_frames_total")).toBe(frames + 1); // an empty frame needs no slot
    stream.end();
  });
});

describe("one exchange as an ordinary POST (spec/rpc.md §4.6)", () => {
  const path = "/corvo.v1.WorkerService/StreamLifecycle";
  const json = { "content-type": "application/json" };

  it("one JSON frame over HTTP/1.1: add, fetch, complete", async () => {
    const added = await server.rest.post(path, { requestId: 1, enqueues: [{ queue: "single", payloadJson: '{"a":1}' }] }, json);
    expect([added.status, added.json]).toMatchObject([200, { requestId: "1", enqueuedJobIds: [expect.any(String)] }]);
    const fetched = await server.rest.post(path, { requestId: "2", queues: ["single"], workerId: "ts", fetchCount: 3, leaseDuration: 30 }, json);
    expect(fetched.json.jobs).toEqual([
      { jobId: added.json.enqueuedJobIds[0], queue: "single", payloadJson: '{"a":1}', attempt: 1, maxRetries: 3, leaseDuration: 30, fence: expect.any(String) },
    ]);
    const acked = await server.rest.post(path, { acks: [{ jobId: added.json.enqueuedJobIds[0] }] }, json);
    expect(acked.json.acked).toBe(1);
    expect(await state(added.json.enqueuedJobIds[0])).toBe(JobState.COMPLETED);
  });

  it("errors are Connect's", async () => {
    const answer = await server.rest.post(path, "{", json);
    expect([answer.status, answer.json.code]).toEqual([400, "invalid_argument"]);
    expect((await server.rest.post(path, "{}", { "content-type": "application/connect+json" })).status).toBe(505);
  });
});
