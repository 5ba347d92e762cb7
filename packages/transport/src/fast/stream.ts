import type { OutgoingHttpHeaders } from "node:http2";
import { binaryCodec, type MessageCodec } from "../core/codec.js";
import type { RpcType } from "../core/content-type.js";
import type { LaneContext } from "../core/context.js";
import { EnvelopeReader, endStreamFlag, outOfBudget } from "../core/envelope.js";
import { EnvelopeWriter } from "../core/envelope-writer.js";
import { connectErrorJson, grpcErrorTrailers } from "../core/error-wire.js";
import { type BidiStream, type MessageSink, type Route, RpcError } from "../rpc.js";
import { addMetadata, FastCall, isPromise } from "./call.js";
import type { Exchange } from "./exchange.js";
import { checkVersion } from "./unary.js";

/** Bytes of input that a stream may have waiting while its handler works, before its caller is told to stop. */
const inputBytesMax = 64 * 1024;

let dirty: StreamCall[] = [];
/** All answers due in one turn of the event loop go out together, one write per stream. */
function flushDirty(): void {
  const calls = dirty;
  dirty = [];
  for (const call of calls) call.flush();
}

/** A call in envelopes: Connect streams and everything gRPC. */
export class StreamCall extends FastCall implements MessageSink {
  readonly #reader: EnvelopeReader;
  readonly #out = new EnvelopeWriter();
  #framesOut = 0;
  #held = 0;
  #bidi: BidiStream | undefined;
  /** The one message of a method that takes one. */
  #single: Uint8Array | undefined;
  /** The handler works on a message; the next one waits. */
  #busy = false;
  #inputEnded = false;
  #paused = false;
  #dirty = false;
  #counted = false;
  #room: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    lane: LaneContext,
    route: Route,
    exchange: Exchange,
    private readonly type: RpcType,
    private readonly codec: MessageCodec,
  ) {
    super(lane, route, exchange, type.protocol as "connect" | "grpc");
    this.#reader = new EnvelopeReader(lane.limits.messageBytesMax);
    if (type.protocol === "grpc") exchange.trailers();
  }

  protected admit(): void {
    if (this.type.protocol === "connect") checkVersion(this.header("connect-protocol-version"));
  }

  protected begin(): void {
    const { handler } = this.route;
    if (handler.kind !== "unary") {
      this.#counted = true;
      this.lane.observe.stream?.(this.route, 1);
    }
    if (handler.kind === "bidi") {
      try {
        this.#bidi = handler.open(this, this);
      } catch (thrown) {
        this.fail(thrown);
        return;
      }
      this.waits = "handler";
    }
    if (!this.finished) this.exchange.read();
  }

  // ---- in

  data(chunk: Uint8Array): void {
    if (this.finished) return;
    this.#reader.push(chunk);
    if (!this.#busy) this.#pump();
    else this.#account();
    if (this.#busy && !this.#paused && this.#held > inputBytesMax) {
      this.#paused = true;
      this.exchange.pause();
    }
  }

  ended(): void {
    this.#inputEnded = true;
    if (!this.finished && !this.#busy) this.#pump();
  }

  /** Delivers whole messages while the handler keeps up and the caller reads its answers. */
  #pump(): void {
    let delivered = 0;
    try {
      while (!this.finished && !this.#busy && !this.#congested()) {
        const message = this.#reader.next();
        if (message === undefined) {
          if (this.#inputEnded) this.#finishInput();
          break;
        }
        this.lane.observe.frames?.(this.route, "in", 1, message.length);
        this.#deliver(message);
        delivered++;
      }
      if (this.finished) return;
      this.#account();
      if (!this.#busy) this.#watch(delivered > 0);
      if (this.#paused && this.#held <= inputBytesMax && !this.#congested()) {
        this.#paused = false;
        this.exchange.resume();
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  #account(): void {
    const before = this.#held;
    this.#held = this.#reader.held;
    if (before !== this.#held && !this.lane.budget.change(before, this.#held)) this.fail(outOfBudget());
  }

  /** The clock runs while a message is half there, not while the stream is quiet between two. */
  #watch(moved: boolean): void {
    const what = this.#congested() ? "reader" : this.#bidi !== undefined && this.#reader.clean ? "handler" : "request";
    if (moved || this.waits !== what) this.wait(what);
  }

  #deliver(message: Uint8Array): void {
    const request = this.codec.request(message);
    if (this.#bidi !== undefined) {
      const done = this.#bidi.message(request);
      this.#sendHeadersSoon();
      if (isPromise(done)) this.#work(done);
      return;
    }
    if (this.#single !== undefined) throw new RpcError("unimplemented", "", "protocol error: more than one message for a method that takes one");
    this.#single = request;
  }

  #finishInput(): void {
    if (!this.#reader.clean) throw new RpcError("invalid_argument", "", "protocol error: the request ended within a message");
    this.waits = "handler";
    const { handler } = this.route;
    this.#busy = true;
    if (this.#bidi !== undefined) {
      this.#endAfter(this.#bidi.end());
      return;
    }
    const request = this.#single;
    if (request === undefined) throw new RpcError("unimplemented", "", "protocol error: no message for a method that takes one");
    if (handler.kind === "unary") {
      const answer = handler.handle(this, request);
      if (!isPromise(answer)) this.#answer(answer);
      else {
        answer.then(
          (bytes) => this.#answer(bytes),
          (thrown) => this.fail(thrown),
        );
      }
    } else if (handler.kind === "server_stream") {
      this.#endAfter(handler.handle(this, request, this));
      this.#sendHeadersSoon();
    }
  }

  #answer(bytes: Uint8Array): void {
    if (this.finished) return;
    this.send(bytes);
    this.#end(undefined);
  }

  #work(done: Promise<void>): void {
    this.#busy = true;
    done.then(
      () => {
        this.#busy = false;
        if (!this.finished) this.#pump();
      },
      (thrown) => this.fail(thrown),
    );
  }

  #endAfter(done: void | Promise<void>): void {
    if (!isPromise(done)) {
      this.#end(undefined);
      return;
    }
    done.then(
      () => this.#end(undefined),
      (thrown) => this.fail(thrown),
    );
  }

  // ---- out

  send(message: Uint8Array): void | Promise<void> {
    if (this.finished) return;
    this.#out.add(this.codec.answer(message));
    return this.#added(1);
  }

  get sendEnvelopes(): ((envelopes: Uint8Array, count: number) => void | Promise<void>) | undefined {
    if (this.codec !== binaryCodec) return undefined;
    return (envelopes, count) => {
      if (this.finished) return;
      this.#out.addReady(envelopes);
      return this.#added(count);
    };
  }

  #added(messages: number): void | Promise<void> {
    this.#framesOut += messages;
    this.#touch();
    if (!this.#congested()) return;
    if (this.#room === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((r) => {
        resolve = r;
      });
      this.#room = { promise, resolve };
    }
    return this.#room.promise;
  }

  end(error?: RpcError): void {
    if (error === undefined) this.#end(undefined);
    else this.fail(error);
  }

  #congested(): boolean {
    return this.#out.length + this.exchange.unsent > this.lane.limits.sendBufferBytes;
  }

  #touch(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    if (dirty.push(this) === 1) setImmediate(flushDirty);
  }

  #sendHeadersSoon(): void {
    // A method with one answer sets its headers with it.
    if (!this.finished && !this.exchange.responded && this.method.methodKind !== "client_streaming") this.#touch();
  }

  flush(): void {
    this.#dirty = false;
    if (this.finished) return;
    this.#respond();
    this.#write();
    if (this.#congested()) this.#watch(false);
    else this.#freed();
  }

  #write(): void {
    if (this.#out.length === 0) return;
    this.lane.observe.frames?.(this.route, "out", this.#framesOut, this.#out.length);
    this.#framesOut = 0;
    const { bytes, sent } = this.#out.take();
    this.exchange.write(bytes, sent);
  }

  drained(): void {
    if (this.finished || this.#congested()) return;
    this.#freed();
    if (this.#busy) this.wait("handler");
    else this.#pump();
  }

  #freed(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }

  #respond(): void {
    if (this.exchange.responded) return;
    const headers: OutgoingHttpHeaders = { "content-type": this.type.contentType };
    addMetadata(headers, this.headersOut);
    this.exchange.respond(200, headers);
  }

  protected refuse(error: RpcError): void {
    this.#end(error);
  }

  #end(error: RpcError | undefined): void {
    if (this.finished) return;
    const { exchange } = this;
    if (this.type.protocol === "grpc") {
      const trailers: Record<string, string | string[]> = {};
      addMetadata(trailers, this.trailersOut);
      if (error === undefined) trailers["grpc-status"] = "0";
      else grpcErrorTrailers(error, trailers);
      this.finish(error?.code ?? "ok", 200);
      this.#leave(error, () => {
        this.#write();
        exchange.endWith(trailers);
      });
    } else {
      const end: Record<string, unknown> = {};
      if (error !== undefined) end.error = connectErrorJson(error);
      if (this.trailersOut !== undefined) {
        const metadata: Record<string, string[]> = {};
        for (const [name, value] of this.trailersOut) (metadata[name] ??= []).push(value);
        end.metadata = metadata;
      }
      this.finish(error?.code ?? "ok", 200);
      this.#out.add(Buffer.from(JSON.stringify(end), "utf8"), endStreamFlag);
      this.#leave(error, () => {
        this.lane.observe.frames?.(this.route, "out", this.#framesOut, this.#out.length);
        const { bytes, sent } = this.#out.take();
        exchange.end(bytes, sent);
      });
    }
    this.#freed();
  }

  #leave(error: RpcError | undefined, say: () => void): void {
    const leave = (): void => {
      this.#respond();
      say();
    };
    if (error === undefined) leave();
    else this.exchange.early(leave);
  }

  protected release(): void {
    this.#reader.drop();
    this.lane.budget.change(this.#held, 0);
    this.#held = 0;
    if (this.#counted) this.lane.observe.stream?.(this.route, -1);
  }

  shutdown(): void {
    if (this.route.handler.kind === "unary") return;
    this.fail(new RpcError("unavailable", "SHUTTING_DOWN", "the server is shutting down", { retryAfterMs: 100 }));
  }
}
