import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { AdminService } from "@corvo/gen/corvo/v1/admin_pb.js";
import { backupMagic } from "@corvo/storage";
import { type Authenticate, type Call, corsHeaders, errorText, type NodeRequest, type NodeResponse, RpcError, restError, serverTiming } from "@corvo/transport";
import { type Principal, principalOf } from "../auth/principal.js";
import { backupArchive } from "./backup.js";
import type { AdminContext } from "./context.js";
import { exportJobs } from "./export-jobs.js";
import { importJobs } from "./import-jobs.js";
import { captureProfile } from "./profile.js";
import { IncomingBackup } from "./restore.js";

export interface AdminHttp extends AdminContext {
  /** Says who calls; the path it gets is the method's, as for RPC. */
  authenticate: Authenticate | undefined;
  /** Counts a request that has ended. */
  ended(method: string, route: string, status: number, ms: number): void;
  /** Notes a change that was asked for. */
  audit(call: Call, status: number, startMs: number): void;
  onError(cause: unknown, where: string): void;
}

interface Request {
  req: NodeRequest;
  res: NodeResponse;
  query: URLSearchParams;
  startMs: number;
  who?: Principal;
  /** The node's content is another one now. */
  restored?: true;
}

interface Place {
  verb: "GET" | "POST";
  /** Whose permission it takes, by method of AdminService. */
  method(query: URLSearchParams): string;
  /** Code of refusals that have none of their own. */
  code: string;
  serve(context: AdminHttp, call: Request): Promise<void>;
}

const jsonBytesMax = 256 * 1024 * 1024;
/** A reader that takes nothing for so long is cut off: a backup holds old files. */
const stalledMs = 60_000;

const profile = (kind?: string): Place => ({
  verb: "GET",
  method: () => "CaptureProfile",
  code: "PROFILE_ERROR",
  serve(_context, call) {
    const asked = kind ?? call.query.get("kind") ?? "cpu";
    const seconds = Number(call.query.get("seconds") ?? 0);
    const name = `corvo.${asked === "cpu" ? "cpuprofile" : asked === "heap" ? "heapprofile" : "heapsnapshot"}`;
    return stream(
      call,
      "application/json",
      name,
      captureProfile(asked, seconds, (run) => call.res.once("close", run)),
    );
  },
});

const places: Record<string, Place> = {
  "/api/v1/admin/backup": {
    verb: "GET",
    method: (query) => (query.get("format") === "archive" ? "Backup" : "ExportJobs"),
    code: "BACKUP_ERROR",
    serve(context, call) {
      const format = call.query.get("format") ?? "json";
      if (format === "archive") return stream(call, "application/vnd.corvo.backup", "corvo.backup", backupArchive(context));
      if (format !== "json") throw new RpcError("invalid_argument", "INVALID_VALUE", "format must be json or archive", { field: "format" });
      return stream(call, "application/json", undefined, exportJobs(context, call.query.get("namespace") || "default", call.who));
    },
  },
  "/api/v1/admin/restore": { verb: "POST", method: () => "ImportJobs", code: "RESTORE_ERROR", serve: restore },
  "/api/v1/debug/profile": profile(),
  "/debug/pprof/profile": profile("cpu"),
  "/debug/pprof/heap": profile("heap"),
};

/** Serves the paths whose bodies are bytes of any length; false when it is another one. */
export function adminHttp(context: AdminHttp): (req: NodeRequest, res: NodeResponse) => boolean {
  return (req, res) => {
    const url = req.url ?? "/";
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const place = Object.hasOwn(places, path) ? places[path] : undefined;
    if (place === undefined || req.method === "OPTIONS") return false;
    const call: Request = { req, res, query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)), startMs: performance.now() };
    res.once("close", () => context.ended(place.verb, path, res.statusCode, performance.now() - call.startMs));
    if (req.method !== place.verb) head(call, 405, ["Allow", `${place.verb}, OPTIONS`, "Content-Length", "0"]).end();
    else serve(context, place, call).catch((cause: unknown) => refuse(context, place, call, cause));
    return true;
  };
}

async function serve(context: AdminHttp, place: Place, call: Request): Promise<void> {
  const who = await allow(context, call, place.verb, place.method(call.query));
  call.who = principalOf(who);
  if (place.verb === "POST")
    call.res.once("close", () => {
      if (!call.restored) context.audit(who, call.res.statusCode, call.startMs); // else the log that it would go to has ended
    });
  await place.serve(context, call);
}

