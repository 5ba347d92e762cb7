import { formatJobId } from "@corvo/protocol";
import type { State } from "../state.js";
import { JobState, jobStateNames } from "../tables/job-table.js";
import { budgetSpent, heldByRule, waitsForJobs } from "./of-others.js";
import { expires, held, retryBackoff, running, scheduled } from "./of-the-job.js";
import { concurrencyLimit, inLine, noWorker, paused, ready, throttled } from "./of-the-queue.js";
import { placeOf } from "./place.js";
import { type Asked, type Reason, ReasonCode } from "./reason.js";

export { type Asked, type Reason, ReasonCode, type ReasonFinder } from "./reason.js";

/**
 * Everything that can keep a job from running, in the order in which people should hear of it: what somebody has to do something about
 * comes before what time will mend. **A feature that can hold a job back adds its finder here.**
 */
const finders = [
  running,
  budgetSpent,
  heldByRule,
  held,
  scheduled,
  retryBackoff,
  waitsForJobs,
  paused,
  concurrencyLimit,
  throttled,
  noWorker,
  inLine,
  expires,
  ready,
] as const;

export interface Explanation {
  id: string;
  queue: string;
  state: string;
  reasons: Reason[];
  /** 1: next in turn; 0: it is not pending. */
  place: number;
  pending: number;
  /** Jobs of its queue handed out per second. */
  ratePerSecond: number;
  /** Unix milliseconds; 0: cannot be said. */
  estimatedStartMs: number;
}

/** Reasons that only time or other jobs' progress mends, so that the rate says when. */
const passing: ReadonlySet<number> = new Set([
  ReasonCode.ready,
  ReasonCode.inLine,
  ReasonCode.concurrencyLimit,
  ReasonCode.throttled,
  ReasonCode.scheduled,
  ReasonCode.retryBackoff,
  ReasonCode.expires,
]);

/** Why a live job is not running. Changes nothing. */
export function explain(s: State, row: number, clockMs: number, fetchWaits: boolean): Explanation {
  const { jobs } = s;
  const queue = s.queues.of(jobs.queue(row));
  const state = jobs.state(row);
  const nowMs = Math.max(clockMs, s.logTimeMs);
  const place = state === JobState.pending && jobs.waits(row) === 0 ? placeOf(s, row, queue) : 0;
  const asked: Asked = { s, row, id: formatJobId(jobs.createdMs(row), jobs.seq(row)), queue, state, nowMs, fetchWaits, place };
  const reasons: Reason[] = [];
  for (const find of finders) find(asked, reasons);
  const ratePerSecond = queue.grants.perSecond(nowMs);
  return {
    id: asked.id,
    queue: queue.name,
    state: jobStateNames[state],
    reasons,
    place,
    pending: queue.pending,
    ratePerSecond,
    estimatedStartMs: estimate(asked, reasons, ratePerSecond),
  };
}

/** When the job starts if its queue goes on as it did over the last minute. */
function estimate(asked: Asked, reasons: readonly Reason[], rate: number): number {
  if (asked.state === JobState.active || reasons.some((reason) => !passing.has(reason.code))) return 0;
  let fromMs = asked.nowMs;
  for (const reason of reasons) if (reason.code !== ReasonCode.expires && reason.untilMs !== undefined) fromMs = Math.max(fromMs, reason.untilMs);
  // Who is not in line yet will be the last one.
  const ahead = asked.place > 0 ? asked.place - 1 : asked.queue.pending;
  if (ahead === 0) return fromMs;
  return rate === 0 ? 0 : Math.round(Math.max(fromMs, asked.nowMs + (ahead / rate) * 1000));
}
