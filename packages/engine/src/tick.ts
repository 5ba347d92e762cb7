import { edit } from "./document.js";
import { due } from "./due.js";
import { failAttempt } from "./fail.js";
import { finish } from "./finish.js";
import { iterationTimedOut } from "./iteration-timeout.js";
import { tickJobsMax } from "./limits.js";
import { makePending } from "./lists.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";
import type { LeaseTimers } from "./tables/lease-timers.js";
import type { TimerHeap } from "./tables/timer-heap.js";

const encoder = new TextEncoder();
const expiredText = encoder.encode("job expired");

/**
 * Time has passed. Leases that are over return their jobs to the tail of their queue, the attempt stays counted (an agent's whose iteration
 * took too long has failed it); scheduled and
 * retrying jobs whose time has come become pending: both kinds in the order of their deadlines, at the same deadline leases first (by
 * fence), then the others (by sequence). After that, jobs whose expiry has passed die, and entities whose time has come are looked at. At most `tickJobsMax` jobs; `nextTimerMs` tells
 * when there is more to do.
 */
export function tick(s: State): void {
  let left = tickJobsMax;
  for (; left > 0; left--) {
    const lease = s.leases.nextMs < s.servingMs;
    const due = s.due.nextMs <= s.logTimeMs;
    if (!lease && !due) break;
    if (lease && (!due || s.leases.nextMs + s.pausedMs <= s.due.nextMs)) backToPending(s, s.leases, EventType.reclaimed);
    else backToPending(s, s.due, EventType.promoted);
  }
  for (; left > 0 && s.expiries.nextMs < s.logTimeMs; left--) expire(s, s.expiries.next);
  for (; left > 0 && s.entities.due.nextMs <= s.logTimeMs; left--) due(s, s.entities.due.next);
}

function backToPending(s: State, timers: LeaseTimers | TimerHeap, event: number): void {
  const row = timers.next;
  if (!s.visible(row)) {
    s.jobs.keep(row);
    return timers.remove(row);
  }
  if (event === EventType.reclaimed && (s.jobs.flags(row) & JobFlag.agent) !== 0) {
    const error = iterationTimedOut(s, row);
    if (error !== undefined) return timeOut(s, row, error);
  }
  const worker = s.workers.byNumber[s.jobs.worker(row)];
  s.events.add(event, s.jobs.seq(row), s.jobs.createdMs(row), makePending(s, row), s.logTimeMs);
  if (worker !== undefined) s.events.attempt(s.jobs.attempt(row), worker);
}

/** An agent's iteration took too long: its attempt has failed. */
function timeOut(s: State, row: number, error: string): void {
  const text = encoder.encode(error);
  const change = edit.clear(text);
  change.error = text;
  failAttempt(s, row, change);
}

function expire(s: State, row: number): void {
  const { jobs } = s;
  jobs.keep(row);
  if (!s.visible(row)) return s.expiries.remove(row);
  const change = edit.clear(expiredText);
  change.failure = true;
  change.attempt = jobs.attempt(row);
  change.atMs = s.logTimeMs;
  change.error = expiredText;
  const seq = jobs.seq(row);
  const createdMs = jobs.createdMs(row);
  jobs.setFailedMs(row, s.logTimeMs);
  const queue = finish(s, row, JobState.dead, change);
  s.events.add(EventType.expired, seq, createdMs, queue, s.logTimeMs);
  if (s.level >= 2) s.events.add(EventType.dead, seq, createdMs, queue, s.logTimeMs);
}

/** Log time at which the next tick would change something; Infinity: never. */
export function nextTimerMs(s: State): number {
  if (s.garbage.rows > 0) return s.logTimeMs;
  return Math.min(s.leases.nextMs + s.pausedMs + 1, s.due.nextMs, s.expiries.nextMs + 1, s.entities.due.nextMs);
}
