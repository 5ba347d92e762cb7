import {
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { codeName, grpcNumber } from "../core/codes.js";
import { rpcType } from "../core/content-type.js";
import { type Authenticate, type LaneContext, OpenCall } from "../core/context.js";
import { packDetails, toRpcError } from "../core/error-wire.js";
import { timeoutMs, timerMsMax } from "../core/timeout.js";
import { checkVersion } from "../fast/unary.js";
import { type MessageSink, methodPath, type Route, RpcError } from "../rpc.js";
import { blameCallers, isParseFault, malformed } from "./blame.js";
import { SlowCall } from "./call.js";
import type { NodeHandler, NodeRequest } from "./edge.js";
import { AsyncQueue } from "./queue.js";

const requestKey = createContextKey<NodeRequest | undefined>(undefined);

/** Every route on connect-node's handlers: gRPC-Web, compression, Connect GET, gRPC over HTTP/1.1. The same handlers, limits, errors and authentication as the fast lane. */
export function slowLane(lane: LaneContext): NodeHandler {
  const adapter = (readMaxBytes: number): NodeHandler =>
    connectNodeAdapter({
      routes: (router) => {
        for (const route of lane.routes.values()) register(router, lane, route);
        blameCallers(router.handlers);
      },
      acceptCompression: lane.compression ? [compressionGzip] : [],
      readMaxBytes,
      jsonOptions: { ignoreUnknownFields: true, registry: lane.registry },
      contextValues: (request) => createContextValues().set(requestKey, request as NodeRequest),
    }) as NodeHandler;
  const { messageBytesMax, slowJsonBytesMax } = lane.limits;
  const binary = adapter(messageBytesMax);
  const json = adapter(Math.min(messageBytesMax, slowJsonBytesMax));
  return (request, response) => {
    cutTimeouts(request);
    (rpcType(request.headers["content-type"])?.json === true ? json : binary)(request, response);
  };
}

/** connect-node gives any timeout to a timer, and a timer that cannot hold it fires at once: one beyond its range is none. */
function cutTimeouts(request: NodeRequest): void {
  for (const [protocol, name] of [
    ["connect", "connect-timeout-ms"],
    ["grpc", "grpc-timeout"],
  ] as const) {
    const value = request.headers[name];
    if (typeof value !== "string") continue;
    try {
      if (timeoutMs(protocol, value)! > timerMsMax) delete request.headers[name];
    } catch {
      // What is malformed connect-node refuses in the protocol's words.
    }
  }
}

function register(router: ConnectRouter, lane: LaneContext, route: Route): void {
  const { method } = route;
  switch (method.methodKind) {
    case "unary":
      router.rpc(method as DescMethodUnary, (request, context) => runOne(lane, route, request, context));
      break;
    case "server_streaming":
      router.rpc(method as DescMethodServerStreaming, (request, context) => runStream(lane, route, [request], context));
      break;
    case "client_streaming":
      router.rpc(method as DescMethodClientStreaming, async (requests, context) => {
        for await (const answer of runStream(lane, route, requests, context)) return answer;
        throw new ConnectError("the stream ended without an answer", Code.Unimplemented);
      });
      break;
    case "bidi_streaming":
      router.rpc(method as DescMethodBiDiStreaming, (requests, context) => runStream(lane, route, requests, context));
      break;
  }
}

async function open(lane: LaneContext, route: Route, context: HandlerContext, guard: SlowCallGuard): Promise<SlowCall> {
  const request = context.values.get(requestKey)!;
  const call = new SlowCall(lane, route, context, request.socket?.remoteAddress ?? "");
  if (call.protocol === "connect") checkVersion(call.header("connect-protocol-version"));
  const principal = await (lane.authenticate as Authenticate | undefined)?.((name) => call.header(name), methodPath(route.method), call.peer, call);
  if (principal instanceof RpcError) throw principal;
  call.principal = guard.principal = principal;
  guard.call = call;
  return call;
}

async function runOne(lane: LaneContext, route: Route, request: Message, context: HandlerContext): Promise<Message> {
  const { method, handler } = route;
  if (handler.kind !== "unary") throw new ConnectError(`${method.name} has a handler of the wrong kind`, Code.Internal);
  const call = new SlowCallGuard(lane, route, context);
  try {
    const opened = await open(lane, route, context, call);
    const answer = await Promise.race([handler.handle(opened, toBinary(method.input, request)), call.aborted]);
    return call.finish("ok", fromBinary(method.output, answer));
  } catch (thrown) {
    throw call.fail(thrown);
  }
}

async function* runStream(
  lane: LaneContext,
  route: Route,
  requests: Iterable<Message> | AsyncIterable<Message>,
  context: HandlerContext,
): AsyncGenerator<Message> {
  const { method, handler } = route;
  const guard = new SlowCallGuard(lane, route, context);
  const answers = new AsyncQueue<Uint8Array>(lane.limits.sendBufferBytes);
  const out: MessageSink = {
    send: (message) => {
      lane.observe.frames?.(route, "out", 1, message.length);
      return answers.push(Buffer.from(message), message.length);
    },
    end: (error) => (error === undefined ? answers.end() : answers.fail(error)),
  };
  guard.aborted.catch((error) => answers.fail(error));
  guard.onShutdown = (error) => answers.fail(error);
  try {
    const call = await open(lane, route, context, guard);
    const work = async (): Promise<void> => {
      if (handler.kind === "bidi") {
        const stream = handler.open(call, out);
        for await (const request of requests) {
          if (answers.over) return;
          const bytes = toBinary(method.input, request);
          lane.observe.frames?.(route, "in", 1, bytes.length);
          await stream.message(bytes);
          await answers.room();
        }
        if (!answers.over) await stream.end();
      } else if (handler.kind === "server_stream") {
        for await (const request of requests) await handler.handle(call, toBinary(method.input, request), out);
      } else {
        throw new Error(`${method.name} has a handler of the wrong kind`);
      }
    };
    work().then(
      () => answers.end(),
      (thrown) => answers.fail(thrown),
    );
    for await (const answer of answers) yield fromBinary(method.output, answer);
    guard.finish("ok", undefined);
  } catch (thrown) {
    throw guard.fail(thrown);
  } finally {
    answers.end();
    guard.finish("canceled", undefined);
  }
}

/** Bookkeeping of one call here: errors in connect-es's form, the observer, the listener's shutdown. */
class SlowCallGuard extends OpenCall {
  readonly #startedMs = performance.now();
  /** Rejects when the caller is gone or the deadline passed. */
  readonly aborted: Promise<never>;
  onShutdown: ((error: RpcError) => void) | undefined;
  #over = false;
  #stop!: () => void;
  #reject!: (error: RpcError) => void;
  constructor(
    private readonly lane: LaneContext,
    private readonly route: Route,
    private readonly context: HandlerContext,
  ) {
    super();
    lane.open.add(this);
    if (route.handler.kind !== "unary") lane.observe.stream?.(route, 1);
    this.aborted = new Promise((_, reject) => {
      this.#reject = reject;
      this.#stop = (): void => {
        const { reason } = context.signal;
        if (reason instanceof ConnectError && reason.code === Code.DeadlineExceeded) {
          reject(new RpcError("deadline_exceeded", "", "the deadline of the call has passed"));
        } else reject(new RpcError("canceled", "", "the caller is gone"));
      };
      if (context.signal.aborted) this.#stop();
      else context.signal.addEventListener("abort", this.#stop);
    });
    this.aborted.catch(() => {
      // Whoever waits for it is told; nobody may be waiting.
    });
  }
  check(): void {
    // connect-node reads and writes here; the session's clock and Node's own are the limits.
  }
  shutdown(): void {
    this.onShutdown?.(new RpcError("unavailable", "SHUTTING_DOWN", "the server is shutting down", { retryAfterMs: 100 }));
  }
  /** As its handler knows it, once its caller may call. */
  call: SlowCall | undefined;
  cut(error: RpcError): void {
    this.#reject(error);
    this.call?.cut();
  }
  finish<T>(code: string, result: T): T {
    if (this.#over) return result;
    this.#over = true;
    const { lane, route } = this;
    lane.open.delete(this);
    this.context.signal.removeEventListener("abort", this.#stop);
    if (route.handler.kind !== "unary") lane.observe.stream?.(route, -1);
    lane.observe.call?.(route, this.context.protocolName as "connect", code, 200, performance.now() - this.#startedMs);
    return result;
  }
  fail(caught: unknown): ConnectError {
    const thrown = caught instanceof ConnectError && isParseFault(caught) ? malformed(this.route.method) : caught;
    if (thrown instanceof ConnectError) {
      this.finish(codeName(thrown.code), undefined);
      return thrown;
    }
    const { method } = this.route;
    const error = toRpcError(thrown, (cause) => this.lane.onError(cause, `${method.parent.typeName}/${method.name}`));
    this.finish(error.code, undefined);
    const out = new ConnectError(error.message, grpcNumber(error.code));
    out.details = packDetails(error).map(({ type, value }) => ({ type, value: new Uint8Array(value) }));
    return out;
  }
}
