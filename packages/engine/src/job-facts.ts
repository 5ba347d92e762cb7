import { putBytes, putRange, putUint32, putUint64, type Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { JobDocumentReader, JobDocumentTag } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import type { State } from "./state.js";

/**
 * What a job's document says beside its JSON texts and failures: the agent's position, cost, revisions. Read it (`factsOf`), change it, and
 * hand it to an edit: it then stands in place of what was there.
 */
export class JobFacts {
  /** The running iteration of an agent job, from 1. */
  iteration = 1;
  /** Billionths of a dollar, by acks of an agent job. */
  agentCostNanos = 0;
  /** Billionths of a dollar, by everything that was reported. */
  costNanos = 0;
  attemptsBefore = 0;
  iterationsKept = 0;
  iterationsTotal = 0;
  iterationBytes = 0;
  /** Serving time; 0: none. */
  iterationEndsMs = 0;
  /** Empty: none. */
  note: Uint8Array = nothing;
  revisions = 0;
  /** `BudgetHold`; 0: no budget holds it. */
  budgetHold = 0;
}

/** Why a budget holds a job. */
export const BudgetHold = {
  /** A daily limit is reached, or a queue's jobs cost too much on average. */
  spent: 1,
  /** The job itself costs too much. */
  perJob: 2,
} as const;

const nothing = new Uint8Array(0);
const reader = new JobDocumentReader();

/** Facts of a live job, into `into`. */
export function factsOf(s: State, row: number, into: JobFacts): JobFacts {
  const address = s.jobs.document(row);
  if (address === 0) return factsIn(nothing, 0, 0, into);
  const start = s.arena.start(address);
  return factsIn(s.arena.memory(address), start, start + s.arena.length(address), into);
}

/** Facts of the JobDocument in `buf[start, end)`, into `into`. */
export function factsIn(buf: Uint8Array, start: number, end: number, into: JobFacts): JobFacts {
  const d = reader.read(buf, start, end);
  into.iteration = Math.max(1, d.iteration);
  into.agentCostNanos = d.agentCostNanos;
  into.costNanos = d.costNanos;
  into.attemptsBefore = d.attemptsBefore;
  into.iterationsKept = d.iterationsKept;
  into.iterationsTotal = d.iterationsTotal;
  into.iterationBytes = d.iterationBytes;
  into.iterationEndsMs = d.iterationEndsMs;
  into.note = d.revisionNoteEnd === d.revisionNoteStart ? nothing : buf.slice(d.revisionNoteStart, d.revisionNoteEnd);
  into.revisions = d.revisions;
  into.budgetHold = d.budgetHold;
  return into;
}

export function writeFacts(w: Writer, f: JobFacts): void {
  if (f.iteration > 1) putUint32(w, JobDocumentTag.iteration, f.iteration);
  if (f.agentCostNanos !== 0) putUint64(w, JobDocumentTag.agentCostNanos, f.agentCostNanos);
  if (f.costNanos !== 0) putUint64(w, JobDocumentTag.costNanos, f.costNanos);
  if (f.attemptsBefore !== 0) putUint32(w, JobDocumentTag.attemptsBefore, f.attemptsBefore);
  if (f.iterationsKept !== 0) putUint32(w, JobDocumentTag.iterationsKept, f.iterationsKept);
  if (f.iterationsTotal !== 0) putUint32(w, JobDocumentTag.iterationsTotal, f.iterationsTotal);
  if (f.iterationBytes !== 0) putUint32(w, JobDocumentTag.iterationBytes, f.iterationBytes);
  if (f.iterationEndsMs !== 0) putUint64(w, JobDocumentTag.iterationEndsMs, f.iterationEndsMs);
  if (f.note.length !== 0) putBytes(w, JobDocumentTag.revisionNote, f.note);
  if (f.revisions !== 0) putUint32(w, JobDocumentTag.revisions, f.revisions);
  if (f.budgetHold !== 0) putUint32(w, JobDocumentTag.budgetHold, f.budgetHold);
}

/** What `d` has of it, as it is, but for what held the job when it is `released`. Most documents have nothing. */
export function copyFacts(w: Writer, d: JobDocumentReader, released: boolean): void {
  if (d.iteration !== 0) putUint32(w, JobDocumentTag.iteration, d.iteration);
  if (d.agentCostNanos !== 0) putUint64(w, JobDocumentTag.agentCostNanos, d.agentCostNanos);
  if (d.costNanos !== 0) putUint64(w, JobDocumentTag.costNanos, d.costNanos);
  if (d.attemptsBefore !== 0) putUint32(w, JobDocumentTag.attemptsBefore, d.attemptsBefore);
  if (d.iterationsKept !== 0) putUint32(w, JobDocumentTag.iterationsKept, d.iterationsKept);
  if (d.iterationsTotal !== 0) putUint32(w, JobDocumentTag.iterationsTotal, d.iterationsTotal);
  if (d.iterationBytes !== 0) putUint32(w, JobDocumentTag.iterationBytes, d.iterationBytes);
  if (d.iterationEndsMs !== 0) putUint64(w, JobDocumentTag.iterationEndsMs, d.iterationEndsMs);
  if (d.revisionNoteEnd !== 0) putRange(w, JobDocumentTag.revisionNote, d.buf, d.revisionNoteStart, d.revisionNoteEnd);
  if (d.revisions !== 0) putUint32(w, JobDocumentTag.revisions, d.revisions);
  if (d.budgetHold !== 0 && !released) putUint32(w, JobDocumentTag.budgetHold, d.budgetHold);
}
