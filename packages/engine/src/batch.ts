import { beginMessage, endMessage, putBytes, putRange, putText, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { BatchFactsReader, BatchFactsTag } from "@corvo/gen/corvo/internal/v1/batch_fast.js";
import {
  CallbackJobTag,
  CreateBatchRequestReader,
  CreateBatchResponseTag,
  SealBatchRequestReader,
  SealBatchResponseTag,
} from "@corvo/gen/corvo/v1/batch_fast.js";
import { EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { entityId, limits, type Refusal, refuse } from "@corvo/protocol";
import { type Command, putJobIdField, textOf } from "./command.js";
import { addFollowers } from "./followers.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

/**
 * Numbers of a batch. Invariant: total = pending + succeeded + failed + cancelled + deleted, and pending is the number of live jobs that
 * name it. What becomes of a member after its end (deleted, purged) does not count; only running it again takes its end back.
 */
export const BatchNumber = { total: 0, pending: 1, succeeded: 2, failed: 3, cancelled: 4, deleted: 5, createdMs: 6, completedMs: 7 } as const;

/** Bits of its flag. */
export const BatchFlag = {
  /** No more jobs join. */
  sealed: 1,
  /** All members had ended, the callback was added: that happens once. */
  completed: 2,
} as const;

const encoder = new TextEncoder();
const w = new Writer(1024);
const facts = new BatchFactsReader();
const creation = new CreateBatchRequestReader();
const sealing = new SealBatchRequestReader();

/** Opens a batch that jobs join when they are enqueued. */
export function createBatch(s: State, c: Command): Refusal | undefined {
  const r = creation.read(c.buf, c.start, c.end);
  if (r.callbackQueueEnd - r.callbackQueueStart > limits.queueNameBytesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `callback_queue is longer than ${limits.queueNameBytesMax} bytes`, { field: "callback_queue" });
  }
  const owner = s.entities.adding;
  const open = s.openBatches.get(owner) ?? 0;
  if (r.openMax > 0 && open >= r.openMax) {
    return refuse("resource_exhausted", "TOO_LARGE", `${open} batches are open already (max ${r.openMax}): seal those that are complete`);
  }
  const batch = addBatch(s, r);
  s.openBatches.set(owner, open + 1);
  if (!s.answering) return undefined;
  putBytes(s.out, CreateBatchResponseTag.batchId, s.entities.keyOf(batch));
  putUint64(s.out, CreateBatchResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

/** No more jobs join. With nobody left to end the callback is added now. */
export function sealBatch(s: State, c: Command): Refusal | undefined {
  const r = sealing.read(c.buf, c.start, c.end);
  if (r.batchIdEnd === r.batchIdStart) return refuse("invalid_argument", "REQUIRED", "batch_id is required", { field: "batch_id" });
  const batch = s.entities.find(EntityKind.batch, c.buf, r.batchIdStart, r.batchIdEnd);
  if (batch === -1) return refuse("not_found", "NOT_FOUND", `batch "${textOf(c.buf, r.batchIdStart, r.batchIdEnd)}" not found`, { field: "batch_id" });
  if ((s.entities.flag(batch) & BatchFlag.sealed) === 0) {
    s.entities.setFlag(batch, s.entities.flag(batch) | BatchFlag.sealed);
    const owner = s.entities.owner(batch);
    s.openBatches.set(owner, (s.openBatches.get(owner) ?? 0) - 1);
    completeWhenDone(s, batch);
    addFollowers(s);
  }
  if (!s.answering) return undefined;
  putText(s.out, SealBatchResponseTag.status, (s.entities.flag(batch) & BatchFlag.completed) !== 0 ? "completed" : "sealed");
  facts.read(s.entities.textMemory(batch), s.entities.textStart(batch), s.entities.textEnd(batch));
  if (facts.callbackSeq !== 0) {
    const at = beginMessage(s.out, SealBatchResponseTag.callbackJob, 40);
    putJobIdField(s.out, CallbackJobTag.id, facts.callbackCreatedMs, facts.callbackSeq);
    endMessage(s.out, at);
  }
  putUint64(s.out, SealBatchResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

/** After a restore: what follows from the entities. */
export function batchesRestored(s: State): void {
  s.openBatches.clear();
  for (const [owner, open] of openBatches(s)) s.openBatches.set(owner, open);
}

/** Open batches by the number of their namespace, counted anew. */
export function openBatches({ entities: e }: State): Map<number, number> {
  const open = new Map<number, number>();
  for (let row = e.first(EntityKind.batch); row !== -1; row = e.following(row)) {
    if ((e.flag(row) & BatchFlag.sealed) === 0) open.set(e.owner(row), (open.get(e.owner(row)) ?? 0) + 1);
  }
  return open;
}

/** A callback as requests have it. */
export interface CallbackGiven {
  buf: Uint8Array;
  callbackQueueStart: number;
  callbackQueueEnd: number;
  callbackPayloadJsonStart: number;
  callbackPayloadJsonEnd: number;
}

/** A new batch, open. */
export function addBatch(s: State, r: CallbackGiven): number {
  w.reset();
  if (r.callbackQueueEnd > r.callbackQueueStart) putRange(w, BatchFactsTag.callbackQueue, r.buf, r.callbackQueueStart, r.callbackQueueEnd);
  if (r.callbackPayloadJsonEnd > r.callbackPayloadJsonStart) {
    putRange(w, BatchFactsTag.callbackPayload, r.buf, r.callbackPayloadJsonStart, r.callbackPayloadJsonEnd);
  }
  const id = encoder.encode(entityId("batch_", s.logTimeMs, s.entities.lastSerial + 1));
  const batch = s.entities.add(EntityKind.batch, id, 0, id.length, w.buf, 0, w.pos);
  s.entities.setNum(batch, BatchNumber.createdMs, s.logTimeMs);
  return batch;
}

/** Why a job cannot join the batch that it names. */
export function batchRefusal(s: State, buf: Uint8Array, start: number, end: number): Refusal | undefined {
  const batch = s.entities.find(EntityKind.batch, buf, start, end);
  if (batch === -1) return refuse("not_found", "NOT_FOUND", `batch "${textOf(buf, start, end)}" not found`, { field: "batch_id" });
  if ((s.entities.flag(batch) & BatchFlag.sealed) === 0) return undefined;
  return refuse("failed_precondition", "WRONG_STATE", `batch "${textOf(buf, start, end)}" is sealed`, { field: "batch_id" });
}

/** A new job is a member. */
export function joinBatch(s: State, row: number, batch: number): void {
  s.jobs.setBatch(row, s.entities.serial(batch));
  count(s, batch, BatchNumber.total, 1);
  count(s, batch, BatchNumber.pending, 1);
}

/** A member has ended; `state` 0: it is deleted. */
export function memberEnded(s: State, serial: number, state: number): void {
  const batch = s.entities.bySerial(serial);
  if (batch === -1) return;
  count(s, batch, BatchNumber.pending, -1);
  count(s, batch, numberOf(state), 1);
  completeWhenDone(s, batch);
}

/** A member that had ended in this state runs again. Its batch may be gone. */
export function memberRevived(s: State, row: number, buf: Uint8Array, start: number, end: number, state: number): void {
  const batch = s.entities.find(EntityKind.batch, buf, start, end);
  if (batch === -1 || s.entities.num(batch, numberOf(state)) === 0) return;
  s.jobs.setBatch(row, s.entities.serial(batch));
  count(s, batch, numberOf(state), -1);
  count(s, batch, BatchNumber.pending, 1);
}

function numberOf(state: number): number {
  if (state === JobState.completed) return BatchNumber.succeeded;
  if (state === JobState.dead) return BatchNumber.failed;
  return state === JobState.cancelled ? BatchNumber.cancelled : BatchNumber.deleted;
}

function count(s: State, batch: number, number: number, by: number): void {
  s.entities.setNum(batch, number, s.entities.num(batch, number) + by);
}

/** Sealed and nobody left to end, for the first time: the callback is added. */
export function completeWhenDone(s: State, batch: number): void {
  const flag = s.entities.flag(batch);
  if (flag !== BatchFlag.sealed || s.entities.num(batch, BatchNumber.pending) !== 0) return;
  s.entities.setFlag(batch, flag | BatchFlag.completed);
  s.entities.setNum(batch, BatchNumber.completedMs, s.logTimeMs);
  facts.read(s.entities.textMemory(batch), s.entities.textStart(batch), s.entities.textEnd(batch));
  const to = s.follow.begin();
  if (facts.callbackQueueEnd > facts.callbackQueueStart) {
    putRange(to, EnqueueRequestTag.queue, facts.buf, facts.callbackQueueStart, facts.callbackQueueEnd);
    if (facts.callbackPayloadEnd > facts.callbackPayloadStart) {
      putRange(to, EnqueueRequestTag.payloadJson, facts.buf, facts.callbackPayloadStart, facts.callbackPayloadEnd);
    }
  }
  s.follow.end(s.entities.serial(batch));
}

/** All members have ended: an event says so, before the callback is there. */
export function announceBatch(s: State, serial: number): void {
  const { entities } = s;
  const batch = entities.bySerial(serial);
  if (batch === -1) return;
  facts.read(entities.textMemory(batch), entities.textStart(batch), entities.textEnd(batch));
  const { buf, callbackQueueStart: start, callbackQueueEnd: end } = facts;
  s.events.add(EventType.batchCompleted, 0, 0, end === start ? undefined : { name: textOf(buf, start, end) }, s.logTimeMs);
  const id = entities.keyOf(batch);
  const numbers = (["total", "succeeded", "failed", "cancelled", "deleted"] as const).map((name) => `"${name}":${entities.num(batch, BatchNumber[name])}`);
  s.events.attach(encoder.encode(`{"batch_id":"${textOf(id, 0, id.length)}",${numbers.join(",")}}`));
}

/** The callback job is there. */
export function callbackAdded(s: State, serial: number, seq: number, createdMs: number): void {
  const batch = s.entities.bySerial(serial);
  if (batch === -1) return;
  w.reset();
  const start = s.entities.textStart(batch);
  const end = s.entities.textEnd(batch);
  w.ensure(end - start);
  w.buf.set(s.entities.textMemory(batch).subarray(start, end), 0);
  w.pos = end - start;
  putUint64(w, BatchFactsTag.callbackSeq, seq);
  putUint64(w, BatchFactsTag.callbackCreatedMs, createdMs);
  s.entities.setText(batch, w.buf, 0, w.pos);
}

/** Nothing of it is to come any more, and its end was before this time. */
export function batchIsOver(s: State, batch: number, endedBeforeMs: number): boolean {
  const { entities } = s;
  return (
    (entities.flag(batch) & BatchFlag.completed) !== 0 &&
    entities.num(batch, BatchNumber.pending) === 0 &&
    entities.num(batch, BatchNumber.completedMs) < endedBeforeMs
  );
}
