import { beginMessage, endMessage, putRange, putText } from "@corvo/gen/corvo/fast/runtime.js";
import { HeartbeatJobResponseTag, HeartbeatJobUpdateReader, HeartbeatRequestReader, HeartbeatResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import type { Command } from "./command.js";
import { changeDocument, edit } from "./document.js";
import { eventDataBytesMax } from "./limits.js";
import { notFound, type State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

const reader = new HeartbeatRequestReader();
const update = new HeartbeatJobUpdateReader();

/** A heartbeat gives at least this much. */
const leaseMsMin = 60_000;

/**
 * Extends leases: each to now + max(60 s, the lease given at fetch), and stores progress and checkpoints. A job that is no longer the
 * caller's answers `cancel` with, in this order: `not_found`, `not_active`, `stale_fence`.
 */
export function heartbeat(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobsCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} jobs`, { field: "jobs" });
  for (let i = 0; i < r.jobsCount; i++) update.read(r.buf, r.jobsValueStart[i], r.jobsValueEnd[i]);
  let heard = false;
  for (let i = 0; i < r.jobsCount; i++) {
    const row = s.find(r.buf, r.jobsKeyStart[i], r.jobsKeyEnd[i]);
    update.read(r.buf, r.jobsValueStart[i], r.jobsValueEnd[i]);
    let reason = "";
    if (row === notFound) reason = "not_found";
    else if (row < 0 || s.jobs.state(row) !== JobState.active) reason = "not_active";
    else if (update.fence !== 0 && update.fence !== s.jobs.fence(row)) reason = "stale_fence";
    else {
      beat(s, row, r.buf);
      if (!heard) hear(s, row);
      heard = true;
    }
    if (s.answering) answer(s, r.buf, r.jobsKeyStart[i], r.jobsKeyEnd[i], reason);
  }
  return undefined;
}

function beat(s: State, row: number, buf: Uint8Array): void {
  const { jobs } = s;
  const dueMs = s.servingMs + Math.max(leaseMsMin, jobs.leaseMs(row));
  jobs.touch(row);
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

/** The worker that holds the first live job of the request gave a sign of life. */
function hear(s: State, row: number): void {
  const number = s.jobs.worker(row);
  if (number === 0) return;
  const worker = s.workers.byNumber[number]!;
  s.touchWorker(worker);
  s.workers.heard(worker, s.logTimeMs);
}

function answer(s: State, buf: Uint8Array, keyStart: number, keyEnd: number, reason: string): void {
  const { out: w } = s;
  const entry = beginMessage(w, HeartbeatResponseTag.jobs, 40);
  putRange(w, 10, buf, keyStart, keyEnd);
  const value = beginMessage(w, 18, 4);
  putText(w, HeartbeatJobResponseTag.status, reason === "" ? "ok" : "cancel");
  if (reason !== "") putText(w, HeartbeatJobResponseTag.reason, reason);
  endMessage(w, value);
  endMessage(w, entry);
}
