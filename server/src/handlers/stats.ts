import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type CountRecord, histogramBoundsMs } from "@corvo/engine";
import * as pb from "@corvo/gen/corvo/v1/stats_pb.js";
import type { UnaryHandler } from "@corvo/transport";
import { mayKnowQueue } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";

const minuteMs = 60_000;

/** The last 60 minutes. */
export function throughputHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call) {
      const { engine } = context.replica;
      const nowMs = Math.max(Date.now(), engine.logTimeMs);
      const last = Math.floor(nowMs / minuteMs) * minuteMs;
      const first = last - 59 * minuteMs;
      const principal = principalOf(call);
      const names = [...engine.queueNames()];
      const own = principal === undefined ? names : names.filter((name) => mayKnowQueue(principal, name));
      // Of the caller's own queues when there are others; else what was counted for all, destroyed queues included.
      const counted = own.length === names.length ? engine.counts("", first, nowMs) : own.flatMap((name) => engine.counts(name, first, nowMs));
      const minutes = Array.from({ length: 60 }, (_, i) => ({ minute: localTime(first + i * minuteMs), enqueued: 0n, completed: 0n, failed: 0n }));
      for (const one of counted) {
        const minute = minutes[Math.round((one.atMs - first) / minuteMs)];
        if (minute === undefined || one.spanMs !== minuteMs) continue;
        minute.enqueued += BigInt(one.enqueued);
        minute.completed += BigInt(one.completed);
        minute.failed += BigInt(one.failed);
      }
      return toBinary(pb.GetThroughputResponseSchema, create(pb.GetThroughputResponseSchema, { minutes }));
    },
  };
}

export function statsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const { queue, from, to } = decoded(() => fromBinary(pb.GetStatsRequestSchema, request));
      const { engine } = context.replica;
      const nowMs = Math.max(Date.now(), engine.logTimeMs);
      const fromMs = from === undefined ? nowMs - 60 * minuteMs : Number(from.seconds) * 1000;
      const toMs = to === undefined ? nowMs : Number(to.seconds) * 1000;
      const oldest = queue === "" ? 0 : engine.oldestPendingMs(queue);
      const answer = {
        points: engine.counts(queue, fromMs, toMs).map(point),
        boundsMs: histogramBoundsMs.map(BigInt),
        oldestPendingMs: BigInt(oldest === 0 ? 0 : Math.max(0, nowMs - oldest)),
      };
      return toBinary(pb.GetStatsResponseSchema, create(pb.GetStatsResponseSchema, answer));
    },
  };
}

function point(one: CountRecord) {
  return {
    at: timestamp(one.atMs),
    seconds: one.spanMs / 1000,
    enqueued: BigInt(one.enqueued),
    started: BigInt(one.started),
    completed: BigInt(one.completed),
    failed: BigInt(one.failed),
    dead: BigInt(one.dead),
    cancelled: BigInt(one.cancelled),
    pending: BigInt(one.pending),
    active: BigInt(one.active),
    held: BigInt(one.heldDepth),
    retrying: BigInt(one.retrying),
    scheduled: BigInt(one.scheduled),
    wait: one.wait.map(BigInt),
    run: one.run.map(BigInt),
  };
}

export function errorGroupsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const { queue, limit } = decoded(() => fromBinary(pb.ListErrorGroupsRequestSchema, request));
      const principal = principalOf(call);
      const groups = context.replica.engine
        .errorGroups()
        .filter((group) => (queue === "" || group.queue === queue) && (principal === undefined || mayKnowQueue(principal, group.queue)));
      const shown = groups.slice(0, limit >= 1 && limit <= 1000 ? limit : 100).map((group) => ({
        ...group,
        failures: BigInt(group.failures),
        dead: BigInt(group.dead),
        firstAt: timestamp(group.firstMs),
        lastAt: timestamp(group.lastMs),
      }));
      return toBinary(pb.ListErrorGroupsResponseSchema, create(pb.ListErrorGroupsResponseSchema, { groups: shown, total: BigInt(groups.length) }));
    },
  };
}

/** RFC 3339 in the zone of this machine. */
function localTime(ms: number): string {
  const away = -new Date(ms).getTimezoneOffset();
  const text = new Date(ms + away * minuteMs).toISOString().slice(0, 19);
  if (away === 0) return `${text}Z`;
  const two = (n: number): string => String(Math.floor(Math.abs(n))).padStart(2, "0");
  return `${text}${away < 0 ? "-" : "+"}${two(away / 60)}:${two(Math.abs(away) % 60)}`;
}
