import { putRange, putRaw, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { RejectJobRequestReader } from "@corvo/gen/corvo/v1/job_fast.js";
import { EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { changeDocument, cutText, edit } from "./document.js";
import { finish } from "./finish.js";
import { factsOf, JobFacts } from "./job-facts.js";
import { cannotBe, job } from "./job-verb.js";
import { noteBytesMax } from "./limits.js";
import { makePending } from "./lists.js";
import type { State } from "./state.js";
import { TextKind } from "./tables/arena.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

const reader = new RejectJobRequestReader();
const facts = new JobFacts();
const w = new Writer(4096);

/** Ends a held job as dead, or sends it back with a revision. Refusals, in order: not there or not held, a revision without content. */
export function reject(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row } = job;
  if (row < 0 || job.state !== JobState.held) return cannotBe("rejected");
  const r = reader.read(c.buf, c.start, c.end);
  if (r.revise) {
    const content = r.payloadJsonEnd + r.checkpointJsonEnd + r.noteEnd > 0;
    if (!content) return refuse("invalid_argument", "REQUIRED", "a revision needs a payload, a checkpoint or a note", { field: "revise" });
    revise(s, row, r);
  } else rejected(s, row, r);
  if (s.answering) answerStatus(s.out, r.revise ? "pending" : "dead");
  return undefined;
}

function rejected(s: State, row: number, r: RejectJobRequestReader): void {
  const seq = s.jobs.seq(row);
  const createdMs = s.jobs.createdMs(row);
  const change = edit.clear(r.buf);
  change.clearHold = true;
  if (r.noteEnd > r.noteStart) {
    change.facts = factsOf(s, row, facts);
    facts.note = note(r);
    facts.budgetHold = 0;
  }
  s.jobs.touch(row);
  s.jobs.setFailedMs(row, s.logTimeMs);
  const queue = finish(s, row, JobState.dead, change);
  s.events.add(EventType.rejected, seq, createdMs, queue, s.logTimeMs);
  s.events.because(r.buf, r.noteStart, r.noteEnd);
  if (s.level >= 2) s.events.add(EventType.dead, seq, createdMs, queue, s.logTimeMs);
}

/** The job is pending again, with what was changed and what was said. Its attempts start anew. */
function revise(s: State, row: number, r: RejectJobRequestReader): void {
  const { jobs } = s;
  jobs.touch(row);
  const change = edit.clear(r.buf);
  change.clearHold = true;
  change.checkpointStart = r.checkpointJsonStart;
  change.checkpointEnd = r.checkpointJsonEnd;
  change.facts = factsOf(s, row, facts);
  facts.note = note(r);
  facts.revisions++;
  facts.budgetHold = 0;
  facts.attemptsBefore = jobs.attempt(row);
  changeDocument(s, row, change);
  if (r.payloadJsonEnd > r.payloadJsonStart) setPayload(s, row, r);
  s.events.add(EventType.revised, jobs.seq(row), jobs.createdMs(row), makePending(s, row), s.logTimeMs);
  s.events.because(r.buf, r.noteStart, r.noteEnd);
}

function note(r: RejectJobRequestReader): Uint8Array {
  return r.buf.slice(r.noteStart, cutText(r.buf, r.noteStart, r.noteEnd, noteBytesMax));
}

/** The stored request with another payload: all its fields as they came but for this one. */
function setPayload(s: State, row: number, r: RejectJobRequestReader): void {
  const { arena, jobs } = s;
  const address = jobs.request(row);
  const memory = arena.memory(address);
  const end = arena.start(address) + arena.length(address);
  w.reset();
  for (let at = arena.start(address); at < end; ) {
    const next = fieldEnd(memory, at);
    if (memory[at] !== EnqueueRequestTag.payloadJson) putRaw(w, memory, at, next);
    at = next;
  }
  putRange(w, EnqueueRequestTag.payloadJson, r.buf, r.payloadJsonStart, r.payloadJsonEnd);
  arena.free(address);
  jobs.setRequest(row, arena.put(TextKind.request, row, w.buf, 0, w.pos));
}

/** Where the field ends that starts at `at`. What is stored was read before, so it is well-formed. */
function fieldEnd(buf: Uint8Array, at: number): number {
  let pos = at;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = buf[pos++];
      if (shift < 28) value |= (b & 127) << shift;
      if (b < 128) return value;
    }
  };
  const tag = varint();
  const type = tag & 7;
  if (type === 0) varint();
  else if (type === 1) pos += 8;
  else if (type === 5) pos += 4;
  else {
    const bytes = varint();
    pos += bytes;
  }
  return pos;
}
