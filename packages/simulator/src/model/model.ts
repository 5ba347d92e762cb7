import { setDepthLimit } from "./admit.js";
import { revise, setPolicy } from "./agent.js";
import { bulk, bulkTaskRecord, cancelBulkTask, isTemporary, serialOfTask, startBulkTask } from "./bulk.js";
import type {
  AskingRecord,
  BatchRecord,
  BudgetRecord,
  BulkTaskRecord,
  ChainRecord,
  Command,
  CountsRecord,
  Entry,
  JobRecord,
  Outcome,
  QueueRecord,
  ScheduleRecord,
  WorkerRecord,
} from "./command.js";
import { budgetRecord, deleteBudget, setBudget } from "./money.js";
import { changePriority, jobVerb, move, queueVerb, setConcurrency, setThrottle } from "./operator-verbs.js";
import { putSchedule, runSchedule, scheduleRecord, scheduleVerb, serialOf, tellSlots, temporaryId } from "./schedules.js";
import { head, jobRecord, open, queueRecord, State } from "./state.js";
import { nextTickMs, tick } from "./tick.js";
import { batchRecord, chainRecord, countsOf, createBatch, follow, followSwept, forget, sealBatch } from "./together.js";
import { ack, ackBatch, enqueue, enqueueBatch, fail, fetch, fetchBatch, heartbeat, lifecycle, release, replay, step } from "./worker-verbs.js";

/**
 * The reference model: what Corvo is to do, one command after another, on plain objects. It is written from the specification
 * and shares no code with the engine; it is meant to be read, and takes its time.
 */
export class Model {
  readonly state = new State();

  /** One outcome per command. */
  apply(entry: Entry): Outcome[] {
    this.begin(entry.index, entry.clockMs);
    const outcomes = entry.commands.map((command) => this.run(command));
    this.end();
    return outcomes;
  }

  /** Starts an entry whose commands follow one by one, and then its `end`. */
  begin(index: number, clockMs: number): void {
    const { state } = this;
    const nowMs = Math.max(state.nowMs, clockMs);
    state.elapsedMs = state.index === 0 ? 0 : nowMs - state.nowMs;
    state.index = index;
    state.nowMs = nowMs;
  }

  end(): void {
    followSwept(this.state);
  }

  /**
   * A request id that is known answers as the first time, with another body it is refused. What was refused, and a fetch that
   * found nothing, did not happen: it is not remembered.
   */
  run(command: Command): Outcome {
    const { requestId, namespace = "" } = command;
    this.state.namespace = namespace;
    if (!requestId) return this.#complete(command);
    // A revision is a way to reject: both are one rpc, and share their ids.
    const key = JSON.stringify([namespace, command.verb === "revise" ? "reject" : command.verb, requestId.id]);
    const known = this.state.recall(this.state.requests, key);
    if (known && known.hash !== requestId.hash) return { kind: "refused", code: "invalid_argument", reason: "REQUEST_ID_REUSED" };
    if (known) return known.answer;
    const outcome = this.#complete(command);
    const empty =
      outcome.kind === "refused" ||
      (outcome.kind === "fetched" && !outcome.job) ||
      (outcome.kind === "fetchedBatch" && outcome.jobs.length === 0) ||
      idleFrame(command, outcome);
    if (!empty) this.state.requests.set(key, { hash: requestId.hash, answer: outcome, atMs: this.state.nowMs });
    return outcome;
  }

