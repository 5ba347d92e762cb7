// Routes that are no messages, and so have no rpc: probes and metrics.

const json = (description, example) => ({ description, content: { "application/json": { schema: { type: "object" }, example } } });
const get = (operationId, summary, responses) => ({ get: { operationId, tags: ["Operations"], summary, security: [{}], responses } });
const refused = json("Not now.", { error: "not serving yet, or not any more", code: "UNHEALTHY" });

export const operations = {
  "/healthz": get("healthz", "Says that the server answers and whether it leads.", {
    200: json("It answers.", { status: "ok", raft_state: "Leader", leader: true }),
  }),
  "/livez": get("livez", "Alive: the process answers. When this fails, restart it.", { 200: json("Alive.", { status: "ok" }) }),
  "/readyz": get("readyz", "Ready: calls are served here now.", { 200: json("Ready.", { status: "ok" }), 503: refused }),
  "/api/v1/metrics": get("metrics", "Metrics in the text format of Prometheus.", {
    200: { description: "The metrics.", content: { "text/plain": { schema: { type: "string" } } } },
  }),
  "/api/v1/debug/runtime": get("debugRuntime", "Memory, pauses and CPU time of the process.", {
    200: json("Numbers, all whole.", {
      goroutines: 0,
      gomaxprocs: 1,
      heap_inuse_bytes: 31_000_000,
      stack_inuse_bytes: 0,
      gc_pause_p99_ns: 1_200_000,
      cpu_user_ns: 900_000_000,
      cpu_sys_ns: 100_000_000,
    }),
  }),
  "/api/v1/admin/backup": guarded(
    get("backup", "One consistent archive of everything (`format=archive`), or the jobs of a namespace as JSON (`format=json`, the default).", {
      200: {
        description: "The backup, sent while it is made.",
        content: { "application/json": { schema: { type: "object" } }, "application/vnd.corvo.backup": { schema: { type: "string", format: "binary" } } },
      },
      400: json("Not a format.", { error: "format must be json or archive", code: "INVALID_VALUE" }),
    }),
  ),
  "/api/v1/admin/restore": {
    post: {
      operationId: "restore",
      tags: ["Operations"],
      summary: "Takes a backup back: an archive into an empty node, whole or not at all; or the JSON form, whose jobs are added anew.",
      requestBody: {
        required: true,
        content: { "application/json": { schema: { type: "object" } }, "application/vnd.corvo.backup": { schema: { type: "string", format: "binary" } } },
      },
      responses: {
        200: json("Restored.", { status: "ok", restored_jobs: 1, namespace: "default" }),
        400: json("The backup is none, or is damaged; nothing was changed.", { error: "invalid JSON", code: "PARSE_ERROR" }),
      },
    },
  },
};

function guarded({ get: { security: _, ...operation } }) {
  return { get: operation };
}
