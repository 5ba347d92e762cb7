import { beginMessage, endMessage, putBool, putRange, putText } from "@corvo/gen/corvo/fast/runtime.js";
import { HeartbeatJobResponseTag, HeartbeatJobUpdateReader, HeartbeatRequestReader, HeartbeatResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { formatJobId, limits, type Refusal, refuse } from "@corvo/protocol";
import { alert, BudgetInt, BudgetNum, holdForBudget, OnExceed, perJobBudget, spend } from "./budgets.js";
import { type Command, putTimestampField } from "./command.js";
import { changeDocument, edit } from "./document.js";
import { finish } from "./finish.js";
import { withinIteration } from "./iteration-timeout.js";
import { BudgetHold, factsOf, JobFacts } from "./job-facts.js";
import { enterUsage } from "./ledger.js";
import { eventDataBytesMax } from "./limits.js";
import { notFound, type State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";
import { UsageReport } from "./usage-report.js";

const reader = new HeartbeatRequestReader();
const update = new HeartbeatJobUpdateReader();
const report = new UsageReport();
const facts = new JobFacts();
const overBudgetText = new TextEncoder().encode("per-job budget exceeded");

/** A heartbeat gives at least this much. */
const leaseMsMin = 60_000;

/**
 * Extends leases: each to now + max(60 s, the lease given at fetch), but not over the end of an agent's iteration; stores progress and
 * checkpoints; enters what was used. A job that is no longer the
 * caller's answers `cancel` with, in this order: `not_found`, `not_active`, `stale_fence`.
 */
export function heartbeat(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobsCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} jobs`, { field: "jobs" });
  for (let i = 0; i < r.jobsCount; i++) update.read(r.buf, r.jobsValueStart[i], r.jobsValueEnd[i]);
  let heard = false;
  let earliestMs = Infinity;
  for (let i = 0; i < r.jobsCount; i++) {
    const row = s.find(r.buf, r.jobsKeyStart[i], r.jobsKeyEnd[i]);
    update.read(r.buf, r.jobsValueStart[i], r.jobsValueEnd[i]);
    let reason = "";
    let overBudget = false;
    let endsMs = 0;
    if (row === notFound) reason = "not_found";
    else if (row < 0 || s.jobs.state(row) !== JobState.active) reason = "not_active";
    else if (update.fence !== 0 && update.fence !== s.jobs.fence(row)) {
      reason = "stale_fence";
      s.measured.staleFences++;
    } else {
      const seq = s.jobs.seq(row);
      beat(s, row, r.buf, update);
      if (!heard) hear(s, row);
      heard = true;
      overBudget = s.level >= 2 && update.hasUsage && charge(s, row, r.buf, update);
      endsMs = leaseEndsMs(s, overBudget ? s.sequences.get(seq) : row);
      if (endsMs > 0) earliestMs = Math.min(earliestMs, endsMs);
    }
    if (s.answering) answer(s, r.buf, r.jobsKeyStart[i], r.jobsKeyEnd[i], reason, overBudget, endsMs);
  }
  if (s.answering && earliestMs < Infinity) putTimestampField(s.out, HeartbeatResponseTag.leaseExpiresAt, earliestMs);
  return undefined;
}

/** What a heartbeat or a step that keeps its job says about it; ranges are of one buffer. */
export interface JobNews {
  progressJsonStart: number;
  progressJsonEnd: number;
  checkpointJsonStart: number;
  checkpointJsonEnd: number;
  usageStart: number;
  usageEnd: number;
}

/** The job's worker lives: its lease is longer, and what it says is stored. */
export function beat(s: State, row: number, buf: Uint8Array, update: JobNews): void {
  const { jobs } = s;
  let dueMs = s.servingMs + Math.max(leaseMsMin, jobs.leaseMs(row));
  if ((jobs.flags(row) & JobFlag.agent) !== 0) dueMs = withinIteration(s, row, dueMs);
  jobs.keep(row);
  jobs.setDueMs(row, dueMs);
  s.leases.move(row, dueMs, jobs.fence(row));
  s.hash.mix(20, jobs.seq(row), dueMs);
  const change = edit.clear(buf);
  if (update.progressJsonEnd > update.progressJsonStart) {
    change.progressStart = update.progressJsonStart;
    change.progressEnd = update.progressJsonEnd;
  }
  if (update.checkpointJsonEnd > update.checkpointJsonStart) {
    change.checkpointStart = update.checkpointJsonStart;
    change.checkpointEnd = update.checkpointJsonEnd;
  }
  changeDocument(s, row, change);
  if (change.progressEnd === 0) return;
  s.events.add(EventType.progress, jobs.seq(row), jobs.createdMs(row), s.queues.of(jobs.queue(row)), s.logTimeMs);
  if (change.progressEnd - change.progressStart <= eventDataBytesMax) s.events.attach(buf.slice(change.progressStart, change.progressEnd));
}

/**
 * Enters what was used since the last report. True: the job costs more than its lowest per-job budget allows; then it is held or cancelled,
 * or nobody is to stop it.
 */
export function charge(s: State, row: number, buf: Uint8Array, update: JobNews): boolean {
  if (!report.read(buf, update.usageStart, update.usageEnd)) return false;
  const { jobs } = s;
  const queue = s.queues.of(jobs.queue(row));
  enterUsage(s, queue.nameBytes, report, false);
  spend(s, row, queue, report.costNanos);
  const change = edit.clear(buf);
  const before = factsOf(s, row, facts).costNanos;
  facts.costNanos += report.costNanos;
  const { costNanos } = facts;
  change.facts = facts;
  changeDocument(s, row, change);
  const budget = perJobBudget(s, row, queue);
  const limit = budget === -1 ? Infinity : s.entities.num(budget, BudgetNum.perJob);
  if (costNanos <= limit) return false;
  if (before <= limit) alert(s, row, queue, budget, "per_job", costNanos, limit);
  const onExceed = s.entities.int4(budget, BudgetInt.onExceed);
  if (onExceed === OnExceed.hold) {
    holdForBudget(s, row, `per-job budget exceeded for job "${formatJobId(jobs.createdMs(row), jobs.seq(row))}"`, BudgetHold.perJob);
  } else if (onExceed === OnExceed.reject) {
    const seq = jobs.seq(row);
    const createdMs = jobs.createdMs(row);
    s.events.add(EventType.cancelled, seq, createdMs, finish(s, row, JobState.cancelled, undefined), s.logTimeMs);
    s.events.because(overBudgetText);
  }
  return true;
}

/** The worker that holds the first live job of the request gave a sign of life. */
export function hear(s: State, row: number): void {
  const number = s.jobs.worker(row);
  if (number === 0) return;
  const worker = s.workers.byNumber[number]!;
  s.touchWorker(worker);
  s.workers.heard(worker, s.logTimeMs);
}

/** By the server's clock, when nobody stops serving; 0: the job is not leased any more. */
function leaseEndsMs(s: State, row: number): number {
  return row >= 0 && s.jobs.state(row) === JobState.active ? s.jobs.dueMs(row) + s.pausedMs : 0;
}

function answer(s: State, buf: Uint8Array, keyStart: number, keyEnd: number, reason: string, overBudget: boolean, endsMs: number): void {
  const { out: w } = s;
  const entry = beginMessage(w, HeartbeatResponseTag.jobs, 60);
  putRange(w, 10, buf, keyStart, keyEnd);
  const value = beginMessage(w, 18, 20);
  putText(w, HeartbeatJobResponseTag.status, reason === "" ? "ok" : "cancel");
  if (reason !== "") putText(w, HeartbeatJobResponseTag.reason, reason);
  if (overBudget) putBool(w, HeartbeatJobResponseTag.budgetExceeded, true);
  if (endsMs > 0) putTimestampField(w, HeartbeatJobResponseTag.leaseExpiresAt, endsMs);
  endMessage(w, value);
  endMessage(w, entry);
}
