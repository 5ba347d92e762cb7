import type { Case, Row, World } from "./row.js";
import { absent, int, jobId, text, time } from "./shape.js";

export const ghost = "job_00000000000000000000000000";
export const unreadable: Case = { what: "no JSON", body: "{", status: 400, code: "PARSE_ERROR", error: "invalid JSON" };
const invalid = (what: string, body: unknown, error: string): Case => ({ what, body, status: 400, code: "VALIDATION_ERROR", error });

export const aQueue = async (world: World) => ({ queue: world.queue() });
export const aJob = async (world: World) => {
  const queue = world.queue();
  return { queue, id: await world.rest.add(queue) };
};
export const aFetchedJob = async (world: World) => {
  const queue = world.queue();
  await world.rest.add(queue, { tags: { t: "1" }, checkpoint: { page: 1 } });
  const { job_id, fence } = await world.rest.take(queue);
  return { queue, id: job_id, fence };
};
export const anAgentJob = async (world: World) => {
  const queue = world.queue();
  await world.rest.add(queue, { agent: { max_iterations: 5, max_cost_usd: 2, iteration_timeout: "2m" } });
  return { queue, id: (await world.rest.take(queue)).job_id };
};
const aChainJob = async (world: World) => {
  const queue = world.queue();
  await world.rest.add(queue, { chain: { steps: [{ queue }, { queue: `${queue}.2` }] } });
  return { queue, id: (await world.rest.take(queue)).job_id };
};

const enqueued = { job_id: jobId, status: "pending", unique_existing: false };
const tooLarge = "x".repeat(262_144);

