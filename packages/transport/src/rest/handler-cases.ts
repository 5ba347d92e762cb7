import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { GetClusterStatusResponseSchema, ListWorkersResponseSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { BulkGetJobsResponseSchema, GetJobResponseSchema, JobState, RetryJobResponseSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { ListQueuesResponseSchema, PauseQueueResponseSchema } from "@corvo/gen/corvo/v1/queue_pb.js";
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
} from "@corvo/gen/corvo/v1/worker_pb.js";

/** A request, what a handler sees of it, and what is answered. */
export interface Case {
  ask: string;
  body?: string;
  headers?: Record<string, string>;
  /** What the handler must see. */
  sees?: unknown;
  /** What it answers. */
  says?: Uint8Array | (() => Uint8Array);
  status: number;
  text: string | RegExp;
}

export const second = timestampFromMs(1_767_323_045_000);
export const job = {
  id: "job_1",
  queue: "mail",
  state: JobState.RETRYING,
  payloadJson: '{"a": 1}',
  priority: 1,
  maxRetries: 3,
  retryBackoff: "fixed",
  createdAt: second,
};
export const jobText =
  '{"id":"job_1","queue":"mail","state":"retrying","payload":{"a":1},"priority":1,"attempt":0,"max_retries":3,"retry_backoff":"fixed","retry_base_delay_ms":0,"retry_max_delay_ms":0,"created_at":"2026-01-02T03:04:05Z"}';

// spec/rest.md §6.1 to §6.4, line by line, as far as the routes exist.
export const cases: Record<string, Case> = {
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
  "a name with a slash": { ask: "GET /api/v1/jobs/a%2Fb", sees: { job_id: "a/b" }, status: 200, text: /"id":""/ },
  unauthenticated: {
    ask: "POST /api/v1/enqueue",
    body: '{"queue":"mail"}',
    headers: { "x-api-key": "wrong" },
    status: 401,
    text: '{"error":"invalid API key","code":"UNAUTHORIZED"}\n',
  },
};
