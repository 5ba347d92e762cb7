import type { DescMethod } from "@bufbuild/protobuf";
import { type LaneContext, OpenCall } from "../core/context.js";
import { toRpcError } from "../core/error-wire.js";
import { timeoutMs, timerMsMax } from "../core/timeout.js";
import { type Call, type Route, RpcError } from "../rpc.js";
import type { Exchange, ExchangeSink, Metadata } from "./exchange.js";

/** A call on the fast lane: what unary calls and streams have in common. Life: start → (authenticated) → read … → finish → closed. */
export abstract class FastCall extends OpenCall implements Call, ExchangeSink {
  readonly method: DescMethod;
  readonly protocol: "connect" | "grpc";
  deadlineMs: number | undefined;
  aborted = false;
  protected readonly startedMs = performance.now();
  /** What this call waits for, and since when: the listener's clock looks at it. */
  protected waits: "request" | "handler" | "reader" = "request";
  protected sinceMs = this.startedMs;
  /** The answer is on its way; nothing more can be said. */
  protected finished = false;
  protected headersOut: [string, string][] | undefined;
  protected trailersOut: [string, string][] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onAbort: (() => void)[] | undefined;

  constructor(
    protected readonly lane: LaneContext,
    readonly route: Route,
    protected readonly exchange: Exchange,
    protocol: "connect" | "grpc",
  ) {
    super();
    this.method = route.method;
    this.protocol = protocol;
  }

  get peer(): string {
    return this.exchange.peer;
  }
  header(name: string): string | undefined {
    const value = this.exchange.header[name];
    return typeof value === "string" ? value : value?.join(", ");
  }
  *headers(): Iterable<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.exchange.header)) {
      if (value !== undefined && !name.startsWith(":")) yield [name, typeof value === "string" ? value : value.join(", ")];
    }
  }
  addHeader(name: string, value: string): void {
    (this.headersOut ??= []).push([name.toLowerCase(), value]);
  }
  addTrailer(name: string, value: string): void {
    (this.trailersOut ??= []).push([name.toLowerCase(), value]);
  }
  onAbort(run: () => void): void {
    if (this.aborted) run();
    else (this.#onAbort ??= []).push(run);
  }

  start(path: string): void {
    const { lane, exchange } = this;
    lane.open.add(this);
    exchange.attach(this);
    try {
      const ms = timeoutMs(this.protocol, this.header(this.protocol === "connect" ? "connect-timeout-ms" : "grpc-timeout"));
      if (ms !== undefined) this.#setDeadline(ms);
      this.admit();
      if (lane.authenticate !== undefined) {
        const principal = lane.authenticate((name) => this.header(name), path, exchange.peer, this);
        if (principal instanceof Promise) {
          principal.then(
            (settled) => this.#authenticated(settled),
            (thrown) => this.fail(thrown),
          );
          return;
        }
        this.#authenticated(principal);
        return;
      }
    } catch (thrown) {
      this.fail(thrown);
      return;
    }
    this.begin();
  }

  #authenticated(principal: unknown): void {
    if (this.finished) return;
    if (principal instanceof RpcError) {
      this.fail(principal);
      return;
    }
    this.principal = principal;
    this.begin();
  }

  #setDeadline(ms: number): void {
    this.deadlineMs = this.startedMs + ms;
    if (ms > timerMsMax) return;
    this.#timer = setTimeout(() => {
      if (this.finished) return;
      this.fail(new RpcError("deadline_exceeded", "", "the deadline of the call has passed"));
    }, ms);
  }

  /** Checks that need headers only; may throw. */
  protected abstract admit(): void;
  /** The caller may call: read on. */
  protected abstract begin(): void;
  /** Answers with an error, in the protocol's way. */
  protected abstract refuse(error: RpcError): void;
  protected abstract release(): void;
  abstract data(chunk: Uint8Array): void;
  abstract ended(): void;

  protected fail(thrown: unknown): void {
    if (this.finished) return;
    const error = toRpcError(thrown, (cause) => this.lane.onError(cause, `${this.method.parent.typeName}/${this.method.name}`));
    this.refuse(error);
    this.abort();
  }

  cut(error: RpcError): void {
    this.fail(error);
  }

  protected wait(what: "request" | "handler" | "reader"): void {
    this.waits = what;
    this.sinceMs = performance.now();
  }

  check(nowMs: number): void {
    const { requestTimeoutMs, readerTimeoutMs } = this.lane.limits;
    if (this.waits === "request" && nowMs - this.sinceMs > requestTimeoutMs) {
      if (this.finished) this.exchange.destroy();
      else this.fail(new RpcError("deadline_exceeded", "", `the request did not arrive within ${requestTimeoutMs} ms`));
      this.sinceMs = nowMs;
    } else if (this.waits === "reader" && nowMs - this.sinceMs > readerTimeoutMs) {
      this.lane.observe.abuse?.("slow reader", this.peer);
      this.exchange.destroy();
    }
  }

  /** To be called once, when the last word is given to the exchange. */
  protected finish(code: string, status: number): void {
    this.finished = true;
    this.wait("reader");
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.release();
    this.lane.observe.call?.(this.route, this.protocol, code, status, this.sinceMs - this.startedMs);
  }

  closed(): void {
    this.lane.open.delete(this);
    if (!this.finished) {
      this.finish("canceled", 499);
      this.abort();
    }
  }

  protected abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const runs = this.#onAbort;
    this.#onAbort = undefined;
    for (const run of runs ?? []) {
      try {
        run();
      } catch (thrown) {
        this.lane.onError(thrown, "onAbort");
      }
    }
  }
}

/** Adds metadata to headers; several values of one name stay several. */
export function addMetadata(into: Record<string, number | string | string[] | undefined>, from: Metadata | undefined, prefix = ""): void {
  if (from === undefined) return;
  for (const [name, value] of from) {
    const key = prefix + name;
    const there = into[key];
    into[key] = there === undefined ? value : Array.isArray(there) ? [...there, value] : [String(there), value];
  }
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === "function";
}
