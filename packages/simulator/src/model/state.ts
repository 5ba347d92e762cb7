import { iterationRecords } from "./agent.js";
import type { BulkTask } from "./bulk.js";
import type { Agent, ChainSpec, Command, EnqueueStatus, IterationRecord, JobError, JobRecord, JobState, Outcome, QueueRecord, RequestId } from "./command.js";
import type { Bucket, Budget } from "./money.js";
import { freed, type Schedule } from "./schedules.js";
import {
  type Batch,
  type Chain,
  chainConfig,
  type Ending,
  ended,
  type Fate,
  type Fates,
  fatesOf,
  isDone,
  moveChain,
  shownChainId,
  waitsFor,
} from "./together.js";

/** A job as the model holds it. Finished jobs stay here too: what is archived or live is the engine's business. */
export interface Job {
  id: string;
  /** Place in the order of creation, from 1. */
  seq: number;
  queue: string;
  state: JobState;
  payload: string;
  priority: 0 | 1 | 2;
  attempt: number;
  maxRetries: number;
  backoff: string;
  retryBaseDelayMs: number;
  retryMaxDelayMs: number;
  uniqueKey: string;
  workerId: string;
  hostname: string;
  tags: string;
  progress: string;
  checkpoint: string;
  result: string;
  /** The lease as it was given at fetch. */
  leaseMs: number;
  /** Serving time (not log time) at whose end the lease ends. Set ⇔ state is active. */
  leaseEndsServingMs?: number;
  /** Serving time at whose end an agent's iteration has taken too long. */
  iterationEndsServingMs?: number;
  /** When the job comes due. Set ⇔ state is scheduled or retrying. */
  dueMs?: number;
  expireMs?: number;
  parentId: string;
  createdMs: number;
  startedMs?: number;
  completedMs?: number;
  failedMs?: number;
  cancelledMs?: number;
  errors: JobError[];
  agent?: Agent;
  /** Of an agent job: the running one. */
  iteration: number;
  /** Billionths of a dollar: by acks of an agent job; by everything that was reported. */
  agentCostNanos: number;
  costNanos: number;
  /** Attempts that do not count: before this iteration, or before a revision. */
  attemptsBefore: number;
  iterations: IterationRecord[];
  iterationsTotal: number;
  /** What a person said. */
  note: string;
  revisions: number;
  /** A budget holds it: a daily one or an average, or its own cost. Set ⇔ it is among `budgetHeld`. */
  budgetHold?: "spent" | "perJob";
  /** A person let it run although a budget held it. */
  overruled: boolean;
  holdReason: string;
  batchId: string;
  /** Its own definition, by which its chain goes on from it. Undefined: it is in no chain, whatever id it shows. */
  chainSpec?: ChainSpec;
  chainId: string;
  /** Below 0: a handler of its chain; undefined: the first. */
  chainStep?: number;
  /** JSON that came as `chain_config` and is none. */
  chainRest: string;
  /** The schedule that added it. */
  schedule?: Schedule;
  slotMs?: number;
  dependsOn: string[];
  /** Dependencies that were completed when it was added or while it waited: they stay met. */
  met: Set<string>;
  /** Fence of the last grant. */
  fence: number;
}

export interface Queue {
  name: string;
  paused: boolean;
  maxConcurrency: number;
  /** Jobs that may wait; 0: any number. */
  maxDepth: number;
  rateLimit: number;
  rateWindowMs: number;
  createdMs: number;
  failed: number;
  /** Pending jobs per priority, next in turn first. A job is in exactly one of them ⇔ its state is pending and it waits for no other. */
  lines: [Job[], Job[], Job[]];
  /** Log times of grants while a limit was set, oldest first. */
  grantsMs: number[];
}

export interface Worker {
  id: string;
  hostname: string;
  queues: string[];
  lastHeartbeatMs: number;
  startedMs: number;
}

export const failuresKept = 100;
const requestIdKeepMs = 3_600_000;

/** Everything there is. Plain maps; nothing is derived that could be computed. */
export class State {
  index = 0;
  /** Highest clock of any entry. */
  nowMs = 0;
  /** Log time from the entry before to this one. */
  elapsedMs = 0;
  /** Time during which nobody served. Serving time = nowMs − pausedMs. */
  pausedMs = 0;
  /** Of whoever calls; empty: `default`. */
  namespace = "";
  jobsCreated = 0;
  fences = 0;
  readonly jobs = new Map<string, Job>();
  readonly queues = new Map<string, Queue>();
  /** By namespace and id. */
  readonly workers = new Map<string, Worker>();
  /** (queue, unique key) → holder. A lock may outlive its job. */
  readonly locks = new Map<string, { jobId: string; expiresMs: number }>();
  readonly requests = new Map<string, Remembered<Outcome>>();
  /** Request ids of items in batches and frames. */
  readonly items = new Map<string, Remembered<{ jobId: string; status: EnqueueStatus }>>();

