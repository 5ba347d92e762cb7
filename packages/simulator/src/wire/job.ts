import type * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import type { ChainJob, ChainSpec, NewJob } from "../model/command.js";

export function enqueueInit(given: NewJob) {
  return {
    queue: given.queue,
    requestId: given.requestId?.id,
    payloadJson: given.payload,
    agent: given.agent,
    priority: given.priority,
    uniqueKey: given.uniqueKey,
    uniquePeriod: BigInt(given.uniquePeriodSeconds ?? 0),
    maxRetries: given.maxRetries,
    retryBackoff: given.backoff,
    retryBaseDelay: given.retryBaseDelay,
    retryMaxDelay: given.retryMaxDelay,
    scheduledAt: timestamp(given.scheduledAtMs),
    expireAfter: given.expireAfter,
    tagsJson: given.tags,
    checkpointJson: given.checkpoint,
    parentId: given.parentId,
    batchId: given.batchId,
    chain: given.chain && { ...chainInit(given.chain), raw: given.raw !== undefined },
    chainId: given.raw?.chainId,
    chainStep: given.raw?.step,
    chainConfigJson: given.raw?.config,
    dependsOn: given.dependsOn,
    expireAfterMs: BigInt(given.expireAfterMs ?? 0),
    retryBaseDelayMs: BigInt(given.retryBaseDelayMs ?? 0),
    retryMaxDelayMs: BigInt(given.retryMaxDelayMs ?? 0),
  };
}

/** What stands for a job's content when its request id comes again: everything that is not empty. */
export function contentOf({ requestId: _requestId, ...job }: NewJob): string {
  const filled = Object.entries(job).filter(([name, value]) => value || (name === "maxRetries" && value !== undefined));
  return JSON.stringify(filled.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function newItem(message: worker.EnqueueRequest | worker.LifecycleEnqueueItem): NewJob {
  const job = newJob(message);
  return message.requestId ? { ...job, requestId: { id: message.requestId, hash: contentOf(job) } } : job;
}

export function newJob(message: worker.EnqueueRequest | worker.LifecycleEnqueueItem): NewJob {
  const { agent, scheduledAt } = message;
  return {
    queue: message.queue,
    payload: message.payloadJson,
    agent: agent && { maxIterations: agent.maxIterations, maxCostUsd: agent.maxCostUsd, iterationTimeout: agent.iterationTimeout },
    priority: message.priority,
    uniqueKey: message.uniqueKey,
    uniquePeriodSeconds: Number(message.uniquePeriod),
    maxRetries: message.maxRetries,
    backoff: message.retryBackoff,
    retryBaseDelay: message.retryBaseDelay,
    retryMaxDelay: message.retryMaxDelay,
    scheduledAtMs: scheduledAt && Number(scheduledAt.seconds) * 1_000 + scheduledAt.nanos / 1_000_000,
    expireAfter: message.expireAfter,
    tags: message.tagsJson,
    checkpoint: message.checkpointJson,
    parentId: message.parentId,
    batchId: message.batchId,
    chain: message.chain && chainOf(message.chain),
    raw: rawOf(message),
    dependsOn: message.dependsOn.length > 0 ? message.dependsOn : undefined,
    expireAfterMs: Number(message.expireAfterMs),
    retryBaseDelayMs: Number(message.retryBaseDelayMs),
    retryMaxDelayMs: Number(message.retryMaxDelayMs),
  };
}

function rawOf({ chain, chainId, chainStep, chainConfigJson }: worker.EnqueueRequest | worker.LifecycleEnqueueItem): NewJob["raw"] {
  const given = chain?.raw || chainId || chainStep !== undefined || chainConfigJson;
  return given ? { chainId, step: chainStep, config: chainConfigJson } : undefined;
}

function chainInit({ steps, onFailure, onExit }: ChainSpec) {
  const init = ({ queue, payload }: ChainJob) => ({ queue, payloadJson: payload });
  return { steps: steps.map(init), onFailure: onFailure && init(onFailure), onExit: onExit && init(onExit) };
}

function chainOf({ steps, onFailure, onExit }: worker.Chain): ChainSpec {
  const of = ({ queue, payloadJson }: worker.ChainStep): ChainJob => ({ queue, payload: payloadJson });
  return { steps: steps.map(of), onFailure: onFailure && of(onFailure), onExit: onExit && of(onExit) };
}

function timestamp(ms: number | undefined): { seconds: bigint; nanos: number } | undefined {
  if (ms === undefined) return undefined;
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1_000) * 1_000_000) };
}
