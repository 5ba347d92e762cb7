import { Together } from "./invariants-together.js";
import { single } from "./model/bulk.js";
import type { AckItem, BulkCommand, Command, Grant, HeartbeatUpdate, JobRecord, NewJob, Outcome, UsageReport } from "./model/command.js";
import { durationMs } from "./model/duration.js";

/**
 * The invariants J3 to J13 and J15, and P6 for budgets, of `reliability.md` §2, asserted on commands and answers alone, one after another. It knows
 * neither engine nor model, so it also catches what both would get wrong together. Throws on the first breach.
 */
export class Invariants {
  #nowMs = 0;
  /** Of whoever called last. */
  #namespace = "";
  #servingMs = 0;
  #lastFence = 0;
  readonly #reports: { atMs: number; queue: string; nanos: number }[] = [];
  readonly #budgets: { scope: string; target: string; of?: string; daily: number; alerts: boolean; reports: { atMs: number; nanos: number }[] }[] = [];
  readonly #jobs = new Map<string, Story>();
  readonly #together = new Together();
  readonly #queues = new Map<string, { paused: boolean; max: number; rate: number; windowMs: number; grantsMs: number[] }>();
  readonly #requests = new Map<string, { hash: string; answer: string; atMs: number }>();
  readonly #items = new Map<string, { hash: string; jobId: string; atMs: number }>();
  /** Unique keys: until when each is held, and by which job. */
  readonly #held = new Map<string, { jobId: string; untilMs: number }>();

  /** Jobs of bulk tasks by their places, with what became of them. */
  readonly #turns = new Map<string, string>();

  /** Jobs that gave way to the next slot of their schedule, before or after what else happened in this entry. */
  #cancelled: ReadonlySet<string> = new Set();

