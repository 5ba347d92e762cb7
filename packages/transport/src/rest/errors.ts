import { RpcError } from "../rpc.js";
import type { RestVerb } from "./rules.js";

/** A refusal as REST tells it: `{"error", "code", "field"?, "detail"?, "retry_after_ms"?}` under an HTTP status. */
export interface RestError {
  status: number;
  code: string;
  error: string;
  detail?: string;
  field?: string;
  retryAfterMs?: number;
  /** The header `Retry-After`, where it is not to follow from `retryAfterMs`. */
  retryAfter?: string;
}

/** Which method was called how: some statuses depend on it. */
export interface RestErrorPlace {
  verb: RestVerb;
  /** `error_code` of the method, or empty. */
  errorCode: string;
}

/** Status and code by the refusal's reason. `undefined` as code: the method's `error_code`, else the reason itself. */
const byReason: Record<string, readonly [status: number, code: string | undefined]> = {
  INVALID_MESSAGE: [400, "PARSE_ERROR"],
  INVALID_JSON: [400, "PARSE_ERROR"],
  REQUIRED: [400, "VALIDATION_ERROR"],
  INVALID_VALUE: [400, "VALIDATION_ERROR"],
  TOO_LARGE: [400, "VALIDATION_ERROR"],
  PAYLOAD_TOO_LARGE: [413, "PAYLOAD_TOO_LARGE"],
  WRONG_STATE: [400, undefined],
  STALE_FENCE: [409, "STALE_FENCE"],
  REQUEST_ID_REUSED: [409, "REQUEST_ID_REUSED"],
  BUDGET_EXCEEDED: [429, "BUDGET_EXCEEDED"],
  OVERLOADED: [429, "OVERLOADED"],
  MEMORY_FULL: [429, "MEMORY_FULL"],
  TOO_MANY_STREAMS: [429, "OVERLOADED"],
  RATE_LIMITED: [429, "RATE_LIMITED"],
  DISK_FULL: [503, "DISK_FULL"],
  NOT_LEADER: [503, "LEADER_UNAVAILABLE"],
  SHUTTING_DOWN: [503, "SHUTTING_DOWN"],
  OUTCOME_UNKNOWN: [504, "OUTCOME_UNKNOWN"],
  UNSUPPORTED: [501, "UNSUPPORTED"],
  INTERNAL: [500, "INTERNAL_ERROR"],
};

/** Status and code by the transport's code, for reasons that are not in the table above. */
const byCode: Record<string, readonly [status: number, code: string | undefined]> = {
  invalid_argument: [400, undefined],
  out_of_range: [400, undefined],
  failed_precondition: [400, undefined],
  unauthenticated: [401, "UNAUTHORIZED"],
  permission_denied: [403, "FORBIDDEN"],
  already_exists: [409, "CONFLICT"],
  aborted: [409, "CONFLICT"],
  resource_exhausted: [429, "OVERLOADED"],
  canceled: [499, "CANCELED"],
  unimplemented: [501, "UNSUPPORTED"],
  unavailable: [503, "UNAVAILABLE"],
  unknown: [504, "OUTCOME_UNKNOWN"],
  deadline_exceeded: [504, "OUTCOME_UNKNOWN"],
  internal: [500, "INTERNAL_ERROR"],
  data_loss: [500, "INTERNAL_ERROR"],
};

/**
 * The one place where a refusal becomes an HTTP status and a code. Order: what the refusal itself says, its reason, its code.
 * An unknown id is 404 where something is looked at or deleted; the other verbs of v0.3 answer 400 with their own code, because its clients read it.
 */
export function restError(thrown: unknown, place: RestErrorPlace): RestError {
  if (!(thrown instanceof RpcError)) return { status: 500, code: "INTERNAL_ERROR", error: "internal error" };
  const { field, retryAfterMs, restCode, restStatus, restRetryAfter } = thrown.more;
  const [status, code] = statusOf(thrown, place);
  return {
    status: restStatus ?? status,
    code: restCode ?? code,
    error: thrown.message,
    ...(thrown instanceof BodyError && thrown.detail !== undefined ? { detail: thrown.detail } : {}),
    ...(field !== undefined && field !== "" ? { field } : {}),
    ...(restRetryAfter !== undefined ? { retryAfter: restRetryAfter } : retryAfterMs !== undefined && retryAfterMs > 0 ? { retryAfterMs } : {}),
  };
}

function statusOf(error: RpcError, place: RestErrorPlace): [number, string] {
  const own = place.errorCode || error.reason || "INTERNAL_ERROR";
  if (error.reason === "NOT_FOUND" || error.code === "not_found") {
    return place.verb === "POST" && place.errorCode !== "" ? [400, place.errorCode] : [404, "NOT_FOUND"];
  }
  const [status, code] = byReason[error.reason] ?? byCode[error.code] ?? [500, "INTERNAL_ERROR"];
  return [status, code ?? own];
}

/** What is wrong with a body, path or query before any handler saw it. */
export class BodyError extends RpcError {
  constructor(
    message: string,
    readonly detail: string | undefined,
    more: { field?: string; restStatus?: number; restCode?: string } = {},
  ) {
    super("invalid_argument", "INVALID_MESSAGE", message, { restStatus: 400, restCode: "PARSE_ERROR", ...more });
  }
}

/** The error's JSON with a newline. `<`, `>` and `&` are escaped as everywhere in REST. */
export function errorText(e: RestError): string {
  const body = {
    error: e.error,
    code: e.code,
    field: e.field,
    detail: e.detail,
    retry_after_ms: e.retryAfterMs === undefined ? undefined : Math.ceil(e.retryAfterMs),
  };
  return `${JSON.stringify(body).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026")}\n`;
}
