import { CancelJobRequestReader } from "@corvo/gen/corvo/v1/job_fast.js";
import { formatJobId, type Refusal, Verb } from "@corvo/protocol";
import { type BudgetRecord, budgetRecords } from "./budget-set.js";
import { fetchRefusal, hasBudgets } from "./budgets.js";
import { type BulkTaskRecord, bulkBlock, bulkTask, bulkTasks } from "./bulk.js";
import { archiveAgain } from "./command.js";
import { stillWaits, waitingFor } from "./dependencies.js";
import { contentDigest } from "./digest.js";
import { type EntityRecord, entityRecord, entityRecords } from "./entity-records.js";
import { type Explanation, explain } from "./explain/index.js";
import { headOf } from "./fetch.js";
import { checkInvariants, checkLists } from "./invariants.js";
import { archivedRecords, type IterationInfo, iterationInfo, liveRecords } from "./iterations.js";
import { type UsageRecord, usageSince } from "./ledger.js";
import { recordDependencies, requestDependencies } from "./look-up.js";
import type { Measured } from "./measured.js";
import { type PolicyRecord, policyRecords } from "./policies.js";
import { archivedRecord, type JobRecord, liveRecord, type QueueRecord, queueRecords, traceparentOf, type WorkerRecord, workerRecords } from "./records.js";
import { type BatchRecord, batchRecord, type ChainRecord, chainRecord, type FamilyRecord, familyRecord, newestFirst } from "./relation-records.js";
import { type AskingSchedule, askingSchedules, type ScheduleRecord, scheduleNamed, scheduleRecords } from "./schedule-records.js";
import { type EngineOptions, notLive, State } from "./state.js";
import { type ErrorGroupRecord, errorGroups } from "./stats.js";
import type { ArchivePlace } from "./tables/archive.js";
import type { CountRecord } from "./tables/counters.js";
import { EntityKind, entityKindsMax } from "./tables/entities.js";
import { type EventLog, type EventRecord, eventTypes } from "./tables/events.js";
import type { Queue } from "./tables/queues.js";
import { nextTimerMs } from "./tick.js";
import { type UsageGrouping, UsageWalk } from "./usage-walk.js";
import type { ViewFeed } from "./view-feed.js";
import { type WebhookDeliveryRecord, type WebhookRecord, webhookDeliveries, webhookDelivery, webhookPending, webhookRecords } from "./webhook-records.js";
import { type WorkerOrder, workerOrder } from "./worker-orders.js";

const administrative: ReadonlySet<number> = new Set([EntityKind.apiKey, EntityKind.role, EntityKind.namespace, EntityKind.audit, EntityKind.setting]);

/** See listOf. */
const listsByState = [
  ["pending", [0, 1, 2]],
  ["active", [3]],
  ["held", [4]],
  ["retrying", [5]],
  ["scheduled", [6]],
] as const;

const encoder = new TextEncoder();
const jobRequest = new CancelJobRequestReader();

/**
 * What can be asked of an engine between two entries: the leader's questions before it proposes, and what handlers, the view and
 * metrics show. Nothing here changes the state.
 */
export class Reads {
  protected readonly state: State;

  protected constructor(options: EngineOptions) {
    this.state = new State(options);
  }

  /** Index of the last entry that was applied or skipped. */
  get appliedIndex(): number {
    return this.state.appliedIndex;
  }
  /** Highest time that an entry carried, unix milliseconds. */
  get logTimeMs(): number {
    return this.state.logTimeMs;
  }
  /** Hash over all changes so far: equal on all replicas at the same index. */
  get stateHash(): { low: number; high: number } {
    return { low: this.state.hash.low, high: this.state.hash.high };
  }
  /** Hash over what the state is, whatever way led to it and wherever it lies. Reads everything: for tests and verification. */
  contentDigest(): string {
    return contentDigest(this.state);
  }
  /** What the read view has not seen yet; undefined: built without. */
  get feed(): ViewFeed | undefined {
    return this.state.feed;
  }
  /** Memory that state takes, in bytes. */
  get stateBytes(): number {
    return this.state.stateBytes;
  }
  /** Jobs that are pending, active, held, retrying or scheduled. */
  get liveJobs(): number {
    return this.state.jobs.used - this.state.garbage.rows;
  }

