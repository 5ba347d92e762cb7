import type { Row, World } from "./row.js";
import { aFetchedJob, aJob, aQueue } from "./rows-worker.js";
import { anything, bool, idOf, int, jobId, listOf, listWith, text, time } from "./shape.js";

const anOpenBatch = async (world: World) => {
  const queue = world.queue();
  const { json } = await world.rest.post("batch", { callback_queue: queue });
  return { queue, batch: String(json?.batch_id ?? "missing") };
};
const aSchedule = async (world: World) => {
  const name = `s.${world.queue()}`;
  await world.rest.call("PUT", `schedules/${name}`, { cron: "0 9 * * *", job: { queue: "q" } });
  return { name };
};
const aChain = async (world: World) => {
  const queue = world.queue();
  const id = await world.rest.add(queue, { chain: { steps: [{ queue }, { queue: `${queue}.2` }] } });
  return { queue, id, chain: (await world.rest.job(id)).chain_id };
};
const aFamily = async (world: World) => {
  const { queue, id } = await aJob(world);
  return { queue, id, child: await world.rest.add(queue, { parent_id: id }) };
};
const aDependent = async (world: World) => {
  const { queue, id } = await aJob(world);
  return { queue, id, waiting: await world.rest.add(queue, { depends_on: [id] }) };
};
const aHook = async (world: World) => {
  const { json } = await world.rest.post("webhooks", { url: "http://192.0.2.1/hook", enabled: false });
  return { hook: String(json?.id ?? "missing") };
};
const aTask = async (world: World) => {
  const { id } = await aJob(world);
  const { json } = await world.rest.post("jobs/bulk", { action: "cancel", job_ids: [id], async: true });
  return { task: String(json?.bulk_operation_id ?? "missing") };
};
const aFailure = async (world: World) => {
  const { queue, id } = await aFetchedJob(world);
  await world.rest.post(`fail/${id}`, { error: "SMTP 535" });
  return { queue, id };
};
const schedule = { name: "{name}", id: idOf("sched_"), cron: "0 9 * * *", job: { queue: "q" }, paused: bool };

