import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ClusterService, GetClusterStatusResponseSchema, ListWorkersResponseSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { BulkGetJobsResponseSchema, GetJobResponseSchema, JobService, JobState, RetryJobResponseSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { ListQueuesResponseSchema, PauseQueueResponseSchema, QueueService } from "@corvo/gen/corvo/v1/queue_pb.js";
import {
  AckBatchResponseSchema,
  AckOutcome,
  EnqueueBatchResponseSchema,
  EnqueueOutcome,
  EnqueueResponseSchema,
  FailResponseSchema,
  FetchBatchResponseSchema,
  FetchResponseSchema,
  GetServerInfoResponseSchema,
  HeartbeatResponseSchema,
  WorkerService,
} from "@corvo/gen/corvo/v1/worker_pb.js";
import { scanJsonValue } from "@corvo/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Call, Route, UnaryHandler } from "../rpc.js";
import { RpcError } from "../rpc.js";
import { createRestHandler } from "./handler.js";
import { serve } from "./testing.js";

// A server whose handlers write down what came and answer what the test says. Every case runs over HTTP/1.1 and HTTP/2.

interface Seen {
  method: string;
  request: unknown;
}
let seen: Seen | undefined;
let respond: (call: Call) => Uint8Array | Promise<Uint8Array> = () => new Uint8Array(0);
const observed: string[] = [];
const causes: unknown[] = [];

const services = [WorkerService, JobService, QueueService, ClusterService];
const routes: Route[] = services.flatMap((service) =>
  service.methods
    .filter((m) => m.methodKind === "unary")
    .map((method) => {
      const handler: UnaryHandler = {
        kind: "unary",
        handle(call, request) {
          seen = { method: method.name, request: toJson(method.input, fromBinary(method.input, request), { useProtoFieldName: true }) };
          return respond(call);
        },
      };
      return { method, handler, hot: false };
    }),
);
const rest = createRestHandler({
  routes,
  scanJson: scanJsonValue,
  nowMs: () => performance.now(),
  limits: { messageBytesMax: 300_000, bufferedBytesMax: 1_000_000 },
  rawBodyBytesMax: 100_000,
  authenticate: (header) => (header("x-api-key") === "wrong" ? new RpcError("unauthenticated", "", "invalid API key") : "somebody"),
  observe: { call: (route, protocol, code, status) => observed.push(`${protocol} ${route.method.name} ${code} ${status}`) },
  onError: (cause) => causes.push(cause),
});
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve(rest);
});
afterAll(() => server.close());
beforeEach(() => {
  seen = undefined;
  observed.length = 0;
  causes.length = 0;
  respond = () => new Uint8Array(0);
});

interface Case {
  ask: string;
  body?: string;
  headers?: Record<string, string>;
  /** What the handler must see. */
  sees?: unknown;
  /** What it answers. */
  says?: Uint8Array | (() => Uint8Array);
  status: number;
  text: string;
}

const second = timestampFromMs(1_767_323_045_000);
const job = {
  id: "job_1",
  queue: "mail",
  state: JobState.RETRYING,
  payloadJson: '{"a": 1}',
  priority: 1,
  maxRetries: 3,
  retryBackoff: "fixed",
  createdAt: second,
};
const jobText =
  '{"id":"job_1","queue":"mail","state":"retrying","payload":{"a":1},"priority":1,"attempt":0,"max_retries":3,"retry_backoff":"fixed","retry_base_delay_ms":0,"retry_max_delay_ms":0,"created_at":"2026-01-02T03:04:05Z"}';

