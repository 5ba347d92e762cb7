import type { Agent, BatchCallback, JobState } from "./command.js";

export interface BudgetRecord {
  scope: string;
  target: string;
  /** Empty: of the whole server. */
  namespace: string;
  dailyUsd?: number;
  perJobUsd?: number;
  onExceed: string;
  spentUsd: number;
  exceeded: boolean;
}

export interface IterationRecord {
  id: number;
  iteration: number;
  status: string;
  checkpoint: string;
  holdReason: string;
  result: string;
  costUsd: number;
}

export interface JobError {
  attempt: number;
  error: string;
  backtrace: string;
  atMs: number;
}

/** What anybody may know about a job: `corvo.v1.Job` with plain values; what is absent there is undefined or empty here. */
export interface JobRecord {
  id: string;
  queue: string;
  state: JobState;
  payload: string;
  priority: number;
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
  leaseExpiresMs?: number;
  scheduledMs?: number;
  expireMs?: number;
  parentId: string;
  createdMs: number;
  startedMs?: number;
  completedMs?: number;
  failedMs?: number;
  cancelledMs?: number;
  errors: JobError[];
  agent?: Agent & { iteration: number; totalCostUsd: number };
  holdReason: string;
  note: string;
  revisions: number;
  costUsd: number;
  iterations: IterationRecord[];
  batchId: string;
  /** Empty: no schedule added it. */
  scheduleId: string;
  scheduleSlotMs?: number;
  /** As it was given; `new`: the server made it. */
  chainId: string;
  /** Undefined: it is no step of a chain. */
  chainStep?: number;
  /** Its chain and what it depends on, as parsed. */
  chainConfig?: object;
  /** Dependencies that are not met. */
  waits: number;
  fence: number;
}

/** Always total = pending + succeeded + failed + cancelled + deleted. */
export interface CountsRecord {
  total: number;
  pending: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  deleted: number;
}

export interface BatchRecord extends CountsRecord, BatchCallback {
  id: string;
  state: "open" | "running" | "completed";
  /** Empty: not added yet. */
  callbackJobId: string;
  createdMs: number;
  completedMs?: number;
}

/** One job of a chain; without an id it is still to come. */
export interface ChainStepRecord {
  queue: string;
  jobId: string;
}

export interface ChainRecord {
  /** See `JobRecord.chainId`. */
  id: string;
  state: string;
  step: number;
  steps: ChainStepRecord[];
  onFailure?: ChainStepRecord;
  onExit?: ChainStepRecord;
  createdMs: number;
  endedMs?: number;
}

export interface ScheduleRecord {
  id: string;
  name: string;
  paused: boolean;
  createdMs: number;
  updatedMs: number;
  settledMs: number;
  /** With jitter. */
  nextMs?: number;
  lastSlotMs?: number;
  lastJobId: string;
  runs: number;
  skipped: number;
  missed: number;
  bufferedMs?: number;
}

/** A schedule that wants slots behind a moment; `late`: those that passed, too. */
export interface AskingRecord {
  serial: number;
  changes: number;
  cron: string;
  afterMs: number;
  late: boolean;
}

export interface QueueRecord {
  name: string;
  paused: boolean;
  maxConcurrency: number;
  maxDepth: number;
  rateLimit: number;
  rateWindowMs: number;
  createdMs: number;
  counts: Record<JobState, number>;
  /** Failed attempts since the queue exists. */
  failed: number;
  /** When the job next in turn was added. */
  oldestPendingMs?: number;
}

export interface WorkerRecord {
  id: string;
  hostname: string;
  queues: string[];
  lastHeartbeatMs: number;
  startedMs: number;
}

/** A bulk action in the background, with what became of each job. */
export interface BulkTaskRecord {
  id: string;
  action: string;
  queue: string;
  priority: string;
  status: string;
  total: number;
  processed: number;
  affected: number;
  notFound: number;
  wrongState: number;
  refused: number;
  createdMs: number;
  stepMs: number;
  endedMs?: number;
  /** In the order of their creation. */
  items: { jobId: string; outcome: string }[];
}
