import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Budget } from "../core/gather.js";
import type { TransportLimits } from "../limits.js";
import { type Head, readHead } from "./head.js";

/** What a connection needs of the listener. */
export interface WholeHost {
  readonly limits: TransportLimits;
  readonly budget: Budget;
  /** The server is going: answers say goodbye. */
  readonly closing: boolean;
  /** Serves a request, now or later; false: not one of those that are served here, nothing has happened. */
  serve(head: Head, body: Uint8Array, connection: WholeConnection): boolean;
  /** From now on the connection is Node's, with every byte that was not served. */
  leave(socket: Socket): void;
  /** It is ended for abuse. */
  abuse(why: string, peer: string): void;
  /** It is closed, or has left. */
  gone(connection: WholeConnection): void;
}

/** How long the rest of a request may take before the connection becomes Node's, which has the patience and the limits for it. */
const patienceMs = 100;
/** Beyond it nothing more is read before the answer. */
const aheadBytesMax = 64 * 1024;

/**
 * A connection of HTTP/1.1 whose requests come whole, head and small body in one piece or nearly, which is what clients of the hot methods send: they are
 * served without Node's request and response, a third of such a call's cost. At the first thing that is different (a long body, chunks, `Expect`,
 * a method that is not hot, pipelining) the connection becomes Node's for good. One request is in progress at a time.
 */
export class WholeConnection {
  readonly peer: string;
  #held: Buffer | undefined;
  /** A part of a request is here. */
  #begun = false;
  #busy = false;
  /** Of what is held, while a request is in progress: whole requests, and their bytes. */
  #aheadRequests = 0;
  #aheadBytes = 0;
  /** The answer is written, but the caller has not taken it. */
  #answered = false;
  #sinceMs = performance.now();
  #onOver: (() => void) | undefined;

  constructor(
    readonly socket: Socket,
    private readonly host: WholeHost,
  ) {
    this.peer = socket.remoteAddress ?? "";
    socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
  }

  /** Calls `run` once when the request in progress is over: its answer is with the system, or the connection is closed. */
  onOver(run: () => void): void {
    const before = this.#onOver;
    this.#onOver =
      before === undefined
        ? run
        : () => {
            before();
            run();
          };
  }

