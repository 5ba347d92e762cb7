import { ScheduleSlotsCommandSchema } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import * as pb from "@corvo/gen/corvo/v1/schedule_pb.js";
import type { Command, ToldSlots, Verb } from "../model/command.js";
import { type BodyCodec, codec } from "./codec.js";
import { enqueueInit, newJob } from "./job.js";

type Of<V extends Verb> = Extract<Command, { verb: V }>;
type ByName = "deleteSchedule" | "pauseSchedule" | "resumeSchedule" | "runSchedule";

const overlaps = ["", "skip", "allow", "buffer_one", "cancel_previous"] as const;
const catchUps = ["", "last", "none", "all"] as const;

const byName = (verb: ByName, schema: typeof pb.PauseScheduleRequestSchema): BodyCodec =>
  codec(
    schema,
    ({ name }: Of<ByName>) => ({ name }),
    ({ name }) => ({ verb, name }) as Of<ByName>,
  );
type OneSchedule = typeof pb.PauseScheduleRequestSchema;

export const scheduleBodies: Record<"putSchedule" | "scheduleSlots" | ByName, BodyCodec> = {
  putSchedule: codec(
    pb.PutScheduleRequestSchema,
    ({ name, cron, timezone, job, overlap, catchUp, jitter, paused }: Of<"putSchedule">) => ({
      ...{ name, cron, timezone, jitter, paused, job: enqueueInit(job) },
      ...{ overlap: overlaps.indexOf(overlap) as pb.OverlapPolicy, catchUp: catchUps.indexOf(catchUp) as pb.CatchUpPolicy },
    }),
    ({ name, cron, timezone, job, overlap, catchUp, jitter, paused }) => ({
      ...{ verb: "putSchedule", name, cron, timezone, jitter, paused, job: newJob(job!) },
      ...{ overlap: overlaps[overlap], catchUp: catchUps[catchUp] },
    }),
  ),
  deleteSchedule: byName("deleteSchedule", pb.DeleteScheduleRequestSchema as unknown as OneSchedule),
  pauseSchedule: byName("pauseSchedule", pb.PauseScheduleRequestSchema),
  resumeSchedule: byName("resumeSchedule", pb.ResumeScheduleRequestSchema as unknown as OneSchedule),
  runSchedule: byName("runSchedule", pb.RunScheduleRequestSchema as unknown as OneSchedule),
  scheduleSlots: codec(
    ScheduleSlotsCommandSchema,
    ({ told }: Of<"scheduleSlots">) => ({ slots: told.map(slotsInit) }),
    ({ slots }) => ({
      verb: "scheduleSlots",
      told: slots.map(({ serial, revision, afterMs, past, pastTotal, untilMs, nextMs }): ToldSlots => {
        const at = past.map(({ atMs }) => Number(atMs));
        return { serial: Number(serial), changes: revision, afterMs: Number(afterMs), past: at, pastTotal, untilMs: Number(untilMs), nextMs: Number(nextMs) };
      }),
    }),
  ),
};

function slotsInit({ serial, changes, afterMs, past, pastTotal, untilMs, nextMs }: ToldSlots) {
  const at = past.map((atMs) => ({ atMs: BigInt(atMs) }));
  return { serial: BigInt(serial), revision: changes, afterMs: BigInt(afterMs), past: at, pastTotal, untilMs: BigInt(untilMs), nextMs: BigInt(nextMs) };
}
