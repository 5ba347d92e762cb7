import type { DescMethod } from "@bufbuild/protobuf";

/** Codes as Connect and gRPC name them, in lower snake case. */
export type RpcCode = string;

/** What a handler throws. Anything else that is thrown becomes `internal` with a neutral sentence; the cause goes to the log only. */
export class RpcError extends Error {
  constructor(
    readonly code: RpcCode,
    /** Upper-case reason for programs, for example `STALE_FENCE`. Empty: no `ErrorDetail` is attached. */
    readonly reason: string,
    message: string,
    readonly more: {
      field?: string;
      retryAfterMs?: number;
      /** REST: overrides the code that follows from `code`. */
      restCode?: string;
      /** REST: the header `Retry-After`; then the body says nothing about it. */
      restRetryAfter?: string;
      /** REST: overrides the status that follows from `code`. */
      restStatus?: number;
      cause?: unknown;
      /** Further details, already packed: type name without prefix, message as bytes. They follow the `ErrorDetail`. */
      details?: readonly { type: string; value: Uint8Array }[];
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "RpcError";
  }
}

/** One call, in whatever protocol it came. Cheap: nothing is made before it is asked for. */
export interface Call {
  readonly method: DescMethod;
  readonly protocol: "connect" | "grpc" | "grpc-web" | "rest";
  /** True when a Connect call without side effects came as an HTTP GET. */
  readonly get?: boolean;
  /** REST: the verb and the URL as they were called. */
  readonly rest?: { readonly verb: string; readonly url: string };
  /** Request header in lower case, or undefined. Several of one name are joined by a comma. */
  header(name: string): string | undefined;
  /** All request headers, names in lower case. */
  headers(): Iterable<readonly [name: string, value: string]>;
  /** Adds a response header. Works until the first answer was sent, for streams until the handler first returns; later it does nothing. */
  addHeader(name: string, value: string): void;
  /** Adds a trailer (Connect unary: a header with the prefix `trailer-`). Works until the call ends. */
  addTrailer(name: string, value: string): void;
  /** Remote address. */
  readonly peer: string;
  /** Monotonic deadline in ms as of performance.now(), when the caller gave one. */
  readonly deadlineMs: number | undefined;
  /** True once the caller is gone or its deadline passed. */
  readonly aborted: boolean;
  /** Calls back once when the caller is gone or its deadline passed; at once when it already is. */
  onAbort(run: () => void): void;
  /** Left by the server's authentication; opaque here. */
  principal: unknown;
}

/**
 * Handlers speak binary protobuf: `request` is the message as bytes (valid only until the handler returns or its promise
 * settles: copy what must live longer), the result is the answer's bytes, given away: the handler does not write to them
 * again. JSON, REST, envelopes, compression are the transport's.
 * A handler validates its message itself; what is malformed it refuses with `invalid_argument`.
 */
export interface UnaryHandler {
  kind: "unary";
  handle(call: Call, request: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
export interface ServerStreamHandler {
  kind: "server_stream";
  handle(call: Call, request: Uint8Array, out: MessageSink): Promise<void>;
}
/**
 * `open` is called at the start of the stream; the transport then calls the returned object. Messages come one at a time:
 * the next one is delivered only after `message` settled (this is how a handler paces its caller); HTTP/2 flow control does
 * the rest. Also serves methods whose caller streams and gets one answer.
 */
export interface BidiHandler {
  kind: "bidi";
  open(call: Call, out: MessageSink): BidiStream;
}
export interface BidiStream {
  message(request: Uint8Array): void | Promise<void>;
  /** The caller ended its side. The stream ends when this settles. */
  end(): void | Promise<void>;
}
/** Sends answers; those of one turn go out in one write. */
export interface MessageSink {
  /**
   * Copies the message before it returns. The result is a promise only when the caller reads too slowly and the handler
   * should wait. After the stream's end it does nothing.
   */
  send(message: Uint8Array): void | Promise<void>;
  /**
   * Sends messages that are in envelopes already (five bytes: 0 and the length, big-endian), without copying them: they are never written
   * to again and may be shared by many streams. Undefined where messages are not sent as they are (JSON, compression): then `send` each.
   */
  sendEnvelopes?: (envelopes: Uint8Array, count: number) => void | Promise<void>;
  /** Ends the stream at the handler's wish, with an error if one is given; what was sent before goes out first. */
  end(error?: RpcError): void;
}
export type Handler = UnaryHandler | ServerStreamHandler | BidiHandler;

/** Method path, for example `/corvo.v1.WorkerService/Enqueue`, to handler. */
export interface Route {
  method: DescMethod;
  handler: Handler;
  /** Served by the fast lane where the protocol allows. Both lanes give the same answers. */
  hot: boolean;
  /** A stream of which one request may be sent as an ordinary POST (`application/json` or `application/proto`), also over HTTP/1.1: the first answer is the response. */
  singleExchange?: boolean;
}

/** Where a method is served: `/package.Service/Method`. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
