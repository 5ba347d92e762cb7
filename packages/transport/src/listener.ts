import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, Http2ServerRequest, Http2ServerResponse, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Registry } from "@bufbuild/protobuf";
import { type Authenticate, type LaneContext, type Observer, OpenCalls } from "./core/context.js";
import { corsAnswers, preflight } from "./core/cors.js";
import { Budget } from "./core/gather.js";
import { type Exchange, Http1Exchange, Http2Exchange } from "./fast/exchange.js";
import { admit, FastLane } from "./fast/lane.js";
import { resolveLimits, type TransportLimits } from "./limits.js";
import { methodPath, type Route } from "./rpc.js";
import { SessionGuard } from "./sessions.js";
import { edge, type NodeHandler, type NodeRequest, type NodeResponse } from "./slow/edge.js";
import { slowLane } from "./slow/lane.js";
import { sniff } from "./sniff.js";
import { type WholeHandler, WholeLane } from "./whole/lane.js";

export interface ListenerOptions {
  routes: readonly Route[];
  /** Everything that is not RPC: REST, probes, documents. Its requests may be given up at any point; what is left of a body is drained. */
  http: NodeHandler;
  /** REST requests over HTTP/1.1 that came whole are offered here first. */
  whole?: WholeHandler;
  limits?: Partial<TransportLimits>;
  /** What went wrong inside a handler or inside the transport, for the log. Callers never see it. */
  onError: (cause: unknown, where: string) => void;
  /** Called once per call on RPC paths, before its body is read. Not called for `http`. Default: everybody may. */
  authenticate?: Authenticate;
  observe?: Observer;
  /** gzip on requests and answers (slow lane). Default off: requests must be identity, as v0.3 had it. */
  compression?: boolean;
  /** For `google.protobuf.Any` in JSON. */
  registry?: Registry;
}

export interface Listener {
  /** Port 0: any free one; see `address`. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  readonly address: AddressInfo | undefined;
  /** Connections open now. */
  readonly connections: number;
  /** Those of HTTP/1.1 on which nothing unusual was asked yet (see `whole/`). */
  readonly wholeConnections: number;
  /** RPCs in progress, those whose answer is still being read included. */
  readonly calls: number;
  /** Calls in progress over RPC: for ending those of a principal that may not call any more. */
  readonly open: OpenCalls;
  /** Bytes of unfinished messages held now, in the fast lane. */
  readonly bufferedBytes: number;
  /** Stops accepting, says goodbye, ends streams, lets unary calls finish for at most `graceMs`, then cuts what is left. */
  close(options: { graceMs: number }): Promise<void>;
}

