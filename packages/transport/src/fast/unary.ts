import type { OutgoingHttpHeaders } from "node:http2";
import type { MessageCodec } from "../core/codec.js";
import { httpStatus } from "../core/codes.js";
import type { RpcType } from "../core/content-type.js";
import type { LaneContext } from "../core/context.js";
import { messageTooLarge, outOfBudget } from "../core/envelope.js";
import { connectErrorJson } from "../core/error-wire.js";
import { Gather } from "../core/gather.js";
import { type BidiHandler, type Route, RpcError } from "../rpc.js";
import { addMetadata, FastCall, isPromise } from "./call.js";
import type { Exchange } from "./exchange.js";

/** A Connect unary call: the body is the message, the response's body is the answer or a JSON error. */
export class UnaryCall extends FastCall {
  readonly #body = new Gather();
  #held = 0;
  #declared: number | undefined;

  constructor(
    lane: LaneContext,
    route: Route,
    exchange: Exchange,
    private readonly type: RpcType,
    private readonly codec: MessageCodec,
  ) {
    super(lane, route, exchange, "connect");
  }

  protected admit(): void {
    checkVersion(this.header("connect-protocol-version"));
    const length = this.header("content-length");
    if (length === undefined) return;
    this.#declared = Number(length);
    if (this.#declared > this.lane.limits.messageBytesMax) throw messageTooLarge(this.#declared, this.lane.limits.messageBytesMax);
  }

  protected begin(): void {
    this.exchange.read();
  }

  data(chunk: Uint8Array): void {
    if (this.finished) return;
    const size = this.#body.length + chunk.length;
    if (size > this.lane.limits.messageBytesMax) {
      this.fail(messageTooLarge(size, this.lane.limits.messageBytesMax));
      return;
    }
    this.#body.add(chunk, this.#declared);
    const before = this.#held;
    this.#held = this.#body.held;
    if (!this.lane.budget.change(before, this.#held)) this.fail(outOfBudget());
  }

  ended(): void {
    if (this.finished) return;
    this.waits = "handler";
    try {
      const request = this.codec.request(this.#body.take());
      const { handler } = this.route;
      const answer = handler.kind === "unary" ? handler.handle(this, request) : this.#exchangeOne(handler as BidiHandler, request);
      if (isPromise(answer)) {
        answer.then(
          (bytes) => this.#answer(bytes),
          (thrown) => this.fail(thrown),
        );
      } else {
        this.#answer(answer);
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** One message through a stream's handler: its first answer is ours. */
  async #exchangeOne(handler: BidiHandler, request: Uint8Array): Promise<Uint8Array> {
    let answer: Uint8Array | undefined;
    let over = false;
    let error: RpcError | undefined;
    const stream = handler.open(this, {
      send: (message) => {
        if (!over) answer ??= Buffer.from(message);
      },
      end: (why) => {
        over = true;
        error ??= why;
      },
    });
    if (!over && answer === undefined) await stream.message(request);
    if (!over) await stream.end();
    if (answer !== undefined) return answer;
    throw error ?? new RpcError("unimplemented", "", "the stream ended without an answer");
  }

  #answer(bytes: Uint8Array): void {
    if (this.finished) return;
    let body: Uint8Array;
    try {
      body = this.codec.answer(bytes);
    } catch (thrown) {
      this.fail(thrown);
      return;
    }
    this.#send("ok", 200, this.type.contentType, body);
  }

  protected refuse(error: RpcError): void {
    const body = Buffer.from(JSON.stringify(connectErrorJson(error)), "utf8");
    this.#send(error.code, httpStatus(error.code), "application/json", body);
  }

  #send(code: string, status: number, contentType: string, body: Uint8Array): void {
    const { exchange } = this;
    const headers: OutgoingHttpHeaders = { "content-type": contentType };
    if (this.headersOut !== undefined) addMetadata(headers, this.headersOut);
    if (this.trailersOut !== undefined) addMetadata(headers, this.trailersOut, "trailer-");
    if (!exchange.http2) headers["content-length"] = body.length;
    this.finish(code, status);
    const send = (): void => {
      exchange.respond(status, headers);
      exchange.end(body);
    };
    if (code === "ok") send();
    else exchange.early(send);
  }

  protected release(): void {
    this.#body.take();
    this.lane.budget.change(this.#held, 0);
    this.#held = 0;
  }

  shutdown(): void {
    // A call that was begun may end; the listener's grace is its limit.
  }
}

/** The header is not required (v0.3's clients may leave it out), but a version that we do not speak is refused. */
export function checkVersion(version: string | undefined): void {
  if (version === undefined || version === "1") return;
  throw new RpcError("invalid_argument", "", `connect-protocol-version must be "1", not ${JSON.stringify(version.slice(0, 32))}`);
}
