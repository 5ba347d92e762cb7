import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type ExplainJobResponse, type ExplainReason, ExplainReasonCode } from "@corvo/gen/corvo/v1/explain_pb.js";

/** One reason why a job is not running. */
export interface WaitReason {
  /** In lower case, for example `queue_paused`, `concurrency_limit`, `no_worker`, `in_line`, `scheduled`, `retry_backoff`, `held`. */
  code: string;
  /** The same as a sentence. */
  message: string;
  /** When it ends by itself. */
  until: Date | undefined;
  jobIds: string[];
  workers: string[];
  name: string;
  limit: number;
  current: number;
  actor: string;
  at: Date | undefined;
  detail: string;
  /** A command line that changes it; empty: none. */
  remedy: string;
}

/** Why a job is not running, its place in line, and when it may start. */
export interface Explanation {
  jobId: string;
  queue: string;
  state: string;
  /** The first reason as a sentence. */
  summary: string;
  reasons: WaitReason[];
  /** 1 is next; 0: it is not pending. */
  place: number;
  /** Pending jobs of its queue. */
  pending: number;
  ratePerSecond: number;
  /** Undefined: cannot be said. */
  estimatedStartAt: Date | undefined;
}

export function explanation(e: ExplainJobResponse): Explanation {
  const { jobId, queue, state, summary, ratePerSecond } = e;
  return {
    ...{ jobId, queue, state, summary, ratePerSecond },
    reasons: e.reasons.map(waitReason),
    place: Number(e.place),
    pending: Number(e.pending),
    estimatedStartAt: e.estimatedStartAt && timestampDate(e.estimatedStartAt),
  };
}

function waitReason(r: ExplainReason): WaitReason {
  const { message, jobIds, workers, name, actor, detail, remedy } = r;
  return {
    ...{ message, jobIds, workers, name, actor, detail, remedy },
    code: (ExplainReasonCode[r.code] ?? "").toLowerCase(),
    until: r.until && timestampDate(r.until),
    at: r.at && timestampDate(r.at),
    limit: Number(r.limit),
    current: Number(r.current),
  };
}
