import type { BudgetRecord } from "./record.js";

export type * from "./record.js";

/**
 * What goes into the reference model and what comes out of it: plain objects, no bytes. The names are those of `corvo.v1`.
 * Times are unix milliseconds of log time unless their name says otherwise; JSON stays text; an empty text means "not given".
 */

export const jobStates = ["pending", "active", "held", "completed", "retrying", "dead", "cancelled", "scheduled"] as const;
export type JobState = (typeof jobStates)[number];

/** Makes a retry safe: the id, and a digest of everything else in the request. */
export interface RequestId {
  id: string;
  hash: string;
}

export interface Agent {
  maxIterations: number;
  maxCostUsd: number;
  iterationTimeout: string;
}

export interface NewJob {
  /** Of an item in a batch or frame; a job of its own has that of its command. */
  requestId?: RequestId;
  queue: string;
  payload?: string;
  agent?: Agent;
  /** `critical`, `high`, anything else is normal. */
  priority?: string;
  uniqueKey?: string;
  uniquePeriodSeconds?: number;
  maxRetries?: number;
  backoff?: string;
  /** A duration like `5s`; the `…Ms` form beside it wins when above 0. */
  retryBaseDelay?: string;
  retryBaseDelayMs?: number;
  retryMaxDelay?: string;
  retryMaxDelayMs?: number;
  expireAfter?: string;
  expireAfterMs?: number;
  /** Unix milliseconds, possibly with a fraction (the wire has nanoseconds). */
  scheduledAtMs?: number;
  tags?: string;
  checkpoint?: string;
  parentId?: string;
  /** Open batch that it joins. */
  batchId?: string;
  /** Makes it the first step of a chain; beside `raw`, the step that is named there. */
  chain?: ChainSpec;
  /** A chain in the form in which jobs show it (`jobs.md` §2.5). An empty `chainId`: a new one. `config`: what else was in `chain_config`. */
  raw?: { chainId: string; step?: number; config: string };
  dependsOn?: string[];
}

/** One job of a chain. An empty payload: none. */
export interface ChainJob {
  queue: string;
  payload: string;
}

export interface ChainSpec {
  steps: ChainJob[];
  onFailure?: ChainJob;
  onExit?: ChainJob;
}

/** What a batch adds at its end. An empty queue: nothing. */
export interface BatchCallback {
  callbackQueue: string;
  callbackPayload: string;
}

/** What was used. Cost in dollars. */
export interface UsageReport {
  costUsd: number;
  inputTokens?: number;
  model?: string;
}

export interface AckItem {
  jobId: string;
  result?: string;
  checkpoint?: string;
  fence?: number;
  agentStatus?: string;
  holdReason?: string;
  usage?: UsageReport;
  stepStatus?: string;
}

export interface FetchFrom {
  queues: string[];
  workerId: string;
  hostname: string;
  leaseSeconds: number;
}

export interface HeartbeatUpdate {
  progress?: string;
  checkpoint?: string;
  fence?: number;
  usage?: UsageReport;
}

/** Verbs that name one job and nothing else. */
export const jobVerbs = ["retry", "requeue", "cancel", "hold", "approve", "reject", "delete"] as const;
export type JobVerb = (typeof jobVerbs)[number];

/** Verbs that name one queue and nothing else. */
export const queueVerbs = ["pauseQueue", "resumeQueue", "drainQueue", "clearQueue", "destroyQueue", "removeThrottle"] as const;
export type QueueVerb = (typeof queueVerbs)[number];

/** What the leader tells a schedule that asked, and what it asked (`ScheduleSlots` in log.proto). */
export interface ToldSlots {
  serial: number;
  changes: number;
  afterMs: number;
  past: number[];
  pastTotal: number;
  untilMs: number;
  /** 0: there is none. */
  nextMs: number;
}

/** One action on some jobs, by their ids. `later`: places that are not done now, but sent again. */
export interface BulkCommand {
  verb: "bulk";
  action: JobVerb | "move" | "changePriority";
  jobIds: string[];
  /** Of a move. */
  queue: string;
  /** Of a change of priority. */
  priority: string;
  later?: number[];
  /** Of a task: its number, the block, and the places of the jobs there. */
  of?: { serial: number; block: number; places: number[] };
}
/** What became of one of them. */
export type BulkWord = "done" | "not_found" | "wrong_state" | "refused" | "again";

