import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type IterationInfo, mayKnow } from "@corvo/engine";
import {
  DeleteApprovalPolicyRequestSchema,
  ListApprovalPoliciesResponseSchema,
  ListIterationsRequestSchema,
  ListIterationsResponseSchema,
} from "@corvo/gen/corvo/v1/agent_pb.js";
import { checkDeleteApprovalPolicy, parseJobId, Verb } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import { forbidden } from "../auth/refusals.js";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";
import { namespacedHandler, ownNamespace } from "./own-namespace.js";

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
    handle(call) {
      const caller = ownNamespace(call);
      const known = replica.engine.policies().filter(({ namespace }) => mayKnow(caller, namespace));
      const policies = known.map(({ createdMs, ...policy }) => ({ ...policy, createdAt: timestamp(createdMs) }));
      const logIndex = BigInt(replica.engine.appliedIndex);
      return toBinary(ListApprovalPoliciesResponseSchema, create(ListApprovalPoliciesResponseSchema, { policies, logIndex }));
    },
  };
}

export function deleteApprovalPolicyHandler(context: HandlerContext): UnaryHandler {
  const rule = {
    verb: Verb.DELETE_POLICY,
    check: checkDeleteApprovalPolicy,
    schema: DeleteApprovalPolicyRequestSchema,
    restNotFound: { restStatus: 400, restCode: "POLICY_ERROR" },
  };
  const { engine } = context.replica;
  return namespacedHandler(context, rule, (_call, { id, namespace }) => {
    // Jobs of other namespaces may wait for a person because of it.
    if (namespace === "" || engine.namespacedQueues === 0) return;
    if (engine.policies().some((one) => one.id === id && one.namespace === "" && mayKnow(namespace, "")))
      throw forbidden("the policy holds jobs of all namespaces: only an admin of default may delete it");
  });
}
