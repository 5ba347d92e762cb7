import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";

/** What went wrong with a call, for programs: `reason` is the server's upper-case word, `code` the transport's. */
export class CorvoError extends Error {
  constructor(
    message: string,
    readonly code: string,
    /** For example `STALE_FENCE`, `PAYLOAD_TOO_LARGE`, `NOT_FOUND`; `UNAVAILABLE` when no server answered. */
    readonly reason: string,
    /** The field that was wrong, as it is called in the request. */
    readonly field: string | undefined,
    /** How long the server asks to wait before another try. */
    readonly retryAfterMs: number | undefined,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = "CorvoError";
  }

  /**
   * True when it is not known whether the call took effect: the connection broke, the deadline passed, or leadership was lost.
   * Safe to repeat with the same `requestId`.
   */
  get outcomeUnknown(): boolean {
    return this.reason === "OUTCOME_UNKNOWN" || this.code === "deadline_exceeded" || this.reason === "UNAVAILABLE";
  }

  /** True when nothing happened and a later try may succeed. */
  get retryable(): boolean {
    return this.reason === "OVERLOADED" || this.reason === "NOT_LEADER" || this.reason === "SHUTTING_DOWN" || this.reason === "TOO_MANY_STREAMS";
  }
}

const connectionCodes = new Set([Code.Aborted, Code.Canceled, Code.Unavailable, Code.Unknown, Code.Internal, Code.DataLoss]);

/** Whatever a call threw, as a CorvoError. */
export function toCorvoError(thrown: unknown): CorvoError {
  if (thrown instanceof CorvoError) return thrown;
  const error = ConnectError.from(thrown);
  const detail = error.findDetails(ErrorDetailSchema)[0];
  const code = Code[error.code].replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  // Without the server's detail it was not the server that spoke: the connection broke before, during or after the call.
  const reason = detail?.reason || (connectionCodes.has(error.code) ? "UNAVAILABLE" : code.toUpperCase());
  return new CorvoError(error.rawMessage, code, reason, detail?.field || undefined, detail?.retryAfterMs || undefined, thrown);
}
