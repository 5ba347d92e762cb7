import type { Case, Row, World } from "./row.js";
import { aFetchedJob, aJob, anAgentJob, aQueue, ghost, unreadable } from "./rows-worker.js";
import { absent, anything, int, jobId, matches, maybe, number, text, time } from "./shape.js";

const aHeldJob = async (world: World) => {
  const values = await aJob(world);
  await world.rest.post(`jobs/${values.id}/hold`);
  return values;
};
const aDeadJob = async (world: World) => {
  const queue = world.queue();
  await world.rest.add(queue, { max_retries: 1 });
  const { job_id } = await world.rest.take(queue);
  await world.rest.post(`fail/${job_id}`, { error: "boom" });
  return { queue, id: job_id };
};
const anIteratedJob = async (world: World) => {
  const values = await anAgentJob(world);
  await world.rest.post(`ack/${values.id}`, { agent_status: "continue", checkpoint: { n: 1 }, usage: { input_tokens: 3, cost_usd: 0.5 } });
  return values;
};
const twoTagged = async (world: World) => {
  const queue = world.queue();
  const id = await world.rest.add(queue, { payload: { user: { id: 42 }, list: ["a", "b"] }, tags: { tenant: "acme" }, unique_key: "u", parent_id: "p1" });
  return { queue, id, second: await world.rest.add(queue, { priority: "high" }) };
};

const job = {
  id: "{id}",
  queue: "{queue}",
  state: "pending",
  payload: {},
  priority: 2,
  attempt: 0,
  max_retries: 3,
  retry_backoff: "exponential",
  retry_base_delay_ms: 5000,
  retry_max_delay_ms: 600000,
  created_at: time,
  agent: absent,
  worker_id: absent,
  tags: absent,
};
const summary = { id: "{id}", queue: "{queue}", state: "pending", payload: anything, priority: 2, attempt: 0, max_retries: 3, created_at: time };
const found = { jobs: [summary], total: 1, has_more: false, duration_ms: number };
const search = (what: string, filter: Record<string, unknown>): Case => ({
  what,
  given: twoTagged,
  body: { queue: "{queue}", ...filter },
  status: 200,
  answers: found,
});
const verb = (name: string, from: (world: World) => Promise<{ id: string; queue: string }>, status: string, refusal: string, code: string): Row => ({
  method: "POST",
  path: `/jobs/{id}/${name}`,
  cases: [
    { what: "done", given: from, status: 200, answers: { status } },
    { what: "unknown job", at: `/jobs/${ghost}/${name}`, status: 400, code, error: refusal.replaceAll("{id}", ghost) },
  ],
});

