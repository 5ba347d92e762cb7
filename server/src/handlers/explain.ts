import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Explanation, jobStateNames, type Reason, ReasonCode } from "@corvo/engine";
import { ExplainJobRequestSchema, ExplainJobResponseSchema } from "@corvo/gen/corvo/v1/explain_pb.js";
import { parseJobId } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { decoded, findJob, timestamp } from "./job.js";

/** Why a job is not running: the engine's dry run, or what became of it. */
export function explainJobHandler(context: HandlerContext): UnaryHandler {
  const { replica } = context;
  return {
    kind: "unary",
    async handle(_call, request) {
      const { jobId } = decoded(() => fromBinary(ExplainJobRequestSchema, request));
      const explanation = live(context, jobId) ?? (await finished(context, jobId)) ?? live(context, jobId);
      if (explanation === undefined) throw new RpcError("not_found", "NOT_FOUND", `job "${jobId}" not found`, { field: "job_id" });
      if (!replica.serving) explanation.reasons.unshift({ code: ReasonCode.noLeader, message: "this node does not hand out jobs now: it does not lead" });
      const { queue, state, reasons, place, pending, ratePerSecond, estimatedStartMs } = explanation;
      return toBinary(
        ExplainJobResponseSchema,
        create(ExplainJobResponseSchema, {
          jobId,
          queue,
          state,
          summary: reasons[0]?.message ?? "",
          reasons: reasons.map(message),
          place: BigInt(place),
          pending: BigInt(pending),
          ratePerSecond: Math.round(ratePerSecond * 1000) / 1000,
          estimatedStartAt: timestamp(estimatedStartMs),
          logIndex: BigInt(replica.engine.appliedIndex),
        }),
      );
    },
  };
}

function live({ replica }: HandlerContext, jobId: string): Explanation | undefined {
  const id = parseJobId(jobId);
  const found = id && replica.engine.explain(id, Date.now(), (queue) => replica.waiters.has(queue));
  return found?.id === jobId ? found : undefined;
}

async function finished(context: HandlerContext, jobId: string): Promise<Explanation | undefined> {
  const job = await findJob(context, jobId);
  if (job === undefined || job.endedIndex === 0) return undefined;
  const state = jobStateNames[job.state];
  const atMs = job.completedMs || job.cancelledMs || job.failedMs;
  const detail = state === "dead" ? (job.failures.at(-1)?.error ?? "") : "";
  const reason: Reason = {
    code: ReasonCode.finished,
    message: `it is ${state}${atMs === 0 ? "" : ` since ${new Date(atMs).toISOString()}`}${detail === "" ? "" : `: ${detail.slice(0, 200)}`}`,
    name: state,
    atMs,
    detail: detail.slice(0, 1024),
    remedy: `corvo retry ${jobId}`,
  };
  return { id: jobId, queue: job.queue, state, reasons: [reason], place: 0, pending: 0, ratePerSecond: 0, estimatedStartMs: 0 };
}

function message(reason: Reason) {
  return {
    code: reason.code,
    message: reason.message,
    until: timestamp(Math.ceil(reason.untilMs ?? 0)),
    jobIds: reason.jobIds ?? [],
    workers: reason.workers ?? [],
    name: reason.name ?? "",
    limit: BigInt(reason.limit ?? 0),
    current: BigInt(reason.current ?? 0),
    actor: reason.actor ?? "",
    at: timestamp(reason.atMs ?? 0),
    detail: reason.detail ?? "",
    remedy: reason.remedy ?? "",
  };
}