/** `namespace`: of its caller; absent: `default`. Queues, schedules and chains of others have it before their names, as in `acme::mail`. */
export type Command = { requestId?: RequestId; namespace?: string } & (
  | { verb: "enqueue"; job: NewJob }
  | { verb: "enqueueBatch"; jobs: NewJob[]; batch?: BatchCallback }
  | ({ verb: "createBatch" } & BatchCallback)
  | { verb: "sealBatch"; batchId: string }
  | ({ verb: "fetch" } & FetchFrom)
  | ({ verb: "fetchBatch"; count: number } & FetchFrom)
  /** `keepAbsentResult`: an absent result stays absent (REST); else it is `{}`. */
  | ({ verb: "ack"; keepAbsentResult?: boolean } & AckItem)
  | { verb: "ackBatch"; items: AckItem[]; keepAbsentResult?: boolean }
  | { verb: "fail"; jobId: string; error: string; backtrace: string; fence?: number }
  /** `keep`: the job stays with its worker. Its jobs have no request ids of their own. */
  | { verb: "step"; jobId: string; keep: boolean; result?: string; checkpoint?: string; jobs: NewJob[]; fence?: number; keepAbsentResult?: boolean }
  | { verb: "release"; jobId: string; checkpoint?: string; fence?: number }
  | { verb: "heartbeat"; jobs: Record<string, HeartbeatUpdate> }
  | ({ verb: "lifecycle"; correlation: number; fetchCount: number; acks: AckItem[]; enqueues: NewJob[] } & FetchFrom)
  | { verb: JobVerb; jobId: string }
  | { verb: "revise"; jobId: string; payload: string; checkpoint: string; note: string }
  | { verb: "replay"; jobId: string; from: number }
  | {
      verb: "setBudget";
      scope: "queue" | "tag" | "global";
      target: string;
      dailyUsd?: number;
      perJobUsd?: number;
      onExceed: "" | "hold" | "reject" | "alert_only";
      /** Only for jobs of this namespace; absent: of the whole server. */
      of?: string;
    }
  | { verb: "deleteBudget"; scope: "queue" | "tag" | "global"; target: string; of?: string }
  | {
      verb: "setPolicy";
      name: string;
      mode: string;
      enabled: boolean;
      queue: string;
      tagKey: string;
      tagValue: string;
      minCostUsd?: number;
      minIteration: number;
    }
  | { verb: "move"; jobId: string; queue: string }
  | { verb: "changePriority"; jobId: string; priority: string }
  | BulkCommand
  /** In the background: jobs that were chosen, in the order of their creation, so many at a time. */
  | { verb: "bulkStart"; action: BulkCommand["action"]; queue: string; priority: string; blocks: string[][] }
  | { verb: "cancelBulkTask"; id: string }
  | { verb: QueueVerb; queue: string }
  | { verb: "setConcurrency"; queue: string; max: number }
  | { verb: "setDepthLimit"; queue: string; max: number }
  | { verb: "setThrottle"; queue: string; rate: number; windowMs: number }
  | {
      verb: "putSchedule";
      name: string;
      cron: string;
      timezone: string;
      job: NewJob;
      overlap: "" | "skip" | "allow" | "buffer_one" | "cancel_previous";
      catchUp: "" | "last" | "none" | "all";
      jitter: string;
      paused: boolean;
    }
  | { verb: "deleteSchedule" | "pauseSchedule" | "resumeSchedule"; name: string }
  | { verb: "runSchedule"; name: string }
  | { verb: "scheduleSlots"; told: ToldSlots[] }
  | { verb: "tick" }
  | { verb: "leadership"; pauseMs: number }
);
export type Verb = Command["verb"];

/** One log entry. */
export interface Entry {
  index: number;
  /** The leader's clock: may be lower than that of an earlier entry. */
  clockMs: number;
  commands: Command[];
  /** Where they stand in an entry that has others, too. */
  places?: number[];
}

export interface Grant {
  jobId: string;
  queue: string;
  payload: string;
  attempt: number;
  maxRetries: number;
  leaseSeconds: number;
  checkpoint: string;
  tags: string;
  agent?: Agent & { iteration: number; totalCostUsd: number };
  note: string;
  fence: number;
}

export type EnqueueStatus = "pending" | "scheduled" | "duplicate" | "refused";
/** `refused`: the item itself was wrong. */
export type AckStatus = "continued" | "held" | "budget_exceeded" | "acked" | "not_found" | "not_active" | "stale_fence" | "refused";

export type Outcome =
  | { kind: "refused"; code: string; reason: string; message?: string }
  | { kind: "enqueued"; jobId: string; status: EnqueueStatus; logIndex: number }
  /** `batchId`: of the batch that the request made. */
  | { kind: "enqueuedBatch"; jobIds: string[]; statuses: EnqueueStatus[]; batchId?: string; logIndex: number }
  | { kind: "batchCreated"; batchId: string; logIndex: number }
  /** Without a callback so far its id is empty. */
  | { kind: "sealed"; status: "sealed" | "completed"; callbackJobId: string; logIndex: number }
  | { kind: "fetched"; job?: Grant }
  | { kind: "fetchedBatch"; jobs: Grant[] }
  /** `agent`: what became of an agent job. */
  | { kind: "acked"; agent?: { state: string; holdReason: string; iteration: number } }
  | { kind: "ackedBatch"; acked: number; statuses: AckStatus[] }
  | { kind: "failed"; status: "retrying" | "dead"; nextAttemptMs?: number; attemptsRemaining: number }
  | { kind: "stepped"; state: string; jobIds: string[]; statuses: EnqueueStatus[]; logIndex: number }
  | { kind: "released" }
  | { kind: "beaten"; jobs: Record<string, { status: "ok" | "cancel"; reason: string; budgetExceeded: boolean }> }
  | { kind: "budget"; budget: BudgetRecord }
  | { kind: "policy"; name: string; mode: string; enabled: boolean }
  | { kind: "frame"; correlation: number; jobs: Grant[]; acked: number; ackStatuses: AckStatus[]; error: string; jobIds: string[]; statuses: EnqueueStatus[] }
  | { kind: "schedule"; id: string; name: string; replaced: boolean; logIndex: number }
  | { kind: "scheduleRun"; jobId: string; duplicate: boolean; logIndex: number }
  | { kind: "done"; status: string }
  | { kind: "bulk"; outcomes: BulkWord[] }
  | { kind: "bulkStarted"; id: string; logIndex: number }
  | { kind: "silent" };
