import { beginMessage, endMessage, putInt32, putRange, putText, putUint32, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ChainFactsReader, ChainFactsTag, ChainJobTag } from "@corvo/gen/corvo/internal/v1/batch_fast.js";
import { ChainReader, ChainStepReader, EnqueueRequestReader, EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { eachJsonMember, entityId, formatJobId } from "@corvo/protocol";
import { textOf } from "./command.js";
import type { DocumentEdit } from "./document.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { JobFlag, JobState } from "./tables/job-table.js";

/** Doubles of a chain. */
export const ChainNumber = { createdMs: 0, endedMs: 1 } as const;
/** Integer of a chain: the newest step that was added. Only the end of that step's job moves the chain. */
export const chainCursor = 0;
/** Low bits of its flag: where it stands. */
export const ChainState = { running: 1, completed: 2, exited: 3, failed: 4, cancelled: 5 } as const;
export const chainStateNames = ["", "running", "completed", "exited", "failed", "cancelled"] as const;
export const chainStateMask = 7;
/** High bits of its flag: its handlers are added once each. */
const handled = { exit: 8, failure: 16 } as const;

/** Steps that are none. */
export const onExitStep = -1;
export const onFailureStep = -2;

const encoder = new TextEncoder();
const request = new EnqueueRequestReader();
const spec = new ChainReader();
const step = new ChainStepReader();
const facts = new ChainFactsReader();
const w = new Writer(4096);

/** Id of the chain that `joinChain` made or found. */
export let joinedChain: Uint8Array = new Uint8Array(0);

/**
 * A new job belongs to a chain: a new one, or the one that it names. Says whether the chain is new without a name of its own, so that its
 * id is still to be put into the job's request.
 */
export function joinChain(s: State, row: number, r: EnqueueRequestReader): boolean {
  const { entities } = s;
  const at = r.hasChainStep ? r.chainStep : 0;
  const named = r.chainIdEnd > r.chainIdStart;
  joinedChain = named ? r.buf.slice(r.chainIdStart, r.chainIdEnd) : encoder.encode(entityId("chn_", s.logTimeMs, entities.lastSerial + 1));
  let chain = entities.find(EntityKind.chain, joinedChain, 0, joinedChain.length);
  if (chain === -1) {
    w.reset();
    putRange(w, ChainFactsTag.chain, r.buf, r.chainStart, r.chainEnd);
    chain = entities.add(EntityKind.chain, joinedChain, 0, joinedChain.length, w.buf, 0, w.pos);
    entities.setNum(chain, ChainNumber.createdMs, s.logTimeMs);
    entities.setInt4(chain, chainCursor, Math.max(0, at));
    entities.setFlag(chain, ChainState.running);
  } else if (at > entities.int4(chain, chainCursor)) entities.setInt4(chain, chainCursor, at);
  addJob(s, chain, at, s.jobs.seq(row), s.jobs.createdMs(row));
  s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.chained);
  return !named;
}

function addJob(s: State, chain: number, at: number, seq: number, createdMs: number): void {
  const { entities } = s;
  const start = entities.textStart(chain);
  const end = entities.textEnd(chain);
  w.reset();
  w.ensure(end - start);
  w.buf.set(entities.textMemory(chain).subarray(start, end), 0);
  w.pos = end - start;
  const message = beginMessage(w, ChainFactsTag.jobs, 24);
  putUint32(w, ChainJobTag.step, at + 2);
  putUint64(w, ChainJobTag.seq, seq);
  putUint64(w, ChainJobTag.createdMs, createdMs);
  endMessage(w, message);
  entities.setText(chain, w.buf, 0, w.pos);
}

/** A job of a chain runs again: if it is the newest step, so does the chain. A chain that is gone stays gone. */
export function stepRevived(s: State, row: number, r: EnqueueRequestReader): void {
  const chain = s.entities.find(EntityKind.chain, r.buf, r.chainIdStart, r.chainIdEnd);
  if (chain === -1) return;
  s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.chained);
  if ((r.hasChainStep ? r.chainStep : 0) !== s.entities.int4(chain, chainCursor)) return;
  setState(s, chain, ChainState.running);
}

/** Reads a chain whole, so that what is none is refused before it is stored: throws as readers do. */
export function readChain(r: EnqueueRequestReader): void {
  spec.read(r.buf, r.chainStart, r.chainEnd);
  for (let i = 0; i < spec.stepsCount; i++) step.read(r.buf, spec.stepsStart[i], spec.stepsEnd[i]);
  if (spec.hasOnFailure) step.read(r.buf, spec.onFailureStart, spec.onFailureEnd);
  if (spec.hasOnExit) step.read(r.buf, spec.onExitStart, spec.onExitEnd);
}

