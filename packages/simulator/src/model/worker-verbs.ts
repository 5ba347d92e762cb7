import { addItem, addJob } from "./add.js";
import { full, refusalOfAll } from "./admit.js";
import { agentWord, endIteration, replayed } from "./agent.js";
import type { AckItem, AckStatus, Command, EnqueueStatus, FetchFrom, Grant, NewJob, Outcome, UsageReport } from "./command.js";
import { durationMs } from "./duration.js";
import { charge, fetchRefusal, holdForBudget, isReport, mustHold, nanos, perJobBudget } from "./money.js";
import { head, type Job, open, type State } from "./state.js";
import { cannotJoin, completeWhenDone, follow, openBatch } from "./together.js";

const leaseMsDefault = 60_000;
const delayMsMax = 366 * 86_400_000;

type Of<V extends Command["verb"]> = Extract<Command, { verb: V }>;

export function enqueue(state: State, command: Of<"enqueue">): Outcome {
  const refusal = full(state, command.job) ?? cannotJoin(state, command.job);
  if (refusal) return refusal;
  const { jobId, status } = addJob(state, command.job);
  return { kind: "enqueued", jobId, status, logIndex: state.index };
}

/** All or none: one that cannot be added spoils the batch. */
export function enqueueBatch(state: State, command: Of<"enqueueBatch">): Outcome {
  const refusal = refusalOfAll(state, command.jobs);
  if (refusal) return refusal;
  const batch = command.batch && openBatch(state, command.batch);
  const added = command.jobs.map((job) => addItem(state, job, batch?.id)!);
  if (batch) {
    batch.sealed = true;
    completeWhenDone(state, batch);
  }
  const [jobIds, statuses] = [added.map((one) => one.jobId), added.map((one) => one.status)];
  return { kind: "enqueuedBatch", jobIds, statuses, batchId: batch?.id, logIndex: state.index };
}

export function fetch(state: State, command: Of<"fetch">): Outcome {
  return fetchRefusal(state, command.queues) ?? { kind: "fetched", job: grant(state, command, 1)[0] };
}

export function fetchBatch(state: State, command: Of<"fetchBatch">): Outcome {
  return fetchRefusal(state, command.queues) ?? { kind: "fetchedBatch", jobs: grant(state, command, Math.min(10_000, Math.max(1, command.count))) };
}

export function ack(state: State, command: Of<"ack">): Outcome {
  const { status, refusal, agent } = settle(state, command, command.keepAbsentResult ?? false);
  if (accepted(status)) return agent ? { kind: "acked", agent } : { kind: "acked" };
  return refusal ?? leaseRefusal(status, command.jobId, `job ${command.jobId} is not active`);
}

export function ackBatch(state: State, command: Of<"ackBatch">): Outcome {
  const statuses = command.items.map((item) => settle(state, item, command.keepAbsentResult ?? false).status);
  return { kind: "ackedBatch", acked: statuses.filter(accepted).length, statuses };
}

function accepted(status: AckStatus): boolean {
  return status === "acked" || status === "continued" || status === "held";
}

/**
 * Acks first, then the fetch, then the enqueues (`rpc.md` §4.3): a fetch sees the room that its acks made, not its own jobs. What is
 * wrong with one part does not stop the others; the first error is told.
 */
export function lifecycle(state: State, command: Of<"lifecycle">): Outcome {
  const errors: string[] = [];
  const ackStatuses = command.acks.map((item) => {
    const { status, refusal } = item.jobId ? settle(state, item, false, command.workerId) : ({ status: "refused" } as const);
    if (refusal?.kind === "refused") errors.push(`ack: ${refusal.message}`);
    else if (status === "refused") errors.push("ack: job_id is required");
    return status;
  });
  follow(state); // what the acks call for can be fetched by this very frame
  const noFetch = command.fetchCount > 0 ? fetchRefusal(state, command.queues) : undefined;
  if (noFetch?.kind === "refused") errors.push(`fetch: ${noFetch.message}`);
  const jobs = command.fetchCount > 0 && !noFetch ? grant(state, command, Math.min(10_000, command.fetchCount)) : [];
  if (command.fetchCount > 0 && command.queues.length === 0) errors.push("fetch: at least one queue is required");
  const jobIds: string[] = [];
  const statuses = command.enqueues.map((job): EnqueueStatus => {
    const added = addToFrame(state, job);
    if (typeof added === "string") errors.push(`enqueue: ${added}`);
    else jobIds.push(added.jobId);
    return typeof added === "string" ? "refused" : added.status;
  });
  const acked = ackStatuses.filter(accepted).length;
  return { kind: "frame", correlation: command.correlation, jobs, acked, ackStatuses, error: errors[0] ?? "", jobIds, statuses };
}

