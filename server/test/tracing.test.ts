import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type LifecycleStreamRequest, LifecycleStreamRequestSchema, type LifecycleStreamResponse } from "@corvo/gen/corvo/v1/worker_pb.js";
import { afterEach, expect, it, vi } from "vitest";
import { serve, type TestServer } from "./harness.js";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const given = `00-${trace}-00f067aa0ba902b7-01`;

it("the trace context of whoever adds a job is handed to whoever gets it", async () => {
  const server = await serve();
  const { rest, rpc } = server;
  await rest.post("enqueue", { queue: "a" }, { traceparent: given });
  expect((await rest.take("a")).traceparent).toBe(given);
  await rpc.worker.enqueue({ queue: "b", payloadJson: "{}", traceparent: given, requestId: "r1" });
  // The same request in another trace is the same request.
  await rpc.worker.enqueue({ queue: "b", payloadJson: "{}", traceparent: given, requestId: "r1" }, { headers: { traceparent: given.replace("4bf9", "5bf9") } });
  expect((await rpc.worker.fetch({ queues: ["b"], workerId: "w" })).traceparent).toBe(given);
  await rpc.worker.enqueueBatch({ jobs: [{ queue: "c" }, { queue: "c", traceparent: given.replace("-01", "-00") }] }, { headers: { traceparent: given } });
  expect((await rpc.worker.fetchBatch({ queues: ["c"], workerId: "w", count: 2 })).jobs.map((job) => job.traceparent)).toEqual([
    given,
    given.replace("-01", "-00"),
  ]);
  const stream = talk(rpc, { traceparent: given });
  await stream.say({
    enqueues: [
      { queue: "e", payloadJson: "{}" },
      { queue: "e", payloadJson: "{}", traceparent: given.replace("-01", "-00") },
    ],
  });
  const { jobs } = await stream.say({ queues: ["e"], workerId: "w", fetchCount: 2 });
  expect(jobs.map((job) => job.traceparent)).toEqual([given, given.replace("-01", "-00")]);
  await stream.end();
  // What is none is not carried, and refuses nothing.
  for (const bad of ["", "x", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`, `${given}-more`]) {
    await rest.post("enqueue", { queue: "d" }, { traceparent: bad });
    expect((await rest.take("d")).traceparent).toBeUndefined();
  }
  await server.stop();
});

interface Collected {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  links: object[];
  attributes: { key: string; value: { stringValue?: string } }[];
}

/** A collector, and a server that tells it. `end` stops both and gives what was told. */
async function traced() {
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      bodies.push(`${request.url} ${Buffer.concat(parts).toString()}`);
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const server = await serve({ "otel-endpoint": `127.0.0.1:${(collector.address() as AddressInfo).port}` });
  const end = async (): Promise<{ text: string; spans: Collected[] }> => {
    await server.stop();
    collector.close();
    const spans = bodies
      .flatMap((body) => JSON.parse(body.slice(body.indexOf(" "))).resourceSpans)
      .flatMap((one) => one.scopeSpans.flatMap((scope: { spans: Collected[] }) => scope.spans));
    return { text: bodies.join("\n"), spans };
  };
  return { server, end };
}

/** Spans of single jobs by their names, each with what is said of its job. */
function ofJobs(spans: readonly Collected[], method: string) {
  const found: Record<string, Record<string, unknown>[]> = {};
  for (const span of spans) {
    const [first, what] = span.name.split(" ");
    if (first !== method) continue;
    const said = Object.fromEntries(span.attributes.map(({ key, value }) => [key.replace("corvo.", ""), value.stringValue]));
    found[what] ??= [];
    found[what].push({ ...said, trace: span.traceId, parent: span.parentSpanId, id: span.spanId, links: span.links.length });
  }
  return found;
}

/** A stream on which one frame follows the answer to the one before. */
function talk(rpc: TestServer["rpc"], headers: Record<string, string>) {
  const queue: LifecycleStreamRequest[] = [];
  let wake: () => void = () => {};
  let over = false;
  async function* frames() {
    for (;;) {
      const next = queue.shift();
      if (next) yield next;
      else if (over) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const answers = rpc.worker.streamLifecycle(frames(), { headers })[Symbol.asyncIterator]();
  return {
    async say(frame: MessageInitShape<typeof LifecycleStreamRequestSchema>): Promise<LifecycleStreamResponse> {
      queue.push(create(LifecycleStreamRequestSchema, frame));
      wake();
      return (await answers.next()).value;
    },
    end(): Promise<unknown> {
      over = true;
      wake();
      return answers.next();
    },
  };
}

afterEach(() => vi.unstubAllEnvs());

it("with an endpoint, calls and log entries become spans of the caller's trace", async () => {
  const { server, end } = await traced();
  await server.rest.post("enqueue", { queue: "a", payload: { secret: "s3cr3t" } }, { traceparent: given });
  const job = await server.rest.take("a");
  // The job carries the span of its enqueue, in the caller's trace.
  expect(job.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  expect(job.traceparent).not.toBe(given);
  await server.rest.post(`ack/${job.job_id}`, {}, { traceparent: String(job.traceparent) });
  const { text, spans } = await end();
  expect(text).toContain("/v1/traces");
  const named = (name: string) => spans.find((span) => span.name === name);
  expect(named("POST Enqueue")).toMatchObject({ traceId: trace, parentSpanId: "00f067aa0ba902b7" });
  expect(named("POST Ack")).toMatchObject({ traceId: trace, parentSpanId: String(job.traceparent).split("-")[2] });
  expect(named("POST Fetch")!.links).toMatchObject([{ traceId: trace }]);
  expect(named("raft.apply")).toBeDefined();
  expect(text).not.toContain("s3cr3t");
});

it("of traces that are not wanted there is no span; what the caller said is carried all the same", async () => {
  vi.stubEnv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
  vi.stubEnv("OTEL_TRACES_SAMPLER_ARG", "0");
  const { server, end } = await traced();
  const unwanted = given.replace("-01", "-00");
  for (const traceparent of [undefined, unwanted, given]) await server.rest.post("enqueue", { queue: "a" }, traceparent ? { traceparent } : {});
  const carried = [await server.rest.take("a"), await server.rest.take("a"), await server.rest.take("a")].map((job) => job.traceparent);
  expect(carried.slice(0, 2)).toEqual([undefined, unwanted]);
  expect(carried[2]).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  const { spans } = await end();
  expect(spans.map((span) => [span.name, span.traceId])).toEqual([["POST Enqueue", trace]]);
});

it("one trace in two: who is asked first and the tracer agree, and the job carries the trace that was told of", async () => {
  vi.stubEnv("OTEL_TRACES_SAMPLER", "traceidratio");
  vi.stubEnv("OTEL_TRACES_SAMPLER_ARG", "0.5");
  const { server, end } = await traced();
  const jobs = 64;
  for (let i = 0; i < jobs; i++) await server.rest.post("enqueue", { queue: "a" });
  const carried: string[] = [];
  for (let i = 0; i < jobs; i++) {
    const { traceparent } = await server.rest.take("a");
    if (traceparent !== undefined) carried.push(String(traceparent).split("-")[1]);
  }
  const { spans } = await end();
  const told = spans.filter((span) => span.name === "POST Enqueue").map((span) => span.traceId);
  expect(told.sort()).toEqual(carried.sort());
  expect(told.length).toBeGreaterThan(0); // all of 64, or none, would be luck of one in 2^63
  expect(told.length).toBeLessThan(jobs);
});

const other = "5bf92f3577b34da6a3ce929d0e0e4736";

it("each job of a frame has a span for its enqueue, its fetch and its ack, in the trace that it carries", async () => {
  const { server, end } = await traced();
  const stream = talk(server.rpc, { traceparent: given });
  const own = `00-${other}-00f067aa0ba902b8-01`;
  const enqueues = [{ queue: "a", payloadJson: "{}" }, { queue: "a", payloadJson: "{}", traceparent: own }, { queue: "" }];
  const added = await stream.say({ enqueues });
  expect(added.enqueueOutcomes).toEqual([1, 1, 4]);
  const { jobs } = await stream.say({ queues: ["a"], workerId: "w", fetchCount: 5, waitMs: 10_000 });
  const [first, second] = jobs.map((job) => job.traceparent);
  expect(first).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  expect(second).toBe(own);
  const acks = [...jobs.map(({ jobId, fence }) => ({ jobId, fence })), { jobId: "job_18ea0fd52f904a40ffffffffff" }];
  expect((await stream.say({ acks })).acked).toBe(2);
  await stream.end();
  const { Enqueue, Fetch, Ack } = ofJobs((await end()).spans, "StreamLifecycle");
  const [a, b] = jobs.map((job) => job.jobId);
  expect(Enqueue).toMatchObject([
    { job_id: a, outcome: "pending", trace, parent: "00f067aa0ba902b7", id: first.split("-")[2], links: 0 },
    { job_id: b, outcome: "pending", trace: other, parent: "00f067aa0ba902b8", links: 1 },
  ]);
  expect(Fetch).toMatchObject([
    { job_id: a, queue: "a", trace, parent: first.split("-")[2], links: 1 },
    { job_id: b, queue: "a", trace: other, parent: "00f067aa0ba902b8", links: 1 },
  ]);
  expect(Ack).toMatchObject([
    { job_id: a, outcome: "acked", trace, parent: first.split("-")[2] },
    { job_id: b, outcome: "acked", trace: other, parent: "00f067aa0ba902b8" },
    { outcome: "not_found", trace, parent: "00f067aa0ba902b7" },
  ]);
});

it("each job of a batch has its spans inside the call's, or in its own trace", async () => {
  const { server, end } = await traced();
  const { worker } = server.rpc;
  const headers = { traceparent: given };
  const own = `00-${other}-00f067aa0ba902b8-01`;
  const { jobIds } = await worker.enqueueBatch({ jobs: [{ queue: "b" }, { queue: "b", traceparent: own }], requestId: "r" }, { headers });
  // The same request is the same in another trace.
  const again = await worker.enqueueBatch({ jobs: [{ queue: "b" }, { queue: "b", traceparent: own }], requestId: "r" }, { headers: { traceparent: own } });
  expect(again.jobIds).toEqual(jobIds);
  const { jobs } = await worker.fetchBatch({ queues: ["b"], workerId: "w", count: 2 }, { headers });
  const [first, second] = jobs.map((job) => job.traceparent.split("-")[2]);
  await worker.ackBatch({ items: jobs.map(({ jobId, fence }) => ({ jobId, fence })) }, { headers });
  const { spans } = await end();
  const call = spans.find((span) => span.name.endsWith("/EnqueueBatch"))!;
  expect(call).toMatchObject({ traceId: trace, parentSpanId: "00f067aa0ba902b7" });
  expect(second).toBe("00f067aa0ba902b8");
  const added = ofJobs(spans, "EnqueueBatch").Enqueue.filter(({ id, trace: of }) => id === first || of === other);
  expect(added[0]).toMatchObject({ job_id: jobIds[0], trace, parent: call.spanId, outcome: "pending", links: 0 });
  expect(added[1]).toMatchObject({ job_id: jobIds[1], trace: other, parent: second, outcome: "pending", links: 1 });
  for (const found of [ofJobs(spans, "FetchBatch").Fetch, ofJobs(spans, "AckBatch").Ack])
    expect(found).toMatchObject([
      { job_id: jobIds[0], trace, parent: first, links: 1 },
      { job_id: jobIds[1], trace: other, parent: second, links: 1 },
    ]);
});

it("of jobs whose traces are not wanted there are no spans, and their contexts are carried as they are", async () => {
  vi.stubEnv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
  vi.stubEnv("OTEL_TRACES_SAMPLER_ARG", "0");
  const { server, end } = await traced();
  const unwanted = given.replace("-01", "-00");
  const stream = talk(server.rpc, { traceparent: unwanted });
  await stream.say({ enqueues: [{ queue: "a", payloadJson: "{}" }] });
  const bare = talk(server.rpc, {});
  await bare.say({ enqueues: [{ queue: "a", payloadJson: "{}" }] });
  const { jobs } = await stream.say({ queues: ["a"], workerId: "w", fetchCount: 2, waitMs: 10_000 });
  expect(jobs.map((job) => job.traceparent)).toEqual([unwanted, ""]);
  await stream.say({ acks: jobs.map(({ jobId, fence }) => ({ jobId, fence })) });
  await Promise.all([stream.end(), bare.end()]);
  expect((await end()).spans).toEqual([]);
});
