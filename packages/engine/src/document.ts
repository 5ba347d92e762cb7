import { beginMessage, endMessage, putBytes, putRange, putUint32, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { JobDocumentReader, JobDocumentTag, JobFailureTag } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { limits } from "@corvo/protocol";
import { copyFacts, type JobFacts, writeFacts } from "./job-facts.js";
import { failureBytesKeptMax } from "./limits.js";
import type { State } from "./state.js";
import { TextKind } from "./tables/arena.js";

const empty = new Uint8Array(0);
const emptyObject = new Uint8Array([0x7b, 0x7d]);
const reader = new JobDocumentReader();
const scratch = new Writer(4096);

/**
 * What a verb changes in the changing part of a job. Ranges with an end of 0 mean: stays. One is reused for all verbs: `clear()` first.
 */
export class DocumentEdit {
  source: Uint8Array = empty;
  checkpointStart = 0;
  checkpointEnd = 0;
  progressStart = 0;
  progressEnd = 0;
  resultStart = 0;
  resultEnd = 0;
  /** The result becomes `{}`. */
  resultObject = false;
  clearHold = false;
  /** Why it is held, in place of what was there; undefined: stays. */
  hold: Uint8Array | undefined;
  /** What else is known, in place of what was there; undefined: stays. */
  facts: JobFacts | undefined;
  /** Not of the document: an ack that ends the job's chain. */
  exitChain = false;
  /** A failure is added. */
  failure = false;
  attempt = 0;
  errorStart = 0;
  errorEnd = 0;
  backtraceStart = 0;
  backtraceEnd = 0;
  /** Text of a failure that no client sent; wins over the range. */
  error: Uint8Array | undefined;
  atMs = 0;

  clear(source: Uint8Array): this {
    this.source = source;
    this.checkpointEnd = this.progressEnd = this.resultEnd = 0;
    this.resultObject = this.clearHold = this.failure = this.exitChain = false;
    this.errorStart = this.errorEnd = this.backtraceStart = this.backtraceEnd = 0;
    this.error = undefined;
    this.hold = undefined;
    this.facts = undefined;
    return this;
  }

  /** Is there anything to change? */
  get any(): boolean {
    const texts = this.checkpointEnd !== 0 || this.progressEnd !== 0 || this.resultEnd !== 0 || this.resultObject;
    return texts || this.clearHold || this.failure || this.hold !== undefined || this.facts !== undefined;
  }
}

export const edit = new DocumentEdit();

/** Writes the job's document as it is after the edit. Nothing is written when it is empty. */
export function writeDocument(w: Writer, s: State, row: number, change: DocumentEdit | undefined): void {
  const address = s.jobs.document(row);
  if (address === 0) {
    if (change?.any) writeNew(w, change);
    return;
  }
  const memory = s.arena.memory(address);
  const start = s.arena.start(address);
  const end = start + s.arena.length(address);
  writeEdited(w, memory, start, end, change);
}

function writeNew(w: Writer, change: DocumentEdit): void {
  const { source } = change;
  if (change.checkpointEnd !== 0) putRange(w, JobDocumentTag.checkpointJson, source, change.checkpointStart, change.checkpointEnd);
  if (change.progressEnd !== 0) putRange(w, JobDocumentTag.progressJson, source, change.progressStart, change.progressEnd);
  writeResult(w, change);
  if (change.hold !== undefined) putBytes(w, JobDocumentTag.holdReason, change.hold);
  if (change.failure) {
    writeFailure(w, change);
    putUint32(w, JobDocumentTag.failuresTotal, 1);
  }
  if (change.facts !== undefined) writeFacts(w, change.facts);
}

/** Writes the document in `old[start, end)` as it is after the edit. */
export function writeEdited(w: Writer, old: Uint8Array, start: number, end: number, change: DocumentEdit | undefined): void {
  if (change === undefined || !change.any) return rawCopy(w, old, start, end);
  const d = reader.read(old, start, end);
  const { source } = change;
  if (change.checkpointEnd !== 0) putRange(w, JobDocumentTag.checkpointJson, source, change.checkpointStart, change.checkpointEnd);
  else if (d.checkpointJsonEnd !== 0) putRange(w, JobDocumentTag.checkpointJson, old, d.checkpointJsonStart, d.checkpointJsonEnd);
  if (change.progressEnd !== 0) putRange(w, JobDocumentTag.progressJson, source, change.progressStart, change.progressEnd);
  else if (d.progressJsonEnd !== 0) putRange(w, JobDocumentTag.progressJson, old, d.progressJsonStart, d.progressJsonEnd);
  if (change.resultEnd !== 0 || change.resultObject) writeResult(w, change);
  else if (d.resultJsonEnd !== 0) putRange(w, JobDocumentTag.resultJson, old, d.resultJsonStart, d.resultJsonEnd);
  if (change.hold !== undefined) putBytes(w, JobDocumentTag.holdReason, change.hold);
  else if (!change.clearHold && d.holdReasonEnd !== 0) putRange(w, JobDocumentTag.holdReason, old, d.holdReasonStart, d.holdReasonEnd);
  for (let i = firstKept(d, change); i < d.failuresCount; i++) putRange(w, JobDocumentTag.failures, old, d.failuresStart[i], d.failuresEnd[i]);
  if (change.failure) writeFailure(w, change);
  const total = d.failuresTotal + (change.failure ? 1 : 0);
  if (total > 0) putUint32(w, JobDocumentTag.failuresTotal, total);
  if (change.facts !== undefined) writeFacts(w, change.facts);
  else copyFacts(w, d, change.clearHold);
}

function writeResult(w: Writer, change: DocumentEdit): void {
  if (change.resultEnd !== 0) putRange(w, JobDocumentTag.resultJson, change.source, change.resultStart, change.resultEnd);
  else if (change.resultObject) putBytes(w, JobDocumentTag.resultJson, emptyObject);
}

function writeFailure(w: Writer, change: DocumentEdit): void {
  const at = beginMessage(w, JobDocumentTag.failures, 64);
  putUint32(w, JobFailureTag.attempt, change.attempt);
  if (change.error !== undefined) putBytes(w, JobFailureTag.error, change.error);
  else putRange(w, JobFailureTag.error, change.source, change.errorStart, change.errorEnd);
  if (change.backtraceEnd !== 0) putRange(w, JobFailureTag.backtrace, change.source, change.backtraceStart, change.backtraceEnd);
  putUint64(w, JobFailureTag.atMs, change.atMs);
  endMessage(w, at);
}

/** The oldest failure that stays: see `limits.failuresKeptMax` and `failureBytesKeptMax`. */
function firstKept(d: JobDocumentReader, change: DocumentEdit): number {
  if (!change.failure) return 0;
  let first = Math.max(0, d.failuresCount + 1 - limits.failuresKeptMax);
  let bytes = change.errorEnd - change.errorStart + change.backtraceEnd - change.backtraceStart;
  for (let i = first; i < d.failuresCount; i++) bytes += d.failuresEnd[i] - d.failuresStart[i];
  for (; first < d.failuresCount && bytes > failureBytesKeptMax; first++) bytes -= d.failuresEnd[first] - d.failuresStart[first];
  return first;
}

function rawCopy(w: Writer, source: Uint8Array, start: number, end: number): void {
  w.ensure(end - start);
  w.buf.set(source.subarray(start, end), w.pos);
  w.pos += end - start;
}

/** Applies the edit to a live job's document. The caller has touched the row. */
export function changeDocument(s: State, row: number, change: DocumentEdit): void {
  if (!change.any) return;
  scratch.reset();
  writeDocument(scratch, s, row, change);
  const old = s.jobs.document(row);
  if (old !== 0) s.arena.free(old);
  s.jobs.setDocument(row, scratch.pos === 0 ? 0 : s.arena.put(TextKind.document, row, scratch.buf, 0, scratch.pos));
}

/** A copy of the checkpoint in a live job's document; undefined: it has none, and that of the request counts. */
export function documentCheckpoint(s: State, row: number): Uint8Array | undefined {
  const address = s.jobs.document(row);
  if (address === 0) return undefined;
  const start = s.arena.start(address);
  const d = reader.read(s.arena.memory(address), start, start + s.arena.length(address));
  return d.checkpointJsonEnd === 0 ? undefined : d.buf.slice(d.checkpointJsonStart, d.checkpointJsonEnd);
}

/** End of `[start, end)` cut to `max` bytes without splitting a character. */
export function cutText(bytes: Uint8Array, start: number, end: number, max: number): number {
  if (end - start <= max) return end;
  let to = start + max;
  while (to > start && (bytes[to] & 0xc0) === 0x80) to--;
  return to;
}