/** A text: why not. */
function addToFrame(state: State, given: NewJob): { jobId: string; status: EnqueueStatus } | string {
  if (!given.queue) return "queue is required";
  const known = given.requestId && state.recall(state.items, state.itemKey(given.requestId));
  const refusal = known ? undefined : (full(state, given) ?? cannotJoin(state, given));
  if (refusal) return refusal.message ?? refusal.reason;
  return addItem(state, given) ?? "the request id was used for another job";
}

/** `jobs.md` §5: `max_retries` counts all attempts. */
export function fail(state: State, command: Of<"fail">): Outcome {
  const job = state.jobs.get(command.jobId);
  const status = leaseStatus(job, command.fence);
  if (!job || status !== "acked") return leaseRefusal(status, command.jobId, `job ${command.jobId} is not active (state=${job?.state})`);
  const remaining = failAttempt(state, job, command.error, command.backtrace);
  return remaining === 0
    ? { kind: "failed", status: "dead", attemptsRemaining: 0 }
    : { kind: "failed", status: "retrying", nextAttemptMs: job.dueMs, attemptsRemaining: remaining };
}

/** How many attempts are left; 0: the job is dead. */
export function failAttempt(state: State, job: Job, error: string, backtrace: string): number {
  state.noteFailure(job, error, backtrace);
  state.queue(job.queue).failed++;
  const remaining = Math.max(0, job.maxRetries - (job.attempt - job.attemptsBefore));
  if (remaining === 0) state.die(job, error);
  else {
    state.endLease(job);
    job.state = "retrying";
    job.failedMs = state.nowMs;
    job.dueMs = state.nowMs + backoffMs(job);
  }
  return remaining;
}

/** One step, whole or not at all: first what could be refused, then its jobs, then the job itself. */
export function step(state: State, command: Of<"step">): Outcome {
  const job = state.jobs.get(command.jobId);
  const status = leaseStatus(job, command.fence);
  if (!job || status === "not_found") return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `job ${command.jobId} not found` };
  if (status === "not_active") return { kind: "refused", code: "failed_precondition", reason: "WRONG_STATE", message: `job ${command.jobId} is not active` };
  if (status !== "acked") return { kind: "refused", code: "failed_precondition", reason: "STALE_FENCE" };
  if (command.keep && command.result) return { kind: "refused", code: "invalid_argument", reason: "INVALID_VALUE" };
  const refusal = refusalOfAll(state, command.jobs);
  if (refusal) return refusal;
  const added = command.jobs.map((one) => addJob(state, { ...one, parentId: one.parentId || job.id }));
  const answer = { kind: "stepped" as const, jobIds: added.map((one) => one.jobId), statuses: added.map((one) => one.status), logIndex: state.index };
  if (!command.keep) {
    settle(state, { jobId: job.id, result: command.result, checkpoint: command.checkpoint }, command.keepAbsentResult ?? false);
    return { ...answer, state: "completed" };
  }
  job.leaseEndsServingMs = Math.min(state.servingMs + Math.max(leaseMsDefault, job.leaseMs), job.iterationEndsServingMs ?? Infinity);
  if (command.checkpoint) job.checkpoint = command.checkpoint;
  const worker = state.workers.get(workerKey(job.workerId, job.queue));
  if (worker) worker.lastHeartbeatMs = state.nowMs;
  return { ...answer, state: "active" };
}

/** A worker gives a job back: next in turn, and the attempt does not count. Its name stays only in the job's history. */
export function release(state: State, command: Of<"release">): Outcome {
  const job = state.jobs.get(command.jobId);
  const status = leaseStatus(job, command.fence);
  if (!job || status === "not_found") return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `job ${command.jobId} not found` };
  if (status === "not_active") return { kind: "refused", code: "failed_precondition", reason: "WRONG_STATE", message: `job ${command.jobId} is not active` };
  if (status !== "acked") return { kind: "refused", code: "failed_precondition", reason: "STALE_FENCE" };
  if (command.checkpoint) job.checkpoint = command.checkpoint;
  job.attempt--;
  job.state = "pending";
  state.endLease(job);
  state.queue(job.queue).lines[job.priority].unshift(job);
  return { kind: "released" };
}

/** Workers of two namespaces are two, whatever they are called. */
function workerKey(id: string, queue: string): string {
  return JSON.stringify([queue.includes("::") ? queue.split("::")[0] : "", id]);
}