  readonly budgets: Budget[] = [];
  /** How many things that have a time were made: of two whose time comes together the older one is first. */
  made = 0;
  readonly schedules = new Map<string, Schedule>();
  /** Those that were deleted, too. */
  readonly schedulesEver = new Set<Schedule>();
  /** By how much a slot is put off, of at most so many milliseconds: a hash of schedule and slot, which one does not matter here. */
  jitterMs: (serial: number, slotMs: number, mostMs: number) => number = () => 0;
  /** Jobs that budgets hold, in the order in which they were held. */
  readonly budgetHeld: Job[] = [];
  /** When those are looked at again; undefined: nothing has changed. */
  releaseMs?: number;
  /** See `made`. */
  releaseMade = 0;
  readonly reports: { atMs: number; queue: string; model: string; inputTokens: number; nanos: number; byAck: boolean }[] = [];
  readonly buckets: Bucket[] = [];
  /** Oldest first. */
  readonly bulkTasks: BulkTask[] = [];
  batchesCreated = 0;
  readonly batches = new Map<string, Batch>();
  chainsCreated = 0;
  /** Oldest first. */
  chains: Chain[] = [];
  /** What became of the children of a parent, which need not exist. */
  readonly families = new Map<string, { fates: Fates; endedMs: number }>();
  /** Jobs that ended in this command, for `follow`. */
  readonly endings: Ending[] = [];
  /** Jobs that went with their queue in this entry, before they had ended. */
  readonly swept: Job[] = [];
  /** Oldest first. */
  readonly policies: Extract<Command, { verb: "setPolicy" }>[] = [];

  get servingMs(): number {
    return this.nowMs - this.pausedMs;
  }

  /** The queue, created on first use. */
  queue(name: string): Queue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = {
        name,
        paused: false,
        maxConcurrency: 0,
        maxDepth: 0,
        rateLimit: 0,
        rateWindowMs: 0,
        createdMs: this.nowMs,
        failed: 0,
        lines: [[], [], []],
        grantsMs: [],
      };
      this.queues.set(name, queue);
    }
    return queue;
  }

  jobsOf(queue: string, ...states: JobState[]): Job[] {
    return [...this.jobs.values()].filter((job) => job.queue === queue && states.includes(job.state));
  }

  /** To the tail of its priority. */
  makePending(job: Job): void {
    this.leaveLine(job);
    this.noLongerHeld(job);
    job.state = "pending";
    job.dueMs = undefined;
    this.endLease(job);
    if (waitsFor(job) === 0) this.queue(job.queue).lines[job.priority].push(job);
  }

  /** Takes the job out of its line, if it is in one. To be called before the state or queue of a job changes. */
  leaveLine(job: Job): void {
    for (const line of this.queues.get(job.queue)?.lines ?? []) {
      const at = line.indexOf(job);
      if (at >= 0) line.splice(at, 1);
    }
  }

  /** No budget holds it any more. To be called when it is no longer held, or gone. */
  noLongerHeld(job: Job): void {
    job.budgetHold = undefined;
    const at = this.budgetHeld.indexOf(job);
    if (at >= 0) this.budgetHeld.splice(at, 1);
  }

  /** The lease ends and the worker is forgotten. */
  endLease(job: Job): void {
    job.leaseEndsServingMs = undefined;
    job.workerId = "";
    job.hostname = "";
  }

  /** Gives the unique key back, if the job still holds it. */
  release(job: Job): void {
    for (const [name, lock] of this.locks) if (lock.jobId === job.id) this.locks.delete(name);
  }

  /** `withQueue`: what becomes of others is settled when the entry is over. */
  remove(job: Job, withQueue = false): void {
    this.leaveLine(job);
    this.noLongerHeld(job);
    this.jobs.delete(job.id);
    if (ended(job)) return;
    if (withQueue) this.swept.push(job);
    else this.ended(job, "deleted");
  }

  /** To be called when a job has ended, whatever the cause. */
  ended(job: Job, fate: Fate, { error = "", result = "", exit = false } = {}): void {
    for (const fates of fatesOf(this, job)) fates.set(job.id, fate);
    const family = this.families.get(job.parentId);
    if (family?.fates.has(job.id)) family.endedMs = this.nowMs;
    freed(this, job);
    const batch = this.batches.get(job.batchId);
    const goOn = moveChain(this, job, fate, { error, result, exit });
    this.endings.push({ job, fate, goOn, last: batch && isDone(batch) ? batch : undefined });
  }

  die(job: Job, error: string): void {
    this.leaveLine(job);
    this.noLongerHeld(job);
    job.overruled = false;
    this.endLease(job);
    job.dueMs = undefined;
    job.state = "dead";
    job.failedMs = this.nowMs;
    this.ended(job, "failed", { error });
  }

  noteFailure(job: Job, error: string, backtrace: string): void {
    job.errors.push({ attempt: job.attempt, error, backtrace, atMs: this.nowMs });
    if (job.errors.length > failuresKept) job.errors.shift();
  }

  /** An item's request id, which counts in its caller's namespace. */
  itemKey({ id }: RequestId): string {
    return JSON.stringify([this.namespace, id]);
  }

  /** What is remembered under this request id, if it is still kept. */
  recall<T>(memory: ReadonlyMap<string, Remembered<T>>, key: string): Remembered<T> | undefined {
    const found = memory.get(key);
    return found && this.nowMs - found.atMs <= requestIdKeepMs ? found : undefined;
  }
}

