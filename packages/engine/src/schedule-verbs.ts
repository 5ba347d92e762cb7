import { putBool, putUint64 } from "@corvo/gen/corvo/fast/runtime.js";
import { PauseScheduleRequestReader, RunScheduleResponseTag } from "@corvo/gen/corvo/v1/schedule_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, putJobIdField, textOf } from "./command.js";
import { inserted } from "./enqueue.js";
import { arm, ask, contentOf, Flag, fire, Int, Num, unbuffer } from "./schedule.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** All requests that name one schedule have its name in field 1. */
const reader = new PauseScheduleRequestReader();

/** Its row, or below 0 (see `noSuchSchedule`). */
function named(s: State, c: Command): number {
  const r = reader.read(c.buf, c.start, c.end);
  return s.entities.find(EntityKind.schedule, r.buf, r.nameStart, r.nameEnd);
}

function noSuchSchedule(): Refusal {
  if (reader.nameEnd === reader.nameStart) return refuse("invalid_argument", "REQUIRED", "name is required", { field: "name" });
  return refuse("not_found", "NOT_FOUND", `schedule "${textOf(reader.buf, reader.nameStart, reader.nameEnd)}" not found`);
}

/** Jobs that it has added stay. */
export function deleteSchedule(s: State, c: Command): Refusal | undefined {
  const row = named(s, c);
  if (row === -1) return noSuchSchedule();
  unbuffer(s, row);
  ask(s, row, 0);
  s.entities.remove(row);
  return undefined;
}

/** Slots pass from now on; what waits in the buffer is dropped. Paused already: nothing changes. */
export function pauseSchedule(s: State, c: Command): Refusal | undefined {
  const row = named(s, c);
  if (row === -1) return noSuchSchedule();
  const { entities: e } = s;
  if ((e.flag(row) & Flag.paused) !== 0) return undefined;
  unbuffer(s, row);
  ask(s, row, 0);
  e.setFlag(row, Flag.paused);
  e.setNum(row, Num.nextMs, 0);
  e.setDue(row, 0);
  return undefined;
}

/** The next slot is the first one behind this moment; fixed intervals count from it anew. Not paused: nothing changes. */
export function resumeSchedule(s: State, c: Command): Refusal | undefined {
  const row = named(s, c);
  if (row === -1) return noSuchSchedule();
  const { entities: e } = s;
  if ((e.flag(row) & Flag.paused) === 0) return undefined;
  e.setFlag(row, 0);
  e.setInt4(row, Int.revision, e.int4(row, Int.revision) + 1);
  e.setNum(row, Num.updatedMs, s.logTimeMs);
  e.setNum(row, Num.settledMs, s.logTimeMs);
  arm(s, row, contentOf(s, row));
  return undefined;
}

/** A job now, by hand: neither pause nor overlap policy matter, and no slot is settled by it. */
export function runSchedule(s: State, c: Command): Refusal | undefined {
  const row = named(s, c);
  if (row === -1) return noSuchSchedule();
  inserted.refusal = undefined;
  const added = fire(s, row, contentOf(s, row), s.logTimeMs, true);
  if (!added && inserted.refusal !== undefined) return inserted.refusal;
  if (!s.answering) return undefined;
  putJobIdField(s.out, RunScheduleResponseTag.jobId, inserted.createdMs, inserted.seq);
  if (!added) putBool(s.out, RunScheduleResponseTag.duplicate, true);
  putUint64(s.out, RunScheduleResponseTag.logIndex, s.appliedIndex);
  return undefined;
}
