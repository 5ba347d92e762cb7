import { isUtf8 } from "node:buffer";
import { type Authenticate, type Observer, OpenCalls } from "../core/context.js";
import type { Budget } from "../core/gather.js";
import { Budget as NewBudget } from "../core/gather.js";
import type { TransportLimits } from "../limits.js";
import { resolveLimits } from "../limits.js";
import type { Route } from "../rpc.js";
import { methodPath } from "../rpc.js";
import type { WholeHandler } from "../whole/lane.js";
import type { WholeRequest, WholeResponse } from "../whole/messages.js";
import { JsonToProto } from "./decode.js";
import { ProtoToJson } from "./encode.js";
import type { Request, Response } from "./exchange.js";
import { Exchange, writeHead } from "./exchange.js";
import { corsHeaders, serverTiming } from "./headers.js";
import type { ScanJson } from "./json-reader.js";
import type { RestMatch, RestRoute } from "./routes.js";
import { RestTable } from "./routes.js";

export interface RestOptions {
  /** Methods without an http rule are passed over. */
  routes: readonly Route[];
  /** Finds the end of a JSON value. Must refuse what is nested deeper than the server accepts. */
  scanJson: ScanJson;
  /** Monotonic milliseconds with fractions, for `Server-Timing`. */
  nowMs: () => number;
  /**
   * Routes that take one thing or, under this member of their body, a list that another route serves: `{template: "/api/v1/enqueue", member:
   * "jobs", by: "/api/v1/enqueue/batch"}`.
   */
  lists?: readonly { template: string; member: string; by: string }[];
  /** `messageBytesMax` bounds a JSON body, `drainBytesMax` and `drainMs` what is read after an early refusal. */
  limits?: Partial<TransportLimits>;
  /** Bytes of a body that is taken as it is (webhooks). 4 MiB: v0.3's; the payload's own limit is the handler's. */
  rawBodyBytesMax?: number;
  /** Says who calls. The path it gets is the method's, for example `/corvo.v1.WorkerService/Enqueue`, whatever the URL was. */
  authenticate?: Authenticate;
  observe?: Observer;
  /** Log index that this node has applied: every answer to a caller who was let in says it in `Corvo-Log-Index`, unless its handler said one. */
  seen?: () => number;
  /** Causes of errors, which never cross the wire. */
  onError?: (cause: unknown, where: string) => void;
  /** Memory of unfinished bodies, shared with the other protocols when given. */
  budget?: Budget;
}

export interface RestHandler {
  /** Serves the request when its path is a REST route, or when it is OPTIONS, and says whether it did. Never throws. */
  handle(req: Request, res: Response): boolean;
  /** The same for requests that came whole, and for hot methods alone. */
  whole: WholeHandler;
  readonly table: RestTable;
  /** Requests in progress. */
  readonly open: OpenCalls;
}

/** What all exchanges share. */
export interface RestContext {
  readonly decoder: JsonToProto;
  readonly encoder: ProtoToJson;
  readonly limits: TransportLimits;
  readonly rawBodyBytesMax: number;
  readonly nowMs: () => number;
  readonly authenticate: Authenticate | undefined;
  readonly observe: Observer;
  readonly seen: (() => number) | undefined;
  readonly onError: (cause: unknown, where: string) => void;
  readonly budget: Budget;
  /** Requests in progress. */
  readonly open: OpenCalls;
  /** A raw body as JSON text: kept when it is JSON, `{}` when empty, else a JSON string of the text. */
  rawText(body: Uint8Array): Uint8Array;
  pathOf(route: RestRoute): string;
}

/**
 * REST: a fourth protocol beside Connect, gRPC and gRPC-Web. JSON becomes protobuf bytes, goes to the same handler, and its bytes become
 * JSON; which verb and path is which method, and how its answer looks, is read from the descriptors (`rules.ts`).
 */
export function createRestHandler(options: RestOptions): RestHandler {
  const table = new RestTable(options.routes);
  for (const { template, member, by } of options.lists ?? []) {
    const one = table.routes.find((route) => route.template === template);
    const route = table.routes.find((other) => other.template === by);
    if (one !== undefined && route !== undefined) one.list = { member, route };
  }
  const limits = resolveLimits(options.limits);
  const { scanJson, nowMs } = options;
  const paths = new Map(table.routes.map((r) => [r, methodPath(r.route.method)]));
  const context: RestContext = {
    decoder: new JsonToProto(scanJson),
    encoder: new ProtoToJson(),
    limits,
    rawBodyBytesMax: options.rawBodyBytesMax ?? 4 * 1024 * 1024,
    nowMs,
    authenticate: options.authenticate,
    observe: options.observe ?? {},
    seen: options.seen,
    onError: options.onError ?? (() => {}),
    budget: options.budget ?? new NewBudget(limits.bufferedBytesMax),
    open: new OpenCalls(),
    rawText: (body) => rawText(body, scanJson),
    pathOf: (route) => paths.get(route) ?? "",
  };
  const plain = (res: Response, status: number, startedMs: number, ...more: string[]): void => {
    writeHead(res, status, ["Server-Timing", serverTiming(nowMs() - startedMs), ...corsHeaders, "Content-Length", "0", ...more]);
    res.end();
  };
  const serve = (req: Request | WholeRequest, res: Response | WholeResponse, hotOnly: boolean): RestMatch | true | undefined => {
    const url = req.url ?? "/";
    const mark = url.indexOf("?");
    const match = table.match(mark < 0 ? url : url.slice(0, mark));
    const route = match?.verbs.get(req.method ?? "");
    if (match === undefined || route === undefined || (hotOnly && !route.route.hot)) return match;
    new Exchange(context, route, match.values, mark < 0 ? "" : url.slice(mark + 1), req, res).start();
    return true;
  };
  return {
    table,
    open: context.open,
    whole: (req, res) => serve(req, res, true) === true,
    handle(req, res) {
      const match = serve(req, res, false);
      if (match === true) return true;
      if (req.method !== "OPTIONS" && match === undefined) return false;
      req.resume();
      if (req.method === "OPTIONS") plain(res, 200, nowMs());
      else plain(res, 405, nowMs(), "Allow", `${match?.allow}, OPTIONS`);
      return true;
    },
  };
}

const emptyObject = Buffer.from("{}");

function rawText(body: Uint8Array, scanJson: ScanJson): Uint8Array {
  let start = 0;
  let end = body.length;
  while (start < end && isSpace(body[start])) start++;
  while (end > start && isSpace(body[end - 1])) end--;
  if (start === end) return emptyObject;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (scanJson(body, start, end) === end && isUtf8(body)) return body.subarray(start, end);
  return Buffer.from(JSON.stringify(bytes.toString("utf8")));
}

function isSpace(b: number): boolean {
  return b === 0x20 || b === 0x0a || b === 0x0d || b === 0x09;
}
