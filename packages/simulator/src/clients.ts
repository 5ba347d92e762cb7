import type { Operation } from "./checkers.js";
import type { Command, Grant, Outcome } from "./model/command.js";
import type { Rng } from "./random.js";
import type { World } from "./world.js";

export type Call = (command: Command) => Promise<Outcome>;

/** The queues that people steer by hand are not those whose stories are checked strictly. */
const workQueues = ["a", "b"];
const steeredQueue = "steered";

/**
 * Made-up producers, workers and an operator: each does one thing after another, remembers what it was told, and sends a job again,
 * under its request id, when it got no answer. What they did and saw is the history.
 */
export class Clients {
  readonly history: Operation[] = [];
  /** Ids that some answer named. */
  readonly known = new Set<string>();
  readonly #held = new Map<string, Grant[]>();
  /** Jobs whose enqueue has no certain outcome yet, oldest first. */
  #open: { key: string; payload: string; queue: string }[] = [];
  #keys = 0;
  readonly #steered: string[] = [];
  /** Highest log index that each client was told. */
  readonly #told = new Map<string, number>();
  /** Calls that were answered. */
  answered = 0;
  /** No new jobs, no steering: what is there is worked off. */
  draining = false;

  constructor(
    readonly world: World,
    readonly producers: number,
    readonly workers: number,
  ) {}

  /** Somebody waits for a certain outcome, or has a job in hand. */
  get unsettled(): boolean {
    return this.#open.length > 0 || [...this.#held.values()].some((held) => held.length > 0);
  }

  get rng(): Rng {
    return this.world.rng;
  }

  /** Lets everybody work through `call` until the node dies. To be called once for each life of the node. */
  start(call: Call): void {
    for (let i = 0; i < this.producers; i++) void this.#loop(() => this.#produce(`p${i}`, call));
    for (let i = 0; i < this.workers; i++) void this.#loop(() => this.#work(`w${i}`, call));
    void this.#loop(() => this.#steer("operator", call));
  }

