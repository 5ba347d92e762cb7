import { putRange, putText, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { JobDocumentReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { ReplayJobRequestReader } from "@corvo/gen/corvo/v1/agent_fast.js";
import { EnqueueRequestReader, EnqueueRequestTag, EnqueueResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { record } from "./archived.js";
import { type Command, putJobIdField } from "./command.js";
import { EnqueueOutcome, insert, inserted } from "./enqueue.js";
import { archivedRecords, checkpointIn, liveRecords } from "./iterations.js";
import { job, noSuchJob } from "./job-verb.js";
import { depthRefusal } from "./queue-depth.js";
import { checkpointOf } from "./settle.js";
import type { State } from "./state.js";

const reader = new ReplayJobRequestReader();
const original = new EnqueueRequestReader();
const document = new JobDocumentReader();
const fresh = new EnqueueRequestReader();
const w = new Writer(4096);

/**
 * Adds a new job that starts where an iteration of an agent job ended. Refusals, in order: a number that is none, no such job, no agent job,
 * an iteration that is not known of a job that has no checkpoint either, a full queue.
 */
export function replay(s: State, c: Command): Refusal | undefined {
  const { from } = reader.read(c.buf, c.start, c.end);
  if (from <= 0) return refuse("invalid_argument", "INVALID_VALUE", "from must be > 0", { field: "from" });
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  const bytes = row < 0 ? record.buf.slice(record.requestStart, record.requestEnd) : s.arena.view(s.jobs.request(row)).slice();
  const queue = row < 0 ? record.buf.slice(record.queueStart, record.queueEnd) : s.queues.of(s.jobs.queue(row)).nameBytes;
  const priority = row < 0 ? -1 : s.jobs.priority(row);
  const q = original.read(bytes, 0, bytes.length);
  if (!q.hasAgent) return refuse("failed_precondition", "WRONG_STATE", `job ${job.id} is not an agent job`);
  const records = row < 0 ? archivedRecords(c.buf, c.recordStart, c.recordEnd) : liveRecords(s, row);
  const own = row < 0 ? archivedCheckpoint(q) : checkpointOf(s, row);
  const checkpoint = checkpointIn(records, from) ?? (own.length > 0 ? own : undefined);
  if (checkpoint === undefined) return refuse("failed_precondition", "WRONG_STATE", `iteration ${from} not found for job "${job.id}"`, { field: "from" });
  w.reset();
  putRange(w, EnqueueRequestTag.queue, queue, 0, queue.length);
  if (q.payloadJsonEnd > q.payloadJsonStart) putRange(w, EnqueueRequestTag.payloadJson, bytes, q.payloadJsonStart, q.payloadJsonEnd);
  putRange(w, EnqueueRequestTag.agent, bytes, q.agentStart, q.agentEnd);
  if (priority === 0 || priority === 1) putText(w, EnqueueRequestTag.priority, priority === 0 ? "critical" : "high");
  else if (priority === -1 && q.priorityEnd > q.priorityStart) putRange(w, EnqueueRequestTag.priority, bytes, q.priorityStart, q.priorityEnd);
  if (q.tagsJsonEnd > q.tagsJsonStart) putRange(w, EnqueueRequestTag.tagsJson, bytes, q.tagsJsonStart, q.tagsJsonEnd);
  if (checkpoint.length > 0) putRange(w, EnqueueRequestTag.checkpointJson, checkpoint, 0, checkpoint.length);
  const added = fresh.read(w.buf, 0, w.pos);
  const full = s.depthLimits > 0 ? depthRefusal(s, added) : undefined;
  if (full !== undefined) return full;
  if (insert(s, added) === EnqueueOutcome.refused) return inserted.refusal;
  if (!s.answering) return undefined;
  putJobIdField(s.out, EnqueueResponseTag.jobId, inserted.createdMs, inserted.seq);
  putText(s.out, EnqueueResponseTag.status, "pending");
  putUint64(s.out, EnqueueResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

/** Checkpoint of the finished job whose record was read last, and whose request `q` is; empty: none. */
function archivedCheckpoint(q: EnqueueRequestReader): Uint8Array {
  const d = document.read(record.buf, record.documentStart, record.documentEnd);
  if (d.checkpointJsonEnd > 0) return record.buf.slice(d.checkpointJsonStart, d.checkpointJsonEnd);
  return q.buf.slice(q.checkpointJsonStart, q.checkpointJsonEnd);
}