  /** Answers the request in progress. `headers` is flat: name, value, name, value. Text is in Latin-1. */
  answer(status: number, headers: readonly string[], body: string | Uint8Array): void {
    if (!this.#busy || this.#answered || !this.socket.writable) return;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
    for (let i = 0; i < headers.length; i += 2) {
      head += `${headers[i]}: ${inHeader(headers[i + 1]!)}\r\n`;
    }
    head += this.host.closing ? `Date: ${httpDate()}\r\nConnection: close\r\n\r\n` : `Date: ${httpDate()}\r\n${this.#keepAlive()}`;
    this.#answered = true;
    this.#sinceMs = performance.now();
    if (typeof body === "string" || body.length <= oneWriteBytesMax) {
      const text = typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
      this.socket.write(head + text, "latin1", this.#onTaken);
    } else {
      this.socket.cork();
      this.socket.write(head, "latin1");
      // The answer's bytes may be written over as soon as this returns.
      this.socket.write(Buffer.from(body), this.#onTaken);
      this.socket.uncork();
    }
  }

  /** Called now and then. */
  check(nowMs: number): void {
    const ms = nowMs - this.#sinceMs;
    if (this.#answered) {
      if (ms > this.host.limits.readerTimeoutMs) this.socket.destroy();
    } else if (!this.#busy) {
      if (this.#begun && ms > patienceMs) this.#leave();
      else if (ms > this.host.limits.idleTimeoutMs) this.socket.destroy();
    }
  }

  /** The server is going: ends the connection unless it owes an answer. */
  closeIdle(): void {
    if (!this.#busy) this.socket.end();
  }

  #keepAlive(): string {
    return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(this.host.limits.idleTimeoutMs / 1000)}\r\n\r\n`;
  }

  readonly #onData = (chunk: Buffer): void => {
    const held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const fits = this.#hold(held);
    if (this.#busy) this.#ahead(held);
    // What is too much is Node's: there the request is refused with words.
    else if (fits) this.#serve(held);
    else this.#leave();
  };

  /** Requests that came before the answer to the one in progress. They are Node's, afterwards. */
  #ahead(bytes: Buffer): void {
    if (bytes.length > aheadBytesMax) this.socket.pause();
    while (this.#aheadRequests < this.host.limits.pipelinedRequestsMax) {
      const rest = bytes.subarray(this.#aheadBytes);
      const head = readHead(rest);
      if (typeof head === "string" || rest.length < head.bytes + head.bodyBytes) return;
      this.#aheadBytes += head.bytes + head.bodyBytes;
      this.#aheadRequests++;
    }
    this.host.abuse("pipelining", this.peer);
    this.socket.destroy();
  }

  #serve(bytes: Buffer): void {
    const head = readHead(bytes);
    if (head === "unusual") return this.#leave();
    const end = head === "unfinished" ? Number.POSITIVE_INFINITY : head.bytes + head.bodyBytes;
    if (head === "unfinished" || bytes.length < end) {
      if (!this.#begun) this.#sinceMs = performance.now();
      this.#begun = true;
      return;
    }
    // Pipelining, and heads beyond the listener's own limits.
    if (bytes.length > end || head.bytes > this.host.limits.headerBytesMax || head.lines > this.host.limits.headersMax) return this.#leave();
    this.#busy = true;
    if (!this.host.serve(head, bytes.subarray(head.bytes, end), this)) return this.#leave();
    this.#begun = false;
    this.#hold(undefined);
  }

  /** The answer is with the system. */
  readonly #onTaken = (error?: Error | null): void => {
    if (error) return;
    this.#busy = this.#answered = false;
    this.#sinceMs = performance.now();
    this.#over();
    if (this.host.closing) this.socket.end();
    else if (this.#held !== undefined) this.#leave();
  };

  #over(): void {
    const run = this.#onOver;
    this.#onOver = undefined;
    run?.();
  }

  /** False: all connections together hold too much. */
  #hold(bytes: Buffer | undefined): boolean {
    const fits = this.host.budget.change(this.#held?.length ?? 0, bytes?.length ?? 0);
    this.#held = bytes;
    return fits;
  }

  #leave(): void {
    const { socket } = this;
    const held = this.#held;
    this.#forget();
    if (socket.destroyed) return;
    socket.pause();
    if (held !== undefined) socket.unshift(held);
    this.host.leave(socket);
    socket.resume();
  }

  #forget(): void {
    this.socket.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    this.#hold(undefined);
    this.host.gone(this);
  }

  /** The caller said goodbye. As with Node, an answer that it still waits for is not given, and to a part of a request something is said. */
  readonly #onEnd = (): void => {
    const part = !this.#busy && this.#held?.some((byte) => byte !== 13 && byte !== 10);
    this.socket.end(part ? "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" : "");
  };
  readonly #onError = (): void => void this.socket.destroy();
  readonly #onClose = (): void => {
    this.#forget();
    this.#over();
  };
}

/** As for Node's own answers: bodies up to this go out in one piece with their head. */
const oneWriteBytesMax = 8 * 1024;

const notInHeaders = /[^\t\x20-\x7e\x80-\xff]/g;
/** No value may end its line. */
function inHeader(value: string): string {
  return value.search(notInHeaders) < 0 ? value : value.replace(notInHeaders, "?");
}

let date = "";
let dateUntilMs = 0;
/** RFC 9110 §6.6.1, made once a second. */
function httpDate(): string {
  const nowMs = Date.now();
  if (nowMs >= dateUntilMs || nowMs < dateUntilMs - 1000) {
    date = new Date(nowMs).toUTCString();
    dateUntilMs = nowMs - (nowMs % 1000) + 1000;
  }
  return date;
}
