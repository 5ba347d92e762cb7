import type { Job, State } from "./state.js";

/**
 * What time does: leases end, what is due is promoted, what is too old expires, in this order; so a job whose lease ended may
 * expire in the same tick. Timers are never early: a lease and an expiry end behind their moment, a due time is due at its moment.
 */
export function tick(state: State): void {
  const jobs = [...state.jobs.values()];
  const ended = jobs.filter((job) => job.leaseEndsServingMs !== undefined && job.leaseEndsServingMs < state.servingMs);
  for (const job of ended.sort((a, b) => a.leaseEndsServingMs! - b.leaseEndsServingMs! || a.fence - b.fence)) state.makePending(job);
  const due = jobs.filter((job) => job.dueMs !== undefined && job.dueMs <= state.nowMs);
  for (const job of due.sort((a, b) => a.dueMs! - b.dueMs! || a.seq - b.seq)) state.makePending(job);
  for (const job of jobs.filter((one) => expires(one) && one.expireMs! < state.nowMs)) {
    state.noteFailure(job, "job expired", "");
    state.die(job);
  }
}

/** Log time of the next tick that would change something. */
export function nextTickMs(state: State): number {
  let next = Infinity;
  for (const job of state.jobs.values()) {
    if (job.leaseEndsServingMs !== undefined) next = Math.min(next, job.leaseEndsServingMs + state.pausedMs + 1);
    if (job.dueMs !== undefined) next = Math.min(next, job.dueMs);
    if (expires(job)) next = Math.min(next, job.expireMs! + 1);
  }
  return next;
}

function expires(job: Job): boolean {
  return job.expireMs !== undefined && ["pending", "scheduled", "retrying", "held"].includes(job.state);
}
