import type { BatchCallback, BulkCommand, Command, FetchFrom, JobState, jobVerbs, NewJob, UsageReport } from "./model/command.js";
import type { ScheduleWish } from "./program-schedules.js";

/**
 * A random program: steps that name jobs by description ("the second active one"), so that a step still means something when
 * the steps before it are taken out. `resolve` turns a wish into a command, looking at the model.
 */
export interface Step {
  /** How the leader's clock moves before this entry. */
  move: Move;
  wishes: Wish[];
}

/** By so many milliseconds (below 0: backwards), or to the next timer and so many milliseconds further. */
export type Move = { byMs: number } | { toTimerAndMs: number };

/**
 * A job: the n-th of those in a state, or any of those that ever were; or one that never was;
 * or an id with the right sequence and another time; or no id at all.
 */
export interface JobWish {
  among: JobState | "agent" | "any" | "missing" | "forged" | "nameless";
  n: number;
}
export type FenceWish = "none" | "right" | "older" | "newer";
/** An open batch, the n-th of all, or one that never was. */
export interface BatchWish {
  among: "open" | "any" | "missing";
  n: number;
}

/** A task that runs, the n-th of all, or one that never was. */
export interface TaskWish {
  among: "running" | "any" | "missing";
  n: number;
}

/** A job, with those that it is to be with. */
export type JobToAdd = NewJob & { joins?: BatchWish; after?: JobWish[]; childOf?: JobWish };

export interface AckWish {
  job: JobWish;
  fence: FenceWish;
  result: string;
  checkpoint?: string;
  agentStatus?: string;
  holdReason?: string;
  usage?: UsageReport;
  stepStatus?: string;
}

/** `namespace`: whose wish it is; absent: `default`. */
export type Wish = { requestId?: string; namespace?: string } & (
  | { do: "enqueue"; job: JobToAdd; scheduledInMs?: number }
  | { do: "enqueueBatch"; jobs: JobToAdd[]; batch?: BatchCallback }
  | ({ do: "createBatch" } & BatchCallback)
  | { do: "sealBatch"; of: BatchWish }
  | { do: "fetch"; from: FetchFrom }
  | { do: "fetchBatch"; from: FetchFrom; count: number }
  | { do: "ack"; item: AckWish; keepAbsentResult: boolean }
  | { do: "ackBatch"; items: AckWish[]; keepAbsentResult: boolean }
  | { do: "fail"; job: JobWish; fence: FenceWish; error: string; backtrace: string }
  | { do: "step"; item: AckWish; keep: boolean; checkpoint: string; jobs: JobToAdd[]; keepAbsentResult: boolean }
  | { do: "release"; job: JobWish; fence: FenceWish; checkpoint: string }
  | { do: "heartbeat"; jobs: { job: JobWish; fence: FenceWish; progress: string; checkpoint: string; usage?: UsageReport }[] }
  | { do: "revise"; job: JobWish; payload: string; checkpoint: string; note: string }
  | { do: "replay"; job: JobWish; from: number }
  | { do: "lifecycle"; from: FetchFrom; count: number; acks: AckWish[]; jobs: JobToAdd[]; correlation: number }
  | { do: "jobVerb"; verb: (typeof jobVerbs)[number]; job: JobWish }
  | { do: "move"; job: JobWish; queue: string }
  | { do: "bulk"; action: BulkCommand["action"]; jobs: JobWish[]; queue: string; priority: string }
  | { do: "bulkStart"; action: BulkCommand["action"]; jobs: JobWish[]; blockJobs: number; queue: string; priority: string }
  /** A leader carries a task on; `again`: jobs that had their turn, too, as one does that did not hear of it; or a block before or behind. */
  | { do: "bulkStep"; of: TaskWish; how: "whole" | "part" | "again" | "before" | "behind" }
  | { do: "cancelBulkTask"; of: TaskWish }
  | { do: "changePriority"; job: JobWish; priority: string }
  | { do: "queue"; command: Command }
  | ScheduleWish
  | { do: "tick" }
  | { do: "leadership"; pauseMs: number }
  /** Sends a command that had a request id once more, as a client that got no answer does. */
  | { do: "again"; n: number }
);
