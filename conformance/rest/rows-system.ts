import type { Row, World } from "./row.js";
import { aFetchedJob, aJob, aQueue } from "./rows-worker.js";
import { anything, bool, int, listOf, listWith, matches, nullOr, number, text, time } from "./shape.js";

const ofUsage = { input_tokens: int, output_tokens: int, cache_creation_tokens: int, cache_read_tokens: int, cost_usd: number };
const withUsage = async (world: World) => {
  const values = await aFetchedJob(world);
  await world.rest.post(`ack/${values.id}`, { usage: { input_tokens: 10, output_tokens: 5, model: "m", provider: "p", cost_usd: 0.25 } });
  return values;
};

/** §6.4, with §9. */
export const systemRows: readonly Row[] = [
  {
    method: "GET",
    path: "//healthz",
    cases: [{ what: "well", status: 200, answers: { status: "ok", raft_state: matches(/^(Leader|Follower|Candidate|Shutdown)$/), leader: bool } }],
  },
  { method: "GET", path: "/info", cases: [{ what: "versions", status: 200, answers: { server_version: text, api_version: text } }] },
  {
    method: "GET",
    path: "/workers",
    cases: [
      {
        what: "newest first",
        given: aFetchedJob,
        status: 200,
        answers: listWith({ id: "w1", hostname: nullOr(text), queues: nullOr(text), last_heartbeat: text, started_at: text }),
      },
    ],
  },
  {
    method: "GET",
    path: "/cluster/status",
    cases: [{ what: "this node", status: 200, answers: { mode: text, state: text, leader_id: text, applied_index: anything, nodes: listOf(anything) } }],
  },
  {
    method: "GET",
    path: "/cluster/events",
    cases: [
      { what: "events", given: aJob, at: "/cluster/events?after_seq=0&limit=1", status: 200, answers: { events: [{ seq: int, type: text, at_ns: int }] } },
      { what: "none", at: "/cluster/events?after_seq=9000000000000000", status: 200, answers: { events: [] } },
    ],
  },
  {
    method: "GET",
    path: "/events",
    cases: [
      {
        what: "a stream",
        given: aJob,
        at: "/events?last_event_id=0&queues={queue}&types=enqueued",
        stream: true,
        status: 200,
        headersHave: { "content-type": /^text\/event-stream/, "cache-control": "no-cache" },
        answers: "id: ",
      },
    ],
  },
  {
    method: "GET",
    path: "/metrics",
    cases: [{ what: "Prometheus text", status: 200, headersHave: { "content-type": "text/plain; version=0.0.4; charset=utf-8" }, answers: "# HELP " }],
  },
  {
    method: "GET",
    path: "/metrics/throughput",
    cases: [{ what: "60 minutes", status: 200, answers: listOf({ minute: text, enqueued: int, completed: int, failed: int }) }],
  },
  {
    method: "GET",
    path: "/usage/summary",
    cases: [
      { what: "24 h", given: withUsage, status: 200, answers: { period: "24h", from: time, to: time, totals: { ...ofUsage, count: int } } },
      {
        what: "by model",
        given: withUsage,
        at: "/usage/summary?period=1h&group_by=model",
        status: 200,
        answers: { groups: listWith({ key: "m", ...ofUsage, count: int }) },
      },
      { what: "in days", at: "/usage/summary?period=7d", status: 200, answers: { period: "7d" }, ours: "taken, as the dashboard sends it" },
      { what: "a wrong period", at: "/usage/summary?period=soon", status: 400, code: "USAGE_SUMMARY_ERROR", error: /./ },
      { what: "a wrong group", at: "/usage/summary?group_by=colour", status: 400, code: "USAGE_SUMMARY_ERROR", error: /./ },
    ],
  },
  {
    method: "GET",
    path: "/billing/summary",
    cases: [
      {
        what: "24 h",
        given: withUsage,
        at: "/billing/summary?period=24h",
        status: 200,
        answers: { period: "24h", summary: listWith({ namespace: "default", rows: int, ...ofUsage }) },
      },
    ],
  },
  {
    method: "GET",
    path: "/debug/runtime",
    cases: [
      {
        what: "numbers",
        status: 200,
        answers: { goroutines: int, gomaxprocs: int, heap_inuse_bytes: int, stack_inuse_bytes: int, gc_pause_p99_ns: int, cpu_user_ns: int, cpu_sys_ns: int },
      },
    ],
  },
  {
    method: "POST",
    path: "/cluster/join",
    later: "several nodes are a later piece of work",
    cases: [{ what: "a node joins", body: { node_id: "n2", addr: "127.0.0.1:9001" }, status: 200 }],
  },
  { method: "POST", path: "/admin/rebuild-sqlite", cases: [{ what: "done", status: 200, answers: { status: "ok", rebuilt: true, duration_ms: int } }] },
  {
    method: "GET",
    path: "/admin/backup",
    cases: [
      {
        what: "one namespace as JSON",
        given: aJob,
        at: "/admin/backup?namespace=default",
        status: 200,
        answers: {
          namespace: "default",
          created_at: time,
          jobs: listWith({ id: "{id}", queue: "{queue}", state: "pending", payload: {}, priority: 2 }),
          queues: listOf(anything),
          meta: { format: 1 },
        },
      },
    ],
  },
  {
    method: "POST",
    path: "/admin/restore",
    cases: [
      {
        what: "the JSON form",
        given: aQueue,
        body: {
          namespace: "default",
          jobs: [{ id: "job_1", queue: "{queue}", state: "dead", payload: { a: 1 }, priority: 1 }],
          queues: [],
          meta: { format: 1 },
        },
        status: 200,
        answers: { status: "ok", restored_jobs: 1, namespace: "default" },
      },
      { what: "no JSON", body: "\u001f\u008b", status: 400, code: "PARSE_ERROR", error: /./ },
    ],
  },
  {
    method: "GET",
    path: "//debug/pprof/",
    later: "the equivalents are /debug/… of Node: CPU and heap profiles on demand",
    cases: [{ what: "Go's profiler", status: 200 }],
  },
  {
    method: "GET",
    path: "//openapi.json",
    cases: [{ what: "the description", status: 200, headersHave: { "cache-control": "public, max-age=300" }, answers: { paths: anything } }],
  },
  { method: "GET", path: "//docs", cases: [{ what: "its page", status: 200, headersHave: { "content-type": /^text\/html/ }, answers: "<!" }] },
  { method: "GET", path: "//ui", later: "the dashboard is a later piece of work", cases: [{ what: "leads to /ui/", status: 301 }] },
];
