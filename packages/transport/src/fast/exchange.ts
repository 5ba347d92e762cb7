import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { addCors } from "../core/cors.js";
import { drain } from "../core/drain.js";
import type { TransportLimits } from "../limits.js";

/** What an exchange tells the call on it. */
export interface ExchangeSink {
  data(chunk: Uint8Array): void;
  /** The caller ended its side. */
  ended(): void;
  /** There is room again after a write that found none. Absent: the call writes once. */
  drained?(): void;
  /** The exchange is over, in whatever way. Comes last and once. */
  closed(): void;
}

export type Metadata = readonly (readonly [name: string, value: string])[];

/** One HTTP request and its response, the same for HTTP/1.1 and HTTP/2. */
export interface Exchange {
  readonly http2: boolean;
  readonly peer: string;
  readonly header: IncomingHttpHeaders;
  readonly responded: boolean;
  /** Bytes given to `write` that the caller has not taken. */
  readonly unsent: number;
  attach(sink: ExchangeSink): void;
  read(): void;
  pause(): void;
  resume(): void;
  respond(status: number, headers: OutgoingHttpHeaders): void;
  /** `sent` is called when the bytes were given to the network, or with an error, or never if the exchange is over. */
  write(bytes: Uint8Array, sent?: (error?: Error | null) => void): void;
  /** Ends the response. What is left of the request is read and thrown away, within limits. */
  end(bytes?: Uint8Array, sent?: (error?: Error | null) => void): void;
  /** Ends the response with trailers; HTTP/2 only. To be announced by `trailers` before `respond`. */
  endWith(trailers: OutgoingHttpHeaders): void;
  trailers(): void;
  /**
   * Runs at once, or, where a caller would break its own stream by ending its body short of the declared length, after the
   * rest of that body was read and thrown away within limits. For answers that come before the request's end.
   */
  early(run: () => void): void;
  /** Breaks the exchange off. */
  destroy(): void;
}

const ignoreError = (): void => {
  // The exchange is told of its end by `close`; an error says the same with more words.
};

/**
 * A stream that ends in the usual way is closed before Node hears of its last write, and then Node makes an error for nobody,
 * with a stack trace: an eighth of a unary call's cost. It uses one that is there already.
 */
function spareError(stream: ServerHttp2Stream): void {
  const state = (stream as unknown as { _writableState?: { errored: Error | null } })._writableState;
  if (state !== undefined && state.errored === null) state.errored = streamOver;
}
const streamOver = new Error("the stream is over");

