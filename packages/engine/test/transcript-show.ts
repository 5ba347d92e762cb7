import { type Engine, type JobRecord, jobStateNames, type QueueRecord } from "../src/index.js";

/** Log time 0 of a transcript. */
export const epochMs = 1_700_000_000_000;

export function showJob(job: JobRecord): string {
  const text = new TextDecoder();
  const parts = [jobStateNames[job.state], `queue=${job.queue}`];
  if (job.waits > 0) parts.push(`waits=${job.waits}`);
  if (job.batchId !== "") parts.push(`batch=${job.batchId}`);
  if (job.chainStep !== undefined) parts.push(`step=${job.chainStep} of ${job.chainId}`);
  if (job.chainId !== "") parts.push(`payload=${text.decode(job.payload)}`);
  if (job.attempt > 0) parts.push(`attempt=${job.attempt}`);
  for (const field of ["leaseExpiresMs", "scheduledMs", "expireMs", "startedMs", "completedMs", "failedMs", "cancelledMs"] as const) {
    if (job[field] !== 0) parts.push(`${field.slice(0, -2)}=${job[field] - epochMs}`);
  }
  if (job.fence > 0) parts.push(`fence=${job.fence}`);
  if (job.hasWorker) parts.push(`worker=${job.workerId}@${job.hostname}`);
  for (const field of ["progress", "checkpoint", "result"] as const) if (job[field].length > 0) parts.push(`${field}=${text.decode(job[field])}`);
  if (job.agent !== undefined) parts.push(`agent=${job.agent.iteration}/${job.agent.maxIterations} cost=${job.agent.totalCostUsd}`);
  if (job.costUsd > 0 && job.agent === undefined) parts.push(`cost=${job.costUsd}`);
  if (job.holdReason !== "") parts.push(`hold="${job.holdReason.replace(/job_[0-9a-f]{26}/g, "it")}"`);
  if (job.revisionNote !== "") parts.push(`note="${job.revisionNote}" revisions=${job.revisions}`);
  if (job.failures.length > 0) parts.push(`failures=[${job.failures.map((f) => `${f.attempt}: ${f.error}`).join("; ")}]`);
  return parts.join(" ");
}

export function showEntity(engine: Engine, id: string): string {
  const batch = engine.batch(id);
  if (batch !== undefined) {
    const parts = [batch.state, counts(batch, ["pending", "succeeded", "failed", "cancelled", "deleted"])];
    if (batch.callbackJobId !== "") parts.push(`callback=${batch.callbackJobId}`);
    if (batch.completedMs !== 0) parts.push(`completed=${batch.completedMs - epochMs}`);
    return parts.join(" ");
  }
  const chain = engine.chain(id);
  if (chain === undefined) return "not found";
  const step = (one: { queue: string; jobId: string }): string => `${one.queue}${one.jobId === "" ? "" : `:${one.jobId}`}`;
  const parts = [chain.state, `step=${chain.step}`, chain.steps.map(step).join(" > ")];
  if (chain.onFailure !== undefined) parts.push(`on_failure=${step(chain.onFailure)}`);
  if (chain.onExit !== undefined) parts.push(`on_exit=${step(chain.onExit)}`);
  if (chain.endedMs !== 0) parts.push(`ended=${chain.endedMs - epochMs}`);
  return parts.join(" ");
}

export function counts<K extends string>(from: Record<K | "total", number>, names: readonly K[]): string {
  return [`total=${from.total}`, ...names.filter((name) => from[name] > 0).map((name) => `${name}=${from[name]}`)].join(" ");
}

export function showQueue(queue: QueueRecord): string {
  const parts: string[] = [];
  if (queue.paused) parts.push("paused");
  if (queue.maxConcurrency > 0) parts.push(`max=${queue.maxConcurrency}`);
  if (queue.rateLimit > 0) parts.push(`rate=${queue.rateLimit}/${queue.rateWindowMs}ms`);
  for (const counter of ["pending", "active", "held", "scheduled", "retrying", "completed", "dead", "cancelled", "failed"] as const) {
    if (queue[counter] > 0) parts.push(`${counter}=${queue[counter]}`);
  }
  if (queue.oldestPendingMs > 0) parts.push(`next-created=${queue.oldestPendingMs - epochMs}`);
  return parts.join(" ") || "empty";
}