/** The first answer to a request, and the digest of what was asked. */
export interface Remembered<T> {
  hash: string;
  answer: T;
  atMs: number;
}

export function priorityOf(word: string | undefined): 0 | 1 | 2 {
  return word === "critical" ? 0 : word === "high" ? 1 : 2;
}

export function lockName(queue: string, key: string): string {
  return JSON.stringify([queue, key]);
}

/** Is it the queue's turn, apart from having a job? `jobs.md` §4.1. */
export function open(state: State, queue: Queue): boolean {
  if (queue.paused) return false;
  if (queue.maxConcurrency > 0 && state.jobsOf(queue.name, "active").length >= queue.maxConcurrency) return false;
  const recent = queue.grantsMs.filter((at) => at >= state.nowMs - queue.rateWindowMs);
  return queue.rateLimit === 0 || recent.length < queue.rateLimit;
}

export function head(queue: Queue): Job | undefined {
  return queue.lines[0][0] ?? queue.lines[1][0] ?? queue.lines[2][0];
}

export function jobRecord(state: State, job: Job): JobRecord {
  return {
    id: job.id,
    queue: job.queue,
    state: job.state,
    payload: job.payload,
    priority: job.priority,
    attempt: job.attempt,
    maxRetries: job.maxRetries,
    backoff: job.backoff,
    retryBaseDelayMs: job.retryBaseDelayMs,
    retryMaxDelayMs: job.retryMaxDelayMs,
    uniqueKey: job.uniqueKey,
    workerId: job.workerId,
    hostname: job.hostname,
    tags: job.tags,
    progress: job.progress,
    checkpoint: job.checkpoint,
    result: job.result,
    leaseExpiresMs: job.leaseEndsServingMs === undefined ? undefined : job.leaseEndsServingMs + state.pausedMs,
    scheduledMs: job.dueMs,
    expireMs: job.expireMs,
    parentId: job.parentId,
    createdMs: job.createdMs,
    startedMs: job.startedMs,
    completedMs: job.completedMs,
    failedMs: job.failedMs,
    cancelledMs: job.cancelledMs,
    errors: job.errors.map(({ attempt, error, backtrace, atMs }) => ({ attempt, error, backtrace, atMs })),
    agent: job.agent && { ...job.agent, iteration: job.iteration, totalCostUsd: job.agentCostNanos / 1e9 },
    holdReason: job.holdReason,
    note: job.note,
    revisions: job.revisions,
    costUsd: job.costNanos / 1e9,
    iterations: iterationRecords(job),
    batchId: job.batchId,
    scheduleId: job.schedule?.id ?? "",
    scheduleSlotMs: job.slotMs,
    chainId: shownChainId(job.chainId),
    chainStep: job.chainStep,
    chainConfig: chainConfig(job),
    waits: ended(job) ? 0 : waitsFor(job),
    fence: job.state === "active" ? job.fence : 0,
  };
}

export function queueRecord(state: State, queue: Queue): QueueRecord {
  const counts = { pending: 0, active: 0, held: 0, completed: 0, retrying: 0, dead: 0, cancelled: 0, scheduled: 0 };
  for (const job of state.jobs.values()) if (job.queue === queue.name) counts[job.state]++;
  const { name, paused, maxConcurrency, maxDepth, rateLimit, rateWindowMs, createdMs, failed } = queue;
  return { name, paused, maxConcurrency, maxDepth, rateLimit, rateWindowMs, createdMs, failed, counts, oldestPendingMs: head(queue)?.createdMs };
}
