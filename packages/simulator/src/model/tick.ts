import { nextMoneyMs, tickMoney } from "./money.js";
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
    if (!next) return tickMoney(state);
    const { job, kind } = next;
    if (kind === "expiry") {
      state.noteFailure(job, "job expired", "");
      state.die(job, "job expired");
    } else if (kind === "lease" && job.leaseEndsServingMs! >= (job.iterationEndsServingMs ?? Infinity)) {
      failAttempt(state, job, `iteration_timeout exceeded (${job.agent?.iterationTimeout})`, "");
    } else state.makePending(job);
  }
}

/** Log time of the next tick that would change something. */
export function nextTickMs(state: State): number {
  return Math.min(...timers(state).map(firesMs), nextMoneyMs(state));
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
