// Examples by method: what is sent, what comes back, and the values of the path.

const jobId = "job_18a2b3c4d5e6f7080000000001";
const other = "job_18a2b3c4d5e6f7190000000002";
const payload = { to: "ada@example.org", template: "welcome" };
const fetched = { job_id: jobId, queue: "mail", payload, attempt: 1, max_retries: 3, lease_duration: 60, fence: 42 };
const job = {
  ...{ id: jobId, queue: "mail", state: "completed", payload, priority: 2, attempt: 1, max_retries: 3, retry_backoff: "exponential" },
  ...{ retry_base_delay_ms: 5000, retry_max_delay_ms: 600000, result: { message_id: "m-1" } },
  ...{ created_at: "2026-01-02T03:04:05.1Z", started_at: "2026-01-02T03:04:05.12Z", completed_at: "2026-01-02T03:04:05.5Z" },
};
const queue = {
  ...{ name: "mail", paused: false, max_concurrency: 10, created_at: "2026-01-02T03:04:05Z", pending: 3, active: 1, held: 0, completed: 120 },
  ...{ dead: 0, scheduled: 2, retrying: 0, cancelled: 0, enqueued: 126, failed: 4, oldest_pending_at: "2026-01-02T04:00:00Z" },
};
const done = (status, request) => ({ response: { status }, ...(request === undefined ? {} : { request }) });

export const examples = {
  Enqueue: {
    request: { queue: "mail", payload, priority: "high", max_retries: 5 },
    response: { job_id: jobId, status: "pending", unique_existing: false },
    flagged: { job_id: jobId, status: "duplicate", unique_existing: true },
  },
  EnqueueBatch: { request: { jobs: [{ queue: "mail", payload }, { queue: "mail" }] }, response: { job_ids: [jobId, other] } },
  EnqueueWebhook: {
    path: { queue: "github" },
    request: { action: "opened", number: 7 },
    response: { job_id: jobId, status: "pending", unique_existing: false },
    flagged: { job_id: jobId, status: "duplicate", unique_existing: true },
  },
  Fetch: { request: { queues: ["mail"], worker_id: "worker-1", timeout: 60 }, response: fetched },
  FetchBatch: { request: { queues: ["mail"], worker_id: "worker-1", count: 10 }, response: { jobs: [fetched] } },
  Ack: { request: { result: { message_id: "m-1" }, fence: 42 }, response: { status: "ok" } },
  AckBatch: { request: { acks: [{ job_id: jobId, fence: 42 }, { job_id: other }] }, response: { acked: 2 } },
  Fail: {
    request: { error: "mailbox full", fence: 42 },
    response: { status: "retrying", next_attempt_at: "2026-01-02T03:04:10Z", attempts_remaining: 2 },
  },
  Heartbeat: { request: { jobs: { [jobId]: { progress: { percent: 40 }, fence: 42 } } }, response: { jobs: { [jobId]: { status: "ok" } } } },
  GetServerInfo: { response: { server_version: "0.4.0", api_version: "0.3.0" } },
  GetJob: { response: job },
  BulkGetJobs: { request: { job_ids: [jobId, other] }, response: { jobs: [job] } },
  RetryJob: done("retried"),
  CancelJob: done("cancelled"),
  HoldJob: done("held"),
  ApproveJob: done("pending"),
  RejectJob: done("dead"),
  MoveJob: done("moved", { queue: "mail-slow" }),
  DeleteJob: done("deleted"),
  ListQueues: { response: [queue] },
  PauseQueue: done("paused"),
  ResumeQueue: done("resumed"),
  DrainQueue: done("draining"),
  ClearQueue: done("cleared"),
  DestroyQueue: done("deleted"),
  SetConcurrency: done("ok", { max: 10 }),
  SetThrottle: done("ok", { rate: 100, window_ms: 60000 }),
  RemoveThrottle: done("ok"),
  ListWorkers: {
    response: [
      { id: "worker-1", hostname: "host-1", queues: '["mail"]', last_heartbeat: "2026-01-02T03:04:05Z", started_at: "2026-01-02T03:00:00Z", active: 1 },
    ],
  },
};
