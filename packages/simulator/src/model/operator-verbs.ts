import type { Command, JobState, JobVerb, Outcome, QueueVerb } from "./command.js";
import { type Job, priorityOf, type State } from "./state.js";
import { ended, revived } from "./together.js";

type Of<V extends Command["verb"]> = Extract<Command, { verb: V }>;

/** From which states each verb works (`jobs.md` §3.1). */
const from: Record<JobVerb, readonly JobState[]> = {
  retry: ["dead", "cancelled", "completed", "scheduled"],
  requeue: ["dead"],
  cancel: ["pending", "active", "scheduled", "retrying"],
  hold: ["pending", "active", "scheduled", "retrying"],
  approve: ["held"],
  reject: ["held"],
  delete: ["pending", "active", "held", "completed", "retrying", "dead", "cancelled", "scheduled"],
};

export function jobVerb(state: State, command: Of<JobVerb>): Outcome {
  const job = state.jobs.get(command.jobId);
  if (!job) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: refusalText(command.verb, command.jobId, undefined) };
  if (!from[command.verb].includes(job.state)) {
    return { kind: "refused", code: "failed_precondition", reason: "WRONG_STATE", message: refusalText(command.verb, command.jobId, job.state) };
  }
  return { kind: "done", status: steps[command.verb](state, job) };
}

/** `rest.md` §4. */
function refusalText(verb: JobVerb, jobId: string, state: JobState | undefined): string | undefined {
  if (verb === "requeue") return undefined;
  if (verb === "hold" || verb === "approve" || verb === "reject") {
    const done = { hold: "held", approve: "approved", reject: "rejected" }[verb];
    return `job "${jobId}" not found or cannot be ${done} from current state`;
  }
  if (state === undefined) return `job "${jobId}" not found`;
  return `job "${jobId}" cannot be ${verb === "retry" ? "retried" : "cancelled"} from state "${state}"`;
}

const steps: Record<JobVerb, (state: State, job: Job) => string> = {
  retry(state, job) {
    job.attempt = job.attemptsBefore = 0;
    runAgain(state, job);
    return "retried";
  },
  /** The attempts stay counted: the next failure ends it again. */
  requeue(state, job) {
    job.attemptsBefore = 0;
    runAgain(state, job);
    return "requeued";
  },
  /** The worker's name stays: it is to be found out who still runs the job. */
  cancel(state, job) {
    const wasActive = job.state === "active";
    cancelJob(state, job);
    return wasActive ? "cancelling" : "cancelled";
  },
  hold(state, job) {
    state.leaveLine(job);
    state.endLease(job);
    job.dueMs = undefined;
    job.state = "held";
    return "held";
  },
  approve(state, job) {
    if (job.budgetHold) job.overruled = true;
    job.holdReason = "";
    state.makePending(job);
    return "pending";
  },
  reject(state, job) {
    job.holdReason = "";
    state.die(job, "job rejected");
    return "dead";
  },
  delete(state, job) {
    state.remove(job);
    return "deleted";
  },
};

export function cancelJob(state: State, job: Job): void {
  job.overruled = false;
  state.leaveLine(job);
  job.state = "cancelled";
  job.leaseEndsServingMs = job.dueMs = undefined;
  job.cancelledMs = state.nowMs;
  state.ended(job, "cancelled");
}

function runAgain(state: State, job: Job): void {
  if (ended(job)) revived(state, job);
  job.failedMs = job.completedMs = job.cancelledMs = undefined;
  job.holdReason = "";
  state.makePending(job);
}

/** `jobs.md` §17: of a pending or scheduled job; a pending one goes to the tail of its new priority. */
export function changePriority(state: State, command: Of<"changePriority">): Outcome {
  const job = state.jobs.get(command.jobId);
  if (!job) return { kind: "refused", code: "not_found", reason: "NOT_FOUND" };
  if (job.state !== "pending" && job.state !== "scheduled") return { kind: "refused", code: "failed_precondition", reason: "WRONG_STATE" };
  state.leaveLine(job);
  job.priority = priorityOf(command.priority);
  if (job.state === "pending") state.makePending(job);
  return { kind: "done", status: "changed" };
}

/** `jobs.md` §16: the state stays; a pending job goes to the tail of the target, an active one takes its slot along. */
export function move(state: State, command: Of<"move">): Outcome {
  const job = state.jobs.get(command.jobId);
  if (!job) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `job "${command.jobId}" not found` };
  state.leaveLine(job);
  job.queue = state.queue(command.queue).name;
  if (job.state === "pending") state.makePending(job);
  // One that a budget holds goes to the end of those.
  if (job.budgetHold) state.budgetHeld.push(...state.budgetHeld.splice(state.budgetHeld.indexOf(job), 1));
  return { kind: "done", status: "moved" };
}

export function queueVerb(state: State, command: Of<QueueVerb>): Outcome {
  return { kind: "done", status: queueSteps[command.verb](state, command.queue) };
}

const queueSteps: Record<QueueVerb, (state: State, name: string) => string> = {
  pauseQueue(state, name) {
    state.queue(name).paused = true;
    return "paused";
  },
  resumeQueue(state, name) {
    const queue = state.queues.get(name);
    if (queue) queue.paused = false;
    return "resumed";
  },
  drainQueue(state, name) {
    state.queue(name).paused = true;
    return "draining";
  },
  clearQueue(state, name) {
    for (const job of state.jobsOf(name, "pending", "scheduled")) state.remove(job, true);
    return "cleared";
  },
  destroyQueue(state, name) {
    for (const job of [...state.jobs.values()]) if (job.queue === name) state.remove(job, true);
    for (const lock of state.locks.keys()) if (JSON.parse(lock)[0] === name) state.locks.delete(lock);
    state.queues.delete(name);
    return "deleted";
  },
  removeThrottle(state, name) {
    const queue = state.queues.get(name);
    if (queue) Object.assign(queue, { rateLimit: 0, rateWindowMs: 0, grantsMs: [] });
    return "ok";
  },
};

export function setConcurrency(state: State, command: Of<"setConcurrency">): Outcome {
  state.queue(command.queue).maxConcurrency = Math.max(0, command.max);
  return { kind: "done", status: "ok" };
}

/** Fetches that the old limit still looked back on count for the new one; older ones are forgotten. */
export function setThrottle(state: State, command: Of<"setThrottle">): Outcome {
  const queue = state.queue(command.queue);
  queue.grantsMs = queue.grantsMs.filter((at) => at >= state.nowMs - queue.rateWindowMs);
  queue.rateLimit = command.rate;
  queue.rateWindowMs = command.windowMs;
  return { kind: "done", status: "ok" };
}