async function allow(context: AdminHttp, { req, res }: Request, verb: string, method: string): Promise<Call> {
  const header = (name: string): string | undefined => {
    const value = req.headers[name];
    return typeof value === "string" ? value : value?.join(", ");
  };
  const peer = req.socket?.remoteAddress ?? "";
  const asCall: Call = {
    method: AdminService.method[`${method[0].toLowerCase()}${method.slice(1)}` as keyof typeof AdminService.method],
    protocol: "rest",
    rest: { verb, url: req.url ?? "/" },
    header,
    headers: () => [],
    addHeader() {},
    addTrailer() {},
    peer,
    deadlineMs: undefined,
    aborted: false,
    onAbort: (run) => void res.once("close", run),
    principal: undefined,
  };
  const who = await context.authenticate?.(header, `/corvo.v1.AdminService/${method}`, peer, asCall);
  if (who instanceof RpcError) throw who;
  asCall.principal = who;
  return asCall;
}

/** An archive, or Corvo's JSON: told apart by the first bytes, whatever the content type says. */
async function restore(context: AdminHttp, call: Request): Promise<void> {
  const { req, query } = call;
  const validateOnly = query.get("validate_only") === "true";
  const namespace = query.get("namespace") ?? "";
  const cluster = query.get("cluster_id") || undefined;
  let incoming: IncomingBackup | undefined;
  let parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (incoming !== undefined) {
        await incoming.write(chunk);
        continue;
      }
      parts.push(chunk);
      if (bytes < backupMagic.length) continue;
      if (parts.length > 0 && isArchive(parts)) {
        await allow(context, call, "POST", "Restore"); // it replaces everything, keys too
        incoming = await IncomingBackup.begin(context);
        for (const part of parts) await incoming.write(part);
        parts = [];
      } else if (bytes > jsonBytesMax)
        throw new RpcError("invalid_argument", "TOO_LARGE", "a JSON backup may have 256 MiB; use an archive", { restStatus: 413 });
    }
    if (incoming === undefined) {
      const { restoredJobs, namespace: into } = await importJobs(context, Buffer.concat(parts), { namespace, validateOnly }, call.who);
      return json(call, { status: "ok", restored_jobs: restoredJobs, namespace: into });
    }
    const found = await incoming.finish({ cluster, validateOnly });
    if (!validateOnly) {
      call.restored = true;
      call.res.once("close", () => context.restored());
    }
    json(call, {
      status: "ok",
      content_digest: found.contentDigest,
      live_jobs: found.liveJobs,
      finished_jobs: found.finishedJobs,
      queues: found.queues,
      cluster_id: found.meta.clusterId,
      log_index: found.meta.index,
    });
  } finally {
    await incoming?.end();
  }
}

function isArchive(parts: readonly Buffer[]): boolean {
  const firstBytes = parts.length === 1 ? parts[0] : Buffer.concat(parts.slice(0, 8));
  return firstBytes.toString("latin1", 0, backupMagic.length) === backupMagic;
}

/** The first piece is made before the head goes out: what fails at once is a refusal; later the connection breaks, and the reader sees a file without its end. */
async function stream(call: Request, type: string, name: string | undefined, pieces: AsyncGenerator<Uint8Array>): Promise<void> {
  const { res } = call;
  try {
    let piece = await pieces.next();
    const disposition = name === undefined ? [] : ["Content-Disposition", `attachment; filename="${name}"`];
    head(call, 200, ["Content-Type", type, ...disposition]);
    for (; !piece.done; piece = await pieces.next()) {
      if (res.destroyed || res.closed) return;
      if ((res as ServerResponse).write(piece.value)) continue;
      const stalled = setTimeout(() => res.destroy(), stalledMs);
      try {
        await Promise.race([once(res, "drain"), once(res, "close")]);
      } finally {
        clearTimeout(stalled);
      }
    }
    res.end();
  } finally {
    await pieces.return(undefined);
  }
}

function refuse(context: AdminHttp, place: Place, call: Request, cause: unknown): void {
  const { req, res } = call;
  if (!(cause instanceof RpcError)) context.onError(cause, `${place.verb} ${req.url?.split("?")[0]}`);
  if (res.headersSent || res.destroyed) return void res.destroy();
  const e = restError(cause, { verb: place.verb, errorCode: place.code });
  const body = Buffer.from(errorText(e));
  head(call, e.status, ["Content-Type", "application/json", "Content-Length", String(body.length)]).end(body);
}

function json(call: Request, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  head(call, 200, ["Content-Type", "application/json", "Content-Length", String(body.length)]).end(body);
}

function head({ res, startMs }: Request, status: number, headers: string[]): ServerResponse {
  const response = res as ServerResponse;
  response.writeHead(status, ["Server-Timing", serverTiming(performance.now() - startMs), ...corsHeaders, ...headers]);
  return response;
}
