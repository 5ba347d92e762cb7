/** Exit codes, one per class of failure. `CORVO_EXIT_CODES=legacy` turns everything but 0 into 1, as Corvo v0.3 did. */
export const exitCodes = {
  ok: 0,
  /** Refused, or failed for a reason that has no class of its own. */
  failed: 1,
  /** The command line or a value on it cannot be understood. */
  usage: 2,
  notFound: 3,
  /** Not signed in, or not allowed. */
  notAllowed: 4,
  /** The job's state, its lease or an earlier request forbids it. */
  wrongState: 5,
  /** Unreachable, no leader, overloaded, timed out: another try makes sense. */
  unreachable: 6,
  /** Several jobs were named; some went through. */
  partly: 7,
  /** A limit or a budget is used up. */
  limit: 8,
  /** What was waited for did not come. */
  notMet: 9,
  interrupted: 130,
} as const;

/** What went wrong, for a person: a sentence without a full stop, lines that show it, and what to do next. */
export class Failure extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;
  /** Printed below the sentence as they are. */
  readonly detail: readonly string[];

  constructor(exitCode: number, message: string, more: { hint?: string; detail?: readonly string[] } = {}) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
    this.hint = more.hint;
    this.detail = more.detail ?? [];
  }
}

export function usageFailure(message: string, hint?: string): Failure {
  return new Failure(exitCodes.usage, message, { hint });
}

/** A refusal of the server: status at least 400. */
export class ServerRefusal extends Failure {
  readonly status: number;
  /** Upper-case code of the REST answer; empty when the answer was not Corvo's. */
  readonly code: string;

  /** `field`: the one that was wrong, as the answer names it. */
  constructor(status: number, code: string, message: string, retryAfterMs: number | undefined, field = "") {
    const exitCode = exitCodeOf(status, code, message, field);
    super(exitCode, message, { hint: hintOf(status, code, message, exitCode, retryAfterMs) });
    this.name = "ServerRefusal";
    this.status = status;
    this.code = code;
  }
}

/** Operations that REST refuses with 400 both for an unknown job and for a wrong state; only the text tells which. */
const operationCode = /^(ACK|FAIL|RETRY|CANCEL|HOLD|APPROVE|REJECT|MOVE|DELETE|REPLAY|STEP|RELEASE)_ERROR$/;
const limitCodes = new Set(["PAYLOAD_TOO_LARGE", "TOO_LARGE", "BUDGET_EXCEEDED", "RATE_LIMITED", "DISK_FULL", "MEMORY_FULL"]);

/** True when the text leaves open whether the job is missing or in the wrong state. */
export function missingOrWrongState(refusal: ServerRefusal): boolean {
  return operationCode.test(refusal.code) && /not found or/.test(refusal.message);
}

function exitCodeOf(status: number, code: string, message: string, field: string): number {
  if (limitCodes.has(code) || status === 413) return exitCodes.limit;
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404) return code === "" ? exitCodes.failed : exitCodes.notFound;
  if (code === "REQUEST_ID_REUSED") return exitCodes.failed;
  if (status === 409 || code === "STALE_FENCE" || code === "WRONG_STATE") return exitCodes.wrongState;
  if (status === 408 || status === 429 || status === 502 || status === 503 || status === 504) return exitCodes.unreachable;
  if (operationCode.test(code)) {
    if (/not found$/.test(message)) return exitCodes.notFound;
    if (/not found or|not active|from state|cannot be/.test(message)) return exitCodes.wrongState;
    return exitCodes.failed;
  }
  if (code === "VALIDATION_ERROR" || code === "PARSE_ERROR") return exitCodes.usage;
  // Budgets, policies, webhooks, schedules, bulk and keys have codes of their own for all that is wrong with a request.
  if (status === 400 && /\bnot found\b/.test(message)) return exitCodes.notFound;
  return status === 400 && field !== "" ? exitCodes.usage : exitCodes.failed;
}

/** Where those that exist are listed, by the word with which a refusal begins. */
const lists: readonly [start: RegExp, command: string][] = [
  [/^batch /, "corvo batch list"],
  [/^chain /, "corvo chain list"],
  [/^schedule /, "corvo schedules"],
  [/^webhook /, "corvo webhook list"],
  [/^approval policy /, "corvo approval-policy list"],
  [/^namespace /, "corvo namespaces list"],
  [/^role /, "corvo roles list"],
  [/^api key /, "corvo keys list"],
  [/^bulk task /, "corvo operations"],
];

function notFoundHint(message: string): string | undefined {
  const list = lists.find(([start]) => start.test(message));
  if (list) return `see all: ${list[1]}`;
  return /^job /.test(message) ? "job ids have 30 characters and start with job_; finished jobs are removed after the server's --retention" : undefined;
}

function hintOf(status: number, code: string, message: string, exitCode: number, retryAfterMs: number | undefined): string | undefined {
  switch (code) {
    case "UNAUTHORIZED":
      return "give a key with --api-key or CORVO_API_KEY";
    case "FORBIDDEN":
      if (/queue scope/.test(message)) return "this key is for other queues: corvo whoami; use a key whose queues include this one";
      return "this key's role does not allow it: corvo whoami; use the key of an operator or admin";
    case "PAYLOAD_TOO_LARGE":
      return "store large data elsewhere and send its address, or raise --max-payload-size on the server";
    case "STALE_FENCE":
      return "the lease ended and the job was handed out again; drop this result  ·  look: corvo inspect JOB";
    case "REQUEST_ID_REUSED":
      return "the same --request-id was used with another request within the last hour; take a new one";
    case "OUTCOME_UNKNOWN":
      return "it may have happened: look first, or repeat it with the same --request-id";
    case "DISK_FULL":
      return "free space on the server's disk; fetch, ack, cancel and delete still work";
    case "MEMORY_FULL":
      return "let workers catch up, or raise --max-memory on the server";
    case "RATE_LIMITED":
    case "OVERLOADED":
      return `try again in ${retryAfterMs ? `${retryAfterMs} ms` : "a second"}`;
    case "LEADER_UNAVAILABLE":
    case "NOT_LEADER":
      return "a leader is being elected; try again in a second";
  }
  if (status === 404 && code === "") return "this server does not have this call: compare corvo version with the server's, and check --server";
  if (exitCode === exitCodes.notFound) return notFoundHint(message);
  if (status >= 500) return "the server's log says more";
  return undefined;
}
