import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";

/** What is known about a failed call beside its sentence. */
export interface ErrorFacts {
  /** The transport's word, in lower snake case: `invalid_argument`, `not_found`, `unavailable`, … */
  code: string;
  /**
   * The word for programs: the server's (`STALE_FENCE`, `PAYLOAD_TOO_LARGE`, `NOT_FOUND`, …) or one of the client's own: `UNAVAILABLE`
   * (no answer came), `TIMEOUT`, `CANCELLED` (the caller's signal fired or the client was closed), `LEASE_LOST`.
   */
  reason: string;
  /** The field that was wrong, as it is called in the request, for example `jobs[3].queue`. */
  field?: string;
  /** How long the server asks to wait before another try, in ms. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** What every call of the client rejects with: a code for the transport, a reason for the program, a sentence for the person. */
export class CorvoError extends Error implements ErrorFacts {
  readonly code: string;
  readonly reason: string;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: ErrorFacts) {
    super(message, { cause: facts.cause });
    this.name = "CorvoError";
    this.code = facts.code;
    this.reason = facts.reason;
    this.field = facts.field;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /**
   * True when it is not known whether the call took effect: no answer came, or leadership was lost. Repeating it with the same
   * `requestId` is safe. Any other error means that nothing happened.
   */
  get outcomeUnknown(): boolean {
    return unknownReasons.has(this.reason) || this.code === "unknown";
  }

  /** True when nothing happened and the same call may succeed later. */
  get retryable(): boolean {
    return laterReasons.has(this.reason) || (this.retryAfterMs !== undefined && !this.outcomeUnknown);
  }
}

const unknownReasons = new Set(["OUTCOME_UNKNOWN", "UNAVAILABLE", "TIMEOUT", "CANCELLED"]);
const laterReasons = new Set(["OVERLOADED", "NOT_LEADER", "SHUTTING_DOWN", "TOO_MANY_STREAMS"]);

/** Whatever a call threw, as a CorvoError. `signal` is the caller's: once it fired, the caller is who ended the call. */
export function toCorvoError(thrown: unknown, signal?: AbortSignal): CorvoError {
  if (thrown instanceof CorvoError) return thrown;
  if (signal?.aborted) return cancelled(signal.reason);
  const error = ConnectError.from(thrown);
  const detail = error.findDetails(ErrorDetailSchema)[0];
  const code = Code[error.code].replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  return new CorvoError(error.rawMessage || rootMessage(thrown), {
    code,
    reason: detail?.reason || ownReason(error, code),
    field: detail?.field || undefined,
    retryAfterMs: detail?.retryAfterMs || undefined,
    cause: thrown,
  });
}

export function cancelled(cause: unknown): CorvoError {
  return new CorvoError(cause instanceof Error ? cause.message : "the call was cancelled", { code: "canceled", reason: "CANCELLED", cause });
}

/** Without the server's detail and headers nobody answered: the connection broke before, during or after the call, whatever code that got. */
function ownReason(error: ConnectError, code: string): string {
  if (error.code === Code.DeadlineExceeded) return "TIMEOUT";
  const answered = !error.metadata.keys().next().done;
  return answered && error.code !== Code.Unavailable ? code.toUpperCase() : "UNAVAILABLE";
}

/** A failed connection to a name with several addresses has no sentence of its own, only causes. */
function rootMessage(thrown: unknown): string {
  for (let at: unknown = thrown; at instanceof Error; at = at.cause) {
    const inner = at instanceof AggregateError && at.errors[0] instanceof Error ? at.errors[0] : at;
    if (inner.message !== "" && !(inner instanceof ConnectError)) return inner.message;
  }
  return "the call failed";
}
