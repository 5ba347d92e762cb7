import { putRaw, putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ChangeJobPriorityRequestReader } from "@corvo/gen/corvo/v1/job_fast.js";
import { EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { priorityOf } from "./enqueue.js";
import { job, noSuchJob, wrongState } from "./job-verb.js";
import { enter, leave } from "./lists.js";
import type { State } from "./state.js";
import { TextKind } from "./tables/arena.js";
import { EventType } from "./tables/events.js";
import { JobState, jobStateNames } from "./tables/job-table.js";

const reader = new ChangeJobPriorityRequestReader();
const w = new Writer(1024);
const words = ["critical", "high", "normal"];

/** Gives a pending or scheduled job another priority; a pending one goes to the tail of it. */
export function changePriority(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.priorityEnd === r.priorityStart) return refuse("invalid_argument", "REQUIRED", "priority is required", { field: "priority" });
  const priority = priorityOf(c.buf, r.priorityStart, r.priorityEnd);
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  if (row < 0 || (state !== JobState.pending && state !== JobState.scheduled)) {
    return wrongState(`the priority of job "${job.id}" cannot be changed in state "${jobStateNames[state]}"`);
  }
  const queue = leave(s, row);
  s.jobs.setPriority(row, priority);
  rewrite(s, row, priority);
  enter(s, row, queue, state);
  s.hash.mix(22, s.jobs.seq(row), priority);
  s.events.add(EventType.priorityChanged, s.jobs.seq(row), s.jobs.createdMs(row), queue, s.logTimeMs);
  if (s.answering) answerStatus(s.out, "changed");
  return undefined;
}

/** The request says so from now on: of a field that occurs twice the last one counts. So the archive has it too. */
function rewrite(s: State, row: number, priority: number): void {
  const { jobs, arena } = s;
  const old = jobs.request(row);
  const start = arena.start(old);
  w.reset();
  putRaw(w, arena.memory(old), start, start + arena.length(old));
  putText(w, EnqueueRequestTag.priority, words[priority]);
  jobs.setRequest(row, arena.put(TextKind.request, row, w.buf, 0, w.pos));
  arena.free(old);
}
