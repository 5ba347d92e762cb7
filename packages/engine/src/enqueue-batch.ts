import { putBytes, putPackedInt32, putUint64 } from "@corvo/gen/corvo/fast/runtime.js";
import {
  AgentConfigReader,
  BatchCallbackReader,
  EnqueueBatchRequestReader,
  EnqueueBatchResponseTag,
  EnqueueRequestReader,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import { TimestampReader } from "@corvo/gen/google/protobuf/timestamp_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import { addBatch, BatchFlag, completeWhenDone } from "./batch.js";
import { archiveAgain, type Command, putJobIdField, textOf } from "./command.js";
import { checkItem, EnqueueOutcome, insert, inserted, tooManyQueues } from "./enqueue.js";
import { Room } from "./queue-depth.js";
import { relationsRefusal } from "./relations.js";
import { ItemMemory, reused } from "./request-ids.js";
import type { State } from "./state.js";

const reader = new EnqueueBatchRequestReader();
const item = new EnqueueRequestReader();
const agent = new AgentConfigReader();
const timestamp = new TimestampReader();
const callback = new BatchCallbackReader();
/** Of the jobs that were added last. */
export const outcomes = new Int32Array(limits.itemsMax);

/**
 * Adds all jobs or none: every item is looked at before the first one is added. Refusals: the first item's that has one.
 * With `batch` those that are created are a batch, sealed at once.
 */
export function enqueueBatch(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobsCount === 0) return refuse("invalid_argument", "REQUIRED", "jobs is required", { field: "jobs" });
  if (r.jobsCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} jobs`, { field: "jobs" });
  const refusal = jobsRefusal(s, r);
  if (refusal !== undefined) return refusal;
  const batch = r.hasBatch ? addBatch(s, callback.read(r.buf, r.batchStart, r.batchEnd)) : -1;
  if (batch !== -1) s.intoBatch = s.entities.serial(batch);
  addJobs(s, r, EnqueueBatchResponseTag.jobIds);
  s.intoBatch = 0;
  if (batch !== -1) {
    s.entities.setFlag(batch, BatchFlag.sealed);
    completeWhenDone(s, batch);
  }
  if (!s.answering) return undefined;
  const w = s.out;
  if (batch !== -1) putBytes(w, EnqueueBatchResponseTag.batchId, s.entities.keyOf(batch));
  putPackedInt32(w, EnqueueBatchResponseTag.outcomes, outcomes, r.jobsCount);
  putUint64(w, EnqueueBatchResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

/** Adds jobs that have been looked at; their ids into the answer. The outcomes are in `outcomes`. */
export function addJobs(s: State, r: EnqueueBatchRequestReader, idsTag: number): void {
  for (let i = 0; i < r.jobsCount; i++) {
    item.read(r.buf, r.jobsStart[i], r.jobsEnd[i]);
    const known = ItemMemory.find(s, item);
    outcomes[i] = known > 0 ? ItemMemory.recall() : insert(s, item);
    if (outcomes[i] === EnqueueOutcome.refused) throw new Error("an item that was looked at cannot be refused");
    if (known === 0) ItemMemory.keep(s, item, outcomes[i]);
    if (s.answering) putJobIdField(s.out, idsTag, inserted.createdMs, inserted.seq);
  }
}

/** Why these jobs cannot be added together: of the first that cannot. */
export function jobsRefusal(s: State, r: EnqueueBatchRequestReader): Refusal | undefined {
  const room = s.queuesMax - s.queues.size;
  const fresh = new Set<string>();
  const depth = new Room();
  const ids = new Map<string, string>();
  for (let i = 0; i < r.jobsCount; i++) {
    item.read(r.buf, r.jobsStart[i], r.jobsEnd[i]);
    if (item.hasAgent) agent.read(r.buf, item.agentStart, item.agentEnd);
    if (item.hasScheduledAt) timestamp.read(r.buf, item.scheduledAtStart, item.scheduledAtEnd);
    // One that was answered before is answered so again, whatever has become of those that it joined.
    const known = ItemMemory.find(s, item) > 0;
    const refusal = checkItem(item) ?? (known ? undefined : relationsRefusal(s, item)) ?? checkRequestId(s, ids);
    if (refusal === archiveAgain) return refusal;
    if (refusal !== undefined) return { ...refusal, message: `job ${i}: ${refusal.message}`, field: `jobs[${i}].${refusal.field ?? ""}` };
    if (s.depthLimits > 0) {
      const full = depth.refusal(s, item, known);
      if (full !== undefined) return { ...full, message: `job ${i}: ${full.message}`, field: `jobs[${i}].queue` };
    }
    if (room >= r.jobsCount || s.findQueue(r.buf, item.queueStart, item.queueEnd) !== undefined) continue;
    fresh.add(textOf(r.buf, item.queueStart, item.queueEnd));
    if (fresh.size > room) return { ...tooManyQueues(), field: `jobs[${i}].queue` };
  }
  return undefined;
}

/** Another item, of this batch or an earlier one, had the same id. */
function checkRequestId(s: State, ids: Map<string, string>): Refusal | undefined {
  if (item.requestIdEnd === item.requestIdStart) return undefined;
  if (ItemMemory.find(s, item) < 0) return reused();
  const id = textOf(item.buf, item.requestIdStart, item.requestIdEnd);
  const before = ids.get(id);
  if (before !== undefined && before !== ItemMemory.fingerprint()) return reused();
  ids.set(id, ItemMemory.fingerprint());
  return undefined;
}