// spec/rest.md §6.1 to §6.4, line by line, as far as the routes exist.
const cases: Record<string, Case> = {
  "enqueue: 201": {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":"mail","payload":{"a": 1},"priority":"high","unique_period":60}',
    sees: { queue: "mail", payload_json: '{"a": 1}', priority: "high", unique_period: "60" },
    says: toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: "job_1", status: "pending", logIndex: 7n })),
    status: 201,
    text: '{"job_id":"job_1","status":"pending","unique_existing":false}\n',
  },
  "enqueue of a duplicate: 200": {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":"mail"}',
    says: toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: "job_1", status: "duplicate", uniqueExisting: true })),
    status: 200,
    text: '{"job_id":"job_1","status":"duplicate","unique_existing":true}\n',
  },
  "enqueue: Idempotency-Key": {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":"mail"}',
    headers: { "idempotency-key": "k-1" },
    sees: { queue: "mail", request_id: "k-1" },
    status: 201,
    text: '{"job_id":"","status":"","unique_existing":false}\n',
  },
  "enqueue: a request id in the body goes first": {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":"mail","request_id":"own"}',
    headers: { "idempotency-key": "k-1" },
    sees: { queue: "mail", request_id: "own" },
    status: 201,
    text: '{"job_id":"","status":"","unique_existing":false}\n',
  },
  "enqueue without a body": { ask: "POST /api/v1/enqueue", status: 400, text: '{"error":"invalid JSON","code":"PARSE_ERROR","detail":"the body is empty"}\n' },
  "enqueue of what is not JSON": {
    ask: "POST /api/v1/enqueue",
    body: "queue=mail",
    status: 400,
    text: '{"error":"invalid JSON","code":"PARSE_ERROR","detail":"unexpected character at byte 0"}\n',
  },
  "enqueue of a wrong type": {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":["mail"]}',
    status: 400,
    text: '{"error":"invalid JSON: queue must be a string","code":"PARSE_ERROR","field":"queue"}\n',
  },
  "enqueue batch": {
    ask: "POST /api/v1/enqueue/batch",
    body: '{"jobs":[{"queue":"a","payload":1},{"queue":"b"}]}',
    sees: { jobs: [{ queue: "a", payload_json: "1" }, { queue: "b" }] },
    says: toBinary(
      EnqueueBatchResponseSchema,
      create(EnqueueBatchResponseSchema, { jobIds: ["job_1", "job_2"], outcomes: [EnqueueOutcome.PENDING], logIndex: 1n }),
    ),
    status: 201,
    text: '{"job_ids":["job_1","job_2"]}\n',
  },
  "webhook: JSON is kept": {
    ask: "POST /api/v1/webhooks/git%20hub?priority=high&unique_key=a%2Bb&max_retries=0&scheduled_at=2026-01-02T03:04:05Z&tags=k:v,k2:v2&other=1",
    body: ' {"b": 1.0 , "a":2}\n',
    sees: {
      queue: "git hub",
      payload_json: '{"b": 1.0 , "a":2}',
      priority: "high",
      unique_key: "a+b",
      max_retries: 0,
      scheduled_at: "2026-01-02T03:04:05Z",
      tags: "k:v,k2:v2",
    },
    says: toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: "job_1", status: "scheduled" })),
    status: 201,
    text: '{"job_id":"job_1","status":"scheduled","unique_existing":false}\n',
  },
  "webhook: other text becomes a string": {
    ask: "POST /api/v1/webhooks/q",
    body: 'a=1&b="2"',
    sees: { queue: "q", payload_json: '"a=1&b=\\"2\\""' },
    status: 201,
    text: '{"job_id":"","status":"","unique_existing":false}\n',
  },
  "webhook: nothing becomes {}": {
    ask: "POST /api/v1/webhooks/q",
    sees: { queue: "q", payload_json: "{}" },
    status: 201,
    text: '{"job_id":"","status":"","unique_existing":false}\n',
  },
  "webhook: a wrong parameter is named": {
    ask: "POST /api/v1/webhooks/q?max_retries=many",
    status: 400,
    text: '{"error":"max_retries must be a whole number","code":"PARSE_ERROR","field":"max_retries"}\n',
  },
  fetch: {
    ask: "POST /api/v1/fetch",
    body: '{"queues":["a","b"],"worker_id":"w","hostname":"h","timeout":5}',
    sees: { queues: ["a", "b"], worker_id: "w", hostname: "h", lease_duration: 5 },
    says: toBinary(
      FetchResponseSchema,
      create(FetchResponseSchema, {
        found: true,
        jobId: "job_1",
        queue: "a",
        payloadJson: "null",
        attempt: 1,
        maxRetries: 3,
        leaseDuration: 60,
        checkpointJson: '{"n":1}',
        agent: { maxIterations: 2 },
        fence: 9n,
      }),
    ),
    status: 200,
    text: '{"job_id":"job_1","queue":"a","payload":null,"attempt":1,"max_retries":3,"lease_duration":60,"checkpoint":{"n":1},"agent":{"max_iterations":2},"fence":9}\n',
  },
  "fetch of nothing: 204": {
    ask: "POST /api/v1/fetch",
    body: '{"queues":["a"]}',
    says: toBinary(FetchResponseSchema, create(FetchResponseSchema, {})),
    status: 204,
    text: "",
  },
  "fetch batch": {
    ask: "POST /api/v1/fetch/batch",
    body: '{"queues":["a"],"count":2}',
    sees: { queues: ["a"], count: 2 },
    says: toBinary(
      FetchBatchResponseSchema,
      create(FetchBatchResponseSchema, {
        jobs: [{ jobId: "job_1", queue: "a", payloadJson: "{}", attempt: 1, maxRetries: 3, leaseDuration: 60, tagsJson: '{"t":"<"}' }],
      }),
    ),
    status: 200,
    text: '{"jobs":[{"job_id":"job_1","queue":"a","payload":{},"attempt":1,"max_retries":3,"lease_duration":60,"tags":{"t":"\\u003c"}}]}\n',
  },
  "fetch batch of nothing": { ask: "POST /api/v1/fetch/batch", body: '{"queues":["a"]}', status: 200, text: '{"jobs":[]}\n' },
  ack: {
    ask: "POST /api/v1/ack/job_1",
    body: '{"result":{"ok": true},"job_id":"job_2","fence":3}',
    sees: { job_id: "job_1", result_json: '{"ok": true}', fence: "3" },
    status: 200,
    text: '{"status":"ok"}\n',
  },
  "ack without a body": { ask: "POST /api/v1/ack/job_1", sees: { job_id: "job_1" }, status: 200, text: '{"status":"ok"}\n' },
  "ack with blanks": { ask: "POST /api/v1/ack/job_1", body: " \n", sees: { job_id: "job_1" }, status: 200, text: '{"status":"ok"}\n' },
  "ack batch goes before the job of that name": {
    ask: "POST /api/v1/ack/batch",
    body: '{"acks":[{"job_id":"job_1","result":1},{"job_id":"job_2","usage":{"input_tokens":5}}]}',
    sees: {
      items: [
        { job_id: "job_1", result_json: "1" },
        { job_id: "job_2", usage: { input_tokens: "5" } },
      ],
    },
    says: toBinary(AckBatchResponseSchema, create(AckBatchResponseSchema, { outcomes: [AckOutcome.NOT_FOUND] })),
    status: 200,
    text: '{"acked":0}\n',
  },
  fail: {
    ask: "POST /api/v1/fail/job_1",
    body: '{"error":"boom","backtrace":"here"}',
    sees: { job_id: "job_1", error: "boom", backtrace: "here" },
    says: toBinary(
      FailResponseSchema,
      create(FailResponseSchema, { status: "retrying", nextAttemptAt: { seconds: 1_767_323_045n, nanos: 120_000_000 }, attemptsRemaining: 2 }),
    ),
    status: 200,
    text: '{"status":"retrying","next_attempt_at":"2026-01-02T03:04:05.12Z","attempts_remaining":2}\n',
  },
  "fail needs a body": { ask: "POST /api/v1/fail/job_1", status: 400, text: '{"error":"invalid JSON","code":"PARSE_ERROR","detail":"the body is empty"}\n' },
  heartbeat: {
    ask: "POST /api/v1/heartbeat",
    body: '{"jobs":{"job_1":{"progress":{"p": 1}},"job_2":{}}}',
    sees: { jobs: { job_1: { progress_json: '{"p": 1}' }, job_2: {} } },
    says: toBinary(
      HeartbeatResponseSchema,
      create(HeartbeatResponseSchema, { jobs: { job_1: { status: "ok" }, job_2: { status: "cancel", reason: "not_active" } } }),
    ),
    status: 200,
    text: '{"jobs":{"job_1":{"status":"ok"},"job_2":{"status":"cancel","reason":"not_active"}}}\n',
  },
  "heartbeat of nothing": { ask: "POST /api/v1/heartbeat", body: "{}", status: 200, text: '{"jobs":{}}\n' },
  info: {
    ask: "GET /api/v1/info",
    says: toBinary(GetServerInfoResponseSchema, create(GetServerInfoResponseSchema, { serverVersion: "0.4.0", apiVersion: "0.3.0" })),
    status: 200,
    text: '{"server_version":"0.4.0","api_version":"0.3.0"}\n',
  },
  "get job: the answer is the job": {
    ask: "GET /api/v1/jobs/job_1",
    sees: { job_id: "job_1" },
    says: toBinary(GetJobResponseSchema, create(GetJobResponseSchema, { job })),
    status: 200,
    text: `${jobText}\n`,
  },
  "bulk get": {
    ask: "POST /api/v1/jobs/bulk-get",
    body: '{"job_ids":["job_1","job_9"]}',
    sees: { job_ids: ["job_1", "job_9"] },
    says: toBinary(BulkGetJobsResponseSchema, create(BulkGetJobsResponseSchema, { jobs: [job] })),
    status: 200,
    text: `{"jobs":[${jobText}]}\n`,
  },
  "retry without a body": {
    ask: "POST /api/v1/jobs/job_1/retry",
    sees: { job_id: "job_1" },
    says: toBinary(RetryJobResponseSchema, create(RetryJobResponseSchema, { status: "retried" })),
    status: 200,
    text: '{"status":"retried"}\n',
  },
  "delete job": {
    ask: "DELETE /api/v1/jobs/job_1",
    headers: { "idempotency-key": "k" },
    sees: { job_id: "job_1", request_id: "k" },
    status: 200,
    text: '{"status":""}\n',
  },
  "move job": { ask: "POST /api/v1/jobs/job_1/move", body: '{"queue":"b"}', sees: { job_id: "job_1", queue: "b" }, status: 200, text: '{"status":""}\n' },
  "queues: a bare array": {
    ask: "GET /api/v1/queues",
    says: toBinary(ListQueuesResponseSchema, create(ListQueuesResponseSchema, { queues: [{ name: "a", pending: 3n, maxConcurrency: 5 }] })),
    status: 200,
    text: '[{"name":"a","paused":false,"max_concurrency":5,"created_at":"0001-01-01T00:00:00Z","pending":3,"active":0,"held":0,"completed":0,"dead":0,"scheduled":0,"retrying":0,"cancelled":0,"enqueued":0,"failed":0}]\n',
  },
  "no queues: []": { ask: "GET /api/v1/queues", status: 200, text: "[]\n" },
  "pause queue": {
    ask: "POST /api/v1/queues/a.b-c/pause",
    body: "{}",
    sees: { name: "a.b-c" },
    says: toBinary(PauseQueueResponseSchema, create(PauseQueueResponseSchema, { status: "paused" })),
    status: 200,
    text: '{"status":"paused"}\n',
  },
  "concurrency null": { ask: "POST /api/v1/queues/q/concurrency", body: '{"max":null}', sees: { name: "q" }, status: 200, text: '{"status":""}\n' },
  "throttle needs a body": {
    ask: "POST /api/v1/queues/q/throttle",
    status: 400,
    text: '{"error":"invalid JSON","code":"PARSE_ERROR","detail":"the body is empty"}\n',
  },
  "remove throttle": { ask: "DELETE /api/v1/queues/q/throttle", sees: { name: "q" }, status: 200, text: '{"status":""}\n' },
  "destroy queue": { ask: "DELETE /api/v1/queues/q", sees: { name: "q" }, status: 200, text: '{"status":""}\n' },
  workers: {
    ask: "GET /api/v1/workers",
    says: toBinary(ListWorkersResponseSchema, create(ListWorkersResponseSchema, { workers: [{ id: "w", queues: '["a"]' }] })),
    status: 200,
    text: '[{"id":"w","hostname":"","queues":"[\\"a\\"]","last_heartbeat":"","started_at":"","active":0}]\n',
  },
  "cluster status: an absent message is written with its own always": {
    ask: "GET /api/v1/cluster/status",
    says: toBinary(
      GetClusterStatusResponseSchema,
      create(GetClusterStatusResponseSchema, { mode: "cluster", term: 2n ** 53n + 1n, nodes: [{ id: "n", voter: true }] }),
    ),
    status: 200,
    text: '{"mode":"cluster","state":"","status":"","leader_id":"","leader_addr":"","node_id":"","applied_index":"","commit_index":"","term":9007199254740993,"raft_nosync":false,"raft_store":"","lifecycle_events":false,"snapshot_threshold":0,"apply_max_pending":0,"apply_pending_now":0,"applied_total":0,"overload_total":0,"state_hash":"","snapshot":{"count":0},"nodes":[{"id":"n","address":"","voter":true}],"live_jobs":0,"state_bytes":0}\n',
  },
  "a path that is not percent-encoded": {
    ask: "GET /api/v1/jobs/%zz",
    status: 400,
    text: '{"error":"job_id is not percent-encoded as it should be","code":"PARSE_ERROR","field":"job_id"}\n',
  },
  "a name with a slash": { ask: "GET /api/v1/jobs/a%2Fb", sees: { job_id: "a/b" }, status: 200, text: expect.stringContaining('"id":""') as unknown as string },
  unauthenticated: {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":"mail"}',
    headers: { "x-api-key": "wrong" },
    status: 401,
    text: '{"error":"invalid API key","code":"UNAUTHORIZED"}\n',
  },
};

