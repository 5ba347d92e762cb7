import { Code, ConnectError } from "@connectrpc/connect";
import { JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import { AckOutcome, type LifecycleStreamRequest } from "@corvo/gen/corvo/v1/worker_pb.js";
import { expect, test, vi } from "vitest";
import { Worker, type WorkerOptions } from "./index.js";
import { during, Events, gate } from "./testing/events.js";
import { type FakeServer, fakeClient, never } from "./testing/fake-server.js";

const leased = (n: number, more: object = {}) => ({ jobId: `job_${n}`, queue: "q", payloadJson: `${n}`, attempt: 1, maxRetries: 3, fence: BigInt(n), ...more });

/** Answers the first fetch with jobs, later ones never; acknowledgements by `ack`. */
function serving(jobs: object[], ack: (frame: LifecycleStreamRequest) => object = ({ acks }) => ({ outcomes: acks.map(() => AckOutcome.ACKED) })): FakeServer {
  let given = false;
  return {
    frame(frame, signal) {
      if (frame.acks.length > 0) return ack(frame);
      if (given) return never(signal);
      given = true;
      return { jobs };
    },
  };
}

function make(server: FakeServer, options: WorkerOptions = {}): { worker: Worker; events: Events } {
  const events = new Events();
  return { worker: new Worker(fakeClient(server), { signals: false, onEvent: events.onEvent, ...options }), events };
}

test("a payload that cannot be read fails its job; the others are done", async () => {
  const failures: string[] = [];
  const server = serving([leased(1, { payloadJson: "{" }), leased(2)]);
  server.worker = {
    fail: ({ jobId, error, fence }) => {
      failures.push(`${jobId} ${fence} ${error}`);
      return { status: "retrying" };
    },
  };
  const { worker, events } = make(server);
  const done: unknown[] = [];
  worker.handle("q", (payload) => void done.push(payload));
  await during(worker, () => Promise.all([events.until("acked"), events.until("failed")]));
  expect(done).toEqual([2]);
  expect(failures).toEqual([expect.stringMatching(/^job_1 1 .*JSON/)]);
});

test("an acknowledgement whose answer was lost is sent again with its fence and counts once", async () => {
  const frames: string[] = [];
  let lost = false;
  const server = serving([leased(1), leased(2), leased(3), leased(4)], ({ acks }) => {
    frames.push(acks.map(({ jobId, fence }) => `${jobId}/${fence}`).join(" "));
    if (!lost) {
      lost = true;
      throw new ConnectError("the connection broke", Code.Unavailable);
    }
    const outcomes = [AckOutcome.ACKED, AckOutcome.NOT_ACTIVE, AckOutcome.NOT_ACTIVE, AckOutcome.STALE_FENCE];
    return { outcomes: acks.map(({ jobId }) => outcomes[Number(jobId.slice(4)) - 1]) };
  });
  // 2 was completed by the lost frame, 3 by somebody else in the attempt after ours.
  server.jobs = { bulkGetJobs: ({ jobIds }) => ({ jobs: jobIds.map((id) => ({ id, state: JobState.COMPLETED, attempt: id === "job_2" ? 1 : 2 })) }) };
  const { worker, events } = make(server);
  worker.handle("q", () => {});
  await during(worker, () => Promise.all([events.until("acked", 2), events.until("ack_refused", 2)]));
  expect(frames).toEqual(Array(2).fill("job_1/1 job_2/2 job_3/3 job_4/4"));
  expect(events.of("acked").map(({ job }) => job.id)).toEqual(["job_1", "job_2"]);
  expect(events.of("ack_refused").map(({ job, outcome }) => `${job.id} ${outcome}`)).toEqual(["job_4 STALE_FENCE", "job_3 NOT_ACTIVE"]);
  expect(events.of("connection_lost")).toMatchObject([{ during: "ack", error: { reason: "UNAVAILABLE" } }]);
});

test("not active the first time is no success", async () => {
  const { worker, events } = make(serving([leased(1)], () => ({ outcomes: [AckOutcome.NOT_ACTIVE] })));
  worker.handle("q", () => {});
  await during(worker, () => events.until("ack_refused"));
  expect(events.of("acked")).toEqual([]);
});

test("an overloaded server is asked again, for acknowledgements and for jobs", async () => {
  let acks = 0;
  let fetches = 0;
  const server: FakeServer = {
    frame({ acks: items }, signal) {
      if (items.length > 0) return acks++ === 0 ? { error: "OVERLOADED: ack: busy" } : { outcomes: [AckOutcome.ACKED] };
      fetches++;
      if (fetches === 1) return { error: "OVERLOADED: fetch: busy" };
      return fetches === 2 ? { jobs: [leased(1)] } : never(signal);
    },
  };
  const { worker, events } = make(server);
  worker.handle("q", () => {});
  await during(worker, () => events.until("acked"));
  expect(events.of("connection_lost").map(({ during, error }) => `${during} ${error.reason}`)).toEqual(["fetch OVERLOADED", "ack OVERLOADED"]);
});

test("an answer that arrives while stopping is taken: its jobs are done", async () => {
  const asked = gate();
  const answer = gate();
  const server: FakeServer = {
    async frame({ acks }) {
      if (acks.length > 0) return { outcomes: acks.map(() => AckOutcome.ACKED) };
      asked.open();
      await answer.promise;
      return { jobs: [leased(1), leased(2)] };
    },
  };
  const { worker, events } = make(server);
  worker.handle("q", () => {});
  const run = worker.run();
  await asked.promise;
  worker.stop();
  answer.open();
  await run;
  expect(events.all.map(({ type }) => type)).toEqual(["started", "started", "acked", "acked"]);
});

test("leases are renewed at a third of their length, with their fences, until the job is acknowledged", async () => {
  const beats: { atMs: number; jobs: string }[] = [];
  const done = gate();
  const acknowledge = gate();
  const server = serving([leased(1), leased(2)]);
  const first = server.frame;
  server.frame = async (frame, signal) => {
    if (frame.acks.length > 0) await acknowledge.promise;
    return first(frame, signal);
  };
  server.worker = {
    heartbeat({ jobs }) {
      if (Object.keys(jobs).length === 0) return {}; // only says that it is there
      beats.push({
        atMs: performance.now(),
        jobs: Object.entries(jobs)
          .map(([id, { fence }]) => `${id}/${fence}`)
          .join(" "),
      });
      if (beats.length === 2) done.open();
      if (beats.length === 3) acknowledge.open();
      return { jobs: Object.fromEntries(Object.keys(jobs).map((id) => [id, { status: "ok" }])) };
    },
  };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const { worker, events } = make(server, { leaseSeconds: 30 });
    worker.handle("q", () => done.promise);
    const run = worker.run();
    await events.until("started", 2);
    for (let n = 1; n <= 3; n++) {
      await vi.advanceTimersByTimeAsync(10_000);
      await vi.waitFor(() => expect(beats).toHaveLength(n), { timeout: 20_000 });
    }
    await events.until("acked", 2);
    await vi.advanceTimersByTimeAsync(10_000);
    worker.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    await run;
    expect(beats.map(({ jobs }) => jobs)).toEqual(Array(3).fill("job_1/1 job_2/2"));
    expect(beats[2].atMs - beats[0].atMs).toBe(20_000);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a prefetched job whose lease is lost before its turn never starts", async () => {
  const server = serving([leased(1), leased(2), leased(3)]);
  const begun = gate();
  server.worker = {
    heartbeat: ({ jobs }) => ({
      jobs: Object.fromEntries(Object.keys(jobs).map((id) => [id, { status: id === "job_2" ? "cancel" : "ok", reason: "not_active" }])),
    }),
  };
  const { worker, events } = make(server, { concurrency: 1, prefetch: 2, leaseSeconds: 3 });
  const done: unknown[] = [];
  worker.handle("q", async (payload) => {
    done.push(payload);
    if (payload === 1) await begun.promise;
  });
  await during(worker, async () => {
    expect(await events.until("lease_lost")).toMatchObject([{ job: { id: "job_2" } }]);
    begun.open();
    await events.until("acked", 2);
  });
  expect(done).toEqual([1, 3]);
});

test("a server that refuses the worker for good ends it, after what is in hand", async () => {
  let fetches = 0;
  const server: FakeServer = {
    frame({ acks }) {
      if (acks.length > 0) return { outcomes: acks.map(() => AckOutcome.ACKED) };
      if (fetches++ === 0) return { jobs: [leased(1)] };
      throw new ConnectError("this key may not fetch", Code.PermissionDenied, { "x-from": "server" });
    },
  };
  const { worker, events } = make(server);
  worker.handle("q", () => {});
  await expect(worker.run()).rejects.toMatchObject({ code: "permission_denied", reason: "PERMISSION_DENIED", message: "this key may not fetch" });
  expect(events.of("acked")).toHaveLength(1);
});

test("a failure that cannot be told is left to the lease; a listener that throws stops nothing", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const server = serving([leased(1)]);
  server.worker = {
    fail: () => {
      throw new ConnectError("no such job", Code.InvalidArgument, { "x-from": "server" });
    },
  };
  const { worker, events } = make(server, {
    onEvent(event) {
      events.onEvent(event);
      throw new Error("listener's mistake");
    },
  });
  worker.handle("q", () => {
    throw undefined;
  });
  await during(worker, () => events.until("fail_refused"));
  expect(events.of("fail_refused")).toMatchObject([{ error: undefined, cause: { code: "invalid_argument" } }]);
  expect(warned.mock.calls).toEqual(Array(2).fill(["onEvent threw: listener's mistake", "CorvoWarning"]));
  warned.mockRestore();
});

test("a thousand results do not make one frame of a gigabyte", async () => {
  const sizes: number[] = [];
  const server = serving(
    Array.from({ length: 40 }, (_, n) => leased(n + 1)),
    ({ acks }) => {
      sizes.push(acks.reduce((sum, { resultJson }) => sum + resultJson.length, 0));
      return { outcomes: acks.map(() => AckOutcome.ACKED) };
    },
  );
  const { worker, events } = make(server, { concurrency: 40 });
  worker.handle("q", () => "x".repeat(250_000));
  await during(worker, () => events.until("acked", 40));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(sizes.reduce((a, b) => a + b)).toBe(40 * 250_002);
});
