import type { Registry } from "@bufbuild/protobuf";
import type { TransportLimits } from "../limits.js";
import type { Call, Route, RpcCode, RpcError } from "../rpc.js";
import type { Budget } from "./gather.js";

/** Says who calls, from the request's headers alone. A value is the principal, an RpcError (returned or thrown) the refusal. */
export type Authenticate = (
  header: (name: string) => string | undefined,
  path: string,
  peer: string,
  call: Call,
) => unknown | RpcError | Promise<unknown | RpcError>;

/** What the transport tells metrics and logs. All are optional and called on the hot path: they must be quick and must not throw. */
export interface Observer {
  connection?(change: 1 | -1, http: "1.1" | "2"): void;
  /** A call has ended. `code` is `ok` or the error's. `status` is the HTTP status. */
  call?(route: Route, protocol: Call["protocol"], code: RpcCode | "ok", status: number, durationMs: number): void;
  /** A stream was opened (1) or has ended (-1). */
  stream?(route: Route, change: 1 | -1): void;
  /** Messages of a stream that came in or went out. */
  frames?(route: Route, direction: "in" | "out", count: number, bytes: number): void;
  /** A connection was ended for abuse: `rapid reset`, `control frames`, `pipelining`, `keepalive`, `GOAWAY`, `connections`. */
  abuse?(why: string, peer: string): void;
}

/** What both lanes share. */
export interface LaneContext {
  readonly routes: ReadonlyMap<string, Route>;
  readonly limits: TransportLimits;
  readonly authenticate: Authenticate | undefined;
  readonly onError: (cause: unknown, where: string) => void;
  readonly observe: Observer;
  readonly registry: Registry | undefined;
  /** gzip is offered and accepted. */
  readonly compression: boolean;
  readonly budget: Budget;
  /** Calls in progress. */
  readonly open: OpenCalls;
  /** True once `close` was called: connections are not kept alive any more. */
  closing: boolean;
}

/** What the listener's clock and its shutdown can do to a call. */
export abstract class OpenCall {
  /** Neighbours in OpenCalls. */
  next: OpenCall | undefined;
  previous: OpenCall | undefined;
  /** Left by the server's authentication. */
  principal: unknown;
  /** Called now and then: a call whose request does not arrive or whose answer is not read ends itself. */
  abstract check(nowMs: number): void;
  /** The server is going: streams end now, unary calls go on. */
  abstract shutdown(): void;
  /** Ends the call with this error, whatever its handler does: its caller may not call any more. */
  abstract cut(error: RpcError): void;
}

/** A list that costs nothing to enter and leave: a Set that is never at rest re-hashes itself all the time. */
export class OpenCalls {
  #first: OpenCall | undefined;
  size = 0;

  add(call: OpenCall): void {
    call.next = this.#first;
    if (this.#first !== undefined) this.#first.previous = call;
    this.#first = call;
    this.size++;
  }
  delete(call: OpenCall): void {
    if (call.previous === undefined && this.#first !== call) return;
    if (call.previous !== undefined) call.previous.next = call.next;
    else this.#first = call.next;
    if (call.next !== undefined) call.next.previous = call.previous;
    call.next = call.previous = undefined;
    this.size--;
  }
  /** Safe against calls that leave while they are visited. */
  visit(run: (call: OpenCall) => void): void {
    for (let call = this.#first; call !== undefined; ) {
      const { next } = call;
      run(call);
      call = next;
    }
  }
}
