import { putRange, putText, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import {
  BulkBlockReader,
  BulkChunkCommandReader,
  BulkChunkDoneTag,
  BulkItemReader,
  BulkStartCommandReader,
  BulkStartedTag,
  BulkTaskTextReader,
  encodeBulkBlock,
  encodeBulkTaskText,
} from "@corvo/gen/corvo/internal/v1/bulk_fast.js";
import { CancelBulkTaskRequestReader } from "@corvo/gen/corvo/v1/bulk_fast.js";
import { bulkActions, type Refusal, refuse, type Verb } from "@corvo/protocol";
import { answerStatus, archiveAgain, Command, textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** Numbers of a task's entity. */
const N = { processed: 0, affected: 1, notFound: 2, wrongState: 3, refused: 4, nextBlock: 5, endedMs: 6, stepMs: 7 } as const;
/** A task's byte. */
export const BulkState = { running: 1, completed: 2, cancelled: 3 } as const;
export const bulkStateNames = ["", "running", "completed", "cancelled"] as const;
/** What became of a job. */
export const BulkOutcome = { waiting: 0, done: 1, notFound: 2, wrongState: 3, refused: 4, again: 5 } as const;
export const bulkOutcomeNames = ["waiting", "done", "not_found", "wrong_state", "refused", "waiting"] as const;

const runningMax = 32;
const keptMax = 1000;
/** Tasks that ended are kept for a day. */
const keptMs = 86_400_000;

const start = new BulkStartCommandReader();
const chunk = new BulkChunkCommandReader();
const item = new BulkItemReader();
const block = new BulkBlockReader();
const taskText = new BulkTaskTextReader();
const cancelRequest = new CancelBulkTaskRequestReader();
const w = new Writer(64 * 1024);
const single = new Command();
const encoder = new TextEncoder();
const nothing = new Uint8Array(0);

/** Begins a task on jobs that were chosen already. Refusals: an action that is none; too many tasks run. */
export function bulkStart(s: State, c: Command): Refusal | undefined {
  const r = start.read(c.buf, c.start, c.end);
  const action = textOf(c.buf, r.actionStart, r.actionEnd);
  if (!Object.hasOwn(bulkActions, action)) return unknownAction(action);
  const { entities } = s;
  let running = 0;
  for (let row = entities.last(EntityKind.bulkTask); row !== -1; row = entities.preceding(row)) if (entities.flag(row) === BulkState.running) running++;
  if (running >= runningMax) {
    return refuse("resource_exhausted", "OVERLOADED", `${running} bulk operations run already`, { retryAfterMs: 1000 });
  }
  s.change();
  const serial = entities.lastSerial + 1;
  const id = `bulk_${(BigInt(s.logTimeMs) * 1_000_000n).toString(36)}_${serial.toString(36)}`;
  w.reset();
  encodeBulkTaskText(w, {
    action,
    queue: textOf(c.buf, r.queueStart, r.queueEnd),
    priority: textOf(c.buf, r.priorityStart, r.priorityEnd),
    total: r.total,
    createdMs: s.logTimeMs,
    principal: textOf(c.buf, r.principalStart, r.principalEnd),
    blocks: r.blocksCount,
  });
  const key = encoder.encode(id);
  const task = entities.add(EntityKind.bulkTask, key, 0, key.length, w.buf, 0, w.pos);
  entities.setFlag(task, BulkState.running);
  entities.setNum(task, N.stepMs, s.logTimeMs);
  for (let i = 0; i < r.blocksCount; i++) {
    const name = blockKey(serial, i);
    entities.add(EntityKind.bulkItem, name, 0, name.length, c.buf, r.blocksStart[i], r.blocksEnd[i]);
  }
  if (r.blocksCount === 0) endTask(s, task, BulkState.completed);
  while (entities.count(EntityKind.bulkTask) > keptMax && forgetOldest(s));
  if (s.answering) {
    putText(s.out, BulkStartedTag.id, id);
    putUint64(s.out, BulkStartedTag.logIndex, s.appliedIndex);
  }
  return undefined;
}

/** Stops a task; one that has ended stays as it is. */
export function bulkCancel(s: State, c: Command): Refusal | undefined {
  const r = cancelRequest.read(c.buf, c.start, c.end);
  const task = s.entities.find(EntityKind.bulkTask, c.buf, r.idStart, r.idEnd);
  if (task === -1) return noSuchTask(textOf(c.buf, r.idStart, r.idEnd));
  if (s.entities.flag(task) === BulkState.running) endTask(s, task, BulkState.cancelled);
  if (s.answering) answerStatus(s.out, bulkStateNames[s.entities.flag(task)]);
  return undefined;
}

/**
 * Does the action of a task on jobs of its next block, or on some jobs without a task. Each job goes through the verb of the single
 * action, as if it came alone. A block that is not the next one was done already, and so were jobs that have their outcome. The block is
 * done when each of its jobs is.
 */
export function bulkChunk(s: State, c: Command, run: (single: Command) => Refusal | undefined): Refusal | undefined {
  const r = chunk.read(c.buf, c.start, c.end);
  if (!Object.values(bulkActions).includes(r.verb as Verb)) return unknownAction(`verb ${r.verb}`);
  const { entities } = s;
  const task = r.task === 0 ? -1 : entities.bySerial(r.task);
  if (r.task !== 0 && (task === -1 || entities.flag(task) !== BulkState.running || entities.num(task, N.nextBlock) !== r.block)) return undefined;
  const { answering } = s;
  const { verb } = r;
  const known = r.once && task !== -1 ? outcomesOf(s, r.task, r.block) : nothing;
  const count = r.itemsCount;
  const starts = r.itemsStart.slice(0, count);
  const ends = r.itemsEnd.slice(0, count);
  const places = new Int32Array(count);
  const outcomes = new Uint8Array(count);
  const principal = c;
  const whole = s.command;
  s.answering = false;
  s.command = single; // what the leader found about others is in the single one
  for (let i = 0; i < count; i++) {
    const one = item.read(principal.buf, starts[i], ends[i]);
    places[i] = one.at;
    outcomes[i] = BulkOutcome.refused;
    if (one.at < known.length && known[one.at] !== BulkOutcome.waiting) {
      outcomes[i] = known[one.at];
      continue;
    }
    try {
      single.set(verb as Verb, one.flags, one.buf, one.bodyStart, one.bodyEnd);
      outcomes[i] = outcomeOf(run(single));
    } catch (cause) {
      if ((cause as Error).name !== "WireError") throw cause;
    }
    s.out.reset();
  }
  s.command = whole;
  s.answering = answering;
  if (task !== -1) record(s, r.task, r.block, places, outcomes);
  if (s.answering) putRange(s.out, BulkChunkDoneTag.outcomes, outcomes, 0, count);
  return undefined;
}

/** What became of the jobs of a block so far. */
function outcomesOf(s: State, serial: number, number: number): Uint8Array {
  const text = bulkBlock(s, serial, number);
  const b = block.read(text, 0, text.length);
  const known = new Uint8Array(b.count);
  known.set(text.subarray(b.outcomesStart, b.outcomesEnd));
  return known;
}

function outcomeOf(refusal: Refusal | undefined): number {
  if (refusal === undefined) return BulkOutcome.done;
  if (refusal === archiveAgain) return BulkOutcome.again;
  return refusal.reason === "NOT_FOUND" ? BulkOutcome.notFound : refusal.reason === "WRONG_STATE" ? BulkOutcome.wrongState : BulkOutcome.refused;
}

function record(s: State, serial: number, number: number, places: Int32Array, outcomes: Uint8Array): void {
  const { entities } = s;
  const key = blockKey(serial, number);
  const row = entities.find(EntityKind.bulkItem, key, 0, key.length);
  // The verbs may have ended the task's queue or anything else, but never the task itself.
  const task = entities.bySerial(serial);
  const text = entities.textOf(row);
  const b = block.read(text, 0, text.length);
  const known = new Uint8Array(b.count);
  known.set(text.subarray(b.outcomesStart, b.outcomesEnd));
  const sums = new Float64Array(6);
  for (let i = 0; i < places.length; i++) {
    if (places[i] >= known.length || known[places[i]] !== BulkOutcome.waiting || outcomes[i] === BulkOutcome.again) continue;
    known[places[i]] = outcomes[i];
    sums[outcomes[i]]++;
  }
  w.reset();
  encodeBulkBlock(w, { seqs: text.subarray(b.seqsStart, b.seqsEnd), times: text.subarray(b.timesStart, b.timesEnd), count: b.count, outcomes: known });
  entities.setText(row, w.buf, 0, w.pos);
  const done = sums[1] + sums[2] + sums[3] + sums[4];
  const add = (i: number, by: number): void => {
    if (by !== 0) entities.setNum(task, i, entities.num(task, i) + by);
  };
  add(N.processed, done);
  add(N.affected, sums[BulkOutcome.done]);
  add(N.notFound, sums[BulkOutcome.notFound]);
  add(N.wrongState, sums[BulkOutcome.wrongState]);
  add(N.refused, sums[BulkOutcome.refused]);
  entities.setNum(task, N.stepMs, s.logTimeMs);
  if (known.includes(BulkOutcome.waiting)) return;
  entities.setNum(task, N.nextBlock, number + 1);
  const start = entities.textStart(task);
  if (number + 1 === taskText.read(entities.textMemory(task), start, entities.textEnd(task)).blocks) endTask(s, task, BulkState.completed);
}

function endTask(s: State, task: number, state: number): void {
  s.entities.setFlag(task, state);
  s.entities.setNum(task, N.endedMs, s.logTimeMs);
  s.entities.setNum(task, N.stepMs, s.logTimeMs);
  s.entities.setDue(task, s.logTimeMs + keptMs);
}

function forgetOldest(s: State): boolean {
  const { entities } = s;
  for (let row = entities.first(EntityKind.bulkTask); row !== -1; row = entities.following(row)) {
    if (entities.flag(row) === BulkState.running) continue;
    forgetTask(s, row);
    return true;
  }
  return false;
}

/** A task and its jobs are not kept any more. */
export function forgetTask(s: State, task: number): void {
  const { entities } = s;
  const serial = entities.serial(task);
  for (let i = 0; ; i++) {
    const key = blockKey(serial, i);
    const row = entities.find(EntityKind.bulkItem, key, 0, key.length);
    if (row === -1) break;
    entities.remove(row);
  }
  entities.remove(task);
}

function blockKey(serial: number, number: number): Uint8Array {
  return encoder.encode(`${serial}/${number}`);
}

export function unknownAction(action: string): Refusal {
  return refuse("invalid_argument", "INVALID_VALUE", `unknown bulk action: "${action}"`, { field: "action" });
}
export function noSuchTask(id: string): Refusal {
  return refuse("not_found", "NOT_FOUND", `bulk task "${id}" not found`, { field: "id" });
}

/** A task, for whoever asks. */
export interface BulkTaskRecord {
  id: string;
  serial: number;
  state: number;
  action: string;
  queue: string;
  priority: string;
  /** Who began it; empty: nobody in particular. */
  principal: string;
  total: number;
  blocks: number;
  nextBlock: number;
  processed: number;
  affected: number;
  notFound: number;
  wrongState: number;
  refused: number;
  createdMs: number;
  stepMs: number;
  endedMs: number;
}

/** Newest first. */
export function bulkTasks(s: State): BulkTaskRecord[] {
  const found: BulkTaskRecord[] = [];
  for (let row = s.entities.last(EntityKind.bulkTask); row !== -1; row = s.entities.preceding(row)) found.push(taskRecord(s, row));
  return found;
}

export function bulkTask(s: State, id: string): BulkTaskRecord | undefined {
  const key = encoder.encode(id);
  const row = s.entities.find(EntityKind.bulkTask, key, 0, key.length);
  return row === -1 ? undefined : taskRecord(s, row);
}

function taskRecord(s: State, row: number): BulkTaskRecord {
  const { entities } = s;
  const text = entities.textOf(row);
  const t = taskText.read(text, 0, text.length);
  return {
    id: new TextDecoder().decode(entities.keyOf(row)),
    serial: entities.serial(row),
    state: entities.flag(row),
    action: textOf(text, t.actionStart, t.actionEnd),
    queue: textOf(text, t.queueStart, t.queueEnd),
    priority: textOf(text, t.priorityStart, t.priorityEnd),
    principal: textOf(text, t.principalStart, t.principalEnd),
    total: t.total,
    blocks: t.blocks,
    createdMs: t.createdMs,
    processed: entities.num(row, N.processed),
    affected: entities.num(row, N.affected),
    notFound: entities.num(row, N.notFound),
    wrongState: entities.num(row, N.wrongState),
    refused: entities.num(row, N.refused),
    nextBlock: entities.num(row, N.nextBlock),
    endedMs: entities.num(row, N.endedMs),
    stepMs: entities.num(row, N.stepMs),
  };
}

/** A block of a task as its BulkBlock; empty: there is none. */
export function bulkBlock(s: State, serial: number, number: number): Uint8Array {
  const key = blockKey(serial, number);
  const row = s.entities.find(EntityKind.bulkItem, key, 0, key.length);
  return row === -1 ? nothing : s.entities.textOf(row);
}