  async #loop(step: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.world.sleep(this.rng.pick(this.draining ? [1, 1_000] : [0, 0, 1, 3, 10, 40]));
      await step();
    }
  }

  /** Writes the operation down before the call, so that one without an answer is there, with an unknown outcome. */
  async #do(client: string, action: Operation["action"], command: Command, call: Call, told: (outcome: Outcome) => Operation["action"]): Promise<Outcome> {
    const operation: Operation = { client, invokedMs: this.world.nowMs, returnedMs: Infinity, outcome: "unknown", action };
    this.history.push(operation);
    const outcome = await call(command);
    operation.returnedMs = this.world.nowMs;
    operation.outcome = outcome.kind !== "refused" ? "ok" : outcome.reason === "OUTCOME_UNKNOWN" ? "unknown" : "failed";
    if (operation.outcome === "ok") operation.action = told(outcome);
    this.answered++;
    return outcome;
  }

  async #produce(client: string, call: Call): Promise<void> {
    const retried = this.#open.length > 0 && (this.draining || this.rng.oneIn(2)) ? this.#open.shift() : undefined;
    if (!retried && this.draining) return;
    const job = retried ?? this.#newJob();
    this.#open.push(job);
    const { key, payload, queue } = job;
    const more = this.#optionsOf(key);
    const command: Command = { verb: "enqueue", job: { queue, payload, ...more }, requestId: { id: key, hash: key } };
    const outcome = await this.#do(client, { do: "enqueue", key, payload }, command, call, (answer) => {
      const jobId = answer.kind === "enqueued" ? answer.jobId : "";
      this.known.add(jobId);
      if (queue === steeredQueue) this.#steered.push(jobId);
      return { do: "enqueue", key, payload, jobId };
    });
    if (outcome.kind === "enqueued" && !retried) this.#tell(client, outcome.logIndex);
    if (outcome.kind === "enqueued") this.#open = this.#open.filter((one) => one !== job);
  }

  /** J16: what a session is told of rises, over all lives of the node. A repeated call is answered as the first time. */
  #tell(client: string, index: number): void {
    const before = this.#told.get(client) ?? 0;
    if (index < before) throw new Error(`J16: ${client} was told of entry ${index} after entry ${before}`);
    this.#told.set(client, index);
  }

  #newJob() {
    const key = `k${++this.#keys}`;
    return {
      key,
      payload: JSON.stringify({ key, filler: "x".repeat(this.rng.pick([0, 10, 500, 3_000])) }),
      queue: this.rng.pick([...workQueues, steeredQueue]),
    };
  }

  /** The same for every try of a job. */
  #optionsOf(key: string) {
    const n = Number(key.slice(1));
    return {
      maxRetries: [undefined, 1, 2, 5][n % 4],
      backoff: ["none", "fixed", "exponential"][n % 3],
      retryBaseDelayMs: [1, 20, 200][n % 3],
      priority: n % 7 === 0 ? "high" : "",
    };
  }

  async #work(client: string, call: Call): Promise<void> {
    const held = this.#held.get(client) ?? [];
    this.#held.set(client, held);
    const grant = held.length > 0 && (held.length > 4 || this.rng.oneIn(2)) ? held.splice(this.rng.below(held.length), 1)[0] : undefined;
    if (!grant) return this.#fetch(client, held, call);
    const { jobId, fence } = grant;
    // Now and then a worker forgets a job: its lease ends and somebody else gets it.
    if (!this.draining && this.rng.oneIn(10)) return;
    if (this.rng.oneIn(6)) {
      held.push(grant);
      const command: Command = { verb: "heartbeat", jobs: { [jobId]: { fence, progress: '{"half":true}' } } };
      await this.#do(client, { do: "heartbeat", jobId, fence, cancelled: false }, command, call, (answer) => {
        return { do: "heartbeat", jobId, fence, cancelled: answer.kind === "beaten" && answer.jobs[jobId].status === "cancel" };
      });
    } else if (!this.draining && this.rng.oneIn(4)) {
      await this.#do(client, { do: "fail", jobId, fence }, { verb: "fail", jobId, fence, error: "boom", backtrace: "" }, call, (answer) => {
        return { do: "fail", jobId, fence, next: answer.kind === "failed" ? answer.status : undefined };
      });
    } else {
      await this.#do(client, { do: "ack", jobId, fence }, { verb: "ack", jobId, fence, result: '{"by":"ack"}' }, call, () => ({ do: "ack", jobId, fence }));
    }
  }

  async #fetch(client: string, held: Grant[], call: Call): Promise<void> {
    const queues = [...workQueues, steeredQueue];
    const command: Command = {
      verb: "fetchBatch",
      count: this.rng.pick([1, 2, 5]),
      queues,
      workerId: client,
      hostname: "host",
      leaseSeconds: this.draining ? 60 : this.rng.pick([1, 60]),
    };
    await this.#do(client, { do: "fetch", grants: [] }, command, call, (answer) => {
      const jobs = answer.kind === "fetchedBatch" ? answer.jobs : [];
      for (const grant of jobs) this.known.add(grant.jobId);
      held.push(...jobs);
      const grants = jobs.map(({ jobId, payload, attempt, maxRetries, fence, leaseSeconds }) => {
        return { jobId, payload, attempt, maxRetries, fence, leaseMs: leaseSeconds * 1_000 };
      });
      return { do: "fetch", grants };
    });
  }

  async #steer(client: string, call: Call): Promise<void> {
    const jobId = this.#steered[this.rng.below(this.#steered.length)];
    if (this.draining || !jobId) return;
    const verb = this.rng.pick(["cancel", "retry", "delete", "hold", "approve", "reject", "move"] as const);
    const command: Command = verb === "move" ? { verb, jobId, queue: steeredQueue } : { verb, jobId };
    await this.#do(client, { do: verb, jobId }, command, call, () => ({ do: verb, jobId }));
  }
}
