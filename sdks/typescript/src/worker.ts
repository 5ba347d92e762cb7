import { AckSender } from "./acks.js";
import { type AckWords, ackWords, type Settlement } from "./agent.js";
import { Bell } from "./bell.js";
import type { CorvoClient } from "./client.js";
import { Delivery, type JobContext } from "./delivery.js";
import { CorvoError, toCorvoError } from "./errors.js";
import { describe } from "./failure.js";
import { type Frame, FrameStream } from "./frames.js";
import { heartbeats } from "./heartbeats.js";
import { type JobDefinition, queueOf } from "./job.js";
import { newRequestId } from "./requests.js";
import { jitteredMs, pause } from "./retry.js";
import { inTrace } from "./trace.js";
import { sdkName, sdkVersion } from "./transport-options.js";
import { FetchedJob, type WorkerFacts, type WorkerOrder } from "./views.js";
import { type ResolvedWorkerOptions, resolveWorkerOptions, type WorkerEvent, type WorkerOptions } from "./worker-options.js";

export type { JobContext } from "./delivery.js";
export type { WorkerEvent, WorkerOptions } from "./worker-options.js";

export type Handler<Payload, Result> = (payload: Payload, context: JobContext<Payload>) => Promise<Result | Settlement> | Result | Settlement;

/** How long `stop` lets a fetch that is on its way come back, in ms: what the server has granted by then is done, not left to its lease. */
const lastAnswerMs = 250;
/** For telling the server of what is given up. */
const lastWordsMs = 5_000;
/** For the last heartbeat: a worker that stops must not wait for a server that does not answer. */
const leaveMs = 1_000;
/** Finished jobs that may wait for their acknowledgement, beyond a full house: then nothing more is fetched. */
const unackedSlack = 2_000;

/**
 * Does jobs: fetches over one lifecycle stream, acknowledges over another, so that an acknowledgement never waits behind a fetch that waits
 * for jobs. Delivery is at least once; the fence tells a late attempt from the running one.
 */
export class Worker {
  private readonly handlers = new Map<string, Handler<unknown, unknown>>();
  /** Everything that the server leased and has not heard the end of. Invariant: `ready` and what is `running` are among it. */
  private readonly held = new Map<string, Delivery>();
  private ready: Delivery[] = [];
  private running = 0;
  private ran = false;
  private turn = 0;
  /** What the server wants of this worker. */
  private order: WorkerOrder = "";
  /** The server has answered a heartbeat: it knows of this worker. */
  private heard = false;
  /** The time to finish is over. */
  private givenUp = false;
  private readonly stopping = new AbortController();
  private lastAnswer: NodeJS.Timeout | undefined;
  /** Rings when room came free or something ended. */
  private readonly bell = new Bell();
  private readonly fetching: FrameStream;
  private readonly acks: AckSender;
  /** Fires when `run` is over: what still tries to reach the server gives up. */
  private readonly over = new AbortController();
  private readonly o: ResolvedWorkerOptions;

  constructor(
    private readonly client: CorvoClient,
    options: WorkerOptions = {},
  ) {
    this.o = resolveWorkerOptions(options);
    this.fetching = new FrameStream(client.rpc.worker);
    this.acks = new AckSender(client, this.o.workerId, {
      acked: (delivery) => {
        this.release(delivery);
        this.tell({ type: "acked", job: delivery.job });
      },
      refused: (delivery, outcome) => {
        this.release(delivery);
        this.tell({ type: "ack_refused", job: delivery.job, outcome });
      },
      invalid: (delivery, error) => void this.reportFailure(delivery, error),
      trouble: (error, retryInMs) => this.tell({ type: "connection_lost", during: "ack", error, retryInMs }),
    });
  }

  /** Says how jobs of a kind are done. A handler that throws fails the attempt; what it returns is the job's result, or, made by `agent`, how an agent's iteration ends. */
  handle<Payload, Result>(job: JobDefinition<Payload, Result> | string, handler: Handler<NoInfer<Payload>, NoInfer<Result>>): this {
    const queue = queueOf(job);
    if (this.handlers.has(queue)) throw new Error(`queue "${queue}" has a handler already`);
    if (this.handlers.size >= 100) throw new Error("a worker serves at most 100 queues");
    this.handlers.set(queue, handler as Handler<unknown, unknown>);
    return this;
  }

