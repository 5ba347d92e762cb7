import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UsageReportSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { jsonText } from "./requests.js";
import type { Usage } from "./step.js";

/** Limits of an agent job: above them it is held for a person. */
export interface AgentLimits {
  maxIterations?: number;
  maxCostUsd?: number;
  /** Longest time of one iteration from its fetch; after it the attempt has failed. */
  iterationTimeoutMs?: number;
}

/** Where an agent job is. */
export interface AgentPosition {
  /** The running iteration, from 1. */
  iteration: number;
  /** Of the iterations before it, in dollars. */
  totalCostUsd: number;
  /** 0: no limit. */
  maxIterations: number;
  /** 0: no limit. */
  maxCostUsd: number;
  /** As it was given, like `90s`. Empty: no limit. */
  iterationTimeout: string;
}

/** What an iteration leaves behind. */
export interface IterationOptions {
  /** The next iteration finds it in `job.checkpoint`. Default: the stored one stays. */
  checkpoint?: unknown;
  usage?: Usage;
}

/** How an iteration ends, when a handler returns it. Made by `agent`. */
export class Settlement {
  /** @internal */
  constructor(
    readonly status: "continue" | "hold" | "done",
    readonly result: unknown,
    readonly reason: string,
    readonly options: IterationOptions,
  ) {}
}

/**
 * What the handler of an agent job returns. `agent.continue` ends the iteration: the next one waits at the end of its queue, unless a limit
 * or an approval policy holds the job. `agent.hold` asks a person. `agent.done` completes the job, as any other value does.
 */
export const agent = {
  continue: (options: IterationOptions & { result?: unknown } = {}): Settlement => new Settlement("continue", options.result, "", options),
  hold: (reason: string, options: IterationOptions & { result?: unknown } = {}): Settlement => new Settlement("hold", options.result, reason, options),
  done: (result?: unknown, options: IterationOptions = {}): Settlement => new Settlement("done", result, "", options),
} as const;

/** The fields of an acknowledgement. */
export interface AckWords {
  resultJson: string;
  checkpointJson: string;
  agentStatus: string;
  holdReason: string;
  usage: MessageInitShape<typeof UsageReportSchema> | undefined;
}

/** What a handler returned, as the wire has it. `isAgent`: for other jobs `done` is not said, it is no word for them. */
export function ackWords(returned: unknown, isAgent: boolean): AckWords {
  if (!(returned instanceof Settlement)) {
    return { resultJson: jsonText(returned, "result"), checkpointJson: "", agentStatus: "", holdReason: "", usage: undefined };
  }
  const { status, result, reason, options } = returned;
  return {
    resultJson: jsonText(result, "result"),
    checkpointJson: jsonText(options.checkpoint, "checkpoint"),
    agentStatus: status === "done" && !isAgent ? "" : status,
    holdReason: reason,
    usage: usageWords(options.usage),
  };
}

export function usageWords(usage: Usage | undefined): MessageInitShape<typeof UsageReportSchema> | undefined {
  if (!usage) return undefined;
  const whole = (value: number | undefined): bigint => BigInt(Math.max(0, Math.round(value ?? 0)));
  return {
    inputTokens: whole(usage.inputTokens),
    outputTokens: whole(usage.outputTokens),
    cacheCreationTokens: whole(usage.cacheCreationTokens),
    cacheReadTokens: whole(usage.cacheReadTokens),
    model: usage.model ?? "",
    provider: usage.provider ?? "",
    costUsd: usage.costUsd ?? 0,
  };
}

/** The wire's limits of an agent job. */
export function agentConfig(limits: AgentLimits | undefined): { maxIterations: number; maxCostUsd: number; iterationTimeout: string } | undefined {
  if (!limits) return undefined;
  const { maxIterations = 0, maxCostUsd = 0, iterationTimeoutMs } = limits;
  return { maxIterations, maxCostUsd, iterationTimeout: iterationTimeoutMs === undefined ? "" : `${Math.ceil(iterationTimeoutMs)}ms` };
}
