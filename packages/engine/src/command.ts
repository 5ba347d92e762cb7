import { putText, putUint32, putVarint, type Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { FinishedJobCommandReader, FinishedJobFactReader } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { commandFlags, jobIdBytes, putJobId, type Refusal, refuse, type Verb } from "@corvo/protocol";

const wrapped = new FinishedJobCommandReader();
const fact = new FinishedJobFactReader();

/** The command that is being applied. One is reused; ranges are of `buf`. */
export class Command {
  verb: Verb = 0;
  flags = 0;
  buf: Uint8Array = new Uint8Array(0);
  /** The public request. */
  start = 0;
  end = 0;
  /** The leader looked into the archive for the job. */
  looked = false;
  /** What it found there; equal: nothing. */
  recordStart = 0;
  recordEnd = 0;
  /** Where it found it. */
  segment = 0;
  offset = 0;
  /** Positions of facts by sequence; made when somebody asks. */
  private facts: Map<number, number> | undefined;

  set(verb: Verb, flags: number, buf: Uint8Array, start: number, end: number): this {
    this.verb = verb;
    this.flags = flags;
    this.buf = buf;
    this.looked = (flags & commandFlags.finishedJob) !== 0;
    this.start = start;
    this.end = end;
    this.facts = undefined;
    if (!this.looked) return this;
    wrapped.read(buf, start, end);
    this.start = wrapped.requestStart;
    this.end = wrapped.requestEnd;
    this.recordStart = wrapped.archivedJobStart;
    this.recordEnd = wrapped.archivedJobEnd;
    this.segment = wrapped.segment;
    this.offset = wrapped.offset;
    return this;
  }

  /** What the leader found about a job that others depend on; undefined: it did not look. Valid until the next call. */
  fact(seq: number): FinishedJobFactReader | undefined {
    if (!this.looked) return undefined;
    if (this.facts === undefined) {
      this.facts = new Map();
      for (let i = 0; i < wrapped.othersCount; i++) this.facts.set(fact.read(this.buf, wrapped.othersStart[i], wrapped.othersEnd[i]).seq, i);
    }
    const i = this.facts.get(seq);
    return i === undefined ? undefined : fact.read(this.buf, wrapped.othersStart[i], wrapped.othersEnd[i]);
  }

  /** The leader looked and found a record. */
  get hasRecord(): boolean {
    return this.looked && this.recordEnd > this.recordStart;
  }
}

/**
 * Nothing happened, and nobody should hear of it: the job came, went or changed between the leader's look at the archive and this
 * entry. The replica asks `needsArchive` again and proposes again. Compare by identity.
 */
export const archiveAgain: Refusal = refuse("aborted", "WRONG_STATE", "the job changed while its archived record was read");

const decoder = new TextDecoder();

/** Text of a range, for messages. */
export function textOf(buf: Uint8Array, start: number, end: number): string {
  return decoder.decode(buf.subarray(start, end));
}

/** A field with a job id. */
export function putJobIdField(w: Writer, tag: number, createdMs: number, seq: number): void {
  w.ensure(jobIdBytes + 8);
  putVarint(w, tag);
  w.buf[w.pos++] = jobIdBytes;
  putJobId(w.buf, w.pos, createdMs, seq);
  w.pos += jobIdBytes;
}

/** An unsigned field of up to 53 bits under a number below 16: times and sequences, which mostly take six bytes. */
export function putNumber(w: Writer, tag: number, value: number): void {
  w.ensure(10);
  const { buf } = w;
  let at = w.pos;
  buf[at++] = tag;
  let rest = value;
  if (value >= 268435456) {
    rest = Math.floor(value * 2 ** -28);
    const low = value - rest * 268435456;
    buf[at] = low | 128;
    buf[at + 1] = (low >>> 7) | 128;
    buf[at + 2] = (low >>> 14) | 128;
    buf[at + 3] = (low >>> 21) | 128;
    at += 4;
  }
  for (; rest > 127; rest >>>= 7) buf[at++] = rest | 128;
  buf[at++] = rest;
  w.pos = at;
}

/** A google.protobuf.Timestamp field of whole milliseconds. */
export function putTimestampField(w: Writer, tag: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms - seconds * 1000) * 1e6;
  putVarint(w, tag);
  const lengthAt = w.pos;
  w.ensure(20);
  w.pos++;
  if (seconds !== 0) putUint64Field(w, 8, seconds);
  if (nanos !== 0) putUint32(w, 16, nanos);
  w.buf[lengthAt] = w.pos - lengthAt - 1;
}

function putUint64Field(w: Writer, tag: number, value: number): void {
  putVarint(w, tag);
  let rest = value;
  while (rest > 127) {
    w.buf[w.pos++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  w.buf[w.pos++] = rest;
}

/** The answer of most verbs: `string status = 1`. */
export function answerStatus(w: Writer, status: string): void {
  putText(w, 10, status);
}