describe.each([1, 2] as const)("HTTP/%i", (version) => {
  test.each(Object.entries(cases))("%s", async (_, { ask, body, headers, sees, says, status, text }) => {
    if (says !== undefined) respond = () => (typeof says === "function" ? says() : says);
    const [verb, path] = ask.split(" ");
    const answer = await server.ask(version, verb, path, { body, headers });
    expect(answer.text).toEqual(text);
    expect(answer.status).toBe(status);
    if (sees !== undefined) expect(seen?.request).toEqual(sees);
    expect(answer.headers["server-timing"]).toMatch(/^proc;dur=\d+\.\d{3}$/);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-methods"]).toBe("GET, POST, PUT, DELETE, OPTIONS");
    expect(answer.headers["access-control-allow-headers"]).toContain("Content-Type, Authorization, X-API-Key, X-Corvo-Namespace");
    expect(answer.headers["content-type"]).toBe(status === 204 ? undefined : "application/json");
    expect(causes).toEqual([]);
  });

  test("a refusal of the handler has its status, code and times", async () => {
    respond = () => {
      throw new RpcError("resource_exhausted", "OVERLOADED", "raft apply overloaded: pending queue is full", { retryAfterMs: 250 });
    };
    const answer = await server.ask(version, "POST", "/api/v1/enqueue", { body: '{"queue":"a"}' });
    expect(answer.status).toBe(429);
    expect(answer.headers["retry-after"]).toBe("0.250");
    expect(answer.text).toBe('{"error":"raft apply overloaded: pending queue is full","code":"OVERLOADED","retry_after_ms":250}\n');
    expect(observed).toEqual(["rest Enqueue resource_exhausted 429"]);
  });

  test("an error that is no refusal keeps its words to itself", async () => {
    respond = () => Promise.reject(new TypeError("secret"));
    const answer = await server.ask(version, "POST", "/api/v1/ack/job_1");
    expect(answer.status).toBe(500);
    expect(answer.text).toBe('{"error":"internal error","code":"INTERNAL_ERROR"}\n');
    expect(causes).toHaveLength(1);
  });

  test("an unknown id is 404 to GET and DELETE, 400 with its own code to the verbs of v0.3", async () => {
    respond = () => Promise.reject(new RpcError("not_found", "NOT_FOUND", 'job "job_1" not found'));
    const codes = [];
    for (const [verb, path] of [
      ["GET", "jobs/job_1"],
      ["DELETE", "jobs/job_1"],
      ["POST", "jobs/job_1/retry"],
      ["POST", "ack/job_1"],
    ]) {
      const answer = await server.ask(version, verb, `/api/v1/${path}`);
      codes.push([answer.status, JSON.parse(answer.text).code]);
    }
    expect(codes).toEqual([
      [404, "NOT_FOUND"],
      [404, "NOT_FOUND"],
      [400, "RETRY_ERROR"],
      [400, "ACK_ERROR"],
    ]);
  });

  test("a handler sees headers, protocol and principal, and may add headers", async () => {
    let facts: unknown[] = [];
    respond = (call) => {
      facts = [call.protocol, call.principal, call.header("x-custom"), call.header("x-none"), call.peer, call.aborted, new Map(call.headers()).get("x-custom")];
      call.addHeader("X-Answer", "yes");
      return new Uint8Array(0);
    };
    const answer = await server.ask(version, "POST", "/api/v1/ack/job_1", { headers: { "x-custom": "one" } });
    expect(facts).toEqual(["rest", "somebody", "one", undefined, "127.0.0.1", false, "one"]);
    expect(answer.headers["x-answer"]).toBe("yes");
  });

  test("wrong verbs are 405 with Allow, OPTIONS is 200 everywhere, other paths are not ours", async () => {
    for (const verb of ["GET", "HEAD", "PUT"]) {
      const answer = await server.ask(version, verb, "/api/v1/enqueue");
      expect([answer.status, answer.text, answer.headers.allow]).toEqual([405, "", "POST, OPTIONS"]);
    }
    expect((await server.ask(version, "POST", "/api/v1/jobs/job_1")).headers.allow).toBe("GET, DELETE, OPTIONS");
    for (const path of ["/api/v1/enqueue", "/nowhere"]) {
      const answer = await server.ask(version, "OPTIONS", path);
      expect([answer.status, answer.text, answer.headers["access-control-allow-origin"]]).toEqual([200, "", "*"]);
    }
    for (const path of ["/", "/api/v1", "/api/v1/jobs/", "/api/v1/enqueue/", "/api/v1/jobs/a/b/c", "/corvo.v1.WorkerService/Enqueue"]) {
      expect((await server.ask(version, "POST", path)).status).toBe(404);
    }
  });

  test("a body over the limit is 413, with and without an announced length, and the connection goes on", async () => {
    const body = JSON.stringify({ queue: "a", payload: "x".repeat(400_000) });
    const answer = await server.ask(version, "POST", "/api/v1/enqueue", { body, headers: { "content-length": String(body.length) } });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      413,
      { error: `payload too large: ${body.length} bytes (max 300000)`, code: "PAYLOAD_TOO_LARGE" },
    ]);
    const hook = await server.ask(version, "POST", "/api/v1/webhooks/q", { body: "x".repeat(200_000) });
    expect(hook.status).toBe(413);
    expect((await server.ask(version, "POST", "/api/v1/ack/job_1")).status).toBe(200);
  });

  test("long answers come whole", async () => {
    for (const size of [100, 16_000, 17_000, 200_000]) {
      const text = `é${"x".repeat(size)}`;
      respond = () => toBinary(FetchResponseSchema, create(FetchResponseSchema, { found: true, jobId: text, payloadJson: JSON.stringify(text) }));
      const answer = await server.ask(version, "POST", "/api/v1/fetch", { body: '{"queues":["a"]}' });
      expect(JSON.parse(answer.text)).toMatchObject({ job_id: text, payload: text });
    }
  });

  test("many at once do not mix", async () => {
    respond = async () => {
      const { job_id } = (seen as Seen).request as { job_id: string };
      await new Promise((done) => setImmediate(done));
      return toBinary(RetryJobResponseSchema, create(RetryJobResponseSchema, { status: job_id }));
    };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => server.ask(version, "POST", `/api/v1/jobs/job_${i}/retry`)));
    expect(answers.map((a) => JSON.parse(a.text).status)).toEqual(Array.from({ length: 50 }, (_, i) => `job_${i}`));
  });

  test("a caller that leaves is told to the handler", async () => {
    const aborted = new Promise<boolean>((resolve) => {
      respond = (call) => {
        call.onAbort(() => resolve(call.aborted));
        return new Promise(() => {});
      };
    });
    const leave = server.open(version, "POST", "/api/v1/fetch", '{"queues":["a"]}');
    while (seen === undefined) await new Promise((done) => setImmediate(done));
    leave();
    expect(await aborted).toBe(true);
    expect(observed).toEqual(["rest Fetch canceled 499"]);
  });
});

