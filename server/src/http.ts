import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { Replica } from "@corvo/replica";
import type { NodeRequest as IncomingMessage, NodeHandler, NodeResponse as ServerResponse } from "@corvo/transport";
import type { Metrics } from "./metrics.js";

export interface HttpContext {
  replica: Replica;
  metrics: Metrics;
  /** The REST surface; false when the path is not one of its routes. */
  rest: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** Bytes of /openapi.json and /docs; undefined: not served. */
  docs: { openapi: Uint8Array; page: Uint8Array } | undefined;
  /** False while starting and stopping. */
  accepting: () => boolean;
}

/** Everything on the port that is not RPC: probes, metrics, documents, then the REST routes. */
export function httpHandler(context: HttpContext): NodeHandler {
  const runtime = runtimeFacts();
  const routes: Record<string, (res: ServerResponse) => void | Promise<void>> = {
    "/healthz": (res) => {
      const leader = context.replica.serving;
      sendJson(res, 200, { status: "ok", raft_state: leader ? "Leader" : "Follower", leader });
    },
    // Alive: the event loop answers. Nothing else may make it fail, or a supervisor would restart a node that only waits.
    "/livez": (res) => sendJson(res, 200, { status: "ok" }),
    "/readyz": (res) =>
      context.accepting() && context.replica.serving
        ? sendJson(res, 200, { status: "ok" })
        : sendJson(res, 503, { error: "not serving yet, or not any more", code: "UNHEALTHY" }),
    "/api/v1/metrics": async (res) => {
      const text = await context.metrics.registry.metrics();
      send(res, 200, "text/plain; version=0.0.4; charset=utf-8", Buffer.from(text));
    },
    "/api/v1/debug/runtime": (res) => sendJson(res, 200, runtime()),
  };
  if (context.docs) {
    const { openapi, page } = context.docs;
    routes["/openapi.json"] = (res) => send(res, 200, "application/json", openapi, { "cache-control": "public, max-age=300" });
    routes["/docs"] = (res) => send(res, 200, "text/html; charset=utf-8", page, { "cache-control": "public, max-age=300" });
  }
  return (req, res) => {
    context.metrics.inProgress(1);
    res.once("close", () => context.metrics.inProgress(-1));
    const url = req.url ?? "/";
    const query = url.indexOf("?");
    const route = Object.hasOwn(routes, query < 0 ? url : url.slice(0, query)) ? routes[query < 0 ? url : url.slice(0, query)] : undefined;
    if (!route) {
      if (!context.rest(req, res)) send(res, 404, "text/plain; charset=utf-8", Buffer.from("404 page not found\n"));
      return;
    }
    if (req.method === "OPTIONS") return send(res, 200, "text/plain", Buffer.alloc(0));
    if (req.method !== "GET") return send(res, 405, "text/plain", Buffer.alloc(0), { allow: "GET" });
    void route(res);
  };
}

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers": "Content-Type, Authorization, X-API-Key, X-Corvo-Namespace",
};

function send(res: ServerResponse, status: number, type: string, body: Uint8Array, headers: Record<string, string> = {}): void {
  (res as import("node:http").ServerResponse).writeHead(status, {
    "content-type": type,
    "content-length": body.length,
    "server-timing": "proc;dur=0.000",
    ...cors,
    ...headers,
  });
  res.end(body);
}

function sendJson(res: ServerResponse, status: number, value: unknown): void {
  send(res, status, "application/json", Buffer.from(`${JSON.stringify(value)}\n`));
}

/** What `GET /api/v1/debug/runtime` tells; the names are those that load generators read (spec/rest.md §6.4). */
function runtimeFacts(): () => Record<string, number> {
  const pauses: number[] = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) pauses.push(entry.duration);
    if (pauses.length > 1000) pauses.splice(0, pauses.length - 1000);
  }).observe({ entryTypes: ["gc"] });
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  return () => {
    const longestMs = Math.max(0, loop.max / 1e6 - 5);
    loop.reset();
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    const sorted = [...pauses].sort((a, b) => a - b);
    return {
      goroutines: process.getActiveResourcesInfo().length,
      gomaxprocs: 1,
      heap_inuse_bytes: memory.rss,
      stack_inuse_bytes: 0,
      gc_pause_p99_ns: Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 1e6),
      // Longest delay of the event loop since this was last asked.
      event_loop_delay_max_ns: Math.round(longestMs * 1e6),
      cpu_user_ns: cpu.user * 1000,
      cpu_sys_ns: cpu.system * 1000,
    };
  };
}
