import { putBool, putRange, putText, putUint64 } from "@corvo/gen/corvo/fast/runtime.js";
import { PutScheduleRequestReader, PutScheduleResponseTag } from "@corvo/gen/corvo/v1/schedule_fast.js";
import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { everyMs, limits, type Refusal, refuse } from "@corvo/protocol";
import type { Command } from "./command.js";
import { checkItem } from "./enqueue.js";
import { arm, ask, Flag, Int, Num, scheduleId, unbuffer } from "./schedule.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new PutScheduleRequestReader();
const job = new EnqueueRequestReader();

/** Adds a schedule, or gives one another content. Slots up to now are settled, so none fires twice and none of the past fires at all. */
export function putSchedule(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const refusal = check(r);
  if (refusal !== undefined) return refusal;
  const { entities: e } = s;
  let row = e.find(EntityKind.schedule, r.buf, r.nameStart, r.nameEnd);
  const replaced = row !== -1;
  if (!replaced) {
    if (e.count(EntityKind.schedule) >= limits.schedulesMax) {
      return refuse("resource_exhausted", "TOO_LARGE", `there are ${limits.schedulesMax} schedules already`, { field: "name" });
    }
    row = e.add(EntityKind.schedule, r.buf, r.nameStart, r.nameEnd, r.buf, r.start, r.end);
    e.setNum(row, Num.createdMs, s.logTimeMs);
  } else {
    e.setText(row, r.buf, r.start, r.end);
    unbuffer(s, row);
    ask(s, row, 0);
  }
  e.setFlag(row, r.paused ? Flag.paused : 0);
  e.setInt4(row, Int.revision, e.int4(row, Int.revision) + 1);
  e.setNum(row, Num.updatedMs, s.logTimeMs);
  e.setNum(row, Num.settledMs, s.logTimeMs);
  e.setNum(row, Num.nextMs, 0);
  arm(s, row, r);
  if (!s.answering) return undefined;
  putText(s.out, PutScheduleResponseTag.id, scheduleId(s, row));
  putRange(s.out, PutScheduleResponseTag.name, r.buf, r.nameStart, r.nameEnd);
  if (replaced) putBool(s.out, PutScheduleResponseTag.replaced, true);
  putUint64(s.out, PutScheduleResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

function check(r: PutScheduleRequestReader): Refusal | undefined {
  if (r.nameEnd === r.nameStart) return refuse("invalid_argument", "REQUIRED", "name is required", { field: "name" });
  if (r.nameEnd - r.nameStart > limits.queueNameBytesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `name is longer than ${limits.queueNameBytesMax} bytes`, { field: "name" });
  }
  if (r.cronEnd === r.cronStart) return refuse("invalid_argument", "REQUIRED", "cron is required", { field: "cron" });
  if (everyMs(r.buf, r.cronStart, r.cronEnd) < 0) return refuse("invalid_argument", "INVALID_VALUE", "invalid interval", { field: "cron" });
  if (!r.hasJob) return refuse("invalid_argument", "REQUIRED", "job is required", { field: "job" });
  const refusal = checkItem(job.read(r.buf, r.jobStart, r.jobEnd));
  if (refusal !== undefined) return { ...refusal, field: `job.${refusal.field}` };
  if (job.hasScheduledAt) return refuse("invalid_argument", "INVALID_VALUE", "a schedule's job has no scheduled_at", { field: "job.scheduled_at" });
  return undefined;
}