/** One port for everything: HTTP/1.1 and cleartext HTTP/2, told apart by their first bytes. An `Upgrade: h2c` is ignored, as RFC 7540 §3.2 allows. */
export function createListener(options: ListenerOptions): Listener {
  const limits = resolveLimits(options.limits);
  const observe = options.observe ?? {};
  const lane: LaneContext = {
    routes: new Map(options.routes.map((route) => [methodPath(route.method), route])),
    limits,
    authenticate: options.authenticate,
    onError: options.onError,
    observe,
    registry: options.registry,
    compression: options.compression ?? false,
    budget: new Budget(limits.bufferedBytesMax),
    open: new OpenCalls(),
    closing: false,
  };
  const fast = new FastLane(lane);
  const slow = edge(guarded(slowLane(lane), "slow lane", 400), limits);
  const slowForPages: NodeHandler = (request, response) => {
    for (const [name, value] of corsAnswers) (response as ServerResponse).setHeader(name, value);
    slow(request, response);
  };
  const http = edge(guarded(options.http, "http", 500), limits);
  const guard = new SessionGuard(limits, observe);
  /**
   * Connections, with the HTTP/1.1 responses that are not through. Arrays: a Set that is added to and deleted from all the time leaves a chain of
   * dead tables behind that carries every response into the old generation (10 ms scavenges instead of 0.2 ms).
   */
  const sockets = new Map<Socket, ServerResponse[]>();

  function guarded(handler: NodeHandler, where: string, status: number): NodeHandler {
    return (request, response) => {
      try {
        handler(request, response);
      } catch (thrown) {
        options.onError(thrown, where);
        if (!response.headersSent) {
          response.statusCode = status;
          response.end();
        }
      }
    };
  }

  /** The crossing of all requests. `legacy` makes Node's request and response objects, where they are needed. */
  function route(path: string, verb: string, header: IncomingHttpHeaders, exchange: () => Exchange, legacy: (serve: NodeHandler) => void): void {
    const found = lane.routes.get(path);
    if (found === undefined) {
      if (exchangeIsGrpc(header)) refuse(exchange(), 200, { "content-type": "application/grpc", "grpc-status": "12", "grpc-message": "unknown method" });
      else legacy(http);
      return;
    }
    if (verb === "OPTIONS") return refuse(exchange(), 200, { ...preflight });
    const admission = admit(found, verb, header, header[":method"] !== undefined);
    if (admission.lane === "fast") fast.serve(found, path, admission.type, exchange());
    else if (admission.lane === "slow") legacy(header.origin === undefined ? slow : slowForPages);
    else refuse(exchange(), admission.status, admission.headers);
  }

  function refuse(exchange: Exchange, status: number, headers: Record<string, string>): void {
    exchange.attach({ data() {}, ended() {}, closed() {} });
    exchange.early(() => {
      exchange.respond(status, exchange.http2 ? { ...headers } : { ...headers, "content-length": "0" });
      exchange.end();
    });
  }

  const http1 = createHttp1({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs + limits.headersTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1000, limits.headersTimeoutMs / 4)),
    insecureHTTPParser: false,
    noDelay: true,
  });
  http1.maxHeadersCount = limits.headersMax + 1;
  // Node starts its watch over slow requests when a server listens; this one is handed its connections.
  http1.emit("listening");

  const onHttp1 = (req: IncomingMessage, res: ServerResponse): void => {
    const responses = sockets.get(req.socket);
    if (responses === undefined || responses.length >= limits.pipelinedRequestsMax) {
      observe.abuse?.("pipelining", req.socket.remoteAddress ?? "");
      req.socket.destroy();
      return;
    }
    responses.push(res);
    res.on("close", () => {
      const at = responses.indexOf(res);
      if (at >= 0) responses.splice(at, 1);
    });
    if (lane.closing) res.shouldKeepAlive = false;
    const exchange = (): Exchange => new Http1Exchange(req, res, limits);
    // Node drops headers beyond its count without a word; a dropped one could be the one that forbids.
    if (req.rawHeaders.length > 2 * limits.headersMax) {
      refuse(exchange(), 431, { connection: "close" });
      return;
    }
    route(pathOf(req.url ?? ""), req.method ?? "", req.headers, exchange, (serve) => serve(req, res));
  };
  http1.on("request", onHttp1);
  http1.on("checkContinue", (req: IncomingMessage, res: ServerResponse) => {
    if (!(Number(req.headers["content-length"] ?? 0) > limits.messageBytesMax)) res.writeContinue();
    onHttp1(req, res);
  });

  const http2 = createHttp2({
    maxSessionMemory: limits.sessionMemoryMiB,
    maxHeaderListPairs: limits.headersMax + 8,
    maxSessionInvalidFrames: limits.invalidFramesMax,
    maxSessionRejectedStreams: limits.resetsBurst,
    settings: {
      maxConcurrentStreams: limits.streamsPerConnectionMax,
      maxHeaderListSize: limits.headerBytesMax,
      initialWindowSize: limits.streamWindowBytes,
      enablePush: false,
      enableConnectProtocol: false,
    },
  });
  http2.on("session", (session) => {
    session.setLocalWindowSize(limits.connectionWindowBytes);
    guard.add(session);
  });
  http2.on("sessionError", () => {
    // A session that broke its protocol is closed by Node.
  });
  http2.on("stream", (stream: ServerHttp2Stream, header: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
    const peer = guard.stream(stream);
    if (peer === undefined) {
      stream.on("error", () => {});
      stream.destroy();
      return;
    }
    const verb = header[":method"] as string;
    const exchange = (): Exchange => new Http2Exchange(stream, header, peer, limits);
    if (verb === "CONNECT") {
      refuse(exchange(), 405, { allow: "GET, POST" });
      return;
    }
    if (header.expect === "100-continue" && !(Number(header["content-length"] ?? 0) > limits.messageBytesMax)) stream.additionalHeaders({ ":status": 100 });
    route(pathOf(header[":path"] as string), verb, header, exchange, (serve) => {
      stream.on("error", () => {
        // Told to the request by `close`.
      });
      serve(new CompatRequest(stream, header, undefined, rawHeaders), new CompatResponse(stream));
    });
  });

  const whole = new WholeLane(lane, fast, options.whole, (socket) => void http1.emit("connection", socket));

  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.maxConnections = limits.connectionsMax;
  server.on("drop", (data) => observe.abuse?.("connections", data?.remoteAddress ?? ""));
  server.on("connection", (socket: Socket) => {
    const responses: ServerResponse[] = [];
    sockets.set(socket, responses);
    let speaks: "1.1" | "2" | undefined;
    socket.on("close", () => {
      sockets.delete(socket);
      setImmediate(() => {
        // Node tells a pipelined response that was not its connection's first nothing of the end.
        for (const response of [...responses]) {
          response.destroyed = true;
          response.emit("close");
        }
      });
      if (speaks !== undefined) observe.connection?.(-1, speaks);
      if (sockets.size === 0) allClosed?.();
    });
    sniff(socket, limits.headersTimeoutMs, (http) => {
      speaks = http;
      observe.connection?.(1, http);
      if (http === "2") {
        socket.allowHalfOpen = false;
        http2.emit("connection", socket);
      } else whole.add(socket);
    });
  });
  let allClosed: (() => void) | undefined;

  const shortest = Math.min(limits.requestTimeoutMs, limits.readerTimeoutMs, limits.idleTimeoutMs, limits.keepaliveTimeoutMs);
  const clock = setInterval(
    () => {
      const nowMs = performance.now();
      lane.open.visit((call) => call.check(nowMs));
      guard.check(nowMs);
      whole.check(nowMs);
    },
    Math.max(25, Math.min(1000, shortest / 4)),
  );
  clock.unref();

  return {
    listen(port, host = "127.0.0.1") {
      return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ port, host, backlog: 1024 }, () => {
          server.off("error", reject);
          server.on("error", (cause) => options.onError(cause, "listener"));
          resolve(server.address() as AddressInfo);
        });
      });
    },
    get address() {
      return (server.address() as AddressInfo | null) ?? undefined;
    },
    get connections() {
      return sockets.size;
    },
    get wholeConnections() {
      return whole.size;
    },
    get calls() {
      return lane.open.size;
    },
    open: lane.open,
    get bufferedBytes() {
      return lane.budget.used;
    },
    async close({ graceMs }) {
      if (lane.closing) return;
      lane.closing = true;
      const stopped = server.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : Promise.resolve();
      lane.open.visit((call) => call.shutdown());
      guard.close();
      for (const responses of sockets.values()) for (const response of responses) response.shouldKeepAlive = false;
      http1.closeIdleConnections();
      whole.closeIdle();
      if (sockets.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, graceMs);
          allClosed = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      for (const socket of sockets.keys()) socket.destroy();
      clearInterval(clock);
      http1.close();
      await stopped;
    },
  };
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function exchangeIsGrpc(header: IncomingHttpHeaders): boolean {
  return (
    header[":method"] === "POST" &&
    header["content-type"]?.startsWith("application/grpc") === true &&
    !header["content-type"].startsWith("application/grpc-web")
  );
}

/** Node's compatibility objects, made by hand because the server's own `request` event would make them for every stream. */
const CompatRequest = Http2ServerRequest as unknown as new (
  stream: ServerHttp2Stream,
  header: IncomingHttpHeaders,
  options: undefined,
  rawHeaders: string[],
) => NodeRequest;
const CompatResponse = Http2ServerResponse as unknown as new (stream: ServerHttp2Stream) => NodeResponse;
