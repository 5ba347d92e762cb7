import * as fast from "@corvo/gen/corvo/v1/schedule_fast.js";
import * as schedules from "@corvo/gen/corvo/v1/schedule_pb.js";
import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { durationMs } from "../duration.js";
import { everyMs } from "../every.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults, type Fault, faulty } from "./door.js";
import { lookAtJob, mendJob, notAlone } from "./enqueue.js";
import { durationFault, nameFault, textFault } from "./fields.js";
import { ofNamed } from "./steer.js";

/** Whether a cron expression and a time zone mean something is for who has a calendar: the server asks its library. */
export function checkPutSchedule(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(put, schedules.PutScheduleRequestSchema, bytes, options, look, (message) => {
    if (message.job) mendJob(message.job);
  });
}

export const checkDeleteSchedule = ofNamed(new fast.DeleteScheduleRequestReader(), schedules.DeleteScheduleRequestSchema);
export const checkPauseSchedule = ofNamed(new fast.PauseScheduleRequestReader(), schedules.PauseScheduleRequestSchema);
export const checkResumeSchedule = ofNamed(new fast.ResumeScheduleRequestReader(), schedules.ResumeScheduleRequestSchema);
export const checkRunSchedule = ofNamed(new fast.RunScheduleRequestReader(), schedules.RunScheduleRequestSchema);

const put = new fast.PutScheduleRequestReader();
const job = new EnqueueRequestReader();

function look(r: fast.PutScheduleRequestReader, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  return (
    nameFault(buf, r.nameStart, r.nameEnd, "name") ??
    nameFault(buf, r.cronStart, r.cronEnd, "cron", "cron is required", limits.cronBytesMax) ??
    intervalFault(r) ??
    textFault(buf, r.timezoneStart, r.timezoneEnd, limits.timezoneBytesMax, "timezone") ??
    jobFault(r, options) ??
    known(r.overlap, 4, "overlap") ??
    known(r.catchUp, 3, "catch_up") ??
    durationFault(buf, r.jitterStart, r.jitterEnd, "jitter") ??
    jitterFault(r) ??
    textFault(buf, r.descriptionStart, r.descriptionEnd, limits.descriptionBytesMax, "description") ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id")
  );
}

function intervalFault(r: fast.PutScheduleRequestReader): Fault | undefined {
  if (everyMs(r.buf, r.cronStart, r.cronEnd) >= 0) return undefined;
  return faulty("INVALID_VALUE", "cron", "invalid cron: @every takes a duration from 1s to a year, like @every 5m");
}

function jitterFault(r: fast.PutScheduleRequestReader): Fault | undefined {
  if (r.jitterEnd === r.jitterStart || durationMs(r.buf, r.jitterStart, r.jitterEnd) <= limits.jitterMsMax) return undefined;
  return faulty("TOO_LARGE", "jitter", "jitter too long (max 1h)");
}

function jobFault(r: fast.PutScheduleRequestReader, options: DoorOptions): Fault | undefined {
  if (!r.hasJob) return faulty("REQUIRED", "job", "job is required");
  const fault = lookAtJob(job.read(r.buf, r.jobStart, r.jobEnd), options) ?? notAlone(job) ?? tooPrecise();
  if (job.hasUnknown) {
    r.hasUnknown = true; // everything is looked at again after it was encoded anew
    return undefined;
  }
  return fault === undefined ? undefined : { ...fault, field: `job.${fault.field}` };
}

/** What belongs to one job and not to each of many. */
function tooPrecise(): Fault | undefined {
  if (job.hasScheduledAt) return faulty("INVALID_VALUE", "scheduled_at", "a schedule's job has no scheduled_at");
  if (job.dependsOnCount > 0) return faulty("UNSUPPORTED", "depends_on", "a schedule's job has no depends_on");
  return job.requestIdEnd > job.requestIdStart ? faulty("INVALID_VALUE", "request_id", "a schedule's job has no request_id") : undefined;
}

function known(value: number, max: number, field: string): Fault | undefined {
  return value >= 0 && value <= max ? undefined : faulty("INVALID_VALUE", field, `invalid ${field}: ${value}`);
}
