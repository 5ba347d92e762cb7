import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ScheduleRecord } from "@corvo/engine";
import { putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { PutScheduleRequestTag } from "@corvo/gen/corvo/v1/schedule_fast.js";
import * as pb from "@corvo/gen/corvo/v1/schedule_pb.js";
import * as door from "@corvo/protocol";
import { type DoorOptions, everyMs, isRefusal, type Refusal, refuse, Verb } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import { mayKnowQueue } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import { forbidden } from "../auth/refusals.js";
import { calendar, calendarFault } from "../calendar.js";
import { type CommandRule, commandHandler } from "./command.js";
import { type HandlerContext, principalName } from "./context.js";
import { timestamp } from "./job.js";

/** The methods of ScheduleService. */
export function scheduleRoutes(context: HandlerContext, add: (method: DescMethod, handler: UnaryHandler) => void): void {
  const m = pb.ScheduleService.method;
  const command = (method: DescMethod, rule: CommandRule): void => add(method, inScope(context, commandHandler(context, rule)));
  add(m.putSchedule, inScope(context, putScheduleHandler(context)));
  add(m.listSchedules, listSchedulesHandler(context));
  add(m.getSchedule, getScheduleHandler(context));
  command(m.deleteSchedule, { verb: Verb.DELETE_SCHEDULE, check: door.checkDeleteSchedule, schema: pb.DeleteScheduleRequestSchema });
  command(m.pauseSchedule, { verb: Verb.PAUSE_SCHEDULE, check: door.checkPauseSchedule, schema: pb.PauseScheduleRequestSchema });
  command(m.resumeSchedule, { verb: Verb.RESUME_SCHEDULE, check: door.checkResumeSchedule, schema: pb.ResumeScheduleRequestSchema });
  command(m.runSchedule, { verb: Verb.RUN_SCHEDULE, check: door.checkRunSchedule, schema: pb.RunScheduleRequestSchema, newWork: true });
  add(m.nextRuns, inScope(context, nextRunsHandler(context)));
}

/** Keys with a queue scope have nothing to do with a schedule for another queue, whatever it is called. */
function inScope({ replica }: HandlerContext, inner: UnaryHandler): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const who = principalOf(call);
      if (who?.identity.inScope === undefined) return inner.handle(call, request);
      // All requests about one schedule have its name in field 1.
      const { name } = read(pb.GetScheduleRequestSchema, request);
      const known = replica.engine.schedule(name);
      const queue = known && contentOf(known).job?.queue;
      if (queue !== undefined && !mayKnowQueue(who, queue)) throw forbidden(`the schedule is for a queue outside the key's queue scope`);
      return inner.handle(call, request);
    },
  };
}

/** What its slots do is done for who put it. */
function putScheduleHandler(context: HandlerContext): UnaryHandler {
  const plain = commandHandler(context, { verb: Verb.PUT_SCHEDULE, check: checkSchedule, schema: pb.PutScheduleRequestSchema });
  return { kind: "unary", handle: (call, request) => plain.handle(call, withPrincipal(request, principalName(call))) };
}

/** The last value of a field counts, also when it says that there is nobody in particular: what a caller put there is not believed. */
function withPrincipal(request: Uint8Array, principal: string): Uint8Array {
  const w = new Writer(principal.length * 3 + 16);
  putText(w, PutScheduleRequestTag.principal, principal);
  return Buffer.concat([request, w.view()]);
}

/** The door of PutSchedule, with the calendar's opinion. */
function checkSchedule(request: Uint8Array, options: DoorOptions): Uint8Array | Refusal {
  const body = door.checkPutSchedule(request, options);
  if (isRefusal(body)) return body;
  const { cron, timezone } = fromBinary(pb.PutScheduleRequestSchema, body);
  const fault = intervalMs(cron) > 0 ? calendarFault("* * * * *", timezone) : calendarFault(cron, timezone);
  return fault ? refuse("invalid_argument", "INVALID_VALUE", fault.text, { field: fault.field }) : body;
}

function listSchedulesHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call, bytes) {
      const { limit, pageToken } = read(pb.ListSchedulesRequestSchema, bytes);
      const { engine } = context.replica;
      const count = Math.min(Math.max(limit || 100, 1), 1000);
      const after = pageToken === "" ? 0 : Number.parseInt(pageToken, 36);
      if (!(after >= 0)) throw new RpcError("invalid_argument", "INVALID_VALUE", "invalid page_token", { field: "page_token" });
      const who = principalOf(call);
      // Others are left out before the page is counted.
      const found = engine.schedules(after, count + 1, who === undefined || who.seesAll ? undefined : (name) => mayKnowQueue(who, name));
      const page = found.slice(0, count);
      return toBinary(
        pb.ListSchedulesResponseSchema,
        create(pb.ListSchedulesResponseSchema, {
          schedules: page.map(scheduleMessage),
          nextPageToken: found.length > count ? page[count - 1].serial.toString(36) : "",
          logIndex: BigInt(engine.appliedIndex),
        }),
      );
    },
  };
}

function getScheduleHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, bytes) {
      const { name } = read(pb.GetScheduleRequestSchema, bytes);
      const schedule = scheduleMessage(named(context, name));
      const logIndex = BigInt(context.replica.engine.appliedIndex);
      return toBinary(pb.GetScheduleResponseSchema, create(pb.GetScheduleResponseSchema, { schedule, logIndex }));
    },
  };
}

function nextRunsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, bytes) {
      const wish = read(pb.NextRunsRequestSchema, bytes);
      const count = Math.min(Math.max(wish.count || 5, 1), 100);
      let { cron, timezone } = wish;
      let fromMs = Math.max(Date.now(), context.replica.engine.logTimeMs);
      let anchorMs = fromMs;
      if (wish.name !== "") {
        const record = named(context, wish.name);
        ({ cron, timezone } = contentOf(record));
        fromMs = Math.max(fromMs, record.settledMs);
        anchorMs = record.updatedMs;
      } else if (cron === "") throw new RpcError("invalid_argument", "REQUIRED", "name or cron is required", { field: "cron" });
      const interval = intervalMs(cron);
      if (interval < 0) throw new RpcError("invalid_argument", "INVALID_VALUE", "invalid cron: @every takes a duration from 1s to a year", { field: "cron" });
      const fault = interval > 0 ? undefined : calendarFault(cron, timezone);
      if (fault) throw new RpcError("invalid_argument", "INVALID_VALUE", fault.text, { field: fault.field });
      const runs: number[] = [];
      for (let at = fromMs; runs.length < count; ) {
        at = interval > 0 ? anchorMs + (Math.floor((at - anchorMs) / interval) + 1) * interval : calendar.next(cron, timezone, at);
        if (at === 0) break;
        runs.push(at);
      }
      return toBinary(pb.NextRunsResponseSchema, create(pb.NextRunsResponseSchema, { runs: runs.map((at) => timestamp(at)!) }));
    },
  };
}

function named(context: HandlerContext, name: string): ScheduleRecord {
  if (name === "") throw new RpcError("invalid_argument", "REQUIRED", "name is required", { field: "name" });
  const found = context.replica.engine.schedule(name);
  if (!found) throw new RpcError("not_found", "NOT_FOUND", `schedule "${name}" not found`, { field: "name" });
  return found;
}

function contentOf(record: ScheduleRecord): pb.PutScheduleRequest {
  return fromBinary(pb.PutScheduleRequestSchema, record.content);
}

function scheduleMessage(r: ScheduleRecord): MessageInitShape<typeof pb.ScheduleSchema> {
  const put = contentOf(r);
  // For the moment between a slot and the next one's way through the log, the calendar is asked here.
  const nextMs = r.paused || r.nextMs > 0 || intervalMs(put.cron) > 0 ? r.nextMs : calendar.next(put.cron, put.timezone, r.settledMs);
  return {
    name: r.name,
    id: r.id,
    cron: put.cron,
    timezone: put.timezone || "UTC",
    job: put.job,
    overlap: put.overlap || pb.OverlapPolicy.SKIP,
    catchUp: put.catchUp || pb.CatchUpPolicy.LAST,
    jitter: put.jitter,
    paused: r.paused,
    description: put.description,
    createdAt: timestamp(r.createdMs),
    updatedAt: timestamp(r.updatedMs),
    nextRunAt: timestamp(nextMs),
    lastSlotAt: timestamp(r.lastSlotMs),
    lastJobId: r.lastJobId,
    runs: r.runs,
    skipped: r.skipped,
    missed: r.missed,
    bufferedSlotAt: timestamp(r.bufferedMs),
    principal: put.principal,
  };
}

/** Of `@every 5m`; 0: it is a cron expression. */
function intervalMs(cron: string): number {
  const bytes = new TextEncoder().encode(cron);
  return everyMs(bytes, 0, bytes.length);
}

function read<D extends Parameters<typeof fromBinary>[0]>(schema: D, bytes: Uint8Array) {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw new RpcError("invalid_argument", "INVALID_MESSAGE", "malformed protobuf");
  }
}