  /** How many jobs a fetch from these queues could lease now; 0: it would find nothing. */
  fetchable(queues: readonly (string | Uint8Array)[], nowMs: number): number {
    let jobs = 0;
    for (const name of queues) {
      const queue = this.queueNamed(name);
      if (queue === undefined) continue;
      queue.askedMs = Math.max(nowMs, this.state.logTimeMs);
      jobs += queue.grantable(queue.askedMs);
    }
    return jobs;
  }

  /** Queues that may have become fetchable since the last call: who sleeps on them should look. Throttles end by time alone. */
  takeReady(): string[] {
    const { ready } = this.state;
    if (ready.length === 0) return [];
    this.state.ready = [];
    return ready.map((queue) => {
      queue.ready = false;
      return queue.name;
    });
  }

  /** When the queue's throttle next has room, unix milliseconds; `nowMs` or less: it has. */
  throttledUntilMs(queue: string | Uint8Array, nowMs: number): number {
    return this.queueNamed(queue)?.throttle?.freeAtMs(Math.max(nowMs, this.state.logTimeMs)) ?? 0;
  }

  /** Log time at which the next tick would change something, unix milliseconds; Infinity: never. */
  nextTimerMs(): number {
    return nextTimerMs(this.state);
  }

  /**
   * Creation sequence of the job that this request names, when it is not live but may be in the archive. The leader then looks there
   * and proposes a FinishedJobCommand: with the record, or without one when there is none. Undefined: propose the request as it is.
   */
  needsArchive(verb: number, body: Uint8Array): number | undefined {
    if (!this.mayNeedArchive(verb)) return undefined;
    try {
      jobRequest.read(body, 0, body.length);
    } catch {
      return undefined; // apply refuses it
    }
    return this.state.find(body, jobRequest.jobIdStart, jobRequest.jobIdEnd) === notLive ? this.state.foundSeq : undefined;
  }

  /**
   * Creation sequences of the jobs that are not live and that others in this request depend on. The leader looks them up and proposes the
   * request in a FinishedJobCommand, with a fact about each. Undefined: nothing in the request depends on others. A request with the
   * flag `dependent` can be refused with `wantsArchiveAgain`.
   */
  dependencies(verb: number, body: Uint8Array): number[] | undefined {
    return requestDependencies(this.state, verb, body);
  }

  /** The same for a finished job that is to run again: `record` is its ArchivedJob. */
  dependenciesOfRecord(record: Uint8Array): number[] {
    return recordDependencies(this.state, record);
  }

  /** Verbs that run a finished job again: for them `dependenciesOfRecord` counts. */
  runsAgain(verb: number): boolean {
    return verb === Verb.RETRY || verb === Verb.REQUEUE;
  }

  /** Verbs for which `needsArchive` can give a sequence, and apply a refusal that `wantsArchiveAgain`. */
  mayNeedArchive(verb: number): boolean {
    return verb === Verb.FAIL || (verb >= Verb.RETRY && verb <= Verb.DELETE) || verb === Verb.REPLAY || verb === Verb.REQUEUE || verb === Verb.CHANGE_PRIORITY;
  }

  /** The refusal is none: the job changed while the leader looked into the archive. Ask `needsArchive` again and propose again. */
  wantsArchiveAgain(refusal: Refusal): boolean {
    return refusal === archiveAgain;
  }