  /**
   * Works until `stop`, SIGTERM or SIGINT; resolves when everything in hand is finished or given up. Rides over any outage of the server;
   * rejects when the server refuses this worker for good, for example for its credentials. Can be called once.
   */
  async run(): Promise<void> {
    if (this.ran) throw new Error("a worker runs once: make another");
    if (this.handlers.size === 0) throw new Error("a worker needs at least one handler: worker.handle(job, …)");
    this.ran = true;
    const onSignal = (): void => this.stop();
    if (this.o.signals) for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, onSignal);
    const beats = heartbeats(
      this.client,
      this.held,
      this.facts(),
      (this.o.leaseSeconds * 1000) / 3,
      this.over.signal,
      (error) => this.tell({ type: "connection_lost", during: "heartbeat", error, retryInMs: 0 }),
      (order) => this.obey(order),
    );
    const acks = this.acks.run();
    try {
      await this.fetchLoop();
    } finally {
      this.stop();
      clearTimeout(this.lastAnswer);
      this.fetching.end();
      await this.finish();
      this.over.abort();
      this.acks.end();
      await Promise.all([beats, acks]);
      await this.leave();
      if (this.o.signals) for (const name of ["SIGTERM", "SIGINT"] as const) process.removeListener(name, onSignal);
    }
  }

  /** Stops fetching; `run` resolves when what is in hand is done. Jobs that the server has just granted are still taken and done. */
  stop(): void {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    if (this.ran) this.lastAnswer = setTimeout(() => this.fetching.end(), lastAnswerMs);
    this.bell.ring();
  }

  /** Quiet: nothing more is fetched until the server takes it back. */
  private obey(order: WorkerOrder): void {
    this.heard = true;
    if (order === this.order || this.stopping.signal.aborted) return;
    this.order = order;
    this.tell({ type: "ordered", order });
    if (order === "stop") this.stop();
    this.bell.ring();
  }

  /** The last word, in vain where the server is away. */
  private async leave(): Promise<void> {
    const facts = this.heard ? this.facts() : undefined;
    if (facts) await this.client.beat(new Map(), { worker: { ...facts, leaving: true }, timeoutMs: leaveMs }).catch(() => {});
  }

  private async fetchLoop(): Promise<void> {
    const { signal } = this.stopping;
    // A frame whose answer was lost is sent again as it was: what it was granted comes again, and is not left to its lease.
    let unanswered: Frame | undefined;
    let sentMs = 0;
    for (let failures = 0; !signal.aborted; ) {
      const room = this.order === "" ? this.room() : 0;
      if (room <= 0) {
        await this.bell.wait(signal);
        continue;
      }
      try {
        const { workerId, hostname, leaseSeconds, waitMs } = this.o;
        // What was granted longer ago than a lease lasts is somebody else's by now.
        if (performance.now() - sentMs > leaseSeconds * 1000) unanswered = undefined;
        if (!unanswered) sentMs = performance.now();
        unanswered ??= {
          queues: this.queues(),
          workerId,
          hostname,
          leaseDuration: Math.ceil(leaseSeconds),
          fetchCount: room,
          waitMs: Math.ceil(waitMs),
          retryId: newRequestId(),
        };
        const answer = await this.fetching.exchange(unanswered);
        unanswered = undefined;
        for (const job of answer.jobs) this.take(new FetchedJob(job));
        this.startReady();
        if (answer.error !== "") throw new CorvoError(answer.error, { code: "resource_exhausted", reason: "OVERLOADED" });
        failures = 0;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = toCorvoError(thrown);
        if (finalCodes.has(error.code) && !error.outcomeUnknown) throw error;
        const retryInMs = Math.max(error.retryAfterMs ?? 0, jitteredMs(failures++, this.client.backoff));
        this.tell({ type: "connection_lost", during: "fetch", error, retryInMs });
        await pause(retryInMs, signal);
      }
    }
  }

  /** What the server lists about this worker. Queues that are too long to be said are left out: a heartbeat must never be refused for them. */
  private facts(): WorkerFacts | undefined {
    const { workerId, hostname, concurrency } = this.o;
    if (workerId === "") return undefined;
    const queues = [...this.handlers.keys()];
    // The server puts the namespace before each.
    const bytes = queues.reduce((sum, queue) => sum + Buffer.byteLength(queue) + 66, 0);
    return { workerId, hostname, sdk: sdkName, sdkVersion, slots: concurrency, queues: bytes <= 4096 ? queues : [], capabilities: ["quiet", "stop"] };
  }

  /** Jobs that may be fetched now. */
  private room(): number {
    const house = this.o.concurrency + this.o.prefetch;
    const inHand = this.ready.length + this.running;
    if (this.held.size - inHand >= house + unackedSlack) return 0;
    return Math.min(house - inHand, 10_000);
  }

  /** The queues in the order in which they are asked. */
  private queues(): string[] {
    const names = [...this.handlers.keys()];
    if (this.o.order === "strict" || names.length === 1) return names;
    const first = this.turn++ % names.length;
    return [...names.slice(first), ...names.slice(0, first)];
  }

  private take(job: FetchedJob): void {
    const delivery = new Delivery(job, this.client, (lost) => this.lost(lost));
    this.held.set(job.id, delivery);
    this.ready.push(delivery);
  }

  private startReady(): void {
    while (this.running < this.o.concurrency) {
      const delivery = this.ready.shift();
      if (!delivery) return;
      this.running++;
      delivery.state = "running";
      this.tell({ type: "started", job: delivery.job });
      void this.work(delivery);
    }
  }

  /** One attempt. Never rejects. */
  private async work(delivery: Delivery): Promise<void> {
    const { job } = delivery;
    let words: AckWords | undefined;
    let failure: { thrown: unknown } | undefined;
    try {
      const handler = this.handlers.get(job.queue);
      if (!handler) throw new Error(`no handler for queue "${job.queue}"`);
      words = ackWords(await inTrace(job, () => handler(job.payload, delivery)), job.agent !== undefined);
    } catch (thrown) {
      failure = { thrown };
    }
    this.running--;
    if (delivery.state === "lost") this.release(delivery);
    else if (delivery.acknowledged) {
      delivery.state = "finished";
      this.tell({ type: "acked", job });
      this.release(delivery);
    } else if (!words) void this.reportFailure(delivery, failure?.thrown);
    else {
      delivery.state = "finished";
      this.acks.add(delivery, words);
    }
    this.startReady();
    this.bell.ring();
  }

  /** Tells the server that the attempt failed. Never rejects: if it cannot be told, the lease ends by itself and another attempt follows. */
  private async reportFailure(delivery: Delivery, thrown: unknown, timeoutMs?: number): Promise<void> {
    if (delivery.state !== "lost") delivery.state = "finished";
    const { job } = delivery;
    const { error, backtrace } = describe(thrown);
    try {
      const { status } = await this.client.fail(job.id, error, { backtrace, fence: job.fence, timeoutMs, signal: this.over.signal });
      this.tell({ type: "failed", job, error: thrown, status });
    } catch (cause) {
      this.tell({ type: "fail_refused", job, error: thrown, cause: toCorvoError(cause) });
    }
    this.release(delivery);
  }

  /** Never rejects: if the server cannot be told, the lease ends by itself. */
  private async giveBack(delivery: Delivery): Promise<void> {
    const { job } = delivery;
    try {
      await this.client.release(job.id, { fence: job.fence, timeoutMs: lastWordsMs, signal: this.over.signal });
      this.tell({ type: "released", job });
    } catch (cause) {
      this.tell({ type: "release_refused", job, cause: toCorvoError(cause) });
    }
    this.release(delivery);
  }

  private lost(delivery: Delivery): void {
    const waiting = this.ready.indexOf(delivery);
    if (waiting >= 0) {
      this.ready.splice(waiting, 1);
      this.release(delivery);
    }
    if (!this.givenUp) this.tell({ type: "lease_lost", job: delivery.job });
  }

  private release(delivery: Delivery): void {
    if (this.held.get(delivery.job.id) === delivery) this.held.delete(delivery.job.id);
    this.bell.ring();
  }

  /**
   * What is in hand may finish within `shutdownTimeoutMs`. Then handlers are told by their signal, and their jobs are given back: another
   * worker takes over at once, and the attempt does not count, as ours is no reason for a job to come nearer to its death.
   */
  private async finish(): Promise<void> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.o.shutdownTimeoutMs);
    while (this.held.size > 0 && !deadline.signal.aborted) await this.bell.wait(deadline.signal);
    clearTimeout(timer);
    this.givenUp = true;
    const reports: Promise<void>[] = [];
    for (const delivery of [...this.held.values()]) {
      const { job, state } = delivery;
      if (state === "lost") continue;
      this.tell({ type: "given_up", job });
      if (state === "finished") continue;
      delivery.lose("SHUTDOWN", "the worker stops");
      reports.push(this.giveBack(delivery));
    }
    await Promise.all(reports);
  }

  private tell(event: WorkerEvent): void {
    try {
      this.o.onEvent?.(event);
    } catch (thrown) {
      // A listener's mistake must not stop the work; nobody else would hear of it.
      process.emitWarning(`onEvent threw: ${describe(thrown).error}`, "CorvoWarning");
    }
  }
}

/** With these the server will not change its mind. */
const finalCodes = new Set(["invalid_argument", "unauthenticated", "permission_denied", "unimplemented"]);
