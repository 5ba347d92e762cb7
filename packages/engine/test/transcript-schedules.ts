import { fromBinary } from "@bufbuild/protobuf";
import type { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeScheduleSlotsCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { encodePauseScheduleRequest, encodePutScheduleRequest } from "@corvo/gen/corvo/v1/schedule_fast.js";
import * as schedulePb from "@corvo/gen/corvo/v1/schedule_pb.js";
import type { EnqueueRequestInit } from "@corvo/gen/corvo/v1/worker_fast.js";
import { Verb } from "@corvo/protocol";
import type { Answer, Bench } from "./kit.js";
import { epochMs } from "./transcript-show.js";
import { fields, list } from "./transcript-words.js";

/** What the lines of some verbs stand on: how a command is given and told, and how jobs are called here. */
export interface LineTools {
  bench: Bench;
  given(verb: Verb, write: (w: Writer) => void): Answer;
  told(answer: Answer, say: (bytes: Uint8Array) => string): string;
  request(args: Map<string, string>): EnqueueRequestInit;
  name(jobId: string): string;
  requestId: string | undefined;
}

/** Lines of schedules; undefined: none of them. */
export function scheduleLine(tools: LineTools, verb: string, words: string[], args: Map<string, string>): string | undefined {
  const { bench, given, told, request, name, requestId } = tools;
  switch (verb) {
    case "schedule": {
      const words2 = args.get("job")?.split(":") ?? [];
      return told(
        given(Verb.PUT_SCHEDULE, (w) =>
          encodePutScheduleRequest(w, {
            name: words[0],
            cron: args.get("cron"),
            job: words2.length === 0 ? undefined : request(fields(words2.join(":"))),
            overlap: ["", "skip", "allow", "buffer", "cancel"].indexOf(args.get("overlap") ?? ""),
            catchUp: ["", "last", "none", "all"].indexOf(args.get("catch-up") ?? ""),
            jitter: args.get("jitter"),
            paused: args.has("paused"),
            requestId,
          }),
        ),
        (bytes) => (fromBinary(schedulePb.PutScheduleResponseSchema, bytes).replaced ? "replaced" : "made"),
      );
    }
    case "run-schedule":
      return told(
        given(Verb.RUN_SCHEDULE, (w) => encodePauseScheduleRequest(w, { name: words[0] ?? "", requestId })),
        (bytes) => {
          const r = fromBinary(schedulePb.RunScheduleResponseSchema, bytes);
          return `${name(r.jobId)}${r.duplicate ? " duplicate" : ""}`;
        },
      );
    case "pause-schedule":
    case "resume-schedule":
    case "delete-schedule": {
      const v = { "pause-schedule": Verb.PAUSE_SCHEDULE, "resume-schedule": Verb.RESUME_SCHEDULE, "delete-schedule": Verb.DELETE_SCHEDULE }[verb];
      return told(
        given(v, (w) => encodePauseScheduleRequest(w, { name: words[0] ?? "", requestId })),
        () => "ok",
      );
    }
    case "asking":
      return (
        bench.engine
          .askingSchedules(10, new Set())
          .map((one) => `${one.cron} ${one.timezone || "UTC"} after ${one.afterMs - epochMs}${one.late ? " late" : ""}`)
          .join(", ") || "nobody"
      );
    case "slots": {
      const asked = bench.engine.askingSchedules(10, new Set())[0];
      const past = list(args.get("past")).map((at) => ({ atMs: epochMs + Number(at) }));
      const slot = {
        serial: asked?.serial ?? 1,
        revision: Number(args.get("revision") ?? asked?.revision ?? 1),
        afterMs: args.has("after") ? epochMs + Number(args.get("after")) : (asked?.afterMs ?? 0),
        past,
        pastTotal: Number(args.get("total") ?? past.length),
        untilMs: args.has("until") ? epochMs + Number(args.get("until")) : 0,
        nextMs: args.has("next") ? epochMs + Number(args.get("next")) : 0,
      };
      return told(
        given(Verb.SCHEDULE_SLOTS, (w) => encodeScheduleSlotsCommand(w, { slots: [slot] })),
        () => "told",
      );
    }
    case "show-schedule": {
      const r = bench.engine.schedule(words[0]);
      if (r === undefined) return "no such schedule";
      const parts = [`runs=${r.runs}`];
      if (r.paused) parts.push("paused");
      if (r.nextMs > 0) parts.push(`next=${r.nextMs - epochMs}`);
      parts.push(`settled=${r.settledMs - epochMs}`);
      if (r.lastSlotMs > 0) parts.push(`slot=${r.lastSlotMs - epochMs}`);
      if (r.lastJobId !== "") parts.push(`job=${name(r.lastJobId)}`);
      for (const field of ["skipped", "missed"] as const) if (r[field] > 0) parts.push(`${field}=${r[field]}`);
      if (r.bufferedMs > 0) parts.push(`buffered=${r.bufferedMs - epochMs}`);
      return parts.join(" ");
    }
    default:
      return undefined;
  }
}
