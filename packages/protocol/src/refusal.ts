/** Codes of the transport: the names that Connect and gRPC use. */
export type Code =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** Reasons for programs, upper case. A new one gets a line here. */
export type Reason =
  | "INVALID_MESSAGE" // the bytes are not the message
  | "REQUIRED" // a required field is missing
  | "INVALID_VALUE" // a field's value cannot be understood
  | "TOO_LARGE" // a field or list is over its limit
  | "PAYLOAD_TOO_LARGE" // the payload is over its limit
  | "INVALID_JSON" // a JSON field is not JSON
  | "NOT_FOUND" // no such job
  | "WRONG_STATE" // the job's state does not allow it
  | "DEPENDENCY_CYCLE" // a job would wait for one that is made after it
  | "INVALID_STEP_STATUS" // a word for the chain that is none
  | "STALE_FENCE" // the lease is somebody else's now
  | "REQUEST_ID_REUSED" // the same request id with another body
  | "BUDGET_EXCEEDED" // a budget with `reject` stands against it
  | "INVALID_BUDGET" // a budget whose scope, target or limits make no sense
  | "INVALID_WEBHOOK" // a webhook that cannot be
  | "INVALID_POLICY" // an approval policy that makes no sense, or that does not exist
  | "INVALID_PERIOD" // a period or a grouping of the usage ledger that makes no sense
  | "ALREADY_EXISTS"
  | "QUEUE_FULL" // as many jobs wait in the queue as may; try again later
  | "OVERLOADED" // too much is waiting; try again later
  | "TOO_MANY_STREAMS"
  | "MEMORY_FULL" // the memory budget of live jobs is spent
  | "DISK_FULL"
  | "NOT_LEADER"
  | "SHUTTING_DOWN"
  | "OUTCOME_UNKNOWN" // it may or may not have happened
  | "UNSUPPORTED"
  | "INTERNAL";

/**
 * A refusal is a value: a code for the transport, a reason for the program, a sentence for the person. It says that nothing
 * happened, unless its reason is OUTCOME_UNKNOWN. The edge turns it into an exception, once.
 */
export interface Refusal {
  readonly refused: true;
  readonly code: Code;
  readonly reason: Reason;
  /** The sentence. Where Corvo v0.3 has a text for the case, it is that text. */
  readonly message: string;
  /** The field, as it is called in the request, for example `jobs[3].queue`. */
  readonly field?: string;
  /** How long to wait before another try. */
  readonly retryAfterMs?: number;
}

export function refuse(code: Code, reason: Reason, message: string, more?: { field?: string; retryAfterMs?: number }): Refusal {
  return { refused: true, code, reason, message, ...more };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && (value as { refused?: unknown }).refused === true;
}
