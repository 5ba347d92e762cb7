import { bulkTaskDueMs, forgetBulkTask } from "./bulk.js";
import { budgetDue, foldBuckets, nextFoldMs, releaseDue } from "./money.js";
import { scheduleDue, scheduleDueMs } from "./schedules.js";
import type { Job, State } from "./state.js";
import { failAttempt } from "./worker-verbs.js";

/**
 * What time does, in the order of its moments, however late the tick: leases end, what is due is promoted, what is too old expires.
 * At the same moment in this order; leases by fence, the others by age. Timers are never early: a lease and an expiry end behind
 * their moment, a due time is due at its moment.
 */
export function tick(state: State): void {
  for (;;) {
    const next = timers(state)
      .filter((timer) => firesMs(timer) <= state.nowMs)
      .sort(inOrder)[0];
    if (!next) return tickOthers(state);
    const { job, kind } = next;
    if (kind === "expiry") {
      state.noteFailure(job, "job expired", "");
      state.die(job, "job expired");
    } else if (kind === "lease" && job.leaseEndsServingMs! >= (job.iterationEndsServingMs ?? Infinity)) {
      failAttempt(state, job, `iteration_timeout exceeded (${job.agent?.iterationTimeout})`, "");
    } else state.makePending(job);
  }
}

/** After the jobs what else has a time, in the order of the moments; at the same moment the older one first. */
function tickOthers(state: State): void {
  foldBuckets(state);
  for (;;) {
    const next = moments(state)
      .filter(({ atMs }) => atMs <= state.nowMs)
      .sort((a, b) => a.atMs - b.atMs || a.made - b.made)[0];
    if (!next) return;
    next.come();
  }
}

interface Moment {
  atMs: number;
  made: number;
  come: () => void;
}

function moments(state: State): Moment[] {
  return [
    ...state.budgets.map((budget) => ({ atMs: budget.dueMs ?? Infinity, made: budget.made, come: () => budgetDue(state, budget) })),
    ...[...state.schedules.values()].map((one) => ({ atMs: scheduleDueMs(state, one), made: one.made, come: () => scheduleDue(state, one) })),
    ...state.bulkTasks.map((task) => ({ atMs: bulkTaskDueMs(task), made: task.made, come: () => forgetBulkTask(state, task) })),
    { atMs: state.releaseMs ?? Infinity, made: state.releaseMade, come: () => releaseDue(state) },
  ];
}

/** Log time of the next tick that would change something. */
export function nextTickMs(state: State): number {
  return Math.min(...timers(state).map(firesMs), nextFoldMs(state), ...moments(state).map(({ atMs }) => atMs));
}

interface Timer {
  /** Its moment, in log time. */
  atMs: number;
  kind: (typeof kinds)[number];
  job: Job;
}

const kinds = ["lease", "due", "expiry"] as const;

function timers(state: State): Timer[] {
  const all: Timer[] = [];
  for (const job of state.jobs.values()) {
    if (job.leaseEndsServingMs !== undefined) all.push({ atMs: job.leaseEndsServingMs + state.pausedMs, kind: "lease", job });
    if (job.dueMs !== undefined) all.push({ atMs: job.dueMs, kind: "due", job });
    if (job.expireMs !== undefined && ["pending", "scheduled", "retrying", "held"].includes(job.state)) all.push({ atMs: job.expireMs, kind: "expiry", job });
  }
  return all;
}

/** Log time of the first tick that acts on it. */
function firesMs({ atMs, kind }: Timer): number {
  return kind === "due" ? atMs : atMs + 1;
}

function inOrder(a: Timer, b: Timer): number {
  const byKind = kinds.indexOf(a.kind) - kinds.indexOf(b.kind);
  return a.atMs - b.atMs || byKind || (a.kind === "lease" ? a.job.fence - b.job.fence : a.job.seq - b.job.seq);
}
