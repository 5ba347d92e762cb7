import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { IterationInfo } from "@corvo/engine";
import { ListApprovalPoliciesResponseSchema, ListIterationsRequestSchema, ListIterationsResponseSchema } from "@corvo/gen/corvo/v1/agent_pb.js";
import { parseJobId } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";

const text = new TextDecoder();

/** What the acks of an agent job told, wherever the job is. */
export function listIterationsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(_call, request) {
      const { jobId } = decoded(() => fromBinary(ListIterationsRequestSchema, request));
      const found = await iterationsOf(context, jobId);
      if (!found) throw new RpcError("not_found", "NOT_FOUND", `job "${jobId}" not found`, { field: "job_id" });
      const iterations = found.map((one) => ({
        id: BigInt(one.id),
        jobId,
        iteration: one.iteration,
        status: one.status,
        checkpointJson: text.decode(one.checkpoint),
        holdReason: one.holdReason,
        resultJson: text.decode(one.result),
        inputTokens: BigInt(one.inputTokens),
        outputTokens: BigInt(one.outputTokens),
        cacheCreationTokens: BigInt(one.cacheCreationTokens),
        cacheReadTokens: BigInt(one.cacheReadTokens),
        model: one.model,
        provider: one.provider,
        costUsd: one.costUsd,
        createdAt: timestamp(one.createdMs),
      }));
      const logIndex = BigInt(context.replica.engine.appliedIndex);
      return toBinary(ListIterationsResponseSchema, create(ListIterationsResponseSchema, { iterations, logIndex }));
    },
  };
}

/** The job may end or come back to life while the archive is read: then it is looked for again. */
async function iterationsOf(context: HandlerContext, jobId: string): Promise<IterationInfo[] | undefined> {
  const id = parseJobId(jobId);
  if (!id) return undefined;
  const { engine } = context.replica;
  for (let attempt = 0; attempt < 5; attempt++) {
    const live = engine.liveIterations(id);
    if (live) return live;
    const seq = engine.finishedSeq(id);
    if (seq === undefined) return undefined;
    const index = engine.appliedIndex;
    const found = await context.archive.find(seq);
    const record = found && engine.readArchived(found.bytes, found.place);
    if (record) return record.id === jobId ? engine.archivedIterations(found.bytes) : undefined;
    if (engine.appliedIndex === index) return undefined;
  }
  return undefined;
}

export function listApprovalPoliciesHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const policies = replica.engine.policies().map(({ createdMs, ...policy }) => ({ ...policy, createdAt: timestamp(createdMs) }));
      const logIndex = BigInt(replica.engine.appliedIndex);
      return toBinary(ListApprovalPoliciesResponseSchema, create(ListApprovalPoliciesResponseSchema, { policies, logIndex }));
    },
  };
}
