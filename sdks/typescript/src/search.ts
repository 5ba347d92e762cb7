import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { type BulkRequest, BulkService, type BulkTask } from "@corvo/gen/corvo/v1/bulk_pb.js";
import { JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import { type JobSummary, SearchService } from "@corvo/gen/corvo/v1/search_pb.js";
import { type ErrorGroup, StatsService } from "@corvo/gen/corvo/v1/stats_pb.js";
import type { CallOptions, ChangeOptions, ClientOptions } from "./client-options.js";
import type { Caller } from "./schedules.js";

/** What jobs must have in common; what is not given does not count. */
export interface JobFilter {
  queue?: string;
  /** Any of these. */
  state?: readonly JobStateName[];
  priority?: "critical" | "high" | "normal";
  tags?: Readonly<Record<string, string>>;
  /** Text in the payload. */
  payloadContains?: string;
  /** One condition on the payload, for example `.user.id == 42`. */
  payloadJq?: string;
  createdAfter?: Date;
  createdBefore?: Date;
  attemptMin?: number;
  attemptMax?: number;
  uniqueKey?: string;
  batchId?: string;
  workerId?: string;
  parentId?: string;
  chainId?: string;
  hasErrors?: boolean;
  errorContains?: string;
  /** Group of the last error: `ErrorGroupInfo.id`. */
  errorGroup?: string;
  jobIdPrefix?: string;
  queuePrefix?: string;
}

export type JobStateName = "pending" | "active" | "held" | "completed" | "retrying" | "dead" | "cancelled" | "scheduled";
export type BulkAction = "retry" | "delete" | "cancel" | "move" | "requeue" | "change_priority" | "hold" | "approve" | "reject";

/** A job in a list. */
export interface FoundJob {
  id: string;
  queue: string;
  state: JobStateName;
  /** JSON text, as it was sent. */
  payloadJson: string;
  /** 0 critical, 1 high, 2 normal. */
  priority: number;
  attempt: number;
  maxRetries: number;
  /** JSON text; empty: none. */
  tagsJson: string;
  createdAt: Date | undefined;
  failedAt: Date | undefined;
  errorGroup: string;
  /** Empty: it is in none. */
  batchId: string;
  /** Empty: it is in none. */
  chainId: string;
  /** From 0; -1: on_exit, -2: on_failure. */
  chainStep: number | undefined;
  /** Empty: it has none. */
  parentId: string;
}

export interface FoundJobs {
  jobs: FoundJob[];
  total: number;
  /** There are at least so many: counting was given up. */
  totalAtLeast: boolean;
  /** For the next page; empty on the last one. */
  cursor: string;
  /** Log index that the answer has seen. */
  logIndex: bigint;
}

/** Errors of one queue that look the same. */
export interface ErrorGroupInfo {
  id: string;
  queue: string;
  words: string;
  sample: string;
  failures: number;
  dead: number;
  lastAt: Date | undefined;
  lastJobId: string;
}

export interface BulkOptions extends ChangeOptions {
  /** Of `move`. */
  moveToQueue?: string;
  /** Of `change_priority`. */
  priority?: "critical" | "high" | "normal";
  /** Refused with reason `SCOPE_CHANGED` when it is another number of jobs. */
  expectedCount?: number;
  /** In the background, however few they are. */
  async?: boolean;
}

/** What a bulk action did, or began: `taskId` is empty when it is done. */
export interface BulkResult {
  affected: number;
  /** Why jobs were skipped, and how many. */
  skipped: Record<string, number>;
  taskId: string;
}

/** Many jobs at once: `client.search`. */
export class Search {
  private readonly rpc: Client<typeof SearchService>;
  private readonly bulkRpc: Client<typeof BulkService>;
  private readonly stats: Client<typeof StatsService>;
  constructor(
    options: ClientOptions,
    private readonly calls: Caller,
  ) {
    this.rpc = createClient(SearchService, options.transport);
    this.bulkRpc = createClient(BulkService, options.transport);
    this.stats = createClient(StatsService, options.transport);
  }

  /** One page of the jobs that match. */
  async page(
    filter: JobFilter,
    options: CallOptions & { sort?: string; order?: "asc" | "desc"; limit?: number; cursor?: string; minIndex?: bigint } = {},
  ): Promise<FoundJobs> {
    const { sort = "", order = "desc", limit = 50, cursor = "", minIndex = 0n } = options;
    const answer = await this.calls.repeat(options, (o) => this.rpc.searchJobs({ ...onTheWire(filter), sort, order, limit, cursor, minIndex }, o));
    const { totalAtLeast, logIndex } = answer;
    return { jobs: answer.jobs.map(foundJob), total: Number(answer.total), totalAtLeast, cursor: answer.cursor, logIndex };
  }

  /** All that match, page by page as they are asked for, newest first. */
  async *jobs(filter: JobFilter, options: CallOptions & { pageSize?: number } = {}): AsyncGenerator<FoundJob, void, undefined> {
    for (let cursor = ""; ; ) {
      const page = await this.page(filter, { ...options, limit: options.pageSize ?? 200, cursor });
      yield* page.jobs;
      cursor = page.cursor;
      if (cursor === "") return;
    }
  }

  /** Jobs with all these words, or with this text, in payload or tags. */
  async fulltext(q: string, options: CallOptions & { limit?: number } = {}): Promise<{ id: string; queue: string; payload: string }[]> {
    const answer = await this.calls.repeat(options, (o) => this.rpc.searchFulltext({ q, limit: String(options.limit ?? 50) }, o));
    return answer.results.map(({ id, queue, payload }) => ({ id, queue, payload }));
  }

  /** Does an action on all that match, or on these jobs. More than 10,000 are done in the background: see `task`. */
  async bulk(action: BulkAction, which: JobFilter | readonly string[] | { token: string }, options: BulkOptions = {}): Promise<BulkResult> {
    const request = {
      action,
      moveToQueue: options.moveToQueue ?? "",
      priority: options.priority ?? "",
      expectedCount: BigInt(options.expectedCount ?? 0),
      async: options.async ?? false,
      ...(Array.isArray(which)
        ? { jobIds: [...(which as readonly string[])] }
        : "token" in which
          ? { token: which.token }
          : { filter: onTheWire(which as JobFilter) }),
    } satisfies Partial<Record<keyof BulkRequest, unknown>>;
    const answer = await this.calls.change(options, (o, requestId) => this.bulkRpc.bulk({ ...request, requestId }, o));
    return { affected: Number(answer.affected), skipped: numbers(answer.skipped), taskId: answer.bulkOperationId };
  }

  /** What a bulk action would touch. The token stands for exactly these jobs, for 15 minutes. */
  async preview(
    action: BulkAction,
    filter: JobFilter,
    options: CallOptions = {},
  ): Promise<{ count: number; eligible: number; token: string; sample: string[] }> {
    const answer = await this.calls.repeat(options, (o) => this.bulkRpc.previewBulk({ action, filter: onTheWire(filter) }, o));
    return { count: Number(answer.count), eligible: Number(answer.eligible), token: answer.token, sample: answer.sample };
  }

  /** How far a bulk action in the background is. */
  async task(
    id: string,
    options: CallOptions = {},
  ): Promise<{ status: string; total: number; processed: number; affected: number; skipped: Record<string, number> }> {
    const { task } = await this.calls.repeat(options, (o) => this.bulkRpc.getBulkTask({ id }, o));
    const { status, total, processed, affected, skipped } = task as BulkTask;
    return { status, total: Number(total), processed: Number(processed), affected: Number(affected), skipped: numbers(skipped) };
  }

  /** Stops a bulk action in the background; what was done stays done. */
  async cancelTask(id: string, options: ChangeOptions = {}): Promise<string> {
    return (await this.calls.change(options, (o, requestId) => this.bulkRpc.cancelBulkTask({ id, requestId }, o))).status;
  }

  /** Why jobs fail: the group that failed last first. */
  async errors(options: CallOptions & { queue?: string; limit?: number } = {}): Promise<ErrorGroupInfo[]> {
    const answer = await this.calls.repeat(options, (o) => this.stats.listErrorGroups({ queue: options.queue ?? "", limit: options.limit ?? 100 }, o));
    return answer.groups.map(errorGroup);
  }
}

function onTheWire(filter: JobFilter) {
  const { createdAfter, createdBefore, state, tags, ...rest } = filter;
  return {
    ...rest,
    state: [...(state ?? [])],
    tags: { ...tags },
    createdAfter: createdAfter && timestampFromDate(createdAfter),
    createdBefore: createdBefore && timestampFromDate(createdBefore),
  };
}

export function foundJob(job: JobSummary): FoundJob {
  const { id, queue, payloadJson, priority, attempt, maxRetries, tagsJson, errorGroup: group, batchId, chainId, chainStep, parentId } = job;
  const state = JobState[job.state].toLowerCase() as JobStateName;
  return {
    id,
    queue,
    state,
    payloadJson,
    priority,
    attempt,
    maxRetries,
    tagsJson,
    createdAt: date(job.createdAt),
    failedAt: date(job.failedAt),
    errorGroup: group,
    ...{ batchId, chainId, chainStep, parentId },
  };
}

function errorGroup(group: ErrorGroup): ErrorGroupInfo {
  const { id, queue, words, sample, lastJobId } = group;
  return { id, queue, words, sample, failures: Number(group.failures), dead: Number(group.dead), lastAt: date(group.lastAt), lastJobId };
}

function date(time: Timestamp | undefined): Date | undefined {
  return time && timestampDate(time);
}

function numbers(counts: Readonly<Record<string, bigint>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)]));
}
