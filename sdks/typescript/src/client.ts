import { type Client, createClient, createContextValues, type CallOptions as WireOptions } from "@connectrpc/connect";
import { AdminService } from "@corvo/gen/corvo/v1/admin_pb.js";
import { AgentService } from "@corvo/gen/corvo/v1/agent_pb.js";
import { BatchService } from "@corvo/gen/corvo/v1/batch_pb.js";
import { BudgetService } from "@corvo/gen/corvo/v1/budget_pb.js";
import { ClusterService, type GetClusterStatusResponse } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { EventService } from "@corvo/gen/corvo/v1/event_pb.js";
import { ExplainService } from "@corvo/gen/corvo/v1/explain_pb.js";
import { JobService } from "@corvo/gen/corvo/v1/job_pb.js";
import { QueueService } from "@corvo/gen/corvo/v1/queue_pb.js";
import { EnqueueOutcome, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { Access } from "./access.js";
import { backupBytes, type Restored, type RestoreOptions, restoreBytes } from "./admin.js";
import { usageWords } from "./agent.js";
import { AgentCalls, type Caller } from "./agent-calls.js";
import { type BatchCallback, Together } from "./batches.js";
import type { CallOptions, ChangeOptions, ClientOptions, Enqueued, FetchOptions, LeaseOptions } from "./client-options.js";
import { CorvoError, cancelled, toCorvoError } from "./errors.js";
import { type Explanation, explanation } from "./explain.js";
import type { EnqueueOptions, JobDefinition } from "./job.js";
import { seeing } from "./min-index.js";
import { MoneyCalls } from "./money-calls.js";
import { enqueueRequest, jsonText, newRequestId } from "./requests.js";
import { type Backoff, checkedMs, defaultBackoff, jitteredMs, pause, repeat } from "./retry.js";
import { Schedules } from "./schedules.js";
import { Search } from "./search.js";
import { type StepOptions, type Stepped, stepRequest, type Usage } from "./step.js";
import { activeTraceparent } from "./trace.js";
import { serverTimeoutMs } from "./transport-options.js";
import { validating } from "./validate-only.js";
import {
  FetchedJob,
  type HeartbeatAnswer,
  heartbeatAnswer,
  type JobEvent,
  JobInfo,
  jobEvent,
  type QueueInfo,
  queueInfo,
  type WorkerFacts,
  type WorkerInfo,
  type WorkerOrder,
  workerInfo,
} from "./views.js";
import { Webhooks } from "./webhooks.js";

/** Corvo's API, typed. Calls that break are repeated; those that change something carry a request id, so that they take effect once. */
export class CorvoClient {
  /** The generated clients, for what has no method here: nothing is repeated, errors are ConnectErrors. */
  readonly rpc: {
    readonly worker: Client<typeof WorkerService>;
    readonly jobs: Client<typeof JobService>;
    readonly queues: Client<typeof QueueService>;
    readonly cluster: Client<typeof ClusterService>;
    readonly events: Client<typeof EventService>;
    readonly admin: Client<typeof AdminService>;
    readonly explain: Client<typeof ExplainService>;
    readonly batches: Client<typeof BatchService>;
  };
  /** Many jobs: finding them, acting on them, why they fail. */
  readonly search: Search;
  /** Jobs at times. */
  readonly schedules: Schedules;
  /** Events for other systems. */
  readonly webhooks: Webhooks;
  /** Batches, chains, dependencies, children. */
  readonly together: Together;
  /** Iterations, replays and approval policies. */
  readonly agents: AgentCalls;
  /** Budgets and the usage ledger. */
  readonly money: MoneyCalls;
  readonly backoff: Backoff;
  private readonly timeoutMs: number;
  private readonly tries: number;
  private readonly onClose: (() => void) | undefined;
  private readonly life = new AbortController();

  constructor(private readonly options: ClientOptions) {
    const { transport } = options;
    this.rpc = {
      worker: createClient(WorkerService, transport),
      jobs: createClient(JobService, transport),
      queues: createClient(QueueService, transport),
      cluster: createClient(ClusterService, transport),
      events: createClient(EventService, transport),
      admin: createClient(AdminService, transport),
      explain: createClient(ExplainService, transport),
      batches: createClient(BatchService, transport),
    };
    this.search = new Search(options, { change: (o, call) => this.change(o, call), repeat: (o, call) => this.repeat(o, call) });
    this.schedules = new Schedules(options, { change: (o, call) => this.change(o, call), repeat: (o, call) => this.repeat(o, call) });
    this.webhooks = new Webhooks(options, { change: (o, call) => this.change(o, call), repeat: (o, call) => this.repeat(o, call) });
    const caller: Caller = { repeat: (o, call) => this.repeat(o, call), change: (o, call) => this.change(o, call) };
    this.agents = new AgentCalls(createClient(AgentService, transport), caller);
    this.money = new MoneyCalls(createClient(BudgetService, transport), caller);
    this.timeoutMs = checkedMs("timeoutMs", options.timeoutMs ?? 30_000);
    this.tries = options.tries ?? 10;
    this.backoff = options.backoff ?? defaultBackoff;
    this.onClose = options.onClose;
    this.together = new Together(options, { change: (o, call) => this.change(o, call), repeat: (o, call) => this.repeat(o, call) });
    if (!(this.tries >= 1)) throw new RangeError(`tries must be 1 or more, not ${this.tries}`);
  }

  /**
   * The same client, but whatever changes something is only looked at: calls reject as they would, and else resolve with empty values
   * and nothing has changed. For checking before asking a person.
   */
  validateOnly(): CorvoClient {
    return new CorvoClient({ ...this.options, transport: validating(this.options.transport), onClose: undefined });
  }

  /**
   * The same client, but its reads show nothing older than this log index: an answer waits for it up to 5 s and then rejects with the
   * reason `BEHIND`, which is tried again. For reading what another program has written: an answer of REST names its index in the header
   * `Corvo-Log-Index`, a page of a search in `logIndex`.
   */
  atLeast(minIndex: bigint): CorvoClient {
    return new CorvoClient({ ...this.options, transport: seeing(this.options.transport, minIndex), onClose: undefined });
  }

  /** Keys, roles, namespaces, the audit log. */
  get access(): Access {
    this.accessCalls ??= new Access(
      this.options.transport,
      (o, call) => this.repeat(o, call),
      (o, call) => this.change(o, call),
    );
    return this.accessCalls;
  }
  private accessCalls: Access | undefined;

  /** Ends the connection; calls on their way and later ones reject with reason `CANCELLED`. */
  close(): void {
    this.life.abort(new Error("the client was closed"));
    this.onClose?.();
  }

  /** Adds a job. Resolves when it is on disk. */
  async enqueue<Payload>(
    job: JobDefinition<Payload, unknown> | string,
    payload: NoInfer<Payload>,
    options: EnqueueOptions & ChangeOptions = {},
  ): Promise<Enqueued> {
    const request = enqueueRequest(job, payload, options);
    request.requestId = options.requestId ?? newRequestId();
    if (request.traceparent === "") request.traceparent = await activeTraceparent();
    const answer = await this.repeat(options, (o) => this.rpc.worker.enqueue(request, o));
    return { id: answer.jobId, status: answer.status as Enqueued["status"], duplicate: answer.uniqueExisting };
  }

  /** Adds 1 to 10,000 jobs, all or none. */
  async enqueueMany<Payload>(
    jobs: readonly { job: JobDefinition<Payload, unknown> | string; payload: NoInfer<Payload>; options?: EnqueueOptions }[],
    options: ChangeOptions = {},
  ): Promise<Enqueued[]> {
    const request = {
      jobs: jobs.map(({ job, payload, options }) => enqueueRequest(job, payload, options ?? {})),
      requestId: options.requestId ?? newRequestId(),
    };
    const traceparent = await activeTraceparent();
    if (traceparent !== "") for (const one of request.jobs) if (one.traceparent === "") one.traceparent = traceparent;
    const answer = await this.repeat(options, (o) => this.rpc.worker.enqueueBatch(request, o));
    return enqueuedOf(answer);
  }

  /** Adds 1 to 10,000 jobs as a batch, sealed at once: `callback` is added when all that were created have ended. */
  async enqueueBatch<Payload>(
    jobs: readonly { job: JobDefinition<Payload, unknown> | string; payload: NoInfer<Payload>; options?: EnqueueOptions }[],
    callback?: BatchCallback,
    options: ChangeOptions = {},
  ): Promise<{ batchId: string; jobs: Enqueued[] }> {
    const request = {
      jobs: jobs.map(({ job, payload, options }) => enqueueRequest(job, payload, options ?? {})),
      batch: { callbackQueue: callback?.queue ?? "", callbackPayloadJson: jsonText(callback?.payload, "payload") },
      requestId: options.requestId ?? newRequestId(),
    };
    const answer = await this.repeat(options, (o) => this.rpc.worker.enqueueBatch(request, o));
    return { batchId: answer.batchId, jobs: enqueuedOf(answer) };
  }

  /** Leases up to `count` jobs; waits for the first. An empty list is a success. */
  async fetch<Payload = unknown>(queues: readonly string[], options: FetchOptions = {}): Promise<FetchedJob<Payload>[]> {
    const leaseSeconds = options.leaseSeconds ?? 60;
    if (!(leaseSeconds >= 1 && leaseSeconds <= 86_400)) throw new RangeError(`leaseSeconds must be 1 to 86,400, not ${leaseSeconds}`);
    const request = {
      queues: [...queues],
      workerId: options.workerId ?? "",
      hostname: options.hostname ?? "",
      leaseDuration: Math.ceil(leaseSeconds),
      count: options.count ?? 1,
      requestId: newRequestId(),
    };
    const longestMs = Math.min(60_000, request.leaseDuration * 1000);
    const waitMs = Math.min(longestMs, Math.max(0, options.waitMs ?? longestMs));
    // A server ends its wait 50 ms before the deadline that it is told. Told too short a one it gives up; the repeat brings what it granted.
    const contextValues = createContextValues().set(serverTimeoutMs, waitMs < longestMs ? Math.ceil(waitMs) + 50 : undefined);
    const timeoutMs = (options.timeoutMs ?? this.timeoutMs) + waitMs;
    const answer = await this.repeat({ signal: options.signal, timeoutMs }, (o) => this.rpc.worker.fetchBatch(request, { ...o, contextValues }));
    return answer.jobs.map((job) => new FetchedJob<Payload>(job));
  }

  /**
   * Completes a job. An agent job may go on instead (`continue`) or wait for a person (`hold`): what it is then, and why it is held, comes
   * back.
   */
  async ack(
    id: string,
    options: LeaseOptions & {
      result?: unknown;
      checkpoint?: unknown;
      /** A step of a chain says that no other follows. */
      exitChain?: boolean;
      agentStatus?: "continue" | "hold" | "done";
      holdReason?: string;
      usage?: Usage;
    } = {},
  ): Promise<{ state: "completed" | "pending" | "held"; holdReason: string }> {
    const request = {
      agentStatus: options.agentStatus ?? "",
      holdReason: options.holdReason ?? "",
      usage: usageWords(options.usage),
      jobId: id,
      resultJson: jsonText(options.result, "result"),
      checkpointJson: jsonText(options.checkpoint, "checkpoint"),
      fence: options.fence ?? 0n,
      stepStatus: options.exitChain ? "exit" : "",
      requestId: options.requestId ?? newRequestId(),
    };
    const { state, holdReason } = await this.repeat(options, (o) => this.rpc.worker.ack(request, o));
    return { state: (state || "completed") as "completed" | "pending" | "held", holdReason };
  }

  /** Reports a failed attempt. */
  async fail(
    id: string,
    error: string,
    options: LeaseOptions & { backtrace?: string } = {},
  ): Promise<{ status: "retrying" | "dead"; attemptsRemaining: number }> {
    const request = { jobId: id, error, backtrace: options.backtrace ?? "", fence: options.fence ?? 0n, requestId: options.requestId ?? newRequestId() };
    const answer = await this.repeat(options, (o) => this.rpc.worker.fail(request, o));
    return { status: answer.status as "retrying" | "dead", attemptsRemaining: answer.attemptsRemaining };
  }

  /**
   * One step of a leased job, whole or not at all: it is completed (or kept, or an agent's goes on) with its result and checkpoint, what it
   * used is charged, and any number of jobs are added as its children.
   */
  async step(id: string, step: StepOptions & LeaseOptions = {}): Promise<Stepped> {
    const request = stepRequest(id, step);
    const answer = await this.repeat(step, (o) => this.rpc.worker.step(request, o));
    return { state: answer.state as Stepped["state"], jobIds: answer.jobIds };
  }

  /** Gives a leased job back: the next in turn of its priority, and the attempt does not count. */
  async release(id: string, options: LeaseOptions & { checkpoint?: unknown } = {}): Promise<void> {
    const request = {
      jobId: id,
      checkpointJson: jsonText(options.checkpoint, "checkpoint"),
      fence: options.fence ?? 0n,
      requestId: options.requestId ?? newRequestId(),
    };
    await this.repeat(options, (o) => this.rpc.worker.release(request, o));
  }

  /** Extends leases. Jobs whose answer is `cancel` are no longer the caller's. With `worker` the server lists who says so, also without jobs. */
  async heartbeat(
    jobs: ReadonlyMap<string, { fence?: bigint; progress?: Record<string, unknown>; checkpoint?: Record<string, unknown> }>,
    options: CallOptions & { worker?: WorkerFacts } = {},
  ): Promise<Map<string, "ok" | "cancel">> {
    const answer = await this.beat(jobs, options);
    return new Map([...answer.jobs].map(([id, { status }]) => [id, status]));
  }

  /** @internal A heartbeat with all that is answered. */
  async beat(
    jobs: ReadonlyMap<string, { fence?: bigint; progress?: Record<string, unknown>; checkpoint?: Record<string, unknown> }>,
    options: CallOptions & { worker?: WorkerFacts },
  ): Promise<HeartbeatAnswer> {
    const updates: Record<string, { progressJson: string; checkpointJson: string; fence: bigint }> = {};
    for (const [id, { progress, checkpoint, fence }] of jobs) {
      updates[id] = { progressJson: jsonText(progress, "progress"), checkpointJson: jsonText(checkpoint, "checkpoint"), fence: fence ?? 0n };
    }
    const answer = await this.repeat(options, (o) => this.rpc.worker.heartbeat({ jobs: updates, worker: options.worker }, o));
    return heartbeatAnswer(answer);
  }

  /**
   * Reports what a leased job used, and extends its lease. `over`: it costs more than a budget allows, and was held or cancelled if the budget
   * says so. Repeated when the answer is lost: then it may count twice.
   */
  async reportUsage(id: string, usage: Usage, options: CallOptions & { fence?: bigint } = {}): Promise<{ over: boolean; status: "ok" | "cancel" }> {
    const jobs = { [id]: { usage: usageWords(usage), fence: options.fence ?? 0n } };
    const { status, budgetExceeded } = (await this.repeat(options, (o) => this.rpc.worker.heartbeat({ jobs }, o))).jobs[id];
    return { over: budgetExceeded, status: status === "ok" ? "ok" : "cancel" };
  }

  /** Everything about a job. Rejects with reason `NOT_FOUND` when there is none. */
  async job(id: string, options: CallOptions = {}): Promise<JobInfo> {
    const { job } = await this.repeat(options, (o) => this.rpc.jobs.getJob({ jobId: id }, o));
    if (!job) throw new CorvoError(`job "${id}" not found`, { code: "not_found", reason: "NOT_FOUND" });
    return new JobInfo(job);
  }

  /**
   * Resolves when a job has ended, with everything about it: look at `state` (`completed`, `dead` or `cancelled`), `result` and `errors`.
   * Rejects with reason `NOT_FOUND` when there is no such job, or none any more, and `CANCELLED` when the signal fires.
   */
  async finished(id: string, options: { signal?: AbortSignal } = {}): Promise<JobInfo> {
    const { newest } = await this.events({ limit: 1, signal: options.signal });
    const now = await this.job(id, options);
    if (endStates.has(now.state)) return now;
    // From before the look, so that no end falls between the two.
    for await (const _ of this.subscribe({ jobIds: [id], after: newest, signal: options.signal })) {
      const job = await this.job(id, options);
      if (endStates.has(job.state)) return job;
    }
    throw cancelled(options.signal?.aborted ? options.signal.reason : new Error("the client was closed"));
  }
  /** Everything the server holds as the bytes of one archive, made while it works. Write them to a file, one after the other. Admins only. */
  backup(): AsyncIterable<Uint8Array> {
    return backupBytes(this.rpc.admin);
  }

  /** Brings an archive back into an empty server, which then starts anew with it: calls fail for a moment. A damaged one changes nothing. */
  restore(parts: AsyncIterable<Uint8Array>, options: RestoreOptions = {}): Promise<Restored> {
    return restoreBytes(this.rpc.admin, parts, options);
  }

  /** Why a job is not running, its exact place in line, and an estimate of when it starts. */
  async explain(id: string, options: CallOptions = {}): Promise<Explanation> {
    return explanation(await this.repeat(options, (o) => this.rpc.explain.explainJob({ jobId: id }, o)));
  }
  /** Several jobs in the order of the ids, unknown ones left out; at most 1,000. */
  async jobs(ids: readonly string[], options: CallOptions = {}): Promise<JobInfo[]> {
    if (ids.length === 0) return [];
    return (await this.repeat(options, (o) => this.rpc.jobs.bulkGetJobs({ jobIds: [...ids] }, o))).jobs.map((job) => new JobInfo(job));
  }
  /** Runs a dead, cancelled, completed or scheduled job (again), with all its attempts. */
  async retry(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.retryJob({ jobId: id, requestId }, o));
  }
  /** `cancelling`: it was active; its worker learns of it by its next heartbeat. */
  async cancel(id: string, options: ChangeOptions = {}): Promise<"cancelled" | "cancelling"> {
    return (await this.change(options, (o, requestId) => this.rpc.jobs.cancelJob({ jobId: id, requestId }, o))).status as "cancelled" | "cancelling";
  }
  /** Keeps a job from running until it is approved or rejected. */
  async hold(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.holdJob({ jobId: id, requestId }, o));
  }
  /** Lets a held job run. */
  async approve(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.approveJob({ jobId: id, requestId }, o));
  }
  /** Ends a held job as dead. */
  async reject(id: string, options: ChangeOptions & { note?: string } = {}): Promise<void> {
    const { note = "" } = options;
    await this.change(options, (o, requestId) => this.rpc.jobs.rejectJob({ jobId: id, note, requestId }, o));
  }
  /** Sends a held job back to its queue with another payload, another checkpoint or a note for its worker. Its attempts start anew. */
  async revise(id: string, revision: { payload?: unknown; checkpoint?: unknown; note?: string }, options: ChangeOptions = {}): Promise<void> {
    const { note = "" } = revision;
    const texts = { payloadJson: jsonText(revision.payload, "payload"), checkpointJson: jsonText(revision.checkpoint, "checkpoint") };
    await this.change(options, (o, requestId) => this.rpc.jobs.rejectJob({ jobId: id, revise: true, ...texts, note, requestId }, o));
  }
  /** To the tail of another queue. */
  async move(id: string, queue: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.moveJob({ jobId: id, queue, requestId }, o));
  }
  async delete(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.jobs.deleteJob({ jobId: id, requestId }, o));
  }

  /** All queues, sorted by name. */
  async queues(options: CallOptions = {}): Promise<QueueInfo[]> {
    return (await this.repeat(options, (o) => this.rpc.queues.listQueues({}, o))).queues.map(queueInfo);
  }
  /** Hands out no more jobs of a queue; adding and finishing go on. */
  async pauseQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.pauseQueue({ name, requestId }, o));
  }
  async resumeQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.resumeQueue({ name, requestId }, o));
  }
  /** Like pause, under the name for shutting a queue down. */
  async drainQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.drainQueue({ name, requestId }, o));
  }
  /** Deletes the pending and scheduled jobs. */
  async clearQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.clearQueue({ name, requestId }, o));
  }
  /** Deletes the queue and every job in it. */
  async destroyQueue(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.destroyQueue({ name, requestId }, o));
  }
  /** Caps the active jobs of a queue over all workers. 0: no cap. */
  async setConcurrency(name: string, max: number, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.setConcurrency({ name, max, requestId }, o));
  }
  /** Caps the jobs of a queue that wait; beyond it new ones are refused with reason `QUEUE_FULL`. 0: no cap. */
  async setDepthLimit(name: string, max: number, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.rpc.queues.setDepthLimit({ name, max, requestId }, o));
  }
  /** Fetches at most `rate` per window; undefined removes the cap. */
  async setThrottle(name: string, throttle: { rate: number; windowMs: number } | undefined, options: ChangeOptions = {}): Promise<void> {
    if (throttle) await this.change(options, (o, requestId) => this.rpc.queues.setThrottle({ name, ...throttle, requestId }, o));
    else await this.change(options, (o, requestId) => this.rpc.queues.removeThrottle({ name, requestId }, o));
  }

  /** Workers that have fetched a job, the one seen last first. */
  async workers(options: CallOptions = {}): Promise<WorkerInfo[]> {
    return (await this.repeat(options, (o) => this.rpc.cluster.listWorkers({}, o))).workers.map(workerInfo);
  }
  /** Tells a worker to be quiet or to stop; empty: takes it back. From then on it is granted nothing. Rejects with `NOT_FOUND` when it is not listed. */
  async orderWorker(id: string, order: WorkerOrder, options: ChangeOptions = {}): Promise<void> {
    const { cluster } = this.rpc;
    await this.change<unknown>(options, (o, requestId) => {
      if (order === "quiet") return cluster.quietWorker({ id, requestId }, o);
      return order === "stop" ? cluster.stopWorker({ id, requestId }, o) : cluster.resumeWorker({ id, requestId }, o);
    });
  }
  /** Consensus, log and limits of the asked node, as the wire has it. */
  async status(options: CallOptions = {}): Promise<GetClusterStatusResponse> {
    return this.repeat(options, (o) => this.rpc.cluster.getClusterStatus({}, o));
  }
  async serverInfo(options: CallOptions = {}): Promise<{ serverVersion: string; apiVersion: string }> {
    const { serverVersion, apiVersion } = await this.repeat(options, (o) => this.rpc.worker.getServerInfo({}, o));
    return { serverVersion, apiVersion };
  }

  /** Events that are kept, oldest first. `next`: go on behind this one. `limit`: 1 to 1,000, default 100. */
  async events(
    filter: CallOptions & { after?: bigint; limit?: number; queues?: readonly string[]; jobIds?: readonly string[]; types?: readonly string[] } = {},
  ): Promise<{ events: JobEvent[]; next: bigint; newest: bigint }> {
    const request = {
      afterSeq: filter.after ?? 0n,
      limit: filter.limit ?? 100,
      queues: [...(filter.queues ?? [])],
      jobIds: [...(filter.jobIds ?? [])],
      types: [...(filter.types ?? [])],
    };
    const answer = await this.repeat(filter, (o) => this.rpc.events.listEvents(request, o));
    return { events: answer.events.map(jobEvent), next: answer.nextAfterSeq, newest: answer.lastSeq };
  }

  /**
   * Events after a position, for ever: reconnects and resumes where it was. Ends when the loop is left, the signal fires or the client is
   * closed; throws when the server refuses.
   *
   * Events that this reader lost, because it was away or slow for too long, show as one event of type `gap`.
   *
   * @param filter Empty lists mean all. `after`: the last `seq` that was seen; default: from the oldest that is kept. `fromNow`: only what
   * happens from now on.
   */
  async *subscribe(
    filter: { queues?: readonly string[]; jobIds?: readonly string[]; types?: readonly string[]; after?: bigint; fromNow?: boolean; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobEvent, void, undefined> {
    let lastEventId = filter.after ?? 0n;
    const { signal } = filter;
    for (let failures = 0; !signal?.aborted && !this.life.signal.aborted; ) {
      // The stream's own: a loop that is left tells nobody but the one who holds this.
      const stream = new AbortController();
      const end = (): void => stream.abort();
      signal?.addEventListener("abort", end);
      this.life.signal.addEventListener("abort", end);
      try {
        const request = {
          queues: [...(filter.queues ?? [])],
          jobIds: [...(filter.jobIds ?? [])],
          types: [...(filter.types ?? [])],
          lastEventId,
          fromNow: filter.fromNow ?? false,
        };
        for await (const event of this.rpc.worker.subscribe(request, { signal: stream.signal })) {
          failures = 0;
          if (event.seq === 0n) continue; // a sign of life
          lastEventId = event.seq;
          yield jobEvent(event);
        }
      } catch (thrown) {
        if (stream.signal.aborted) return;
        const error = toCorvoError(thrown);
        if (!error.retryable && !error.outcomeUnknown) throw error;
      } finally {
        signal?.removeEventListener("abort", end);
        this.life.signal.removeEventListener("abort", end);
        end();
      }
      await pause(jitteredMs(failures++, this.backoff), signal, this.life.signal);
    }
  }

  private change<T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>): Promise<T> {
    const requestId = options.requestId ?? newRequestId();
    return this.repeat(options, (o) => call(o, requestId));
  }

  private repeat<T>({ signal, timeoutMs }: CallOptions, call: (options: WireOptions) => Promise<T>): Promise<T> {
    if (this.life.signal.aborted) return Promise.reject(cancelled(this.life.signal.reason));
    return repeat(call, {
      timeoutMs: timeoutMs === undefined ? this.timeoutMs : checkedMs("timeoutMs", timeoutMs),
      tries: this.tries,
      backoff: this.backoff,
      signal,
      closed: this.life.signal,
    });
  }
}

function enqueuedOf({ jobIds, outcomes }: { jobIds: string[]; outcomes: EnqueueOutcome[] }): Enqueued[] {
  return jobIds.map((id, i) => {
    const status = enqueueStatus[outcomes[i]] ?? "pending";
    return { id, status, duplicate: status === "duplicate" };
  });
}

const endStates: ReadonlySet<string> = new Set(["completed", "dead", "cancelled"]);

const enqueueStatus: Partial<Record<EnqueueOutcome, Enqueued["status"]>> = {
  [EnqueueOutcome.SCHEDULED]: "scheduled",
  [EnqueueOutcome.DUPLICATE]: "duplicate",
};