  /** A new entry; `pausedMs` is the time since the last one in which nobody served. */
  begin(clockMs: number, pausedMs: number): void {
    const nowMs = Math.max(this.#nowMs, clockMs);
    this.#servingMs += nowMs - this.#nowMs - pausedMs;
    this.#nowMs = nowMs;
  }

  /** What schedules did somewhere in this entry: jobs that they added (undefined: gone again), and those that gave way. */
  bySchedules(added: readonly { id: string; job: JobRecord | undefined }[], cancelled: readonly string[]): void {
    for (const id of this.#cancelled) Object.assign(this.#jobs.get(id) ?? {}, { active: false, maybe: true });
    this.#cancelled = new Set(cancelled);
    for (const { id, job } of added) {
      assert(!this.#jobs.has(id), `J2: ${id} was made twice`);
      this.#together.bySchedule(id, job);
      this.#jobs.set(id, { ...unknown, tags: job?.tags ?? "", max: Math.max(1, job?.maxRetries ?? 3) });
    }
  }

  saw(command: Command, outcome: Outcome): void {
    this.#namespace = command.namespace ?? "";
    if (this.#isReplay(command, outcome) || outcome.kind === "refused") return;
    switch (command.verb) {
      case "enqueue":
        if (outcome.kind === "enqueued") this.#added(command.job, outcome.jobId, outcome.status);
        break;
      case "enqueueBatch":
        if (outcome.kind !== "enqueuedBatch") break;
        if (outcome.batchId && command.batch) this.#together.batch(outcome.batchId, command.batch, true);
        this.#addedAll(command.jobs, outcome, outcome.batchId);
        break;
      case "createBatch":
        if (outcome.kind === "batchCreated") this.#together.batch(outcome.batchId, command, false);
        break;
      case "sealBatch":
        this.#together.sealed(command.batchId);
        break;
      case "fetch":
        if (outcome.kind === "fetched" && outcome.job) this.#granted(outcome.job, command.queues);
        break;
      case "fetchBatch":
        if (outcome.kind === "fetchedBatch") for (const grant of outcome.jobs) this.#granted(grant, command.queues);
        break;
      case "lifecycle":
        if (outcome.kind !== "frame") break;
        this.#completedAll(command.acks, outcome.ackStatuses);
        for (const grant of outcome.jobs) this.#granted(grant, command.queues);
        this.#addedAll(command.enqueues, outcome);
        break;
      case "ack":
        if (outcome.kind === "acked") this.#settled(command, outcome.agent?.state ?? "completed");
        break;
      case "ackBatch":
        if (outcome.kind === "ackedBatch") this.#completedAll(command.items, outcome.statuses);
        break;
      case "fail":
        this.#failed(command.jobId, command.fence ?? 0, outcome);
        break;
      case "step":
        if (outcome.kind !== "stepped") break;
        this.#addedAll(command.jobs, outcome);
        if (command.keep) this.#beat(command.jobId, { fence: command.fence }, false);
        else this.#settled({ jobId: command.jobId, fence: command.fence }, "completed");
        break;
      case "release": {
        const job = this.#lease(command.jobId, command.fence ?? 0);
        Object.assign(job, { active: false, attempt: job.attempt - 1 });
        break;
      }
      case "replay":
        if (outcome.kind === "enqueued") {
          const { queue, tags } = this.#jobs.get(command.jobId)!;
          this.#added({ queue, tags }, outcome.jobId, outcome.status);
        }
        break;
      case "runSchedule":
        if (outcome.kind === "scheduleRun") assert(this.#jobs.has(outcome.jobId), `J2: ${outcome.jobId} was added by hand, and no event told of it`);
        break;
      case "heartbeat":
        if (outcome.kind !== "beaten") break;
        for (const [jobId, { status, budgetExceeded }] of Object.entries(outcome.jobs)) {
          if (status === "ok") this.#beat(jobId, command.jobs[jobId], budgetExceeded);
        }
        break;
      case "bulk":
        if (outcome.kind !== "bulk") break;
        for (const [i, word] of outcome.outcomes.entries()) {
          if (word !== "again" && this.#isFirstTurn(command, i, word) && word === "done") this.#steered(single(command, command.jobIds[i]));
        }
        break;
      default:
        this.#steered(command);
        break;
    }
  }

  /** A job of a task has one turn, and what became of it then stays what became of it. */
  #isFirstTurn({ of, jobIds }: BulkCommand, i: number, word: string): boolean {
    if (!of) return true;
    const place = `${of.serial}/${of.block}/${of.places[i]}`;
    const known = this.#turns.get(place);
    this.#turns.set(place, word);
    assert(known === undefined || known === word, `a bulk task says ${word} of ${jobIds[i]}, and ${known} before`);
    return known === undefined;
  }

  #isReplay(command: Command, outcome: Outcome): boolean {
    const { verb, requestId } = command;
    if (!requestId) return false;
    const key = `${command.namespace ?? ""} ${verb === "revise" ? "reject" : verb} ${requestId.id}`;
    const known = this.#requests.get(key);
    if (known && this.#nowMs - known.atMs <= 3_600_000) {
      if (known.hash === requestId.hash)
        assert(JSON.stringify(outcome) === known.answer, `J3: request ${requestId.id} was answered otherwise than the first time`);
      else assert(outcome.kind === "refused" && outcome.reason === "REQUEST_ID_REUSED", `J3: request id ${requestId.id} was accepted for another request`);
      return true;
    }
    const nothing =
      outcome.kind === "refused" ||
      (outcome.kind === "fetched" && !outcome.job) ||
      (outcome.kind === "fetchedBatch" && outcome.jobs.length === 0) ||
      (outcome.kind === "frame" && command.verb === "lifecycle" && outcome.jobs.length + command.acks.length + command.enqueues.length === 0);
    if (!nothing) this.#requests.set(key, { hash: requestId.hash, answer: JSON.stringify(outcome), atMs: this.#nowMs });
    return false;
  }

  #addedAll(jobs: readonly NewJob[], { jobIds, statuses }: { jobIds: readonly string[]; statuses: readonly string[] }, batch?: string): void {
    const ids = [...jobIds];
    for (const [i, job] of jobs.entries()) {
      if (statuses[i] === "refused") continue;
      const jobId = ids.shift() ?? "";
      const known = job.requestId && this.#items.get(`${this.#namespace} ${job.requestId.id}`);
      const kept = known !== undefined && this.#nowMs - known.atMs <= 3_600_000;
      assert(
        !kept || (known.jobId === jobId && known.hash === job.requestId?.hash),
        `J3: item ${job.requestId?.id} was answered otherwise than the first time`,
      );
      if (kept) continue;
      if (job.requestId) this.#items.set(`${this.#namespace} ${job.requestId.id}`, { hash: job.requestId.hash, jobId, atMs: this.#nowMs });
      this.#added(job, jobId, statuses[i], batch);
    }
  }

  #added(given: NewJob, jobId: string, status: string, batch?: string): void {
    const { queue, uniqueKey, uniquePeriodSeconds, maxRetries, scheduledAtMs, tags } = given;
    const key = uniqueKey ? `${queue} ${uniqueKey}` : undefined;
    const holder = key ? this.#held.get(key) : undefined;
    const held = holder !== undefined && this.#nowMs < holder.untilMs;
    assert(held === (status === "duplicate"), `J8: ${jobId} is ${status} while its key is ${held ? `held by ${holder?.jobId}` : "free"}`);
    assert(!held || jobId === holder?.jobId, `J8: the duplicate was answered with ${jobId}, not with the holder ${holder?.jobId}`);
    if (held) return;
    assert(!this.#jobs.has(jobId), `J2: ${jobId} was made twice`);
    this.#together.added(jobId, given, batch);
    this.#jobs.set(jobId, { ...unknown, queue, tags: tags ?? "", max: Math.max(1, maxRetries ?? 3), dueMs: scheduledAtMs ?? 0 });
    if (key) this.#held.set(key, { jobId, untilMs: this.#nowMs + 1_000 * (uniquePeriodSeconds && uniquePeriodSeconds > 0 ? uniquePeriodSeconds : 3_600) });
  }

  /** One that no client added must be one that the server may have added: then nobody knows its queue before it is given out. */
  #job(jobId: string, grant?: Grant): Story {
    const known = this.#jobs.get(jobId);
    if (known) return known;
    const leased = (id: string): boolean => {
      const one = this.#jobs.get(id);
      return one?.active === true && one.leaseEndsMs >= this.#servingMs;
    };
    this.#together.follower(jobId, grant, leased);
    const job = { ...unknown, queue: grant?.queue ?? "" };
    this.#jobs.set(jobId, job);
    return job;
  }

  #granted(grant: Grant, asked: readonly string[]): void {
    const { jobId, fence, attempt } = grant;
    const job = this.#job(jobId, grant);
    job.queue ||= grant.queue;
    this.#together.granted(jobId);
    assert(
      asked.includes(grant.queue) && job.queue === grant.queue,
      `J9: ${jobId} of ${job.queue} was given out of ${grant.queue} to one who asked for ${asked}`,
    );
    assert(!job.done, `J4: ${jobId} was given out after it had ended`);
    assert(fence > this.#lastFence, `J5: fence ${fence} after fence ${this.#lastFence}`);
    assert(!job.active || job.leaseEndsMs < this.#servingMs || this.#cancelled.has(jobId), `J5: ${jobId} was given out while it was leased`);
    assert(attempt === job.attempt + 1, `J7: ${jobId}: attempt ${attempt} after ${job.attempt}`);
    assert(job.dueMs <= this.#nowMs, `J7: ${jobId} was given out at ${this.#nowMs}, before ${job.dueMs}`);
    const queue = this.#queue(grant.queue);
    assert(!queue.paused, `J15: ${jobId} was given out of the paused queue ${grant.queue}`);
    this.#lastFence = fence;
    const leaseMs = grant.leaseSeconds * 1_000;
    const timeoutMs = Math.ceil(durationMs(grant.agent?.iterationTimeout ?? "") ?? 0) || Infinity;
    const iterationEndsMs = this.#servingMs + timeoutMs;
    this.#affordable(grant, job);
    Object.assign(job, {
      active: true,
      maybe: false,
      approved: false,
      attempt,
      fence,
      leaseMs,
      iterationEndsMs,
      leaseEndsMs: Math.min(this.#servingMs + leaseMs, iterationEndsMs),
    });
    // Leases that ran out may still count as active, or not, according to whether a tick has come: only the sure ones are counted.
    const gaveWay = new Set([...this.#cancelled].map((id) => this.#jobs.get(id)));
    const sure = [...this.#jobs.values()].filter((one) => one.queue === grant.queue && one.active && one.leaseEndsMs >= this.#servingMs && !gaveWay.has(one));
    assert(queue.max === 0 || sure.length <= queue.max, `J10: ${sure.length} active jobs in ${grant.queue}, limit ${queue.max}`);
    if (queue.rate === 0) return;
    queue.grantsMs.push(this.#nowMs);
    const recent = queue.grantsMs.filter((at) => at >= this.#nowMs - queue.windowMs).length;
    assert(recent <= queue.rate, `J11: ${recent} fetches of ${grant.queue} in ${queue.windowMs} ms, limit ${queue.rate}`);
  }

  #lease(jobId: string, fence: number): Story {
    const job = this.#jobs.get(jobId);
    assert(job !== undefined, `J2: ${jobId} was worked on and never made`);
    assert(job.active || job.maybe, `J4: ${jobId} took an answer of a worker while it was not leased`);
    assert(fence === 0 || fence === job.fence, `J6: ${jobId}: fence ${fence} was accepted, the lease has ${job.fence}`);
    return job;
  }

  #completedAll(items: readonly AckItem[], statuses: readonly string[]): void {
    const states: Record<string, string> = { acked: "completed", continued: "pending", held: "held" };
    for (const [i, item] of items.entries()) if (states[statuses[i]]) this.#settled(item, states[statuses[i]]);
  }

  #settled({ jobId, fence, usage }: AckItem, state: string): void {
    const job = this.#lease(jobId, fence ?? 0);
    this.#spent(job, usage);
    if (state !== "completed") return void Object.assign(job, { active: false, before: job.attempt, dueMs: state === "held" ? Infinity : 0 });
    Object.assign(job, { active: false, done: true });
    this.#together.completed(jobId);
    for (const [key, { jobId: holder }] of this.#held) if (holder === jobId) this.#held.delete(key);
  }

  #failed(jobId: string, fence: number, outcome: Outcome): void {
    const job = this.#lease(jobId, fence);
    if (outcome.kind !== "failed") return;
    const dead = outcome.status === "dead";
    assert(dead === job.attempt - job.before >= job.max, `J7: ${jobId} is ${outcome.status} after attempt ${job.attempt} of ${job.max}`);
    assert(dead || (outcome.nextAttemptMs ?? 0) >= this.#nowMs, `J7: ${jobId}: next attempt in the past`);
    Object.assign(job, { active: false, done: dead, dueMs: outcome.nextAttemptMs ?? 0 });
  }

  #beat(jobId: string, { fence, usage }: HeartbeatUpdate, budgetExceeded: boolean): void {
    const job = this.#lease(jobId, fence ?? 0);
    this.#spent(job, usage);
    if (budgetExceeded) Object.assign(job, { active: false, maybe: true, dueMs: 0 });
    job.leaseEndsMs = Math.min(this.#servingMs + Math.max(60_000, job.leaseMs), job.iterationEndsMs);
  }

  /** What is done by hand, and succeeded. */
  #steered(command: Command): void {
    if ("jobId" in command) {
      const job = this.#job(command.jobId);
      if (command.verb === "retry" || command.verb === "requeue") this.#together.again(command.jobId);
      job.maybe = false;
      if (command.verb === "retry") Object.assign(job, { attempt: 0, before: 0, done: false, dueMs: 0 });
      else if (command.verb === "requeue") Object.assign(job, { before: 0, done: false, dueMs: 0 });
      else if (command.verb === "replay") return;
      else if (command.verb === "revise") Object.assign(job, { before: job.attempt, dueMs: 0 });
      else if (command.verb === "cancel" || command.verb === "reject" || command.verb === "delete") Object.assign(job, { active: false, done: true });
      else if (command.verb === "hold") Object.assign(job, { active: false, dueMs: Infinity });
      else if (command.verb === "approve") Object.assign(job, { dueMs: 0, approved: true });
      else if (command.verb === "move") job.queue = command.queue;
      return;
    }
    if (command.verb === "setBudget" || command.verb === "deleteBudget") return this.#budgeted(command);
    if (command.verb === "pauseQueue" || command.verb === "drainQueue") this.#queue(command.queue).paused = true;
    else if (command.verb === "resumeQueue") this.#queue(command.queue).paused = false;
    else if (command.verb === "setConcurrency") this.#queue(command.queue).max = Math.max(0, command.max);
    else if (command.verb === "setThrottle") {
      const queue = this.#queue(command.queue);
      const grantsMs = queue.grantsMs.filter((at) => at >= this.#nowMs - queue.windowMs);
      Object.assign(queue, { rate: command.rate, windowMs: command.windowMs, grantsMs });
    } else if (command.verb === "removeThrottle") Object.assign(this.#queue(command.queue), { rate: 0, windowMs: 0, grantsMs: [] });
    else if (command.verb === "destroyQueue") {
      this.#queues.delete(command.queue);
      for (const job of this.#jobs.values()) if (job.queue === command.queue) Object.assign(job, { active: false, done: true });
      for (const key of this.#held.keys()) if (key.startsWith(`${command.queue} `)) this.#held.delete(key);
    }
  }

  /** P6: what was reported since 00:00 UTC. A tag's spending counts from its budget on. */
  #spent(job: Story, usage: UsageReport | undefined): void {
    const nanos = usage && usage.costUsd > 0 ? Math.round(usage.costUsd * 1e9) : 0;
    if (nanos === 0) return;
    this.#reports.push({ atMs: this.#nowMs, queue: job.queue, nanos });
    for (const budget of this.#budgets.filter(({ of }) => isOf(job.queue, of)))
      if (budget.scope === "tag" && hasTag(job.tags, budget.target)) budget.reports.push({ atMs: this.#nowMs, nanos });
  }

  #budgeted(command: Extract<Command, { verb: "setBudget" | "deleteBudget" }>): void {
    const target = command.scope === "global" ? "*" : command.target;
    const old = this.#budgets.find(({ scope, target: other, of }) => scope === command.scope && other === target && of === command.of);
    if (old) this.#budgets.splice(this.#budgets.indexOf(old), 1);
    if (command.verb === "deleteBudget") return;
    const daily = command.dailyUsd === undefined ? Infinity : Math.round(command.dailyUsd * 1e9);
    this.#budgets.push({ scope: command.scope, target, of: command.of, daily, alerts: command.onExceed === "alert_only", reports: old?.reports ?? [] });
  }

  /** P6: no job is given out whose budget for the day is spent, unless a person said so. */
  #affordable({ jobId, queue }: Grant, job: Story): void {
    if (job.approved) return;
    const fromMs = Math.floor(this.#nowMs / 86_400_000) * 86_400_000;
    for (const budget of this.#budgets.filter(({ of }) => isOf(queue, of))) {
      const { scope, target, of, daily } = budget;
      if (budget.alerts || (scope === "queue" && target !== queue) || (scope === "tag" && !hasTag(job.tags, target))) continue;
      const all: { atMs: number; nanos: number }[] =
        scope === "tag" ? budget.reports : this.#reports.filter((one) => (scope === "global" ? isOf(one.queue, of) : one.queue === queue));
      const spent = all.filter((one) => one.atMs >= fromMs).reduce((sum, one) => sum + one.nanos, 0);
      assert(spent < daily, `P6: ${jobId} of ${queue} was given out when ${spent} of ${daily} were spent for ${scope} ${target}`);
    }
  }

  #queue(name: string) {
    let queue = this.#queues.get(name);
    if (!queue) {
      queue = { paused: false, max: 0, rate: 0, windowMs: 0, grantsMs: [] };
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

interface Story {
  /** Empty: not known. */
  queue: string;
  /** JSON. */
  tags: string;
  attempt: number;
  /** Attempts that do not count: of earlier iterations, and before a revision. */
  before: number;
  /** A budget may have ended or held it. */
  maybe: boolean;
  /** A person let it run since it was last given out. */
  approved: boolean;
  max: number;
  fence: number;
  active: boolean;
  /** It ended, and nobody asked to run it again. */
  done: boolean;
  leaseMs: number;
  /** In serving time. */
  leaseEndsMs: number;
  /** In serving time: no lease of an agent's iteration goes beyond it. */
  iterationEndsMs: number;
  /** Log time before which it must not be given out. */
  dueMs: number;
}

/** A job of which nothing is known but that it is there. */
const unknown: Story = {
  queue: "",
  tags: "",
  attempt: 0,
  before: 0,
  maybe: false,
  approved: false,
  max: 3,
  fence: 0,
  active: false,
  done: false,
  leaseMs: 0,
  leaseEndsMs: 0,
  iterationEndsMs: Infinity,
  dueMs: 0,
};

/** The queue is one of this namespace; absent: of any. */
function isOf(queue: string, of: string | undefined): boolean {
  return of === undefined || of === (queue.includes("::") ? queue.split("::")[0] : "default");
}

function hasTag(tags: string, target: string): boolean {
  const [key, value] = target.split(/[:=]/);
  return tags !== "" && (JSON.parse(tags) as Record<string, unknown>)[key] === value;
}

function assert(holds: boolean, breach: string): asserts holds {
  if (!holds) throw new Error(breach);
}