/** `jobs.md` §8, with the lease that decisions.md gives: 60 s, or the lease given at fetch when that is longer. */
export function heartbeat(state: State, command: Of<"heartbeat">): Outcome {
  const answers: Record<string, { status: "ok" | "cancel"; reason: string; budgetExceeded: boolean }> = {};
  let workerSeen = false;
  for (const [jobId, update] of Object.entries(command.jobs)) {
    const job = state.jobs.get(jobId);
    const status = leaseStatus(job, update.fence);
    if (!job || status !== "acked") {
      answers[jobId] = { status: "cancel", reason: status, budgetExceeded: false };
      continue;
    }
    answers[jobId] = { status: "ok", reason: "", budgetExceeded: false };
    job.leaseEndsServingMs = Math.min(state.servingMs + Math.max(leaseMsDefault, job.leaseMs), job.iterationEndsServingMs ?? Infinity);
    if (update.progress) job.progress = update.progress;
    if (update.checkpoint) job.checkpoint = update.checkpoint;
    const worker = state.workers.get(workerKey(job.workerId, job.queue));
    if (worker && !workerSeen) worker.lastHeartbeatMs = state.nowMs;
    workerSeen = true;
    if (isReport(update.usage)) answers[jobId].budgetExceeded = beatWithUsage(state, job, update.usage);
  }
  return { kind: "beaten", jobs: answers };
}

/** `jobs.md` §13: true when the job now costs more than the lowest per-job budget allows. */
function beatWithUsage(state: State, job: Job, usage: UsageReport): boolean {
  charge(state, job, usage, false);
  const budget = perJobBudget(state, job);
  if (!budget || job.costNanos <= budget.perJob!) return false;
  if (budget.onExceed === "hold") holdForBudget(state, job, `per-job budget exceeded for job "${job.id}"`, "perJob");
  else if (budget.onExceed === "reject") {
    job.state = "cancelled";
    job.leaseEndsServingMs = undefined;
    job.cancelledMs = state.nowMs;
    job.overruled = false;
    state.ended(job, "cancelled");
  }
  return true;
}

/** `jobs.md` §11.1. */
export function replay(state: State, command: Of<"replay">): Outcome {
  const found = replayed(state, command);
  if ("kind" in found) return found;
  const { job, checkpoint } = found;
  const { queue, payload, tags, agent } = job;
  const again = { queue, payload, tags, agent, checkpoint, priority: ["critical", "high", "normal"][job.priority] };
  const refusal = full(state, again);
  if (refusal) return refusal;
  const added = addJob(state, again);
  return { kind: "enqueued", jobId: added.jobId, status: added.status, logIndex: state.index };
}

/** `jobs.md` §4: queues in the order of the request, within one the oldest of the highest priority. */
function grant(state: State, from: FetchFrom, countMax: number): Grant[] {
  const grants: Grant[] = [];
  const leaseSeconds = from.leaseSeconds > 0 ? from.leaseSeconds : leaseMsDefault / 1_000;
  for (const name of from.queues) {
    const queue = state.queues.get(name);
    for (let job = queue && head(queue); queue && job && grants.length < countMax && open(state, queue); job = head(queue)) {
      const reason = mustHold(state, job);
      if (reason) {
        holdForBudget(state, job, reason, "spent");
        continue;
      }
      job.overruled = false;
      state.leaveLine(job);
      job.state = "active";
      job.attempt++;
      job.fence = ++state.fences;
      job.workerId = from.workerId;
      job.hostname = from.hostname;
      job.startedMs = state.nowMs;
      job.leaseMs = leaseSeconds * 1_000;
      // `jobs.md` §11, mended: an iteration may not take longer, whatever its worker says; its clock starts when it is handed out.
      const timeoutMs = job.agent?.iterationTimeout ? Math.ceil(durationMs(job.agent.iterationTimeout) ?? 0) : 0;
      job.iterationEndsServingMs = timeoutMs > 0 ? state.servingMs + timeoutMs : undefined;
      job.leaseEndsServingMs = Math.min(state.servingMs + job.leaseMs, job.iterationEndsServingMs ?? Infinity);
      if (queue.rateLimit > 0) queue.grantsMs.push(state.nowMs);
      const { id, payload, attempt, maxRetries, checkpoint, tags, fence } = job;
      const agent = job.agent && { ...job.agent, iteration: job.iteration, totalCostUsd: job.agentCostNanos / 1e9 };
      grants.push({ note: job.note, jobId: id, queue: name, payload, attempt, maxRetries, leaseSeconds, checkpoint, tags, agent, fence });
    }
  }
  // Who gives no name is nobody in particular.
  if (grants.length > 0 && from.workerId) {
    const key = workerKey(from.workerId, from.queues[0]);
    const startedMs = state.workers.get(key)?.startedMs ?? state.nowMs;
    state.workers.set(key, { id: from.workerId, hostname: from.hostname, queues: from.queues, lastHeartbeatMs: state.nowMs, startedMs });
  }
  return grants;
}

