import type { ChainSpec, EnqueueStatus, NewJob } from "./command.js";
import { durationMs } from "./duration.js";
import type { Schedule } from "./schedules.js";
import { type Job, lockName, priorityOf, type State } from "./state.js";
import { type Chain, joinChain } from "./together.js";

/** What adds a job when no client does: a chain or a schedule. */
interface Maker {
  chain?: Chain;
  /** The definition that the step before had. */
  spec?: ChainSpec;
  step?: number;
  schedule?: Schedule;
  slotMs?: number;
}

/** A job of a request or frame, into the batch that the request makes, whatever it says itself; it may have a request id of its own; undefined: that was used for another one. */
export function addItem(state: State, given: NewJob, batchId?: string): { jobId: string; status: EnqueueStatus } | undefined {
  const { requestId } = given;
  const key = requestId && state.itemKey(requestId);
  const known = key && state.recall(state.items, key);
  if (known) return known.hash === requestId?.hash ? known.answer : undefined;
  const answer = addJob(state, batchId ? { ...given, batchId } : given);
  if (key) state.items.set(key, { hash: requestId!.hash, answer, atMs: state.nowMs });
  return answer;
}

/** `jobs.md` §2.5, §6. A held key creates nothing and answers with the holder. */
export function addJob(state: State, given: NewJob, of?: Maker): { jobId: string; status: EnqueueStatus } {
  const lock = given.uniqueKey ? state.locks.get(lockName(given.queue, given.uniqueKey)) : undefined;
  if (lock && state.nowMs < lock.expiresMs) return { jobId: lock.jobId, status: "duplicate" };
  const queue = state.queue(given.queue);
  const seq = ++state.jobsCreated;
  const expireAfterMs = delayMs(given.expireAfterMs, given.expireAfter, undefined);
  const job: Job = {
    id: jobId(state.nowMs, seq),
    seq,
    queue: queue.name,
    state: "scheduled",
    payload: given.payload || "{}",
    priority: priorityOf(given.priority),
    attempt: 0,
    maxRetries: given.maxRetries ?? 3,
    backoff: given.backoff || "exponential",
    retryBaseDelayMs: delayMs(given.retryBaseDelayMs, given.retryBaseDelay, 5_000)!,
    retryMaxDelayMs: delayMs(given.retryMaxDelayMs, given.retryMaxDelay, 600_000)!,
    uniqueKey: given.uniqueKey ?? "",
    workerId: "",
    hostname: "",
    tags: given.tags ?? "",
    progress: "",
    checkpoint: given.checkpoint ?? "",
    result: "",
    leaseMs: 0,
    // Never early: a fraction of a millisecond rounds up.
    dueMs: given.scheduledAtMs === undefined ? undefined : Math.ceil(given.scheduledAtMs),
    expireMs: expireAfterMs === undefined ? undefined : state.nowMs + expireAfterMs,
    parentId: given.parentId ?? "",
    createdMs: state.nowMs,
    errors: [],
    agent: given.agent && { ...given.agent, maxIterations: Math.max(0, given.agent.maxIterations), maxCostUsd: Math.max(0, given.agent.maxCostUsd) },
    iteration: 1,
    agentCostNanos: 0,
    costNanos: 0,
    attemptsBefore: 0,
    iterations: [],
    iterationsTotal: 0,
    note: "",
    revisions: 0,
    overruled: false,
    holdReason: "",
    batchId: given.batchId ?? "",
    chainSpec: of?.spec ?? given.chain,
    chainId: of?.chain?.id ?? given.raw?.chainId ?? "",
    chainStep: of?.step ?? given.raw?.step,
    chainRest: given.raw?.config ?? "",
    schedule: of?.schedule,
    slotMs: of?.slotMs,
    dependsOn: [...new Set(given.dependsOn)],
    met: new Set(),
    fence: 0,
  };
  state.jobs.set(job.id, job);
  join(state, job, given);
  if (job.uniqueKey) {
    const periodSeconds = given.uniquePeriodSeconds && given.uniquePeriodSeconds > 0 ? given.uniquePeriodSeconds : 3_600;
    state.locks.set(lockName(queue.name, job.uniqueKey), { jobId: job.id, expiresMs: state.nowMs + periodSeconds * 1_000 });
  }
  if (job.dueMs === undefined) state.makePending(job);
  return { jobId: job.id, status: job.state as "pending" | "scheduled" };
}

/** Its batch, its parent, its chain, and what it depends on. */
function join(state: State, job: Job, { batchId, parentId, chain }: NewJob): void {
  if (batchId) state.batches.get(batchId)!.fates.set(job.id, "pending");
  if (parentId) {
    const family = state.families.get(parentId) ?? { fates: new Map(), endedMs: 0 };
    family.fates.set(job.id, "pending");
    state.families.set(parentId, family);
  }
  if (chain) joinChain(state, job, chain);
  for (const id of job.dependsOn) if (state.jobs.get(id)?.state === "completed") job.met.add(id);
}

/** `job_`, 16 hexadecimal digits of nanoseconds, 10 of the low 40 bits of the creation sequence. */
function jobId(createdMs: number, seq: number): string {
  const nanoseconds = BigInt(createdMs) * 1_000_000n;
  return `job_${nanoseconds.toString(16).padStart(16, "0")}${(BigInt(seq) & 0xff_ffff_ffffn).toString(16).padStart(10, "0")}`;
}

function delayMs(ms: number | undefined, text: string | undefined, fallback: number | undefined): number | undefined {
  if (ms !== undefined && ms > 0) return ms;
  return text ? Math.ceil(durationMs(text) ?? Number.NaN) : fallback;
}