/** A job of a chain ends; `state` 0: it is deleted. */
export function stepEnded(s: State, row: number, state: number, change: DocumentEdit | undefined): void {
  const { arena, entities, jobs } = s;
  const address = jobs.request(row);
  const start = arena.start(address);
  const r = request.read(arena.memory(address), start, start + arena.length(address));
  const at = r.hasChainStep ? r.chainStep : 0;
  const chain = entities.find(EntityKind.chain, r.buf, r.chainIdStart, r.chainIdEnd);
  if (at < 0 || chain === -1 || at !== entities.int4(chain, chainCursor)) return;
  spec.read(r.buf, r.chainStart, r.chainEnd);
  if (state === JobState.completed) completed(s, chain, row, r, at, change);
  else if (state === JobState.dead) {
    setState(s, chain, ChainState.failed);
    if (spec.hasOnFailure && once(s, chain, handled.failure)) {
      follow(s, r, spec.onFailureStart, spec.onFailureEnd, onFailureStep, failureMembers(s, row, at, change));
    }
  } else setState(s, chain, ChainState.cancelled);
}

function completed(s: State, chain: number, row: number, r: EnqueueRequestReader, at: number, change: DocumentEdit | undefined): void {
  const exits = change?.exitChain ?? false;
  if (!exits && at + 1 < spec.stepsCount) {
    s.entities.setInt4(chain, chainCursor, at + 1);
    return follow(s, r, spec.stepsStart[at + 1], spec.stepsEnd[at + 1], at + 1, resultMembers(s, row, change));
  }
  setState(s, chain, exits ? ChainState.exited : ChainState.completed);
  if (spec.hasOnExit && once(s, chain, handled.exit)) follow(s, r, spec.onExitStart, spec.onExitEnd, onExitStep, resultMembers(s, row, change));
}

function setState(s: State, chain: number, state: number): void {
  const { entities } = s;
  entities.setFlag(chain, (entities.flag(chain) & ~chainStateMask) | state);
  entities.setNum(chain, ChainNumber.endedMs, state === ChainState.running ? 0 : s.logTimeMs);
}

/** True the first time. */
function once(s: State, chain: number, bit: number): boolean {
  const flag = s.entities.flag(chain);
  if ((flag & bit) !== 0) return false;
  s.entities.setFlag(chain, flag | bit);
  return true;
}

/** Names and JSON values that the job before leaves to the next. */
type Members = [name: string, value: string][];

function resultMembers(s: State, row: number, change: DocumentEdit | undefined): Members {
  const members: Members = [["previous_job_id", JSON.stringify(formatJobId(s.jobs.createdMs(row), s.jobs.seq(row)))]];
  if (change === undefined) return members;
  if (change.resultEnd !== 0) members.push(["previous_result", textOf(change.source, change.resultStart, change.resultEnd)]);
  else if (change.resultObject) members.push(["previous_result", "{}"]);
  return members;
}

function failureMembers(s: State, row: number, at: number, change: DocumentEdit | undefined): Members {
  const error =
    change === undefined || !change.failure
      ? "job rejected"
      : change.error !== undefined
        ? textOf(change.error, 0, change.error.length)
        : textOf(change.source, change.errorStart, change.errorEnd);
  return [
    ["failed_job_id", JSON.stringify(formatJobId(s.jobs.createdMs(row), s.jobs.seq(row)))],
    ["failed_step", `${at}`],
    ["error", JSON.stringify(error)],
  ];
}

/** Writes down the job of one step: normal priority, the defaults for everything else. */
function follow(s: State, r: EnqueueRequestReader, start: number, end: number, at: number, members: Members): void {
  step.read(r.buf, start, end);
  const to = s.follow.begin();
  putRange(to, EnqueueRequestTag.queue, r.buf, step.queueStart, step.queueEnd);
  putText(to, EnqueueRequestTag.payloadJson, overlaid(members, r.buf, step.payloadJsonStart, step.payloadJsonEnd));
  putRange(to, EnqueueRequestTag.chain, r.buf, r.chainStart, r.chainEnd);
  putRange(to, EnqueueRequestTag.chainId, r.buf, r.chainIdStart, r.chainIdEnd);
  putInt32(to, EnqueueRequestTag.chainStep, at);
  s.follow.end(0);
}

/** An object of the members and those of the payload, which win. */
function overlaid(members: Members, buf: Uint8Array, start: number, end: number): string {
  const own: string[] = [];
  const names = new Set<string>();
  if (end > start) {
    eachJsonMember(buf, start, end, (keyStart, keyEnd, valueStart, valueEnd) => {
      const key = textOf(buf, keyStart, keyEnd);
      own.push(`"${key}":${textOf(buf, valueStart, valueEnd)}`);
      names.add(key.includes("\\") ? (JSON.parse(`"${key}"`) as string) : key);
    });
  }
  const left = members.filter(([name]) => !names.has(name)).map(([name, value]) => `"${name}":${value}`);
  return `{${[...left, ...own].join(",")}}`;
}

/** It does not run, and stopped before this time. */
export function chainIsOver(s: State, chain: number, endedBeforeMs: number): boolean {
  const endedMs = s.entities.num(chain, ChainNumber.endedMs);
  return endedMs !== 0 && endedMs < endedBeforeMs;
}

/** Reads the text of a chain. */
export function chainFacts(s: State, chain: number): ChainFactsReader {
  return facts.read(s.entities.textMemory(chain), s.entities.textStart(chain), s.entities.textEnd(chain));
}
