import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import { OpenCall } from "../core/context.js";
import { drain } from "../core/drain.js";
import { Gather } from "../core/gather.js";
import { closeAfterEndStream } from "../fast/exchange.js";
import type { Call } from "../rpc.js";
import { RpcError } from "../rpc.js";
import { WholeRequest, type WholeResponse } from "../whole/messages.js";
import type { ProtoToJson } from "./encode.js";
import { BodyError, errorText, restError } from "./errors.js";
import type { RestContext } from "./handler.js";
import { corsHeaders, exposedHeaders, seenHeader, serverTiming } from "./headers.js";
import type { RestRoute } from "./routes.js";
import { validateOnlyField } from "./rules.js";

/** Requests and answers of both HTTP versions; over HTTP/2 they are Node's compatibility objects. Those that came whole are ours. */
export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** One REST request on its way: read, transcoded, handled, answered. It is also the handler's `Call`. */
export class Exchange extends OpenCall implements Call {
  readonly protocol = "rest";
  readonly deadlineMs = undefined;
  method: DescMethod;
  private readonly startedMs: number;
  /** Answered, or the caller is gone. */
  private over = false;
  private gone = false;
  /** Its caller may call. */
  private admitted = false;
  private extra: string[] | undefined;
  private readonly body = new Gather();
  private held = 0;

  constructor(
    private readonly context: RestContext,
    private route: RestRoute,
    private readonly values: readonly string[],
    private readonly query: string,
    private readonly req: Request | WholeRequest,
    private readonly res: Response | WholeResponse,
  ) {
    super();
    this.method = route.route.method;
    this.startedMs = context.nowMs();
  }

  // The handler's view

  header(name: string): string | undefined {
    const value = (this.req.headers as IncomingHttpHeaders)[name];
    return typeof value === "string" ? value : value?.join(", ");
  }

  *headers(): Iterable<readonly [name: string, value: string]> {
    for (const [name, value] of Object.entries(this.req.headers)) {
      if (!name.startsWith(":") && value !== undefined) yield [name, typeof value === "string" ? value : value.join(", ")];
    }
  }

  addHeader(name: string, value: string): void {
    (this.extra ??= []).push(name, value);
  }

  addTrailer(name: string, value: string): void {
    this.addHeader(`trailer-${name}`, value);
  }

  get rest(): { verb: string; url: string } {
    return { verb: this.req.method ?? "", url: this.req.url ?? "" };
  }

  get peer(): string {
    return this.req.socket?.remoteAddress ?? "";
  }

  get aborted(): boolean {
    return this.gone;
  }

  private aborts: (() => void)[] | undefined;

  onAbort(run: () => void): void {
    if (this.gone) run();
    else if (!this.over) (this.aborts ??= []).push(run);
  }

  // The way through

  /** Starts. Everything after it happens in callbacks. */
  start(): void {
    const { req, res } = this;
    (res as ServerResponse).on("close", () => this.leave());
    this.context.open.add(this);
    const { authenticate } = this.context;
    if (authenticate !== undefined) {
      try {
        const who = authenticate((name) => this.header(name), this.context.pathOf(this.route), this.peer, this);
        if (who instanceof Promise) {
          req.pause();
          who.then(
            (p) => this.admit(p),
            (e: unknown) => this.fail(e),
          );
        } else this.admit(who);
      } catch (e) {
        this.fail(e);
      }
    } else this.read();
  }

  private admit(principal: unknown) {
    if (this.over) return;
    if (principal instanceof Error) return this.fail(principal);
    this.principal = principal;
    this.read();
  }

