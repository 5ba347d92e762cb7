import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StepRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { LeaseOptions } from "./client-options.js";
import type { EnqueueOptions, JobDefinition } from "./job.js";
import { enqueueRequest, jsonText, newRequestId } from "./requests.js";

/** What a model call, or anything else that costs, used. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  cacheCreationTokens?: number;
  cacheReadTokens?: number;
  model?: string;
  provider?: string;
  costUsd?: number;
}

/** One step of a job: applied whole or not at all. */
export interface StepOptions {
  /** Jobs to add; children of this one unless `parentId` says otherwise. */
  jobs?: readonly { job: JobDefinition<never, unknown> | JobDefinition<unknown, unknown> | string; payload: unknown; options?: EnqueueOptions }[];
  checkpoint?: unknown;
  usage?: Usage;
  /** The job stays with its worker. Default false: it is completed. */
  keep?: boolean;
  /** Not with `keep`. */
  result?: unknown;
  /** Agent jobs: `continue` or `hold`. Not with `keep`. */
  agentStatus?: "done" | "continue" | "hold";
  holdReason?: string;
}

export interface Stepped {
  state: "completed" | "active" | "pending" | "held" | "cancelled";
  /** Of the jobs that were added, in their order; for a duplicate the holder's. */
  jobIds: string[];
}

const whole = (n: number | undefined): bigint => BigInt(Math.max(0, Math.round(n ?? 0)));

export function stepRequest(id: string, step: StepOptions & LeaseOptions): MessageInitShape<typeof StepRequestSchema> {
  const { usage } = step;
  return {
    jobId: id,
    jobs: (step.jobs ?? []).map(({ job, payload, options }) => enqueueRequest(job, payload, options ?? {})),
    checkpointJson: jsonText(step.checkpoint, "checkpoint"),
    resultJson: jsonText(step.result, "result"),
    keep: step.keep ?? false,
    agentStatus: step.agentStatus ?? "",
    holdReason: step.holdReason ?? "",
    usage: usage && {
      inputTokens: whole(usage.inputTokens),
      outputTokens: whole(usage.outputTokens),
      cacheCreationTokens: whole(usage.cacheCreationTokens),
      cacheReadTokens: whole(usage.cacheReadTokens),
      model: usage.model ?? "",
      provider: usage.provider ?? "",
      costUsd: usage.costUsd ?? 0,
    },
    fence: step.fence ?? 0n,
    requestId: step.requestId ?? newRequestId(),
  };
}
