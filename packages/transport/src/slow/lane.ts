import {
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { unreadable } from "../core/codec.js";
import { codeName, grpcNumber } from "../core/codes.js";
import { rpcType } from "../core/content-type.js";
import { type Authenticate, type LaneContext, OpenCall } from "../core/context.js";
import { packDetails, toRpcError } from "../core/error-wire.js";
import { refuseUnknown, strictFields } from "../core/known-only.js";
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
  const adapter = (readMaxBytes: number, asJson: boolean): NodeHandler =>
    connectNodeAdapter({
      routes: (router) => {
        for (const route of lane.routes.values()) register(router, lane, route, asJson);
        blameCallers(router.handlers);
      },
      acceptCompression: lane.compression ? [compressionGzip] : [],
      readMaxBytes,
      jsonOptions: { ignoreUnknownFields: true, registry: lane.registry },
      contextValues: (request) => createContextValues().set(requestKey, request as NodeRequest),
    }) as NodeHandler;
  const { messageBytesMax, slowJsonBytesMax } = lane.limits;
  const binary = adapter(messageBytesMax, false);
  const json = adapter(Math.min(messageBytesMax, slowJsonBytesMax), true);
  return (request, response) => {
    cutTimeouts(request);
    (isJson(request) ? json : binary)(request, response);
  };
}

function isJson(request: NodeRequest): boolean {
  if (request.method !== "GET") return rpcType(request.headers["content-type"])?.json === true;
  const { url = "" } = request;
  return new URLSearchParams(url.slice(url.indexOf("?") + 1)).get("encoding") === "json";
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

/** A message of a request as connect-node has read it, in binary protobuf. */
type ToBinary = (request: Message) => Uint8Array;

function register(router: ConnectRouter, lane: LaneContext, route: Route, asJson: boolean): void {
  const { method, bytesOf } = asJson ? readStrictly(lane, route) : asItIs(route);
  switch (method.methodKind) {
    case "unary":
      router.rpc(method as DescMethodUnary, (request, context) => runOne(lane, route, bytesOf, request, context));
      break;
    case "server_streaming":
      router.rpc(method as DescMethodServerStreaming, (request, context) => runStream(lane, route, bytesOf, [request], context));
      break;
    case "client_streaming":
      router.rpc(method as DescMethodClientStreaming, async (requests, context) => {
        for await (const answer of runStream(lane, route, bytesOf, requests, context)) return answer;
        throw new ConnectError("the stream ended without an answer", Code.Unimplemented);
      });
      break;
    case "bidi_streaming":
      router.rpc(method as DescMethodBiDiStreaming, (requests, context) => runStream(lane, route, bytesOf, requests, context));
      break;
  }
}

function asItIs({ method }: Route): { method: Route["method"]; bytesOf: ToBinary } {
  return { method, bytesOf: (request) => toBinary(method.input, request) };
}

/** connect-node would drop a member that nobody knows, also where that is refused: there it reads any JSON, and the message is made here. */
function readStrictly(lane: LaneContext, route: Route): { method: Route["method"]; bytesOf: ToBinary } {
  const { input } = route.method;
  const strict = strictFields(input);
  if (strict === undefined) return asItIs(route);
  const bytesOf = (request: Message): Uint8Array => {
    try {
      const json = toJson(ValueSchema, request as Value);
      refuseUnknown(strict, json);
      return toBinary(input, fromJson(input, json, { ignoreUnknownFields: true, registry: lane.registry }));
    } catch (cause) {
      throw unreadable(cause);
    }
  };
  return { method: { ...route.method, input: ValueSchema } as Route["method"], bytesOf };
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

async function runOne(lane: LaneContext, route: Route, bytesOf: ToBinary, request: Message, context: HandlerContext): Promise<Message> {
  const { method, handler } = route;
  if (handler.kind !== "unary") throw new ConnectError(`${method.name} has a handler of the wrong kind`, Code.Internal);
  const call = new SlowCallGuard(lane, route, context);
  try {
    const opened = await open(lane, route, context, call);
    const answer = await Promise.race([handler.handle(opened, bytesOf(request)), call.aborted]);
    return call.finish("ok", fromBinary(method.output, answer));
  } catch (thrown) {
    throw call.fail(thrown);
  }
}

async function* runStream(
  lane: LaneContext,
  route: Route,
  bytesOf: ToBinary,
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
          const bytes = bytesOf(request);
          lane.observe.frames?.(route, "in", 1, bytes.length);
          await stream.message(bytes);
          await answers.room();
        }
        if (!answers.over) await stream.end();
      } else if (handler.kind === "server_stream") {
        for await (const request of requests) await handler.handle(call, bytesOf(request), out);
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