  private read() {
    this.admitted = true;
    const { req, route } = this;
    if (route.body === "none") {
      req.resume();
      return this.run(nothing);
    }
    const bytesMax = route.body === "raw" ? this.context.rawBodyBytesMax : this.context.limits.messageBytesMax;
    const announced = req.headers["content-length"];
    if (announced !== undefined && Number(announced) > bytesMax) return this.fail(tooLarge(Number(announced), bytesMax));
    if (announced === "0" || (announced === undefined && req.httpVersionMajor === 1 && req.headers["transfer-encoding"] === undefined)) {
      req.resume();
      return this.run(nothing);
    }
    if (req instanceof WholeRequest) return this.run(req.body);
    const { body } = this;
    (req as IncomingMessage).on("data", (chunk: Buffer) => {
      if (this.over) return;
      body.add(chunk, announced === undefined ? undefined : Number(announced));
      if (body.length > bytesMax) return this.fail(tooLarge(undefined, bytesMax));
      if (body.held !== this.held && !this.context.budget.change(this.held, body.held))
        return this.fail(new RpcError("resource_exhausted", "OVERLOADED", "too many unfinished requests", { retryAfterMs: 1000 }));
      this.held = body.held;
    });
    req.on("end", () => {
      if (!this.over) this.run(body.take());
    });
    req.on("error", () => this.leave());
  }

  private run(bytes: Uint8Array): void {
    const { list } = this.route;
    if (list !== undefined && hasList(bytes, list.member)) {
      this.route = list.route;
      this.method = list.route.route.method;
    }
    try {
      const answer = this.route.handler.handle(this, this.request(bytes));
      if (answer instanceof Promise)
        answer.then(
          (a) => this.answer(a),
          (e: unknown) => this.fail(e),
        );
      else this.answer(answer);
    } catch (e) {
      this.fail(e);
    }
  }

  /** The request as protobuf: first what path and header say, then the body or the query, so that a body's own request id counts. */
  private request(bytes: Uint8Array): Uint8Array {
    const { route } = this;
    const { decoder } = this.context;
    decoder.begin();
    for (let i = 0; i < route.pathFields.length; i++) decoder.text(route.pathFields[i], decodeSegment(this.values[i], route.pathFields[i].name));
    if (route.requestId !== undefined) {
      const id = this.header("idempotency-key");
      if (id !== undefined && id !== "") decoder.text(route.requestId, id);
    }
    if (route.body === "json") {
      if (this.query !== "" && route.validateOnly !== undefined) {
        const asked = new URLSearchParams(this.query).get(validateOnlyField);
        if (asked !== null) decoder.text(route.validateOnly, asked === "" ? "true" : asked);
      }
      if (bytes.length > 0 || !route.bodyOptional) {
        if (!route.bodyOptional || !decoder.isBlank(bytes)) decoder.body(route.input, bytes);
      }
    } else {
      if (this.query !== "") this.readQuery();
      if (route.rawBody !== undefined) decoder.bytes(route.rawBody, this.context.rawText(bytes));
    }
    return decoder.take();
  }

  private readQuery(): void {
    const { decoder } = this.context;
    let pairs = 0;
    for (const [name, value] of new URLSearchParams(this.query)) {
      if (++pairs > 1000) throw new BodyError("too many query parameters", undefined, { restCode: "VALIDATION_ERROR" });
      const field = decoder.named(this.route.input, name);
      if (field !== undefined) decoder.text(field, value);
    }
  }

  // The end

  private answer(bytes: Uint8Array) {
    if (this.over) return;
    const { route } = this;
    if (route.fixedAnswer !== undefined) return this.send(route.successStatus, route.fixedAnswer, "ok");
    const encoder: ProtoToJson = this.context.encoder;
    let status = route.successStatus;
    let body: string | Buffer;
    try {
      encoder.open(route.output, bytes);
      if (route.emptyUnless !== undefined && !encoder.flag(route.emptyUnless)) return this.send(204, "", "ok");
      if (route.flag !== undefined && encoder.flag(route.flag)) status = route.flaggedStatus;
      encoder.write(route.output, route.responseBody);
      body = encoder.length <= textBytesMax ? encoder.takeText() : encoder.takeBytes();
    } catch (e) {
      return this.fail(e);
    }
    this.send(status, body, "ok");
  }

  private fail(thrown: unknown): void {
    if (this.over) return;
    const { context, route } = this;
    const e = restError(thrown, route);
    const refusal = thrown instanceof RpcError ? thrown : undefined;
    const cause = refusal === undefined ? thrown : refusal.more.cause;
    if (cause !== undefined) context.onError(cause, `${route.verb} ${route.template}`);
    if (e.retryAfter !== undefined) this.addHeader("Retry-After", e.retryAfter);
    if (e.retryAfterMs !== undefined) this.addHeader("Retry-After", (e.retryAfterMs / 1000).toFixed(3));
    this.send(e.status, errorText(e), refusal?.code ?? "internal");
    this.discard();
  }