/**
 * Refusals in order: no such job, not active, a fence that is not that of the lease. No fence: the state decides, and in a frame its
 * worker, when named, must be the one that has the lease (`architecture.md` §9).
 */
function leaseStatus(job: Job | undefined, fence: number | undefined, frameOf = ""): AckStatus {
  if (!job) return "not_found";
  if (job.state !== "active") return "not_active";
  if (!fence && frameOf && frameOf !== job.workerId) return "stale_fence";
  return fence && fence !== job.fence ? "stale_fence" : "acked";
}

function leaseRefusal(status: AckStatus, jobId: string, notActive: string): Outcome {
  if (status === "not_found") return { kind: "refused", code: "invalid_argument", reason: "NOT_FOUND", message: `job ${jobId} not found` };
  if (status === "not_active") return { kind: "refused", code: "invalid_argument", reason: "WRONG_STATE", message: notActive };
  return { kind: "refused", code: "failed_precondition", reason: "STALE_FENCE" };
}

interface Settled {
  status: AckStatus;
  /** Why not, where the lease is in order. */
  refusal?: Outcome;
  agent?: { state: string; holdReason: string; iteration: number };
}

/** An acknowledgement: lease, words, budget, in this order; then the job is done, or an agent's goes on or is held. */
function settle(state: State, item: AckItem, keepAbsentResult: boolean, frameOf?: string): Settled {
  const job = state.jobs.get(item.jobId);
  const lease = leaseStatus(job, item.fence, frameOf);
  if (!job || lease !== "acked") return { status: lease };
  const word = agentWord(item.agentStatus);
  const stepWord = job.chainSpec ? (item.stepStatus ?? "").trim().toLowerCase() : "";
  const wrong = (message: string, reason = "INVALID_VALUE"): Settled => ({
    status: "refused",
    refusal: { kind: "refused", code: "invalid_argument", reason, message },
  });
  if (!["", "continue", "exit"].includes(stepWord)) return wrong(`invalid step_status "${stepWord}"`, "INVALID_STEP_STATUS");
  if (item.agentStatus && word !== "" && !job.agent) return wrong(`job ${item.jobId} is not an agent job`, "WRONG_STATE");
  if (word === undefined) return wrong(`invalid agent_status "${item.agentStatus?.trim().toLowerCase()}"`);
  if (isReport(item.usage)) {
    const budget = perJobBudget(state, job);
    if (budget?.onExceed === "reject" && job.costNanos + nanos(item.usage.costUsd) > budget.perJob!) {
      const message = `per-job budget exceeded for job "${item.jobId}"`;
      return { status: "budget_exceeded", refusal: { kind: "refused", code: "invalid_argument", reason: "BUDGET_EXCEEDED", message } };
    }
    charge(state, job, item.usage, true);
  }
  const held = job.agent ? endIteration(state, job, item, word) : undefined;
  const goesOn = word === "continue" || word === "hold";
  const result = item.result || (keepAbsentResult || goesOn ? "" : "{}");
  if (result) job.result = result;
  if (item.checkpoint) job.checkpoint = item.checkpoint;
  const status = !goesOn ? "acked" : held === undefined ? "continued" : "held";
  if (status === "continued") state.makePending(job);
  else {
    state.endLease(job);
    job.state = status === "held" ? "held" : "completed";
    job.holdReason = held ?? "";
    if (status === "acked") {
      job.completedMs = state.nowMs;
      state.release(job);
      state.ended(job, "succeeded", { result, exit: stepWord === "exit" });
    }
  }
  return { status, agent: job.agent && { state: job.state, holdReason: job.holdReason, iteration: job.iteration } };
}

function backoffMs(job: Job): number {
  const { retryBaseDelayMs: base, retryMaxDelayMs: max } = job;
  const attempt = job.attempt - job.attemptsBefore;
  const delay = { none: 0, fixed: base, linear: base * attempt }[job.backoff] ?? (base === 0 ? 0 : base * 2 ** (attempt - 1));
  return Math.min(delay, max > 0 ? max : Infinity, delayMsMax);
}