/** §6.1, with the limits of jobs.md §2.6. */
export const workerRows: readonly Row[] = [
  {
    method: "POST",
    path: "/enqueue",
    cases: [
      { what: "a job", given: aQueue, body: { queue: "{queue}", payload: { a: 1 } }, status: 201, answers: enqueued },
      {
        what: "a job, as newer clients read it",
        given: aQueue,
        body: { queue: "{queue}" },
        status: 201,
        answers: { job: { id: jobId, queue: "{queue}", state: "pending" }, unique_existing: false, unique_job_id: absent },
      },
      {
        what: "every option",
        given: aQueue,
        body: {
          queue: "{queue}",
          payload: [1],
          checkpoint: {},
          priority: "critical",
          unique_key: "k",
          unique_period: 60,
          max_retries: 5,
          retry_backoff: "linear",
          retry_base_delay: "1s",
          retry_max_delay: "0s",
          expire_after: "24h",
          tags: { a: "b" },
          agent: { max_iterations: 1 },
          parent_id: "p",
        },
        status: 201,
        answers: enqueued,
      },
      {
        what: "scheduled",
        given: aQueue,
        body: { queue: "{queue}", scheduled_at: "2100-01-01T00:00:00Z" },
        status: 201,
        answers: { job_id: jobId, status: "scheduled", unique_existing: false },
      },
      {
        what: "its key is held",
        given: async (world) => {
          const queue = world.queue();
          return { queue, id: await world.rest.add(queue, { unique_key: "k" }) };
        },
        body: { queue: "{queue}", unique_key: "k" },
        status: 200,
        answers: { job_id: "{id}", status: "duplicate", unique_existing: true, unique_job_id: "{id}", job: absent },
      },
      {
        what: "a chain",
        given: aQueue,
        body: { queue: "{queue}", chain: { steps: [{ queue: "{queue}" }, { queue: "next" }], on_failure: { queue: "f" }, on_exit: { queue: "e" } } },
        status: 201,
        answers: enqueued,
      },
      { ...invalid("a chain's step without queue", { queue: "q", chain: { steps: [{ queue: "q" }, { queue: "" }] } }, "chain step has empty queue") },
      {
        what: "a chain with a wrong type",
        body: { queue: "q", chain: { steps: [{ queue: "q" }, { queue: "r" }], on_failure: "f" } },
        status: 400,
        code: "PARSE_ERROR",
        error: "invalid JSON: chain.on_failure must be an object",
        ours: "the text names the field",
      },
      { what: "depends on another job", given: aJob, body: { queue: "{queue}", depends_on: ["{id}"] }, status: 201, answers: enqueued },
      invalid("no queue", { payload: {} }, "queue is required"),
      unreadable,
      {
        what: "a payload over 256 KiB",
        given: aQueue,
        body: { queue: "{queue}", payload: tooLarge },
        status: 413,
        code: "PAYLOAD_TOO_LARGE",
        error: "payload too large: 262146 bytes (max 262144)",
      },
      {
        what: "jobs in the body (newer clients)",
        given: aQueue,
        body: { jobs: [{ queue: "{queue}" }, { queue: "{queue}" }] },
        status: 201,
        answers: { job_ids: [jobId, jobId] },
      },
    ],
  },
  {
    method: "POST",
    path: "/enqueue/batch",
    cases: [
      {
        what: "two jobs",
        given: aQueue,
        body: { jobs: [{ queue: "{queue}" }, { queue: "{queue}" }] },
        status: 201,
        answers: { job_ids: [jobId, jobId], batch_id: absent },
      },
      {
        what: "with a callback",
        given: aQueue,
        body: { jobs: [{ queue: "{queue}" }], batch: { callback_queue: "cb", callback_payload: { n: 1 } } },
        status: 201,
        answers: { job_ids: [jobId], batch_id: text },
      },
      invalid("no jobs", { jobs: [] }, "jobs array is required"),
      invalid("a job without queue", { jobs: [{ queue: "q" }, {}] }, "queue is required for each job"),
      unreadable,
      {
        what: "a payload over 256 KiB",
        body: { jobs: [{ queue: "q" }, { queue: "q", payload: tooLarge }] },
        status: 413,
        code: "PAYLOAD_TOO_LARGE",
        error: "job 1 payload too large: 262146 bytes (max 262144)",
      },
    ],
  },
  {
    method: "POST",
    path: "/webhooks/{queue}",
    cases: [
      { what: "a JSON body", given: aQueue, body: '{"a":1}', status: 201, answers: enqueued },
      { what: "no body", given: aQueue, body: "", status: 201, answers: enqueued },
      { what: "plain text", given: aQueue, body: "hello", status: 201, answers: enqueued },
      {
        what: "options in the query",
        given: aQueue,
        at: "/webhooks/{queue}?priority=high&unique_key=k&max_retries=2&scheduled_at=2100-01-01T00:00:00Z&tags=a:b,c:d",
        body: "{}",
        status: 201,
        answers: { job_id: jobId, status: "scheduled" },
      },
    ],
  },
  {
    method: "POST",
    path: "/fetch",
    cases: [
      {
        what: "a job",
        given: aJob,
        body: { queues: ["{queue}"], worker_id: "w", hostname: "h", timeout: 5 },
        status: 200,
        answers: { job_id: "{id}", queue: "{queue}", payload: {}, attempt: 1, max_retries: 3, lease_duration: int },
      },
      { what: "nothing within the wait", given: aQueue, body: { queues: ["{queue}"], timeout: 1 }, status: 204, answers: "" },
      invalid("no queues", { worker_id: "w" }, "queues is required"),
      unreadable,
    ],
  },
  {
    method: "POST",
    path: "/fetch/batch",
    cases: [
      {
        what: "jobs",
        given: aJob,
        body: { queues: ["{queue}"], worker_id: "w", hostname: "h", timeout: 5, count: 10 },
        status: 200,
        answers: { jobs: [{ job_id: "{id}", queue: "{queue}" }] },
      },
      { what: "nothing within the wait", given: aQueue, body: { queues: ["{queue}"], timeout: 1, count: 2 }, status: 200, answers: { jobs: [] } },
      invalid("no queues", { count: 1 }, "queues is required"),
    ],
  },
  {
    method: "POST",
    path: "/ack/{job_id}",
    cases: [
      {
        what: "with a result",
        given: aFetchedJob,
        at: "/ack/{id}",
        body: { result: { ok: true }, checkpoint: { p: 2 } },
        status: 200,
        answers: { status: "ok" },
      },
      { what: "with usage", given: aFetchedJob, at: "/ack/{id}", body: { usage: { input_tokens: 1, cost_usd: 0.1 } }, status: 200, answers: { status: "ok" } },
      { what: "no body", given: aFetchedJob, at: "/ack/{id}", status: 200, answers: { status: "ok" } },
      { ...unreadable, given: aFetchedJob, at: "/ack/{id}", ours: "refused, where Corvo loses the result without a word" },
      { what: "an agent goes on", given: anAgentJob, at: "/ack/{id}", body: { agent_status: "continue" }, status: 200, answers: { status: "ok" } },
      {
        what: "an agent asks a person",
        given: anAgentJob,
        at: "/ack/{id}",
        body: { agent_status: "hold", hold_reason: "r" },
        status: 200,
        answers: { status: "ok" },
      },
      {
        what: "agent_status without an agent",
        given: aFetchedJob,
        at: "/ack/{id}",
        body: { agent_status: "continue" },
        status: 400,
        code: "ACK_ERROR",
        error: "job {id} is not an agent job",
      },
      {
        what: "a chain ends early",
        given: aChainJob,
        at: "/ack/{id}",
        body: { step_status: "exit", exit_reason: "r" },
        status: 200,
        answers: { status: "ok" },
      },
      {
        what: "a wrong step_status",
        given: aChainJob,
        at: "/ack/{id}",
        body: { step_status: "done" },
        status: 400,
        code: "ACK_ERROR",
        error: /^invalid step_status "done"/,
      },
      { what: "unknown job", at: `/ack/${ghost}`, body: {}, status: 400, code: "ACK_ERROR", error: `job ${ghost} not found` },
      { what: "not active", given: aJob, at: "/ack/{id}", body: {}, status: 400, code: "ACK_ERROR", error: "job {id} is not active" },
    ],
  },
  {
    method: "POST",
    path: "/ack/batch",
    cases: [
      {
        what: "one active, one unknown",
        given: aFetchedJob,
        body: { acks: [{ job_id: "{id}", result: 1, usage: { cost_usd: 1 } }, { job_id: ghost }] },
        status: 200,
        answers: { acked: 1 },
      },
      invalid("none", { acks: [] }, "acks array is required"),
      invalid("513", { acks: Array.from({ length: 513 }, () => ({ job_id: ghost })) }, "ack batch exceeds maximum of 512 items"),
      invalid("no id", { acks: [{}] }, "job_id is required for each ack"),
      unreadable,
    ],
  },
  {
    method: "POST",
    path: "/fail/{job_id}",
    cases: [
      {
        what: "tried again",
        given: aFetchedJob,
        at: "/fail/{id}",
        body: { error: "e", backtrace: "b" },
        status: 200,
        answers: { status: "retrying", next_attempt_at: time, attempts_remaining: 2 },
      },
      {
        what: "dead",
        given: async (world) => {
          const queue = world.queue();
          await world.rest.add(queue, { max_retries: 1 });
          return { id: (await world.rest.take(queue)).job_id };
        },
        at: "/fail/{id}",
        body: { error: "e" },
        status: 200,
        answers: { status: "dead", next_attempt_at: absent, attempts_remaining: 0 },
      },
      { ...unreadable, what: "no body", given: aFetchedJob, at: "/fail/{id}", body: "" },
      {
        what: "not active",
        given: aJob,
        at: "/fail/{id}",
        body: { error: "e" },
        status: 400,
        code: "FAIL_ERROR",
        error: "job {id} is not active (state=pending)",
      },
      { what: "unknown job", at: `/fail/${ghost}`, body: { error: "e" }, status: 400, code: "FAIL_ERROR", error: `job ${ghost} not found` },
    ],
  },
  {
    method: "POST",
    path: "/heartbeat",
    cases: [
      {
        what: "progress, checkpoint, usage",
        given: aFetchedJob,
        body: { jobs: { "{id}": { progress: { n: 1 }, checkpoint: { p: 3 }, usage: { input_tokens: 5 } } } },
        status: 200,
        answers: { jobs: { "{id}": { status: "ok" } } },
      },
      { what: "a job that is not the caller's", given: aJob, body: { jobs: { "{id}": {} } }, status: 200, answers: { jobs: { "{id}": { status: "cancel" } } } },
      {
        ...unreadable,
        what: "progress that is no object",
        given: aFetchedJob,
        body: { jobs: { "{id}": { progress: 1 } } },
        error: /^invalid JSON: jobs\..*\.progress must be an object$/,
        ours: "the text names the field",
      },
      {
        what: "jobs as a list (newer clients)",
        given: aFetchedJob,
        body: { worker_id: "w", jobs: [{ job_id: "{id}", progress: "half" }] },
        status: 200,
        answers: { jobs: { "{id}": { status: "ok" } } },
      },
    ],
  },
];
