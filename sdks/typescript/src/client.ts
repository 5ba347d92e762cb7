import { createClient } from "@connectrpc/connect";
import { AgentService } from "@corvo/gen/corvo/v1/agent_pb.js";
import { BudgetService } from "@corvo/gen/corvo/v1/budget_pb.js";
import { Access } from "./access.js";
import { backupBytes, type Restored, type RestoreOptions, restoreBytes } from "./admin.js";
import { AgentCalls } from "./agent-calls.js";
import { Together } from "./batches.js";
import type { CallOptions, ClientOptions } from "./client-options.js";
import { cancelled, toCorvoError } from "./errors.js";
import { JobCalls } from "./job-calls.js";
import { seeing } from "./min-index.js";
import { MoneyCalls } from "./money-calls.js";
import { jitteredMs, pause } from "./retry.js";
import { Schedules } from "./schedules.js";
import { Search } from "./search.js";
import { validating } from "./validate-only.js";
import { type JobEvent, type JobInfo, jobEvent } from "./views.js";
import { Webhooks } from "./webhooks.js";

/** Corvo's API, typed. Calls that break are repeated; those that change something carry a request id, so that they take effect once. */
export class CorvoClient extends JobCalls {
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
  private accessCalls: Access | undefined;

  constructor(options: ClientOptions) {
    super(options);
    const { caller } = this;
    this.search = new Search(options, caller);
    this.schedules = new Schedules(options, caller);
    this.webhooks = new Webhooks(options, caller);
    this.together = new Together(options, caller);
    this.agents = new AgentCalls(createClient(AgentService, options.transport), caller);
    this.money = new MoneyCalls(createClient(BudgetService, options.transport), caller);
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
}

const endStates: ReadonlySet<string> = new Set(["completed", "dead", "cancelled"]);