  /** A live job, or undefined. `seq40`: low 40 bits of its sequence, as in its id. */
  findLive(id: { createdMs: number; seq40: number }): JobRecord | undefined {
    const row = this.state.findSeq40(id.createdMs, id.seq40);
    return row < 0 ? undefined : liveRecord(this.state, row);
  }

  /** W3C trace context of a live job; undefined: it has none. */
  traceparentOfLive(id: { createdMs: number; seq40: number }): string | undefined {
    const row = this.state.findSeq40(id.createdMs, id.seq40);
    return row < 0 ? undefined : traceparentOf(this.state, row);
  }

  /** Queue of a live job, without reading the job. */
  queueOfLive(id: { createdMs: number; seq40: number }): string | undefined {
    const row = this.state.findSeq40(id.createdMs, id.seq40);
    return row < 0 ? undefined : this.state.queues.of(this.state.jobs.queue(row)).name;
  }

  /** The sequence of a job that is not live, for looking it up in the archive; undefined: it cannot be there. */
  finishedSeq(id: { createdMs: number; seq40: number }): number | undefined {
    return this.state.findSeq40(id.createdMs, id.seq40) === notLive ? this.state.foundSeq : undefined;
  }

  /** A finished job from its archive record; undefined: the record is void (deleted, destroyed, run again, or superseded). */
  readArchived(bytes: Uint8Array, place: ArchivePlace): JobRecord | undefined {
    return archivedRecord(this.state, bytes, place);
  }

  /** Why a live job is not running; undefined: it is not live. `fetchWaits`: says whether a fetch sleeps on a queue right now. */
  explain(id: { createdMs: number; seq40: number }, nowMs: number, fetchWaits: (queue: string) => boolean): Explanation | undefined {
    const row = this.state.findSeq40(id.createdMs, id.seq40);
    return row < 0 ? undefined : explain(this.state, row, nowMs, fetchWaits(this.state.queues.of(this.state.jobs.queue(row)).name));
  }

  /** All webhooks, oldest first, secrets included. */
  webhooks(): WebhookRecord[] {
    return webhookRecords(this.state);
  }
  /** Rises when a webhook was set or deleted, or dead letters were taken up again. */
  get webhooksVersion(): number {
    return this.state.outbox.version;
  }
  /** What a webhook has still to deliver (`dead` false), could not deliver (true), or both. */
  webhookDeliveries(webhook: number, dead: boolean | undefined, max: number): WebhookDeliveryRecord[] {
    return webhookDeliveries(this.state, webhook, dead, max);
  }
  webhookDelivery(serial: number): WebhookDeliveryRecord | undefined {
    return webhookDelivery(this.state, serial);
  }
  /** What waits for delivery with a serial above this one, in the order of delivery. */
  webhookPending(afterSerial: number): { serial: number; webhook: number; jobSeq: number; attempts: number }[] {
    return webhookPending(this.state, afterSerial);
  }
  /** Serial of the newest delivery that is kept; 0: none. */
  get lastDeliverySerial(): number {
    const row = this.state.entities.last(EntityKind.webhookDelivery);
    return row === -1 ? 0 : this.state.entities.serial(row);
  }

  /** The job was deleted, as far as that is still known. */
  tombstoned(seq: number): boolean {
    return this.state.deleted.has(seq);
  }

  /** What the acks of a live agent job told, oldest first; undefined: there is no such live job. */
  liveIterations(id: { createdMs: number; seq40: number }): IterationInfo[] | undefined {
    const row = this.state.findSeq40(id.createdMs, id.seq40);
    return row < 0 ? undefined : liveRecords(this.state, row).map(iterationInfo);
  }

  /** The same for a finished job, from its archive record. */
  archivedIterations(bytes: Uint8Array): IterationInfo[] {
    return archivedRecords(bytes).map(iterationInfo);
  }

  /** All budgets by scope, then target, with what was spent in the UTC day of this time. */
  budgets(nowMs: number): BudgetRecord[] {
    return budgetRecords(this.state, Math.max(nowMs, this.state.logTimeMs));
  }
  /** Jobs that budgets hold. */
  get heldForBudgets(): number {
    return this.state.entities.count(EntityKind.budgetHold);
  }