  private send(status: number, body: string | Buffer, code: string): void {
    const { context, res } = this;
    const durationMs = context.nowMs() - this.startedMs;
    const text = typeof body === "string" ? body : undefined;
    const latin1 = code === "ok";
    const headers = ["Server-Timing", serverTiming(durationMs), ...corsHeaders];
    if (status !== 204) {
      const length = text === undefined ? body.length : latin1 ? text.length : Buffer.byteLength(text);
      headers.push("Content-Type", "application/json", "Content-Length", String(length));
    }
    if (this.extra !== undefined) headers.push(...this.extra);
    if (this.admitted && context.seen !== undefined && this.extra?.includes(seenHeader) !== true) headers.push(seenHeader, String(context.seen()));
    if (this.req.headers.origin !== undefined) headers.push(...exposedHeaders);
    this.finish();
    writeHead(res, status, headers);
    if (status === 204) (res as ServerResponse).end();
    else if (text === undefined) (res as ServerResponse).end(body);
    else (res as ServerResponse).end(text, latin1 ? "latin1" : "utf8");
    context.observe.call?.(this.route.route, "rest", code, status, durationMs);
  }

  /** An answer that came before the request's end: the rest is read and thrown away within limits, so that the connection can go on. */
  private discard(): void {
    const { req, res } = this;
    if (req instanceof WholeRequest || req.readableEnded || this.route.body === "none") return;
    const { drainBytesMax, drainMs } = this.context.limits;
    void drain(req, drainBytesMax, drainMs).then((ended) => {
      if (ended) return;
      if (req.httpVersionMajor === 1) req.socket?.destroy();
      else closeAfterEndStream((res as Http2ServerResponse).stream);
    });
  }

  private leave(): void {
    if (this.over) return;
    this.gone = true;
    const { aborts } = this;
    this.finish();
    this.context.observe.call?.(this.route.route, "rest", "canceled", 499, this.context.nowMs() - this.startedMs);
    for (const run of aborts ?? []) run();
  }

  check(): void {
    // The listener's clock looks after connections; a request that does not arrive is Node's to end.
  }

  shutdown(): void {
    // A call that was begun may end; the listener's grace is its limit.
  }

  cut(error: RpcError): void {
    if (this.over) return;
    const { aborts } = this;
    this.fail(error);
    this.gone = true;
    for (const run of aborts ?? []) run();
  }

  private finish(): void {
    this.over = true;
    this.context.open.delete(this);
    this.aborts = undefined;
    if (this.held > 0) this.context.budget.change(this.held, 0);
    this.held = 0;
    if (this.body.length > 0) this.body.take();
  }
}

const nothing = new Uint8Array(0);

/** Answers up to this size go out as one string with their header; longer ones as bytes. */
const textBytesMax = 16_384;

function tooLarge(bytes: number | undefined, bytesMax: number): BodyError {
  const what = bytes === undefined ? `request body too large (max ${bytesMax} bytes)` : `payload too large: ${bytes} bytes (max ${bytesMax})`;
  return new BodyError(what, undefined, { restStatus: 413, restCode: "PAYLOAD_TOO_LARGE" });
}

function decodeSegment(raw: string, name: string): string {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new BodyError(`${name} is not percent-encoded as it should be`, undefined, { field: name });
  }
}

/** Flat header lists are taken by both HTTP versions; only their types differ. */
export function writeHead(res: Response | WholeResponse, status: number, headers: string[]): void {
  (res as ServerResponse).writeHead(status, headers);
}

/** Does the body have a list under this name? Bodies that cannot be read have none: their fault is told later. */
function hasList(bytes: Uint8Array, member: string): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text.includes(`"${member}"`)) return false;
  try {
    const body: unknown = JSON.parse(text.toString());
    return typeof body === "object" && body !== null && Array.isArray((body as Record<string, unknown>)[member]);
  } catch {
    return false;
  }
}
