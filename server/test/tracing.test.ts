import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { serve } from "./harness.js";

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
  parentSpanId?: string;
  links: object[];
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
