import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type CallOptions as WireOptions } from "@connectrpc/connect";
import { type Batch, BatchService, type ChainInfo as WireChain } from "@corvo/gen/corvo/v1/batch_pb.js";
import type { CallOptions, ChangeOptions, ClientOptions } from "./client-options.js";
import { jsonText } from "./requests.js";
import { type FoundJob, foundJob } from "./search.js";

/** The job that a batch adds when all of its members have ended. */
export interface BatchCallback {
  queue: string;
  payload?: unknown;
}

/** A batch; total = pending + succeeded + failed + cancelled + deleted. */
export interface BatchInfo {
  id: string;
  /** `open`: jobs may join. `running`: sealed. `completed`: all members had ended, the callback was added. */
  state: "open" | "running" | "completed";
  total: number;
  /** Members that have not ended. */
  pending: number;
  succeeded: number;
  /** Members that died. */
  failed: number;
  cancelled: number;
  /** Members that were deleted before they had ended. */
  deleted: number;
  /** Empty: none. */
  callbackQueue: string;
  /** JSON text. */
  callbackPayloadJson: string;
  /** Empty: not added yet. */
  callbackJobId: string;
  createdAt: Date | undefined;
  completedAt: Date | undefined;
}

/** One job of a chain, made or to come. */
export interface ChainStepInfo {
  queue: string;
  /** Empty: not added yet. */
  jobId: string;
}

/** A chain and where it stands. */
export interface ChainInfo {
  id: string;
  state: "running" | "completed" | "exited" | "failed" | "cancelled";
  /** The newest step that was added, from 0. */
  step: number;
  steps: ChainStepInfo[];
  onFailure: ChainStepInfo | undefined;
  onExit: ChainStepInfo | undefined;
  createdAt: Date | undefined;
  endedAt: Date | undefined;
}

/** One job that another one waits for. */
export interface DependencyInfo {
  jobId: string;
  /** Its state; `missing`: there is no such job, or no more. */
  state: string;
  met: boolean;
  /** What it waits for, in words; empty when met. */
  reason: string;
}

/** What has become of a job's children. */
export interface ChildrenInfo {
  total: number;
  pending: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  deleted: number;
  /** Newest first. */
  jobs: FoundJob[];
  /** The cursor of the next page; undefined: this was the last. */
  next: string | undefined;
}

/** How calls are repeated: the client's. */
interface Caller {
  change<T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>): Promise<T>;
  repeat<T>(options: CallOptions, call: (options: WireOptions) => Promise<T>): Promise<T>;
}

/** Batches, chains, dependencies and children of jobs. Jobs join when they are added: see `EnqueueOptions`. */
export class Together {
  private readonly rpc: Client<typeof BatchService>;

  constructor(
    { transport }: ClientOptions,
    private readonly caller: Caller,
  ) {
    this.rpc = createClient(BatchService, transport);
  }

