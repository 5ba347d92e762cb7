import { putText, putUint32 } from "@corvo/gen/corvo/fast/runtime.js";
import { EnqueueRequestReader, FailRequestReader, FailResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { durationMs, limits, type Refusal, rangeIs, refuse } from "@corvo/protocol";
import { archivedState } from "./archived.js";
import { archiveAgain, type Command, putTimestampField, textOf } from "./command.js";
import { countFailure, countRun } from "./counted.js";
import { changeDocument, cutText, type DocumentEdit, edit } from "./document.js";
import { finish } from "./finish.js";
import { factsOf, JobFacts } from "./job-facts.js";
import { staleFence } from "./lease.js";
import { assign, enter, leave } from "./lists.js";
import { notFound, type State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState, jobStateNames } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";
import type { Worker } from "./tables/workers.js";

const reader = new FailRequestReader();
const request = new EnqueueRequestReader();

const baseDelayMsDefault = 5_000;
const maxDelayMsDefault = 600_000;

/** Ends an attempt of an active job without success. Refusals, in order: no such job, not active, stale fence. */
export function fail(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobIdEnd === r.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: "job_id" });
  const { jobs } = s;
  const row = s.find(c.buf, r.jobIdStart, r.jobIdEnd);
  const id = textOf(c.buf, r.jobIdStart, r.jobIdEnd);
  if (row < 0) {
    const state = row === notFound ? 0 : archivedState(s, c);
    if (state < 0) return archiveAgain;
    if (state === 0) return refuse("invalid_argument", "NOT_FOUND", `job ${id} not found`);
    return notActive(id, state);
  }
  if (jobs.state(row) !== JobState.active) return notActive(id, jobs.state(row));
  if (r.fence !== 0 && r.fence !== jobs.fence(row)) return staleFence(s, id);

  const change = edit.clear(c.buf);
  change.errorStart = r.errorStart;
  change.errorEnd = cutText(c.buf, r.errorStart, r.errorEnd, limits.errorBytesMax);
  change.backtraceStart = r.backtraceStart;
  change.backtraceEnd = cutText(c.buf, r.backtraceStart, r.backtraceEnd, limits.errorBytesMax);
  failAttempt(s, row, change);
  const { remaining, nextMs } = failed;
  if (!s.answering) return undefined;
  putText(s.out, FailResponseTag.status, remaining > 0 ? "retrying" : "dead");
  if (remaining === 0) return undefined;
  putTimestampField(s.out, FailResponseTag.nextAttemptAt, nextMs);
  putUint32(s.out, FailResponseTag.attemptsRemaining, remaining);
  return undefined;
}

/** What became of the last job whose attempt failed. */
export const failed = { /** Attempts that are left; 0: it is dead. */ remaining: 0, /** Unix milliseconds. */ nextMs: 0 };
const facts = new JobFacts();

/** The attempt of an active job failed: back-off, or death when its attempts are spent. Attempts before its iteration or revision do not count. */
export function failAttempt(s: State, row: number, change: DocumentEdit): void {
  const { jobs } = s;
  const attempt = jobs.attempt(row);
  change.failure = true;
  change.attempt = attempt;
  change.atMs = s.logTimeMs;
  const seq = jobs.seq(row);
  const createdMs = jobs.createdMs(row);
  const worker = s.workers.byNumber[jobs.worker(row)];
  const counted = jobs.document(row) === 0 ? attempt : attempt - factsOf(s, row, facts).attemptsBefore;
  const remaining = Math.max(0, jobs.maxRetries(row) - counted);
  const nextMs = s.logTimeMs + (remaining > 0 ? backoffMs(s, row, counted) : 0);
  failed.remaining = remaining;
  failed.nextMs = nextMs;
  jobs.touch(row);
  jobs.setFailedMs(row, s.logTimeMs);
  s.touchQueue(s.queues.of(jobs.queue(row)));
  s.queues.of(jobs.queue(row)).failed++;
  if (remaining > 0) {
    const queue = leave(s, row);
    countRun(s, row, queue);
    changeDocument(s, row, change);
    assign(s, row, 0);
    jobs.setDueMs(row, nextMs);
    enter(s, row, queue, JobState.retrying);
    tell(s, seq, createdMs, queue, attempt, worker, change);
    note(s, seq, createdMs, queue, change, false);
    if (s.level >= 2) s.events.add(EventType.retrying, seq, createdMs, queue, s.logTimeMs);
  } else {
    assign(s, row, 0);
    const queue = finish(s, row, JobState.dead, change);
    tell(s, seq, createdMs, queue, attempt, worker, change);
    note(s, seq, createdMs, queue, change, true);
    if (s.level >= 2) s.events.add(EventType.dead, seq, createdMs, queue, s.logTimeMs);
  }
}

function note(s: State, seq: number, createdMs: number, queue: Queue, change: DocumentEdit, died: boolean): void {
  if (change.error !== undefined) countFailure(s, queue, seq, createdMs, change.error, 0, change.error.length, died);
  else countFailure(s, queue, seq, createdMs, change.source, change.errorStart, change.errorEnd, died);
}

function tell(s: State, seq: number, createdMs: number, queue: Queue, attempt: number, worker: Worker | undefined, change: DocumentEdit): void {
  s.events.add(EventType.failed, seq, createdMs, queue, s.logTimeMs);
  s.events.attempt(attempt, worker);
  if (change.error !== undefined) s.events.because(change.error);
  else s.events.because(change.source, change.errorStart, change.errorEnd);
}

function notActive(id: string, state: number): Refusal {
  return refuse("invalid_argument", "WRONG_STATE", `job ${id} is not active (state=${jobStateNames[state]})`);
}

/** Delay after the failed attempt n: by strategy, then at most the job's cap, if it has one, and `limits.delayMsMax` in any case. */
function backoffMs(s: State, row: number, attempt: number): number {
  const address = s.jobs.request(row);
  const memory = s.arena.memory(address);
  const start = s.arena.start(address);
  return delayMs(request.read(memory, start, start + s.arena.length(address)), attempt);
}

export function delayMs(r: EnqueueRequestReader, attempt: number): number {
  const base = baseDelayMs(r);
  const cap = maxDelayMs(r);
  const { buf, retryBackoffStart: start, retryBackoffEnd: end } = r;
  let delay: number;
  if (rangeIs(buf, start, end, "none")) delay = 0;
  else if (rangeIs(buf, start, end, "fixed")) delay = base;
  else if (rangeIs(buf, start, end, "linear")) delay = base * attempt;
  else delay = base * 2 ** Math.min(attempt - 1, 64);
  if (cap > 0) delay = Math.min(delay, cap);
  return Math.max(0, Math.min(delay, limits.delayMsMax));
}

/** Base of the back-off: milliseconds win over text, text over the default. */
export function baseDelayMs(r: EnqueueRequestReader): number {
  if (r.retryBaseDelayMs > 0) return r.retryBaseDelayMs;
  const ms = durationMs(r.buf, r.retryBaseDelayStart, r.retryBaseDelayEnd);
  return Number.isNaN(ms) ? baseDelayMsDefault : ms;
}

/** Longest back-off; 0: no cap. */
export function maxDelayMs(r: EnqueueRequestReader): number {
  if (r.retryMaxDelayMs > 0) return r.retryMaxDelayMs;
  const ms = durationMs(r.buf, r.retryMaxDelayStart, r.retryMaxDelayEnd);
  return Number.isNaN(ms) ? maxDelayMsDefault : ms;
}
