import { beginMessage, endMessage, putBytes, putRange, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ArchivedJobTag } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { dropBudgetHold } from "./budget-holds.js";
import { putNumber } from "./command.js";
import { countEnded } from "./counted.js";
import { type DocumentEdit, writeDocument } from "./document.js";
import { ended } from "./ended.js";
import { archiveIterations, dropIterations } from "./iterations.js";
import { assign, leave } from "./lists.js";
import { awaitedEnded } from "./schedule.js";
import type { State } from "./state.js";
import { MarkKind } from "./tables/archive-marks.js";
import { type FinishedState, JobFlag, JobState } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";

const w = new Writer(64 * 1024);
/** Names of finished states as counters have them. */
export const countedAs = { [JobState.completed]: "completed", [JobState.dead]: "dead", [JobState.cancelled]: "cancelled" } as const;

/**
 * Ends a live job: it moves to the archive with everything that is known about it, and its row is free again.
 * `change` is what the ending verb says about its document.
 */
export function finish(s: State, row: number, state: FinishedState, change: DocumentEdit | undefined): Queue {
  const { jobs, arena } = s;
  if (s.level >= 2) ended(s, row, state, change);
  const queue = leave(s, row);
  countEnded(s, row, queue, state);
  const seq = jobs.seq(row);
  w.reset();
  putNumber(w, ArchivedJobTag.seq, seq);
  putNumber(w, ArchivedJobTag.createdMs, jobs.createdMs(row));
  putNumber(w, ArchivedJobTag.state, state);
  putBytes(w, ArchivedJobTag.queue, queue.nameBytes);
  const request = jobs.request(row);
  const start = arena.start(request);
  putRange(w, ArchivedJobTag.request, arena.memory(request), start, start + arena.length(request));
  if (jobs.document(row) !== 0 || change?.any) {
    const at = beginMessage(w, ArchivedJobTag.document);
    writeDocument(w, s, row, change);
    endMessage(w, at);
  }
  if (jobs.attempt(row) !== 0) putNumber(w, ArchivedJobTag.attempt, jobs.attempt(row));
  if (jobs.startedMs(row) !== 0) putNumber(w, ArchivedJobTag.startedMs, jobs.startedMs(row));
  putNumber(w, ArchivedJobTag.endedMs, s.logTimeMs);
  if (jobs.failedMs(row) !== 0) putNumber(w, ArchivedJobTag.failedMs, jobs.failedMs(row));
  if (jobs.expireMs(row) !== 0) putNumber(w, ArchivedJobTag.expireMs, jobs.expireMs(row));
  if (state === JobState.cancelled && jobs.worker(row) !== 0) {
    const { name, idBytes } = s.workers.byNumber[jobs.worker(row)]!;
    putRange(w, ArchivedJobTag.workerId, name, 0, idBytes);
    putRange(w, ArchivedJobTag.hostname, name, idBytes, name.length);
  }
  if (jobs.fence(row) !== 0) putNumber(w, ArchivedJobTag.fence, jobs.fence(row));
  putNumber(w, ArchivedJobTag.endedIndex, s.appliedIndex);
  if ((jobs.flags(row) & JobFlag.agent) !== 0) archiveIterations(s, row, w);
  const place = s.archive.append(seq, w.view(), s.logTimeMs, queue.serial, countedAs[state]);
  queue.countFinished(state, 1);
  if (jobs.revived(row)) s.marks.set(seq, MarkKind.moved, place.segment, place.offset);
  s.hash.mix(state, seq, s.logTimeMs);
  s.hash.mix(16, place.segment, place.offset);
  forget(s, row);
  return queue;
}

/** Frees everything that a job has in memory. It is in no list any more. */
export function forget(s: State, row: number): void {
  const { jobs, arena } = s;
  const flags = jobs.flags(row);
  if ((flags & JobFlag.agent) !== 0) dropIterations(s, row);
  if ((flags & JobFlag.overBudget) !== 0) dropBudgetHold(s, row);
  arena.free(jobs.request(row));
  if (jobs.document(row) !== 0) arena.free(jobs.document(row));
  assign(s, row, 0);
  const seq = jobs.seq(row);
  s.sequences.remove(seq);
  jobs.remove(row);
  if (s.awaited.size > 0) awaitedEnded(s, seq);
}

/** The job's unique key is free again, if it is still this job's. */
export function releaseKey(s: State, row: number): void {
  const lock = s.jobs.lock(row);
  if (lock === -1) return;
  s.jobs.touch(row);
  s.jobs.setLock(row, -1);
  if (!s.locks.isFree(lock) && s.locks.seq(lock) === s.jobs.seq(row)) s.locks.remove(lock);
}
