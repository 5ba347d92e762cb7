import { putBytes, putRange, putUint32, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ArchivedJobReader, ArchivedJobTag, IterationRecordReader, IterationRecordTag } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { UsageReportReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { textOf } from "./command.js";
import { factsOf, JobFacts } from "./job-facts.js";
import { seqKey } from "./keys.js";
import { iterationBytesMax, iterationsKeptMax } from "./limits.js";
import { nanosOf, usdOf } from "./money.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { JobFlag } from "./tables/job-table.js";
import { UsageReport } from "./usage-report.js";

/** Numbers of an iteration's status. */
export const IterationStatus = { continue: 1, hold: 2, done: 3 } as const;
const statusNames = ["", "continue", "hold", "done"] as const;

/** What an ack told about one iteration, for whoever reads it. JSON is text, empty: none. */
export interface IterationInfo {
  id: number;
  iteration: number;
  status: string;
  checkpoint: Uint8Array;
  holdReason: string;
  result: Uint8Array;
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  model: string;
  provider: string;
  costUsd: number;
  createdMs: number;
}

const w = new Writer(4096);
const nothing = new Uint8Array(0);
const record = new IterationRecordReader();
const usage = new UsageReportReader();
const report = new UsageReport();
const archived = new ArchivedJobReader();
const facts = new JobFacts();

/** What an iteration's record is made of. */
export interface IterationGiven {
  iteration: number;
  status: number;
  checkpoint: Uint8Array;
  holdReason: Uint8Array;
  result: Uint8Array;
  /** A corvo.v1.UsageReport, empty: none. */
  usage: Uint8Array;
}

/** Adds a record to those of a live job, and lets the oldest go when there are too many. `f` are the job's facts: they count it. */
export function addIteration(s: State, row: number, f: JobFacts, given: IterationGiven): void {
  const { entities: e } = s;
  w.reset();
  putUint32(w, IterationRecordTag.id, ++f.iterationsTotal);
  putUint32(w, IterationRecordTag.iteration, given.iteration);
  putUint32(w, IterationRecordTag.status, given.status);
  if (given.checkpoint.length > 0) putBytes(w, IterationRecordTag.checkpointJson, given.checkpoint);
  if (given.holdReason.length > 0) putBytes(w, IterationRecordTag.holdReason, given.holdReason);
  if (given.result.length > 0) putBytes(w, IterationRecordTag.resultJson, given.result);
  if (given.usage.length > 0) putBytes(w, IterationRecordTag.usage, given.usage);
  putUint64(w, IterationRecordTag.atMs, s.logTimeMs);
  e.add(EntityKind.iteration, seqKey(s.jobs.seq(row)), 0, 8, w.buf, 0, w.pos);
  s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.agent);
  f.iterationsKept++;
  f.iterationBytes += w.pos;
  while (f.iterationsKept > 1 && (f.iterationsKept > iterationsKeptMax || f.iterationBytes > iterationBytesMax)) {
    const oldest = e.find(EntityKind.iteration, seqKey(s.jobs.seq(row)), 0, 8);
    f.iterationBytes -= e.textEnd(oldest) - e.textStart(oldest);
    f.iterationsKept--;
    e.remove(oldest);
  }
}

/** The records of a job that ends go into its archive record. */
export function archiveIterations(s: State, row: number, out: Writer): void {
  const { entities: e } = s;
  for (const one of e.all(EntityKind.iteration, seqKey(s.jobs.seq(row)), 0, 8)) {
    putRange(out, ArchivedJobTag.iterations, e.textMemory(one), e.textStart(one), e.textEnd(one));
    e.remove(one);
  }
}

/** The job is gone, and its records with it. */
export function dropIterations(s: State, row: number): void {
  for (const one of s.entities.all(EntityKind.iteration, seqKey(s.jobs.seq(row)), 0, 8)) s.entities.remove(one);
}

/** A finished job runs again: its records come back. */
export function reviveIterations(s: State, r: ArchivedJobReader): void {
  for (let i = 0; i < r.iterationsCount; i++) s.entities.add(EntityKind.iteration, seqKey(r.seq), 0, 8, r.buf, r.iterationsStart[i], r.iterationsEnd[i]);
}

/** Checkpoint of the newest record of this iteration; empty: it had none; undefined: there is no such record. */
export function checkpointIn(records: readonly Uint8Array[], iteration: number): Uint8Array | undefined {
  for (let i = records.length - 1; i >= 0; i--) {
    const r = record.read(records[i], 0, records[i].length);
    if (r.iteration === iteration) return records[i].slice(r.checkpointJsonStart, r.checkpointJsonEnd);
  }
  return undefined;
}

/** Copies of the records of a live job, oldest first. */
export function liveRecords(s: State, row: number): Uint8Array[] {
  if (factsOf(s, row, facts).iterationsKept === 0) return [];
  return s.entities.all(EntityKind.iteration, seqKey(s.jobs.seq(row)), 0, 8).map((one) => s.entities.textOf(one));
}

/** Copies of the records in an ArchivedJob, oldest first. */
export function archivedRecords(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array[] {
  const r = archived.read(bytes, start, end);
  return Array.from({ length: r.iterationsCount }, (_, i) => bytes.slice(r.iterationsStart[i], r.iterationsEnd[i]));
}

export function iterationInfo(bytes: Uint8Array): IterationInfo {
  const r = record.read(bytes, 0, bytes.length);
  const u = usage.read(bytes, r.usageStart, r.usageEnd);
  report.read(bytes, r.usageStart, r.usageEnd);
  const told = r.usageEnd > r.usageStart;
  return {
    id: r.id,
    iteration: r.iteration,
    status: statusNames[r.status] ?? "",
    checkpoint: r.checkpointJsonEnd === 0 ? nothing : bytes.slice(r.checkpointJsonStart, r.checkpointJsonEnd),
    holdReason: textOf(bytes, r.holdReasonStart, r.holdReasonEnd),
    result: r.resultJsonEnd === 0 ? nothing : bytes.slice(r.resultJsonStart, r.resultJsonEnd),
    inputTokens: told ? report.inputTokens : 0,
    outputTokens: told ? report.outputTokens : 0,
    cacheCreationTokens: told ? report.cacheCreationTokens : 0,
    cacheReadTokens: told ? report.cacheReadTokens : 0,
    model: told ? textOf(bytes, report.modelStart, report.modelEnd) : "",
    provider: told ? textOf(bytes, report.providerStart, report.providerEnd) : "",
    costUsd: usdOf(nanosOf(u.costUsd)),
    createdMs: r.atMs,
  };
}