/** What Corvo v0.3 did not have: calls of newer clients (§11) and our own. */
export const oursRows: readonly Row[] = [
  { method: "GET", path: "//livez", cases: [{ what: "alive", status: 200, answers: { status: "ok" } }] },
  { method: "GET", path: "//readyz", cases: [{ what: "ready", status: 200, answers: { status: "ok" } }] },
  { method: "POST", path: "/batch", cases: [{ what: "an open batch", body: { callback_queue: "cb" }, status: 201, answers: { batch_id: idOf("batch_") } }] },
  {
    method: "POST",
    path: "/batch/{id}/seal",
    cases: [
      {
        what: "sealed",
        given: anOpenBatch,
        at: "/batch/{batch}/seal",
        status: 200,
        answers: { status: "completed", callback_job: anything },
      },
    ],
  },
  {
    method: "GET",
    path: "/batches/{id}",
    cases: [
      { what: "open", given: anOpenBatch, at: "/batches/{batch}", status: 200, answers: { id: "{batch}", state: "open", total: 0 } },
      { what: "unknown", at: "/batches/batch_00000000000000000000000000", status: 404, code: "NOT_FOUND", error: /not found/ },
    ],
  },
  { method: "GET", path: "/batches", cases: [{ what: "newest first", given: anOpenBatch, status: 200, answers: { batches: listWith({ id: "{batch}" }) } }] },
  {
    method: "GET",
    path: "/chains/{id}",
    cases: [
      { what: "running", given: aChain, at: "/chains/{chain}", status: 200, answers: { id: "{chain}", state: text } },
      { what: "unknown", at: "/chains/chn_00000000000000000000000000", status: 404, code: "NOT_FOUND", error: /not found/ },
    ],
  },
  { method: "GET", path: "/chains", cases: [{ what: "newest first", given: aChain, status: 200, answers: { chains: listWith({ id: "{chain}" }) } }] },
  {
    method: "GET",
    path: "/jobs/{id}/dependencies",
    cases: [
      {
        what: "what it waits for",
        given: aDependent,
        at: "/jobs/{waiting}/dependencies",
        status: 200,
        answers: { depends_on: [{ job_id: "{id}" }], waiting: 1 },
      },
    ],
  },
  {
    method: "GET",
    path: "/jobs/{id}/children",
    cases: [
      { what: "its family", given: aFamily, status: 200, answers: { total: 1, pending: 1, succeeded: 0, failed: 0, jobs: [{ id: jobId, state: "pending" }] } },
    ],
  },
  {
    method: "POST",
    path: "/jobs/{id}/step",
    cases: [
      {
        what: "acknowledged, with a child",
        given: aFetchedJob,
        body: { result: { ok: true }, usage: { cost_usd: 0.1 }, jobs: [{ queue: "{queue}.child" }] },
        status: 200,
        answers: { state: "completed", job_ids: [jobId] },
      },
      {
        what: "one of its jobs cannot be added: nothing happens",
        given: aFetchedJob,
        body: { jobs: [{ payload: {} }] },
        status: 400,
        error: /queue is required/,
      },
      { what: "unknown job", at: "/jobs/job_00000000000000000000000000/step", body: {}, status: 400, code: "STEP_ERROR", error: /not found/ },
    ],
  },
  {
    method: "POST",
    path: "/release/{job_id}",
    cases: [{ what: "given back", given: aFetchedJob, at: "/release/{id}", body: {}, status: 200, answers: { status: "released" } }],
  },
  { method: "GET", path: "/jobs/{id}/explain", cases: [{ what: "why it is not running", given: aJob, status: 200, answers: { reasons: anything } }] },
  {
    method: "PUT",
    path: "/schedules/{name}",
    cases: [
      {
        what: "made",
        given: aQueue,
        at: "/schedules/put.{queue}",
        body: { cron: "0 9 * * *", job: { queue: "q" } },
        status: 201,
        answers: { id: idOf("sched_"), replaced: false },
      },
      { what: "put again", given: aSchedule, body: { cron: "@every 5m", job: { queue: "q" } }, status: 200, answers: { replaced: true } },
      { what: "no cron expression", body: { cron: "at nine", job: { queue: "q" } }, at: "/schedules/x", status: 400, code: "VALIDATION_ERROR", error: /./ },
    ],
  },
  {
    method: "POST",
    path: "/schedules",
    cases: [{ what: "made", given: aQueue, body: { name: "post.{queue}", cron: "@hourly", job: { queue: "q" } }, status: 201, answers: { replaced: false } }],
  },
  {
    method: "GET",
    path: "/schedules",
    cases: [{ what: "all of them", given: aSchedule, at: "/schedules?limit=500", status: 200, answers: { schedules: listWith(schedule) } }],
  },
  {
    method: "GET",
    path: "/schedules/{name}",
    cases: [
      { what: "one", given: aSchedule, status: 200, answers: schedule },
      { what: "unknown", at: "/schedules/none", status: 404, code: "NOT_FOUND", error: /none/ },
    ],
  },
  { method: "DELETE", path: "/schedules/{name}", cases: [{ what: "done", given: aSchedule, status: 200, answers: { status: "deleted" } }] },
  { method: "POST", path: "/schedules/{name}/pause", cases: [{ what: "done", given: aSchedule, status: 200, answers: { status: "paused" } }] },
  { method: "POST", path: "/schedules/{name}/resume", cases: [{ what: "done", given: aSchedule, status: 200, answers: { status: "resumed" } }] },
  { method: "POST", path: "/schedules/{name}/run", cases: [{ what: "now", given: aSchedule, status: 201, answers: { job_id: jobId } }] },
  {
    method: "GET",
    path: "/schedules/{name}/next",
    cases: [{ what: "two slots", given: aSchedule, at: "/schedules/{name}/next?count=2", status: 200, answers: { runs: [time, time] } }],
  },
  { method: "GET", path: "/next-runs", cases: [{ what: "of an expression", at: "/next-runs?cron=0+9+*+*+*&count=1", status: 200, answers: { runs: [time] } }] },
  {
    method: "GET",
    path: "/webhooks/{id}/deliveries",
    cases: [{ what: "none yet", given: aHook, at: "/webhooks/{hook}/deliveries", status: 200, answers: { deliveries: [] } }],
  },
  {
    method: "POST",
    path: "/webhooks/{id}/redeliver",
    cases: [
      { what: "nothing to send again", given: aHook, at: "/webhooks/{hook}/redeliver", body: {}, status: 200, answers: { status: "ok", redelivered: 0 } },
    ],
  },
  {
    method: "POST",
    path: "/webhooks/{id}/test",
    cases: [
      { what: "nobody listens there", given: aHook, at: "/webhooks/{hook}/test", body: {}, status: 200, answers: { status: "ok", event_id: idOf("evt_") } },
    ],
  },
  {
    method: "POST",
    path: "/queues/{name}/depth",
    cases: [{ what: "a limit", given: aQueue, at: "/queues/{queue}/depth", body: { max: 5 }, status: 200, answers: { status: text } }],
  },
  {
    method: "POST",
    path: "/jobs/bulk/preview",
    cases: [
      { what: "a count and a token", given: aJob, body: { action: "cancel", filter: { queue: "{queue}" } }, status: 200, answers: { count: 1, token: text } },
    ],
  },
  {
    method: "GET",
    path: "/bulk",
    cases: [{ what: "all of them", given: aTask, status: 200, answers: listWith({ id: "{task}", action: "cancel", total: 1 }) }],
  },
  { method: "GET", path: "/bulk/{id}/items", cases: [{ what: "unknown", at: "/bulk/bulk_none/items", status: 404, code: "NOT_FOUND", error: /not found/ }] },
  {
    method: "POST",
    path: "/bulk/{id}/cancel",
    cases: [{ what: "unknown", at: "/bulk/bulk_none/cancel", body: {}, status: 400, code: "BULK_ERROR", error: /not found/ }],
  },
  ...["quiet", "stop", "resume"].map(
    (order): Row => ({
      method: "POST",
      path: `/workers/{id}/${order}`,
      cases: [
        { what: "unknown", at: `/workers/nobody/${order}`, body: {}, status: 404, code: "NOT_FOUND", error: /^worker "nobody" not found$/ },
        ...(order === "resume"
          ? [{ what: "a listed one", given: aFetchedJob, at: `/workers/w1/${order}`, body: {}, status: 200, answers: { status: "resumed" } }]
          : []),
      ],
    }),
  ),
  {
    method: "GET",
    path: "/errors",
    cases: [
      {
        what: "groups",
        given: aFailure,
        status: 200,
        answers: { groups: listWith({ queue: "{queue}", words: text, sample: "SMTP 535", failures: 1 }), total: int },
      },
    ],
  },
  {
    method: "GET",
    path: "/stats",
    cases: [
      {
        what: "counters of a queue",
        given: aJob,
        at: "/stats?queue={queue}",
        status: 200,
        answers: {
          points: listWith({ at: time, seconds: int, enqueued: 1, started: 0, completed: 0, failed: 0 }),
          bounds_ms: listOf(int),
          oldest_pending_ms: int,
        },
      },
    ],
  },
  {
    method: "POST",
    path: "/jobs/{id}/priority",
    cases: [{ what: "changed", given: aJob, body: { priority: "high" }, status: 200, answers: { status: "changed" } }],
  },
  { method: "POST", path: "/jobs/{id}/requeue", cases: [{ what: "not dead", given: aJob, body: {}, status: 400, error: /./ }] },
  {
    method: "POST",
    path: "/auth/keys",
    cases: [
      {
        what: "a first key that is no admin's",
        body: { name: "ci", role: "worker" },
        status: 400,
        code: "AUTH_ERROR",
        error: /^the first enabled key closes the server, so role must be "admin": /,
      },
      {
        what: "a first key of a namespace",
        body: { name: "ci", role: "admin", namespace: "acme" },
        status: 400,
        code: "AUTH_ERROR",
        error: /so namespace must be "default": /,
      },
    ],
  },
  { method: "GET", path: "/auth/whoami", cases: [{ what: "anonymous on an open server", status: 200, answers: { role: "admin" } }] },
];