  #complete(command: Command): Outcome {
    const outcome = this.#step(command);
    follow(this.state);
    return outcome;
  }

  #step(command: Command): Outcome {
    const { state } = this;
    switch (command.verb) {
      case "enqueue":
        return enqueue(state, command);
      case "enqueueBatch":
        return enqueueBatch(state, command);
      case "createBatch":
        return createBatch(state, command);
      case "sealBatch":
        return sealBatch(state, command);
      case "fetch":
        return fetch(state, command);
      case "fetchBatch":
        return fetchBatch(state, command);
      case "ack":
        return ack(state, command);
      case "ackBatch":
        return ackBatch(state, command);
      case "fail":
        return fail(state, command);
      case "step":
        return step(state, command);
      case "release":
        return release(state, command);
      case "heartbeat":
        return heartbeat(state, command);
      case "lifecycle":
        return lifecycle(state, command);
      case "retry":
      case "requeue":
      case "cancel":
      case "hold":
      case "approve":
      case "reject":
      case "delete":
        return jobVerb(state, command);
      case "revise":
        return revise(state, command);
      case "replay":
        return replay(state, command);
      case "setBudget":
        return setBudget(state, command);
      case "deleteBudget":
        return deleteBudget(state, command);
      case "setPolicy":
        return setPolicy(state, command);
      case "move":
        return move(state, command);
      case "bulk":
        return bulk(state, command, (single) => this.#step(single));
      case "bulkStart":
        return startBulkTask(state, command);
      case "cancelBulkTask":
        return cancelBulkTask(state, command);
      case "changePriority":
        return changePriority(state, command);
      case "pauseQueue":
      case "resumeQueue":
      case "drainQueue":
      case "clearQueue":
      case "destroyQueue":
      case "removeThrottle":
        return queueVerb(state, command);
      case "setConcurrency":
        return setConcurrency(state, command);
      case "setDepthLimit":
        return setDepthLimit(state, command);
      case "setThrottle":
        return setThrottle(state, command);
      case "putSchedule":
        return putSchedule(state, command);
      case "deleteSchedule":
      case "pauseSchedule":
      case "resumeSchedule":
        return scheduleVerb(state, command);
      case "runSchedule":
        return runSchedule(state, command);
      case "scheduleSlots":
        return tellSlots(state, command);
      case "tick":
        tick(state);
        return { kind: "silent" };
      case "leadership":
        // Nobody can have paused longer than there was time since the last entry, whatever the new leader believed when it proposed.
        state.pausedMs += Math.min(command.pauseMs, state.elapsedMs);
        return { kind: "silent" };
    }
  }

  /** Every job there is, in the order of creation. */
  jobs(): JobRecord[] {
    return [...this.state.jobs.values()].map((job) => jobRecord(this.state, job));
  }

  job(id: string): JobRecord | undefined {
    const job = this.state.jobs.get(id);
    return job && jobRecord(this.state, job);
  }

  /** Sorted by name. */
  queues(): QueueRecord[] {
    return [...this.state.queues.values()].map((queue) => queueRecord(this.state, queue)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  workers(): WorkerRecord[] {
    const order = ({ id, queues }: WorkerRecord) => `${id}\0${queues[0].includes("::") ? queues[0].split("::")[0] : ""}`;
    return [...this.state.workers.values()].map((worker) => ({ ...worker })).sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  /** Sorted by scope, then target. */
  budgets(): BudgetRecord[] {
    const name = ({ scope, target, namespace }: BudgetRecord) => `${scope}\0${target}\0${namespace}`;
    return this.state.budgets.map((budget) => budgetRecord(this.state, budget)).sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }

  /** Oldest first, as all of these. */
  batches(): BatchRecord[] {
    return [...this.state.batches.values()].map(batchRecord);
  }

  chains(): ChainRecord[] {
    return this.state.chains.map(chainRecord);
  }

  families(): Record<string, CountsRecord> {
    return Object.fromEntries([...this.state.families].map(([parentId, { fates }]) => [parentId, countsOf(fates)]));
  }

  /** In the order in which they were made. */
  schedules(): ScheduleRecord[] {
    return [...this.state.schedules.values()].sort((a, b) => a.made - b.made).map((schedule) => scheduleRecord(this.state, schedule));
  }

  /** Schedules that want slots from the leader, by their serials. */
  asking(): AskingRecord[] {
    const asking = [...this.state.schedules.values()].filter(({ asks }) => asks).sort((a, b) => a.made - b.made);
    return asking.map(({ id, changes, content, settledMs, asks }) => {
      return { serial: serialOf(id), changes, cron: content.cron, afterMs: settledMs, late: asks === "passed" };
    });
  }

  /** Oldest first. */
  bulkTasks(): BulkTaskRecord[] {
    return this.state.bulkTasks.map(bulkTaskRecord);
  }

  /** Ids of batches, schedules and bulk tasks are made elsewhere: the model takes over the one that an answer tells. */
  adopt(expected: Outcome, answer: Outcome): void {
    if (expected.kind === "schedule" && answer.kind === "schedule") return this.#adoptSchedule(expected, answer.id);
    if (expected.kind === "bulkStarted" && answer.kind === "bulkStarted") return this.#adoptBulkTask(expected, answer.id);
    if (!("batchId" in expected) || !("batchId" in answer) || !expected.batchId || !answer.batchId || expected.batchId === answer.batchId) return;
    const { batches, jobs } = this.state;
    const batch = batches.get(expected.batchId);
    if (!batch || batches.has(answer.batchId) || !/^batch_[0-9a-f]{26}$/.test(answer.batchId)) return;
    for (const job of jobs.values()) if (job.batchId === batch.id) job.batchId = answer.batchId;
    batches.delete(batch.id);
    batch.id = answer.batchId;
    batches.set(batch.id, batch);
    // The same object is what is remembered for the request id.
    expected.batchId = answer.batchId;
  }

  /** The id tells when the task began, and no other has it. */
  #adoptBulkTask(expected: { id: string }, id: string): void {
    const { bulkTasks } = this.state;
    const task = bulkTasks.find((one) => one.id === expected.id);
    if (!task || !isTemporary(task.id) || serialOfTask(id) === 0 || bulkTasks.some((one) => one.id === id)) return;
    if (!id.startsWith(`bulk_${(BigInt(task.createdMs) * 1_000_000n).toString(36)}_`)) return;
    expected.id = task.id = id;
  }

  /** The id tells when the schedule was made, and no other has it. It may have been adopted from an answer just before. */
  #adoptSchedule(expected: { id: string }, id: string): void {
    const all = [...this.state.schedulesEver];
    const schedule = all.find((one) => temporaryId(one.made) === expected.id);
    if (!schedule) return;
    const madeAt = /^sched_[0-9a-f]{26}$/.test(id) && BigInt(`0x${id.slice(6, 22)}`);
    if (serialOf(schedule.id) === 0 && madeAt === BigInt(schedule.createdMs) * 1_000_000n && !all.some((one) => one.id === id)) schedule.id = id;
    expected.id = schedule.id;
  }

  /** Everything that was ever used, by queue and model. */
  usage(): Record<string, { count: number; inputTokens: number; nanos: number }> {
    const sums: Record<string, { count: number; inputTokens: number; nanos: number }> = {};
    for (const { queue, model, inputTokens, nanos } of this.state.reports) {
      const sum = (sums[`${queue} ${model}`] ??= { count: 0, inputTokens: 0, nanos: 0 });
      sum.count++;
      sum.inputTokens += inputTokens;
      sum.nanos += nanos;
    }
    return sums;
  }

  /** Would a fetch from these queues grant something now? */
  fetchable(queues: readonly string[]): boolean {
    return queues.some((name) => {
      const queue = this.state.queues.get(name);
      return queue !== undefined && head(queue) !== undefined && open(this.state, queue);
    });
  }

  /** Log time from which on the throttle lets another fetch through; now or earlier: it does. */
  throttledUntilMs(name: string): number {
    const { nowMs, queues } = this.state;
    const queue = queues.get(name);
    if (!queue || queue.rateLimit === 0) return nowMs;
    const lastOfFull = queue.grantsMs.at(-queue.rateLimit);
    return lastOfFull === undefined ? nowMs : Math.max(nowMs, lastOfFull + queue.rateWindowMs + 1);
  }

  /** Log time of the next tick that would change something; Infinity: none. */
  nextTickMs(): number {
    return nextTickMs(this.state);
  }

  /** Retention took these finished jobs. Which ones go follows from the archive's segments, which the model does not have. */
  purged(ids: Iterable<string>, endedBeforeMs: number): void {
    for (const id of ids) this.state.jobs.delete(id);
    forget(this.state, endedBeforeMs);
  }
}

/** A frame that asked for jobs, and for nothing else, and got none. */
function idleFrame(command: Command, outcome: Outcome): boolean {
  return command.verb === "lifecycle" && outcome.kind === "frame" && outcome.jobs.length + command.acks.length + command.enqueues.length === 0;
}
