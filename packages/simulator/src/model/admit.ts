import type { Command, NewJob, Outcome } from "./command.js";
import { lockName, type State } from "./state.js";
import { cannotJoin } from "./together.js";

export type Refused = Extract<Outcome, { kind: "refused" }>;

/** What waits: pending, scheduled and retrying jobs. Held ones wait for a person, and do not count. */
function waiting(state: State, queue: string): number {
  return state.jobsOf(queue, "pending", "scheduled", "retrying").length;
}

/** `docs/time.md`, Load: a job that comes from outside and finds its queue full is refused. What adds nothing needs no room. */
export function full(state: State, given: NewJob): Refused | undefined {
  return noRoom(state, given, new Admitted());
}

/** Of a request whose jobs are added all or none: what those before have taken. */
class Admitted {
  readonly jobs = new Map<string, number>();
  readonly keys = new Set<string>();
  /** Request id → digest of its item. */
  readonly ids = new Map<string, string>();
}

function noRoom(state: State, { queue, uniqueKey, requestId }: NewJob, before: Admitted): Refused | undefined {
  if (requestId && state.recall(state.items, state.itemKey(requestId))) return undefined;
  const key = uniqueKey ? lockName(queue, uniqueKey) : "";
  const lock = state.locks.get(key);
  if (key && (before.keys.has(key) || (lock && state.nowMs < lock.expiresMs))) return undefined;
  before.keys.add(key);
  const max = state.queues.get(queue)?.maxDepth ?? 0;
  const taken = before.jobs.get(queue) ?? 0;
  before.jobs.set(queue, taken + 1);
  if (max === 0 || waiting(state, queue) + taken < max) return undefined;
  const message = `queue ${queue} is full: ${waiting(state, queue)} jobs wait (max ${max})`;
  return { kind: "refused", code: "resource_exhausted", reason: "QUEUE_FULL", message };
}

/** Why these jobs cannot be added together: of the first that cannot. An item whose request id was used for another one cannot either. */
export function refusalOfAll(state: State, jobs: readonly NewJob[]): Refused | undefined {
  const before = new Admitted();
  for (const [i, given] of jobs.entries()) {
    const { requestId } = given;
    const came = requestId && (state.recall(state.items, state.itemKey(requestId))?.hash ?? before.ids.get(requestId.id));
    const refusal =
      (given.queue ? undefined : ({ kind: "refused", code: "invalid_argument", reason: "REQUIRED", message: "queue is required" } as const)) ??
      (came && came === requestId.hash ? undefined : cannotJoin(state, given)) ??
      (came && came !== requestId.hash ? reused : undefined) ??
      (came ? undefined : noRoom(state, given, before));
    if (refusal) return { ...refusal, message: refusal.message && `job ${i}: ${refusal.message}` };
    if (requestId) before.ids.set(requestId.id, requestId.hash);
  }
  return undefined;
}

const reused = { kind: "refused", code: "invalid_argument", reason: "REQUEST_ID_REUSED", message: undefined } as const;

export function setDepthLimit(state: State, command: Extract<Command, { verb: "setDepthLimit" }>): Outcome {
  state.queue(command.queue).maxDepth = Math.max(0, command.max);
  return { kind: "done", status: "ok" };
}
