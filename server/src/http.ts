import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { Replica } from "@corvo/replica";
import {
  corsHeaders,
  errorText,
  type NodeRequest as IncomingMessage,
  type NodeHandler,
  RpcError,
  restError,
  type NodeResponse as ServerResponse,
  serverTiming,
} from "@corvo/transport";
import type { Guard } from "./auth/guard.js";
import { eventViewOf } from "./auth/names.js";
import type { Principal } from "./auth/principal.js";
import { progressTask, serveBulkProgress } from "./bulk/sse.js";
import type { EventHub } from "./events/hub.js";
import { serveEvents } from "./events/sse.js";
import type { Metrics } from "./metrics.js";
import { serverVersion } from "./version.js";

export interface HttpContext {
  replica: Replica;
  metrics: Metrics;
  events: EventHub;
  /** The REST surface; false when the path is not one of its routes. */
  rest: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** Bytes of /openapi.json and /docs; undefined: not served. */
  docs: { openapi: Uint8Array; page: Uint8Array } | undefined;
  /** Says who may read what is under /api/ and /debug/. */
  guard: Guard;
  /** False while starting and stopping. */
  accepting: () => boolean;
}

/** Everything on the port that is not RPC: probes, metrics, documents, then the REST routes. */
export function httpHandler(context: HttpContext): NodeHandler {
  const runtime = runtimeFacts();
  const routes: Record<string, (send: Send) => void | Promise<void>> = {
    "/healthz": (send) => {
      const leader = context.replica.serving;
      sendJson(send, 200, { status: "ok", raft_state: leader ? "Leader" : "Follower", leader });
    },
    // Alive: the event loop answers. Nothing else may make it fail, or a supervisor would restart a node that only waits.
    "/livez": (send) => sendJson(send, 200, { status: "ok" }),
    "/readyz": (send) =>
      context.accepting() && context.replica.serving
        ? sendJson(send, 200, { status: "ok" })
        : sendJson(send, 503, { error: "not serving yet, or not any more", code: "UNHEALTHY" }),
    "/api/v1/metrics": async (send) => {
      const text = await context.metrics.registry.metrics();
      send(200, "text/plain; version=0.0.4; charset=utf-8", Buffer.from(text));
    },
    "/api/v1/debug/runtime": (send) => sendJson(send, 200, runtime()),
    "/": (send) => send(200, "text/plain; charset=utf-8", Buffer.from(rootText(""))),
  };
  if (context.docs) {
    const { openapi, page } = context.docs;
    routes["/openapi.json"] = (send) => send(200, "application/json", openapi, { "cache-control": "public, max-age=300" });
    // Whoever opens the bare address in a browser comes to the page; with curl it is a line of what there is.
    routes["/"] = (send) => send(302, "text/plain; charset=utf-8", Buffer.from(rootText("/docs /openapi.json ")), { location: "/docs" });
    routes["/docs"] = (send) => send(200, "text/html; charset=utf-8", page, { "cache-control": "public, max-age=300" });
  }
  /** Routes that write their answer themselves, for as long as they like. */
  const streams: Record<string, Stream> = {
    "/api/v1/events": (req, res, startMs, principal) => {
      serveEvents(context.events, req, res, startMs, context.replica.engine.appliedIndex, eventViewOf(principal));
      res.once(
        "close",
        context.guard.watch(principal, "/api/v1/events", () => res.destroy()),
      );
    },
  };
  return (req, res) => {
    const startMs = performance.now();
    context.metrics.inProgress(1);
    res.once("close", () => context.metrics.inProgress(-1));
    const url = req.url ?? "/";
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const task = progressTask(path);
    const stream =
      task !== undefined
        ? (...[req, res, startMs, principal]: Parameters<Stream>) => serveBulkProgress(context, task, req, res, startMs, principal)
        : Object.hasOwn(streams, path)
          ? streams[path]
          : undefined;
    if (!route && !stream && context.rest(req, res)) return; // it counts for itself
    const method = req.method ?? "";
    res.once("close", () =>
      context.metrics.requestEnded(
        methods.has(method) ? method : "other",
        task ? "/api/v1/bulk/{id}/progress" : route || stream ? path : "unknown",
        res.statusCode,
        performance.now() - startMs,
      ),
    );
    const send: Send = (status, type, body, headers) => write(res, startMs, status, type, body, headers);
    const asked = method !== "OPTIONS" && isGuarded(path) ? context.guard.http(headerOf(req), path, req.socket?.remoteAddress ?? "") : undefined;
    if (asked instanceof RpcError) sendRefusal(send, asked);
    else if (!route && !stream) send(404, "text/plain; charset=utf-8", Buffer.from("404 page not found\n"));
    else if (method === "OPTIONS") send(200, "text/plain", nothing);
    else if (method !== "GET") send(405, "text/plain", nothing, { allow: "GET, OPTIONS" });
    else if (stream) stream(req, res, startMs, asked as Principal);
    else if (route) answer(route, send);
  };
}

/** Under the API's roof authentication comes first, also where nothing is (spec/rest.md §1). Probes, documents and the UI's files are for everybody. */
function isGuarded(path: string): boolean {
  return path.startsWith("/api/") || path.startsWith("/debug/");
}

export function headerOf(req: IncomingMessage): (name: string) => string | undefined {
  return (name) => {
    const value = req.headers[name];
    return typeof value === "string" ? value : value?.join(", ");
  };
}

function sendRefusal(send: Send, refusal: RpcError): void {
  const e = restError(refusal, { verb: "GET", errorCode: "" });
  send(e.status, "application/json", Buffer.from(errorText(e)), e.retryAfter === undefined ? {} : { "Retry-After": e.retryAfter });
}

/** A scrape that fails must not leave its caller waiting. */
function answer(route: (send: Send) => void | Promise<void>, send: Send): void {
  Promise.resolve(route(send)).catch((cause: Error) => send(500, "text/plain; charset=utf-8", Buffer.from(`${cause.message}\n`)));
}

const nothing = new Uint8Array(0);
const rootText = (docs: string): string => `Corvo ${serverVersion}: ${docs}/api/v1 /api/v1/metrics /healthz /livez /readyz\n`;
/** As labels of metrics; whatever else a client sends is one label. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

type Stream = (req: IncomingMessage, res: ServerResponse, startMs: number, principal: Principal) => void;

type Send = (status: number, type: string, body: Uint8Array, headers?: Record<string, string>) => void;

function write(res: ServerResponse, startMs: number, status: number, type: string, body: Uint8Array, headers: Record<string, string> = {}): void {
  const more = Object.entries(headers).flat();
  const timing = ["Server-Timing", serverTiming(performance.now() - startMs), ...corsHeaders];
  (res as import("node:http").ServerResponse).writeHead(status, [...timing, "Content-Type", type, "Content-Length", String(body.length), ...more]);
  res.end(body);
}

function sendJson(send: Send, status: number, value: unknown): void {
  send(status, "application/json", Buffer.from(`${JSON.stringify(value)}\n`));
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
