import { BatchFactsReader, ChainJobReader } from "@corvo/gen/corvo/internal/v1/batch_fast.js";
import { ChainReader, ChainStepReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { formatJobId } from "@corvo/protocol";
import { BatchFlag, BatchNumber } from "./batch.js";
import { ChainNumber, chainCursor, chainFacts, chainStateMask, chainStateNames, onExitStep, onFailureStep } from "./chain.js";
import { textOf } from "./command.js";
import { FamilyNumber } from "./family.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** A batch. Times are unix milliseconds, 0: not yet. */
export interface BatchRecord {
  serial: number;
  id: string;
  state: "open" | "running" | "completed";
  total: number;
  pending: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  deleted: number;
  callbackQueue: string;
  /** JSON text in bytes; empty: none. */
  callbackPayload: Uint8Array;
  /** Empty: not added yet. */
  callbackJobId: string;
  createdMs: number;
  completedMs: number;
}

/** One job of a chain, made or to come. */
export interface ChainStepRecord {
  queue: string;
  /** Empty: not added yet. */
  jobId: string;
}

export interface ChainRecord {
  serial: number;
  id: string;
  state: (typeof chainStateNames)[number];
  step: number;
  steps: ChainStepRecord[];
  onFailure: ChainStepRecord | undefined;
  onExit: ChainStepRecord | undefined;
  createdMs: number;
  /** 0: it runs. */
  endedMs: number;
}

/** What has become of a job's children. */
export interface FamilyRecord {
  total: number;
  pending: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  deleted: number;
}

const facts = new BatchFactsReader();
const spec = new ChainReader();
const step = new ChainStepReader();
const chainJob = new ChainJobReader();

export function batchRecord(s: State, batch: number): BatchRecord {
  const { entities } = s;
  const n = (i: number): number => entities.num(batch, i);
  const flag = entities.flag(batch);
  const id = entities.keyOf(batch);
  const text = entities.textOf(batch);
  facts.read(text, 0, text.length);
  return {
    serial: entities.serial(batch),
    id: textOf(id, 0, id.length),
    state: (flag & BatchFlag.completed) !== 0 ? "completed" : (flag & BatchFlag.sealed) !== 0 ? "running" : "open",
    total: n(BatchNumber.total),
    pending: n(BatchNumber.pending),
    succeeded: n(BatchNumber.succeeded),
    failed: n(BatchNumber.failed),
    cancelled: n(BatchNumber.cancelled),
    deleted: n(BatchNumber.deleted),
    callbackQueue: textOf(text, facts.callbackQueueStart, facts.callbackQueueEnd),
    callbackPayload: text.slice(facts.callbackPayloadStart, facts.callbackPayloadEnd),
    callbackJobId: facts.callbackSeq === 0 ? "" : formatJobId(facts.callbackCreatedMs, facts.callbackSeq),
    createdMs: n(BatchNumber.createdMs),
    completedMs: n(BatchNumber.completedMs),
  };
}

export function chainRecord(s: State, chain: number): ChainRecord {
  const { entities } = s;
  const id = entities.keyOf(chain);
  const r = chainFacts(s, chain);
  const jobs = new Map<number, string>();
  for (let i = 0; i < r.jobsCount; i++) {
    chainJob.read(r.buf, r.jobsStart[i], r.jobsEnd[i]);
    jobs.set(chainJob.step - 2, formatJobId(chainJob.createdMs, chainJob.seq));
  }
  const c = spec.read(r.buf, r.chainStart, r.chainEnd);
  const at = (start: number, end: number, no: number): ChainStepRecord => {
    step.read(c.buf, start, end);
    return { queue: textOf(c.buf, step.queueStart, step.queueEnd), jobId: jobs.get(no) ?? "" };
  };
  return {
    serial: entities.serial(chain),
    id: textOf(id, 0, id.length),
    state: chainStateNames[entities.flag(chain) & chainStateMask],
    step: entities.int4(chain, chainCursor),
    steps: Array.from({ length: c.stepsCount }, (_, i) => at(c.stepsStart[i], c.stepsEnd[i], i)),
    onFailure: c.hasOnFailure ? at(c.onFailureStart, c.onFailureEnd, onFailureStep) : undefined,
    onExit: c.hasOnExit ? at(c.onExitStart, c.onExitEnd, onExitStep) : undefined,
    createdMs: entities.num(chain, ChainNumber.createdMs),
    endedMs: entities.num(chain, ChainNumber.endedMs),
  };
}

export function familyRecord(s: State, parent: Uint8Array): FamilyRecord | undefined {
  const { entities } = s;
  const family = entities.find(EntityKind.child, parent, 0, parent.length);
  if (family === -1) return undefined;
  const n = (i: number): number => entities.num(family, i);
  return {
    total: n(FamilyNumber.total),
    pending: n(FamilyNumber.pending),
    succeeded: n(FamilyNumber.succeeded),
    failed: n(FamilyNumber.failed),
    cancelled: n(FamilyNumber.cancelled),
    deleted: n(FamilyNumber.deleted),
  };
}

/** Part of a list that is newest first: rows with a lower serial than `below` (0: from the newest on). */
export interface Page {
  below: number;
  max: number;
  /** Only rows of the namespace with this number; undefined: of all. */
  owner?: number;
}

/** Up to `max` of a kind, newest first, from below this serial on (0: from the newest); `take` says which. */
export function newestFirst<R>(s: State, kind: number, { below, max, owner }: Page, read: (row: number) => R, take: (record: R) => boolean): R[] {
  const { entities } = s;
  const found: R[] = [];
  const known = below === 0 ? -1 : entities.bySerial(below);
  for (let row = known === -1 || entities.kind(known) !== kind ? entities.last(kind) : known; row !== -1 && found.length < max; row = entities.preceding(row)) {
    if ((below !== 0 && entities.serial(row) >= below) || (owner !== undefined && entities.owner(row) !== owner)) continue;
    const record = read(row);
    if (take(record)) found.push(record);
  }
  return found;
}