describe("HTTP/1.1 on a raw socket", () => {
  const answerOf = (text: string): [status: string, body: string] => [text.slice(9, 12), text.slice(text.indexOf("\r\n\r\n") + 4)];

  test("a body may come byte by byte, chunked or not", async () => {
    const body = '{"queue":"mail","payload":{"é":"😀"}}';
    const bytes = Buffer.from(body);
    const chunked = [...bytes].map((b) => Buffer.concat([Buffer.from("1\r\n"), Buffer.from([b]), Buffer.from("\r\n")]));
    const ways = [
      [`content-length: ${bytes.length}`, [...bytes].map((b) => Buffer.from([b]))],
      ["transfer-encoding: chunked", [...chunked, Buffer.from("0\r\n\r\n")]],
    ] as const;
    for (const [header, parts] of ways) {
      const socket = server.raw();
      socket.write(`POST /api/v1/enqueue HTTP/1.1\r\nhost: x\r\n${header}\r\nconnection: close\r\n\r\n`);
      for (const part of parts) await new Promise((done) => socket.write(part, done));
      expect(answerOf(await socket.answer())[0]).toBe("201");
      expect(seen?.request).toEqual({ queue: "mail", payload_json: '{"é":"😀"}' });
    }
  });

  test("requests sent ahead are answered in their order", async () => {
    let sawLast = (): void => {};
    const lastSeen = new Promise<void>((resolve) => {
      sawLast = resolve;
    });
    respond = async () => {
      const { job_id } = (seen as Seen).request as { job_id: string };
      if (job_id === "slow") await lastSeen;
      if (job_id === "last") sawLast();
      return toBinary(RetryJobResponseSchema, create(RetryJobResponseSchema, { status: job_id }));
    };
    const socket = server.raw();
    const ask = (id: string, more = ""): string => `POST /api/v1/jobs/${id}/retry HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
    socket.write(ask("slow") + ask("fast") + ask("last", "connection: close\r\n"));
    const text = await socket.answer();
    expect(text.match(/"status":"\w+"/g)).toEqual(['"status":"slow"', '"status":"fast"', '"status":"last"']);
  });

  test("unfinished bodies share one budget, and give it back when their callers leave", async () => {
    const head = "POST /api/v1/enqueue HTTP/1.1\r\nhost: x\r\ncontent-length: 290000\r\n\r\n";
    const sockets = Array.from({ length: 6 }, () => server.raw());
    const first = Promise.race(sockets.map((s) => s.first()));
    for (const s of sockets) s.write(head + "x".repeat(280_000));
    const [status, body] = answerOf(await first);
    expect([status, JSON.parse(body)]).toEqual(["429", { error: "too many unfinished requests", code: "OVERLOADED", retry_after_ms: 1000 }]);
    for (const s of sockets) s.destroy();
    while (observed.length < 6) await new Promise((done) => setImmediate(done));
    const fine = server.raw();
    fine.write(`${head.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")}{"queue":"${"q".repeat(289_988)}"}`);
    expect(answerOf(await fine.answer())[0]).toBe("201");
  });
});