export class Http2Exchange implements Exchange {
  readonly http2 = true;
  #trailers: OutgoingHttpHeaders | undefined;
  #waitForTrailers = false;
  #sink: ExchangeSink | undefined;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #onEnd: (() => void) | undefined;
  constructor(
    readonly stream: ServerHttp2Stream,
    readonly header: IncomingHttpHeaders,
    readonly peer: string,
    readonly limits: TransportLimits,
  ) {
    stream.on("error", ignoreError);
  }
  get responded(): boolean {
    return this.stream.headersSent;
  }
  get unsent(): number {
    return this.stream.writableLength;
  }
  attach(sink: ExchangeSink): void {
    this.#sink = sink;
    if (sink.drained !== undefined) this.stream.on("drain", () => sink.drained?.());
    this.stream.on("close", () => {
      spareError(this.stream);
      sink.closed();
    });
  }
  read(): void {
    const sink = this.#sink!;
    this.stream.on("end", (this.#onEnd = () => sink.ended()));
    this.stream.on("data", (this.#onData = (chunk) => sink.data(chunk)));
  }
  /** The call hears no more of its request. */
  #unread(): void {
    if (this.#onData !== undefined) this.stream.off("data", this.#onData).off("end", this.#onEnd!);
  }
  pause(): void {
    this.stream.pause();
  }
  resume(): void {
    this.stream.resume();
  }
  trailers(): void {
    this.#waitForTrailers = true;
  }
  respond(status: number, headers: OutgoingHttpHeaders): void {
    if (this.stream.destroyed || this.stream.headersSent) return;
    headers[":status"] = status;
    addCors(this.header, headers);
    if (this.#waitForTrailers) {
      this.stream.on("wantTrailers", () => this.stream.sendTrailers(this.#trailers ?? {}));
      this.stream.respond(headers, { waitForTrailers: true });
    } else {
      this.stream.respond(headers);
    }
  }
  write(bytes: Uint8Array, sent?: (error?: Error | null) => void): void {
    if (!this.stream.destroyed && !this.stream.writableEnded) this.stream.write(bytes, sent);
  }
  end(bytes?: Uint8Array, sent?: (error?: Error | null) => void): void {
    if (this.stream.destroyed || this.stream.writableEnded) return;
    if (bytes !== undefined && sent !== undefined) this.stream.write(bytes, sent);
    if (bytes === undefined || sent !== undefined) this.stream.end();
    else this.stream.end(bytes);
    this.#leave();
  }
  endWith(trailers: OutgoingHttpHeaders): void {
    this.#trailers = trailers;
    this.end();
  }
  early(run: () => void): void {
    const { stream, limits } = this;
    const declared = this.header["content-length"];
    if (declared === undefined || stream.readableEnded || Number(declared) > limits.messageBytesMax + limits.drainBytesMax) {
      run();
      return;
    }
    this.#unread();
    void drain(stream, limits.drainBytesMax, limits.drainMs).then(run);
  }
  destroy(): void {
    if (!this.stream.destroyed) this.stream.close(constants.NGHTTP2_CANCEL);
  }
  /** The answer is given; the caller may still be sending. */
  #leave(): void {
    const { stream, limits } = this;
    if (stream.readableEnded) return;
    this.#unread();
    void drain(stream, limits.drainBytesMax, limits.drainMs).then((ended) => {
      if (!ended) closeAfterEndStream(stream);
    });
  }
}

/** Bodies up to this go out in one write with their head. 8 KiB: above it copying costs more than the second buffer. */
const oneWriteBytesMax = 8 * 1024;

/** Tells a caller to stop sending, but only after END_STREAM went out: an earlier reset overtakes body and trailers. */
export function closeAfterEndStream(stream: ServerHttp2Stream): void {
  const look = (): void => {
    if (stream.destroyed) return;
    if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
    else setTimeout(look, 10).unref();
  };
  look();
}

export class Http1Exchange implements Exchange {
  readonly http2 = false;
  readonly peer: string;
  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    readonly limits: TransportLimits,
  ) {
    this.peer = req.socket.remoteAddress ?? "";
    req.on("error", ignoreError);
    res.on("error", ignoreError);
  }
  get header(): IncomingHttpHeaders {
    return this.req.headers;
  }
  get responded(): boolean {
    return this.res.headersSent;
  }
  get unsent(): number {
    return this.res.writableLength;
  }
  #sink: ExchangeSink | undefined;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #onEnd: (() => void) | undefined;
  attach(sink: ExchangeSink): void {
    this.#sink = sink;
    if (sink.drained !== undefined) this.res.on("drain", () => sink.drained?.());
    this.res.on("close", () => sink.closed());
  }
  read(): void {
    const sink = this.#sink!;
    this.req.on("end", (this.#onEnd = () => sink.ended()));
    this.req.on("data", (this.#onData = (chunk) => sink.data(chunk)));
  }
  pause(): void {
    this.req.pause();
  }
  resume(): void {
    this.req.resume();
  }
  trailers(): void {
    throw new Error("trailers need HTTP/2");
  }
  respond(status: number, headers: OutgoingHttpHeaders): void {
    if (this.res.headersSent || this.res.destroyed) return;
    addCors(this.header, headers);
    this.res.writeHead(status, headers);
    if (headers["content-length"] === undefined) this.res.flushHeaders();
  }
  write(bytes: Uint8Array, sent?: (error?: Error | null) => void): void {
    if (!this.res.destroyed && !this.res.writableEnded) this.res.write(bytes, sent);
  }
  end(bytes?: Uint8Array, sent?: (error?: Error | null) => void): void {
    if (this.res.destroyed || this.res.writableEnded) return;
    const { req, res, limits } = this;
    if (!req.readableEnded) {
      if (this.#onData !== undefined) req.off("data", this.#onData).off("end", this.#onEnd!);
      const { socket } = req;
      const leave = (): void => {
        void drain(req, limits.drainBytesMax, limits.drainMs).then((ended) => {
          if (!ended) socket.destroy();
        });
      };
      if (req.complete) req.resume();
      else res.once("finish", leave);
    }
    if (bytes !== undefined && sent !== undefined) res.write(bytes, sent);
    if (bytes === undefined || sent !== undefined) res.end();
    else if (bytes.length > oneWriteBytesMax) res.end(bytes);
    // Node sends the head and a body of bytes apart (writev), but joins a string to the head: one plain write, a sixth of the whole call.
    else res.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"), "latin1");
  }
  endWith(): void {
    throw new Error("trailers need HTTP/2");
  }
  early(run: () => void): void {
    run();
  }
  destroy(): void {
    this.req.socket.destroy();
  }
}