/** §6.2, with §7 and §8. */
export const jobRows: readonly Row[] = [
  {
    method: "GET",
    path: "/jobs/{id}",
    cases: [
      { what: "a job, just added", given: aJob, status: 200, answers: job },
      {
        what: "active",
        given: aFetchedJob,
        status: 200,
        answers: {
          state: "active",
          attempt: 1,
          worker_id: "w1",
          hostname: "h1",
          lease_expires_at: time,
          started_at: time,
          tags: { t: "1" },
          checkpoint: { page: 1 },
        },
      },
      {
        what: "dead",
        given: aDeadJob,
        status: 200,
        answers: { state: "dead", failed_at: time, errors: [{ id: int, job_id: "{id}", attempt: 1, error: "boom", created_at: time }] },
      },
      { what: "an agent's", given: anAgentJob, status: 200, answers: { agent: { max_iterations: 5, max_cost_usd: 2, iteration_timeout: "2m", iteration: 1 } } },
      { what: "unknown job", at: `/jobs/${ghost}`, status: 404, code: "NOT_FOUND", error: `job "${ghost}" not found` },
    ],
  },
  {
    method: "POST",
    path: "/jobs/bulk-get",
    cases: [
      {
        what: "in the order asked, unknown ones left out",
        given: twoTagged,
        body: { job_ids: ["{second}", ghost, "{id}"] },
        status: 200,
        answers: { jobs: [{ id: "{second}" }, { id: "{id}" }] },
      },
      { what: "1001 ids", body: { job_ids: Array.from({ length: 1001 }, () => ghost) }, status: 400, code: "VALIDATION_ERROR", error: /./ },
      unreadable,
    ],
  },
  {
    method: "POST",
    path: "/jobs/search",
    cases: [
      { what: "by queue", given: aJob, body: { queue: "{queue}" }, status: 200, answers: { ...found, cursor: absent } },
      {
        what: "none",
        given: aQueue,
        body: { queue: "{queue}" },
        status: 200,
        answers: { jobs: [], total: 0, has_more: false },
        ours: "an empty list, where Corvo says null",
      },
      search("state, several", { state: ["pending", "dead"], priority: "normal" }),
      search("tags", { tags: { tenant: "acme" } }),
      search("payload_contains", { payload_contains: '"ID":42' }),
      search("payload_jq, a number", { payload_jq: ".user.id >= 42" }),
      search("payload_jq, contains", { payload_jq: '.list | contains("b")' }),
      search("payload_jq, length", { payload_jq: ".list | length > 1" }),
      search("unique_key", { unique_key: "u" }),
      search("parent_id", { parent_id: "p1" }),
      search("job_id_prefix", { job_id_prefix: "{id}" }),
      search("created, attempt", {
        created_after: "2020-01-01T00:00:00Z",
        created_before: "2100-01-01T00:00:00Z",
        attempt_min: 0,
        attempt_max: 0,
        unique_key: "u",
      }),
      {
        what: "has_errors, error_contains",
        given: aDeadJob,
        body: { queue: "{queue}", has_errors: true, error_contains: "oo" },
        status: 200,
        answers: { jobs: [{ id: "{id}", state: "dead", failed_at: time }], total: 1 },
      },
      {
        what: "a page of one, more to come",
        given: twoTagged,
        body: { queue: "{queue}", limit: 1, sort: "created_at", order: "asc" },
        status: 200,
        answers: { jobs: [{ id: "{id}" }], total: 2, has_more: true, cursor: text },
      },
      {
        what: "a wrong payload_jq",
        body: { payload_jq: "map(.x)" },
        status: 400,
        code: "VALIDATION_ERROR",
        error: /unsupported payload_jq expression/,
        ours: "400, where Corvo says 500",
      },
      unreadable,
    ],
  },
  {
    method: "GET",
    path: "/search/fulltext",
    cases: [
      {
        what: "a word of a payload",
        given: async (world) => {
          const queue = world.queue();
          return {
            queue,
            id: await world.rest.add(queue, { payload: { note: `word${queue.replaceAll(/\W/g, "")}` }, tags: { a: "b" } }),
            word: `word${queue.replaceAll(/\W/g, "")}`,
          };
        },
        at: "/search/fulltext?q={word}&limit=5",
        status: 200,
        answers: { q: "{word}", results: [{ id: "{id}", queue: "{queue}", state: "pending", payload: text, tags: text, created_at: time }] },
      },
      { what: "nothing", at: "/search/fulltext?q=zzzzzzzzqqqq", status: 200, answers: { q: "zzzzzzzzqqqq", results: [] } },
      { what: "no q", at: "/search/fulltext", status: 400, code: "VALIDATION_ERROR", error: "q is required" },
    ],
  },
  {
    method: "GET",
    path: "/jobs/{id}/iterations",
    cases: [
      {
        what: "an agent's",
        given: anIteratedJob,
        status: 200,
        answers: {
          iterations: [{ id: int, job_id: "{id}", iteration: 1, status: "continue", checkpoint: { n: 1 }, input_tokens: 3, cost_usd: 0.5, created_at: time }],
        },
      },
      { what: "none", given: aJob, status: 200, answers: { iterations: [] } },
    ],
  },
  {
    ...verb("retry", aDeadJob, "retried", 'job "{id}" not found', "RETRY_ERROR"),
    cases: [
      ...verb("retry", aDeadJob, "retried", 'job "{id}" not found', "RETRY_ERROR").cases,
      { what: "wrong state", given: aJob, status: 400, code: "RETRY_ERROR", error: 'job "{id}" cannot be retried from state "pending"' },
    ],
  },
  {
    ...verb("cancel", aJob, "cancelled", 'job "{id}" not found', "CANCEL_ERROR"),
    cases: [
      ...verb("cancel", aJob, "cancelled", 'job "{id}" not found', "CANCEL_ERROR").cases,
      { what: "active", given: aFetchedJob, status: 200, answers: { status: "cancelling" } },
      { what: "wrong state", given: aDeadJob, status: 400, code: "CANCEL_ERROR", error: 'job "{id}" cannot be cancelled from state "dead"' },
    ],
  },
  verb("hold", aJob, "held", 'job "{id}" not found or cannot be held from current state', "HOLD_ERROR"),
  verb("approve", aHeldJob, "pending", 'job "{id}" not found or cannot be approved from current state', "APPROVE_ERROR"),
  verb("reject", aHeldJob, "dead", 'job "{id}" not found or cannot be rejected from current state', "REJECT_ERROR"),
  {
    method: "POST",
    path: "/jobs/{id}/replay",
    cases: [
      {
        what: "from an iteration",
        given: anIteratedJob,
        body: { from: 1 },
        status: 201,
        answers: { job_id: jobId, status: "pending", unique_existing: false },
      },
      { what: "from 0", given: anIteratedJob, body: { from: 0 }, status: 400, code: "VALIDATION_ERROR", error: /from/ },
      {
        what: "an iteration that is not there",
        given: anAgentJob,
        body: { from: 9 },
        status: 400,
        code: "REPLAY_ERROR",
        error: 'iteration 9 not found for job "{id}"',
      },
      {
        what: "not an agent's",
        given: aJob,
        body: { from: 1 },
        status: 400,
        code: "REPLAY_ERROR",
        error: /not an agent job/,
        ours: "refused, as Corvo means to",
      },
    ],
  },
  {
    method: "POST",
    path: "/jobs/{id}/move",
    cases: [
      { what: "done", given: aJob, body: { queue: "{queue}.b" }, status: 200, answers: { status: "moved" } },
      { what: "no queue", given: aJob, body: {}, status: 400, code: "VALIDATION_ERROR", error: "queue is required" },
      { what: "unknown job", at: `/jobs/${ghost}/move`, body: { queue: "q" }, status: 400, code: "MOVE_ERROR", error: new RegExp(`${ghost}.*not found`) },
    ],
  },
  {
    method: "DELETE",
    path: "/jobs/{id}",
    cases: [
      { what: "done", given: aJob, status: 200, answers: { status: "deleted" } },
      { what: "unknown job", at: `/jobs/${ghost}`, status: 404, code: "NOT_FOUND", error: new RegExp(`${ghost}.*not found`) },
    ],
  },
  {
    method: "POST",
    path: "/jobs/bulk",
    cases: [
      {
        what: "by ids",
        given: twoTagged,
        body: { action: "cancel", job_ids: ["{id}", ghost] },
        status: 200,
        answers: { affected: 1, errors: 0, duration_ms: number },
      },
      { what: "by filter", given: twoTagged, body: { action: "hold", filter: { queue: "{queue}" } }, status: 200, answers: { affected: 2, errors: 0 } },
      { what: "move", given: twoTagged, body: { action: "move", job_ids: ["{id}"], move_to_queue: "{queue}.b" }, status: 200, answers: { affected: 1 } },
      {
        what: "change_priority",
        given: twoTagged,
        body: { action: "change_priority", job_ids: ["{id}"], priority: "high" },
        status: 200,
        answers: { affected: 1 },
      },
      { what: "requeue", given: aDeadJob, body: { action: "requeue", job_ids: ["{id}"] }, status: 200, answers: { affected: 1 } },
      { what: "no ids and no filter", body: { action: "retry" }, status: 200, answers: { affected: 0 } },
      {
        what: "in the background",
        given: twoTagged,
        body: { action: "delete", filter: { queue: "{queue}" }, async: true },
        status: 202,
        answers: {
          bulk_operation_id: matches(/^bulk_/),
          status: "queued",
          estimated_total: int,
          progress_url: matches(/^\/api\/v1\/bulk\/bulk_.*\/progress$/),
        },
      },
      { what: "no action", body: { job_ids: [ghost] }, status: 400, code: "VALIDATION_ERROR", error: "action is required" },
      {
        what: "an unknown action",
        given: aJob,
        body: { action: "explode", job_ids: ["{id}"] },
        status: 400,
        code: "BULK_ERROR",
        error: 'unknown bulk action: "explode"',
      },
      {
        what: "move without target",
        given: aJob,
        body: { action: "move", job_ids: ["{id}"] },
        status: 400,
        code: "BULK_ERROR",
        error: "move_to_queue is required for move action",
      },
      {
        what: "change_priority without priority",
        given: aJob,
        body: { action: "change_priority", job_ids: ["{id}"] },
        status: 400,
        code: "BULK_ERROR",
        error: "priority is required for change_priority action",
      },
    ],
  },
  {
    method: "GET",
    path: "/bulk/{id}",
    cases: [
      {
        what: "a task",
        given: aBulkTask,
        at: "/bulk/{task}",
        status: 200,
        answers: {
          id: "{task}",
          status: matches(/^(queued|running|completed)$/),
          action: "delete",
          total: int,
          processed: int,
          affected: int,
          errors: int,
          created_at: time,
          updated_at: time,
          finished_at: maybe(time),
        },
      },
      { what: "unknown", at: "/bulk/bulk_none", status: 404, code: "NOT_FOUND", error: /not found/ },
    ],
  },
  {
    method: "GET",
    path: "/bulk/{id}/progress",
    cases: [
      {
        what: "events until the end",
        given: aBulkTask,
        at: "/bulk/{task}/progress",
        stream: true,
        status: 200,
        headersHave: { "content-type": /^text\/event-stream/ },
        answers: "event: bulk.async.",
      },
    ],
  },
];

async function aBulkTask(world: World) {
  const { queue } = await twoTagged(world);
  const { json } = await world.rest.post("jobs/bulk", { action: "delete", filter: { queue }, async: true });
  return { queue, task: String(json?.bulk_operation_id ?? "bulk_missing") };
}