  /** Counts some of the jobs that budgets hold, from the hold with this serial on (0: the first); undefined: it is gone. `next` 0: those were all. */
  budgetHoldsFrom(serial: number, rows: number, ofQueue: (queue: string) => boolean): { count: number; next: number } | undefined {
    const { entities: e, jobs, sequences, queues } = this.state;
    let hold = serial === 0 ? e.first(EntityKind.budgetHold) : e.bySerial(serial);
    if (serial !== 0 && hold === -1) return undefined;
    let count = 0;
    for (let left = rows; hold !== -1 && left > 0; left--, hold = e.following(hold)) {
      const row = sequences.get(e.num(hold, 0));
      if (row !== -1 && ofQueue(queues.of(jobs.queue(row)).name)) count++;
    }
    return { count, next: hold === -1 ? 0 : e.serial(hold) };
  }

  /** Approval policies, newest first. */
  policies(): PolicyRecord[] {
    return policyRecords(this.state);
  }

  /** Sums of the usage ledger from the minute, hour or day on in which this time lies. */
  usageSince(fromMs: number): UsageRecord[] {
    return usageSince(this.state, fromMs);
  }

  /** Why a fetch from these queues would be refused at this time, whatever is in them; undefined: it would not. */
  refusesFetch(queues: readonly (string | Uint8Array)[], nowMs: number): Refusal | undefined {
    if (!hasBudgets(this.state)) return undefined;
    for (const name of queues) {
      const refusal = fetchRefusal(this.state, typeof name === "string" ? encoder.encode(name) : name, Math.max(nowMs, this.state.logTimeMs));
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** Bulk operations in the background, newest first. */
  bulkTasks(): BulkTaskRecord[] {
    return bulkTasks(this.state);
  }
  bulkTask(id: string): BulkTaskRecord | undefined {
    return bulkTask(this.state, id);
  }
  /** Some of its jobs, as a BulkBlock. */
  bulkBlock(serial: number, number: number): Uint8Array {
    return bulkBlock(this.state, serial, number);
  }

  /** What happened in a queue, or in all of them, in a span of time. Undefined: there is no such queue. */
  counts(queue: string, fromMs: number, toMs: number): CountRecord[] {
    const { counters, queues } = this.state;
    if (queue === "") return counters.records(undefined, fromMs, toMs);
    const named = queues.byName.get(queue);
    return named === undefined ? [] : counters.records(named, fromMs, toMs);
  }
  /** Creation time of the oldest pending job of a queue; 0: none. */
  oldestPendingMs(queue: string): number {
    const named = this.state.queues.byName.get(queue);
    const row = named === undefined ? -1 : headOf(named);
    return row === -1 ? 0 : this.state.jobs.createdMs(row);
  }
  /** Errors that look the same, the group that failed last first. */
  errorGroups(): ErrorGroupRecord[] {
    return errorGroups(this.state);
  }

  /** The creation sequence that an id means. */
  seqOf(id: { createdMs: number; seq40: number }): number {
    this.state.findSeq40(id.createdMs, id.seq40);
    return this.state.foundSeq;
  }

  /** Names of all queues. */
  queueNames(): Iterable<string> {
    return this.state.queues.byName.keys();
  }

  /** Durations and counts for operators. */
  get measured(): Measured {
    return this.state.measured;
  }

  /** Calls back with the age of the job that has been longest in each list of a queue, in milliseconds of log time since its creation. */
  oldest(visit: (queue: string, state: "pending" | "active" | "held" | "retrying" | "scheduled", createdMs: number) => void, queuesMax: number): void {
    let left = queuesMax;
    for (const queue of this.state.queues.bySerial.values()) {
      if (left-- <= 0) return;
      for (const [state, lists] of listsByState) {
        let createdMs = Number.POSITIVE_INFINITY;
        for (const list of lists) if (queue.head[list] !== -1) createdMs = Math.min(createdMs, this.state.jobs.createdMs(queue.head[list]));
        if (createdMs !== Number.POSITIVE_INFINITY) visit(queue.name, state, createdMs);
      }
    }
  }

  /** All queues, sorted by name. */
  queues(): QueueRecord[] {
    return queueRecords(this.state);
  }

  /** Some schedule wants slots from the leader. */
  get asksForSlots(): boolean {
    return this.state.asking.size > 0;
  }
  /** Schedules that want slots from the leader, oldest wish first, without those whose serial is in `without`. */
  askingSchedules(max: number, without: ReadonlySet<number>): AskingSchedule[] {
    return this.state.asking.size === 0 ? [] : askingSchedules(this.state, max, without);
  }
  /** The schedule of this name. */
  schedule(name: string): ScheduleRecord | undefined {
    return scheduleNamed(this.state, name);
  }
  /** Up to `max` schedules that are younger than the one with this serial, oldest first; `ofName`: only some. */
  schedules(afterSerial: number, max: number, ofName?: (name: string) => boolean): ScheduleRecord[] {
    return scheduleRecords(this.state, afterSerial, max, ofName);
  }

  /** Who fetched, sorted by id. */
  workers(): WorkerRecord[] {
    return workerRecords(this.state);
  }

  /** The usage ledger from the minute, hour or day on in which this time lies, to be summed part by part. */
  usageWalk(fromMs: number, by: UsageGrouping | undefined, ofQueue?: (queue: string) => boolean): UsageWalk {
    return new UsageWalk(this.state, fromMs, by, ofQueue);
  }

  /** What a worker of a namespace (empty: `default`) was told; empty: nothing. */
  workerOrder(namespace: string, id: string): WorkerOrder {
    return workerOrder(this.state, namespace, id);
  }

  /** All entities of a kind, oldest first; copies. */
  entities(kind: number): EntityRecord[] {
    return entityRecords(this.state, kind);
  }
  /** The oldest entity of a kind with this key. */
  entity(kind: number, key: string): EntityRecord | undefined {
    return entityRecord(this.state, kind, key);
  }
  /** Number of the namespace that owns an entity (0: `default`); undefined: no entity of these kinds has this key. */
  ownerOf(kinds: readonly number[], key: string): number | undefined {
    const bytes = encoder.encode(key);
    for (const kind of kinds) {
      const row = this.state.entities.find(kind, bytes, 0, bytes.length);
      if (row !== -1) return this.state.entities.owner(row);
    }
    return undefined;
  }
  /** Rises when a key, role, namespace or limit changes: what was decoded from them is then decoded anew. */
  get authVersion(): number {
    return this.state.authVersion;
  }
  /** Queues whose name has a namespace: 0 means that nothing belongs to another namespace than `default`. */
  get namespacedQueues(): number {
    return this.state.queues.namespaced;
  }

  /** A batch, or undefined. */
  batch(id: string): BatchRecord | undefined {
    const row = this.entityNamed(EntityKind.batch, id);
    return row === -1 ? undefined : batchRecord(this.state, row);
  }
  /**
   * Up to `max` batches in this state (empty: any), newest first, from below this serial on; 0: from the newest. `owner`: only those of the
   * namespace with this number.
   */
  batches(below: number, max: number, state: string, owner?: number): BatchRecord[] {
    const s = this.state;
    const take = (record: BatchRecord): boolean => state === "" || record.state === state;
    return newestFirst(s, EntityKind.batch, { below, max, owner }, (row) => batchRecord(s, row), take);
  }
  /** A chain, or undefined. */
  chain(id: string): ChainRecord | undefined {
    const row = this.entityNamed(EntityKind.chain, id);
    return row === -1 ? undefined : chainRecord(this.state, row);
  }
  chains(below: number, max: number, state: string, owner?: number): ChainRecord[] {
    const s = this.state;
    const take = (record: ChainRecord): boolean => state === "" || record.state === state;
    return newestFirst(s, EntityKind.chain, { below, max, owner }, (row) => chainRecord(s, row), take);
  }
  /** What has become of the jobs that name this parent; undefined: there are none, or no more. */
  family(parentId: string): FamilyRecord | undefined {
    return familyRecord(this.state, encoder.encode(parentId));
  }
  /** Does this live job still wait for the other one? Then the dependency is not met. */
  stillWaits(job: { seq: number }, other: string): boolean {
    return stillWaits(this.state, job.seq, encoder.encode(other));
  }
  /** Ids of live jobs that wait for this one, oldest first. */
  waitingFor(id: string, max: number): string[] {
    const s = this.state;
    const rows = waitingFor(s, encoder.encode(id), max).map((seq) => s.sequences.get(seq));
    return rows.filter((row) => row !== -1 && s.visible(row)).map((row) => formatJobId(s.jobs.createdMs(row), s.jobs.seq(row)));
  }

  private entityNamed(kind: number, id: string): number {
    const key = encoder.encode(id);
    return this.state.entities.find(kind, key, 0, key.length);
  }

  /** Events after this number, oldest first. */
  eventsSince(seq: number, max: number): EventRecord[] {
    return this.state.events.since(seq, max);
  }
  /** Events of this type since this engine was made or restored, those of replayed entries included. */
  eventsOf(type: EventRecord["type"]): number {
    return this.state.events.counts[eventTypes.indexOf(type)];
  }
  /** The events themselves, for readers that make no objects. */
  get events(): EventLog {
    return this.state.events;
  }
  /** Number of the newest event; 0: none. */
  get lastEventSeq(): number {
    return this.state.events.lastSeq;
  }
  /** Number of the oldest event that is kept. */
  get firstEventSeq(): number {
    return this.state.events.firstSeq;
  }

  /** Newest creation sequence. */
  get lastSeq(): number {
    return this.state.lastSeq;
  }
  /** Newest fence. */
  get lastFence(): number {
    return this.state.lastFence;
  }
  /** Where the archive's next record goes: what lies behind is written again by replay. */
  get archiveEnd(): ArchivePlace {
    return { ...this.state.archive.next };
  }

  /** No job, queue, schedule or anything else that work is made of was ever here: at most keys, roles, namespaces and what was audited. */
  get unused(): boolean {
    const { lastSeq, queues, entities } = this.state;
    let things = 0;
    for (let kind = 1; kind < entityKindsMax; kind++) if (!administrative.has(kind)) things += entities.count(kind);
    return lastSeq === 0 && queues.size === 0 && things === 0;
  }

  /** Throws InvariantBroken when lists run in circles or anything else does not fit: for a state that somebody else has written. */
  examine(): void {
    checkLists(this.state);
    checkInvariants(this.state);
  }

  /** Live jobs from this row on, at most `max`, and the row to go on from; undefined: that was the last. */
  liveFrom(row: number, max: number): { jobs: JobRecord[]; next: number | undefined } {
    const s = this.state;
    const jobs: JobRecord[] = [];
    let at = row;
    for (; at < s.jobs.rows && jobs.length < max; at++) if (s.jobs.state(at) !== 0 && s.visible(at)) jobs.push(liveRecord(s, at));
    return { jobs, next: at < s.jobs.rows ? at : undefined };
  }

  /** Walks everything and throws InvariantBroken when something does not fit. For tests. */
  checkInvariants(): void {
    checkInvariants(this.state);
  }

  private queueNamed(name: string | Uint8Array): Queue | undefined {
    return typeof name === "string" ? this.state.queues.byName.get(name) : this.state.findQueue(name, 0, name.length);
  }
}
