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
};