  /** Opens a batch; give its id as `batchId` when adding jobs, and seal it at the end. */
  async createBatch(callback?: BatchCallback, options: ChangeOptions = {}): Promise<string> {
    const request = { callbackQueue: callback?.queue ?? "", callbackPayloadJson: jsonText(callback?.payload, "payload") };
    return (await this.caller.change(options, (o, requestId) => this.rpc.createBatch({ ...request, requestId }, o))).batchId;
  }
  /** No more jobs join. Resolves to the callback's job id when nothing was left to end. */
  async sealBatch(batchId: string, options: ChangeOptions = {}): Promise<string | undefined> {
    return (await this.caller.change(options, (o, requestId) => this.rpc.sealBatch({ batchId, requestId }, o))).callbackJob?.id;
  }
  /** Rejects with reason `NOT_FOUND` when there is none. */
  async batch(batchId: string, options: CallOptions = {}): Promise<BatchInfo> {
    const { batch } = await this.caller.repeat(options, (o) => this.rpc.getBatch({ batchId }, o));
    return batchInfo(batch!);
  }
  /** Newest first. `next`: the cursor of the next page; undefined: this was the last. */
  async batches(filter: CallOptions & ListFilter<BatchInfo> = {}): Promise<{ batches: BatchInfo[]; next: string | undefined }> {
    const answer = await this.caller.repeat(filter, (o) => this.rpc.listBatches(pageOf(filter), o));
    return { batches: answer.batches.map(batchInfo), next: answer.cursor || undefined };
  }
  /** Rejects with reason `NOT_FOUND` when there is none. */
  async chain(chainId: string, options: CallOptions = {}): Promise<ChainInfo> {
    const { chain } = await this.caller.repeat(options, (o) => this.rpc.getChain({ chainId }, o));
    return chainInfo(chain!);
  }
  /** Newest first. */
  async chains(filter: CallOptions & ListFilter<ChainInfo> = {}): Promise<{ chains: ChainInfo[]; next: string | undefined }> {
    const answer = await this.caller.repeat(filter, (o) => this.rpc.listChains(pageOf(filter), o));
    return { chains: answer.chains.map(chainInfo), next: answer.cursor || undefined };
  }
  /** What a job waits for, and who waits for it. */
  async dependencies(jobId: string, options: CallOptions = {}): Promise<{ dependsOn: DependencyInfo[]; waiting: number; dependents: string[] }> {
    const { dependsOn, waiting, dependents } = await this.caller.repeat(options, (o) => this.rpc.getDependencies({ jobId }, o));
    return { dependsOn: dependsOn.map(({ jobId, state, met, reason }) => ({ jobId, state, met, reason })), waiting, dependents: [...dependents] };
  }
  /** The jobs that name this one as their parent: what has become of all of them, and a page of them (`limit` 1 to 1,000, default 50). */
  async children(jobId: string, options: CallOptions & { limit?: number; cursor?: string } = {}): Promise<ChildrenInfo> {
    const { limit = 50, cursor = "" } = options;
    const c = await this.caller.repeat(options, (o) => this.rpc.getChildren({ jobId, limit, cursor }, o));
    const [total, pending, succeeded, failed, cancelled, deleted] = [c.total, c.pending, c.succeeded, c.failed, c.cancelled, c.deleted].map(Number);
    return { total, pending, succeeded, failed, cancelled, deleted, jobs: c.jobs.map(foundJob), next: c.cursor || undefined };
  }
}

interface ListFilter<Info extends { state: string }> {
  state?: Info["state"];
  /** 1 to 1,000, default 50. */
  limit?: number;
  /** `next` of the page before. */
  cursor?: string;
}

function pageOf(filter: { state?: string; limit?: number; cursor?: string }) {
  return { state: filter.state ?? "", limit: filter.limit ?? 50, cursor: filter.cursor ?? "" };
}

function batchInfo(b: Batch): BatchInfo {
  return {
    id: b.id,
    state: b.state as BatchInfo["state"],
    total: Number(b.total),
    pending: Number(b.pending),
    succeeded: Number(b.succeeded),
    failed: Number(b.failed),
    cancelled: Number(b.cancelled),
    deleted: Number(b.deleted),
    callbackQueue: b.callbackQueue,
    callbackPayloadJson: b.callbackPayloadJson,
    callbackJobId: b.callbackJobId,
    createdAt: date(b.createdAt),
    completedAt: date(b.completedAt),
  };
}

function chainInfo(c: WireChain): ChainInfo {
  const step = ({ queue, jobId }: { queue: string; jobId: string }): ChainStepInfo => ({ queue, jobId });
  return {
    id: c.id,
    state: c.state as ChainInfo["state"],
    step: c.step,
    steps: c.steps.map(step),
    onFailure: c.onFailure && step(c.onFailure),
    onExit: c.onExit && step(c.onExit),
    createdAt: date(c.createdAt),
    endedAt: date(c.endedAt),
  };
}

function date(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp && timestampDate(timestamp);
}
