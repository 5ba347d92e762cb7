import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { addCors } from "../core/cors.js";
import type { Exchange, ExchangeSink } from "../fast/exchange.js";
import type { WholeConnection } from "./connection.js";
import type { Head } from "./head.js";

/** A request that is there with its body: what REST reads of Node's. */
export class WholeRequest {
  readonly httpVersionMajor = 1;
  readonly readableEnded = true;
  constructor(
    private readonly head: Head,
    readonly body: Uint8Array,
    private readonly connection: WholeConnection,
  ) {}
  get method(): string {
    return this.head.verb;
  }
  get url(): string {
    return this.head.url;
  }
  get headers(): IncomingHttpHeaders {
    return this.head.headers;
  }
  get socket(): WholeConnection["socket"] {
    return this.connection.socket;
  }
  /** There is nothing more to come. */
  resume(): void {}
  pause(): void {}
}

/** Its response: what REST writes of Node's. */
export class WholeResponse {
  #status = 200;
  #headers: readonly string[] = [];
  constructor(private readonly connection: WholeConnection) {}
  on(_event: "close", run: () => void): this {
    this.connection.onOver(run);
    return this;
  }
  /** `headers` is flat: name, value, name, value. */
  writeHead(status: number, headers: readonly string[]): this {
    this.#status = status;
    this.#headers = headers;
    return this;
  }
  end(body: string | Uint8Array = "", encoding: "latin1" | "utf8" = "utf8"): void {
    const text = typeof body === "string" && encoding === "utf8" ? Buffer.from(body) : body;
    this.connection.answer(this.#status, this.#headers, text);
  }
}

/** The same as an exchange of the fast lane. */
export class WholeExchange implements Exchange {
  readonly http2 = false;
  responded = false;
  #status = 200;
  #headers: string[] = [];
  #sink: ExchangeSink | undefined;
  constructor(
    private readonly head: Head,
    private readonly body: Uint8Array,
    private readonly connection: WholeConnection,
  ) {}
  get peer(): string {
    return this.connection.peer;
  }
  get header(): IncomingHttpHeaders {
    return this.head.headers;
  }
  get unsent(): number {
    return this.connection.socket.writableLength;
  }
  attach(sink: ExchangeSink): void {
    this.#sink = sink;
    this.connection.onOver(() => sink.closed());
  }
  read(): void {
    if (this.body.length > 0) this.#sink!.data(this.body);
    this.#sink!.ended();
  }
  pause(): void {}
  resume(): void {}
  respond(status: number, headers: OutgoingHttpHeaders): void {
    if (this.responded) return;
    this.responded = true;
    addCors(this.header, headers);
    this.#status = status;
    for (const name in headers) {
      const value = headers[name];
      for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) this.#headers.push(name, String(one));
    }
  }
  write(): void {
    throw new Error("the answer to a whole request is whole");
  }
  end(bytes?: Uint8Array): void {
    this.connection.answer(this.#status, this.#headers, bytes ?? "");
  }
  trailers(): void {
    throw new Error("trailers need HTTP/2");
  }
  endWith(): void {
    throw new Error("trailers need HTTP/2");
  }
  early(run: () => void): void {
    run();
  }
  destroy(): void {
    this.connection.socket.destroy();
  }
}
