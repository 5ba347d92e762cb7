import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { JobIdReader, jobIdSequences, limits } from "@corvo/protocol";
import { Command } from "./command.js";
import { Follow } from "./follow.js";
import { Garbage } from "./garbage.js";
import { Measured } from "./measured.js";
import { Archive, type ArchiveSink } from "./tables/archive.js";
import { ArchiveMarks } from "./tables/archive-marks.js";
import { Arena, TextKind, type TextOwners } from "./tables/arena.js";
import { Counters } from "./tables/counters.js";
import { DeletedJobs } from "./tables/deleted-jobs.js";
import { EntityTable } from "./tables/entities.js";
import { Events, EventType } from "./tables/events.js";
import { expiryField, JobState, JobTable, timerField } from "./tables/job-table.js";
import { LeaseTimers } from "./tables/lease-timers.js";
import { Tickets } from "./tables/list-order.js";
import type { Pages } from "./tables/pages.js";
import { type Queue, Queues } from "./tables/queues.js";
import { Remembered } from "./tables/remembered.js";
import { RollingHash } from "./tables/rolling-hash.js";
import { SequenceIndex } from "./tables/sequence-index.js";
import { TimerHeap } from "./tables/timer-heap.js";
import { UniqueLocks } from "./tables/unique-locks.js";
import { type Worker, Workers } from "./tables/workers.js";
import { ViewFeed } from "./view-feed.js";
import { Outbox } from "./webhooks.js";

/** How an engine is built. */
export interface EngineOptions {
  /** Takes finished jobs. */
  archive: ArchiveSink;
  /** What a record of the archive takes beside its bytes. The same on all replicas. */
  archiveRecordOverheadBytes: number;
  /** The archive's next segment is opened when a record would end behind this. The same on all replicas. */
  archiveSegmentBytesMax: number;
  /** Events that are kept for subscribers. Default 65,536: a minute at 1,000 jobs per second. */
  eventsKept?: number;
  /** This node's own: with it, clients cannot know which of their keys collide. Default 0. */
  hashSeed?: number;
  /** Gather what changes for a read view. Default false: it costs nothing then. */
  viewFeed?: boolean;
  /** Bounds that decide outcomes, for tests; the same on all replicas. Default: those of `limits`. */
  queuesMax?: number;
  workersMax?: number;
  requestIdsMax?: number;
}

/** Answer of `State.find` for a job that is not live. */
export const notFound = -1;
/** The same, when the archive may have it. */
export const notLive = -2;

/** Something that wants an object's content before it changes. */
export interface ObjectCut {
  readonly serial: number;
  keepQueue(queue: Queue): void;
  keepWorker(worker: Worker): void;
}

/** Everything that the engine knows. Verbs change it, one at a time, in log order. */
export class State implements TextOwners {
  readonly arena = new Arena();
  readonly jobs = new JobTable();
  readonly sequences = new SequenceIndex();
  readonly queues: Queues;
  readonly workers: Workers;
  /** Places of pending jobs. */
  readonly tickets = new Tickets();
  /** Events on their way to webhooks. */
  readonly outbox: Outbox;
  /** Active jobs by the end of their lease in serving time, then fence. */
  readonly leases = new LeaseTimers(this.jobs, timerField);
  /** Scheduled and retrying jobs by their time, then sequence. */
  readonly due = new TimerHeap(this.jobs, timerField);
  /** Jobs that can expire now (live, not active, with an expiry) by that time, then sequence. */
  readonly expiries = new TimerHeap(this.jobs, expiryField);
  readonly locks: UniqueLocks;
  readonly remembered: Remembered;
  readonly archive: Archive;
  readonly marks: ArchiveMarks;
  readonly deleted: DeletedJobs;
  readonly events: Events;
  readonly hash = new RollingHash();
  readonly entities: EntityTable;
  readonly queuesMax: number;
  /** What happened, by queue and minute. */
  readonly counters = new Counters();
  readonly queueBySerial = (serial: number): Queue | undefined => this.queues.bySerial.get(serial);
  /** What the read view has not seen yet; undefined: there is no view. */
  readonly feed: ViewFeed | undefined;

  /** For operators; no part of the state. */
  readonly measured = new Measured();

  /** Engine level of the entry that is being applied: what it does is what that level does. */
  level = 1;
  /** Index of the last entry that was applied. */
  appliedIndex = 0;
  /** Highest time that an entry carried, unix milliseconds. Never falls. */
  logTimeMs = 0;
  /** Time during which nobody served. Invariant: serving time = logTimeMs − pausedMs, and never falls. */
  pausedMs = 0;
  /** Sequence of the newest job. */
  lastSeq = 0;
  /** Fence of the newest grant. */
  lastFence = 0;
  /** Rows of cleared lists and destroyed queues. */
  readonly garbage = new Garbage();

  /** The running cut. */
  cut: ObjectCut | undefined;
  /** Queues that may have become fetchable since they were last taken. */
  ready: Queue[] = [];

  /** Rises when keys, roles, namespaces or limits change. This node's own. */
  authVersion = 1;
  /** Jobs that are called for by the end of others. */
  readonly follow = new Follow();
  /** The command that is being applied. */
  command = new Command();
  /** Jobs that ended in this command by sequence, with their states; kept only when later parts of it may depend on them. */
  endedNow: Map<number, { state: number; createdMs: number }> | undefined;
  /** Serial of the batch that new jobs join, whatever their requests say; 0: none. */
  intoBatch = 0;

  /** Where the answer of the running command is written. */
  readonly out = new Writer(64 * 1024);
  /** False: nobody wants the answer, so verbs need not write it. */
  answering = false;
  /** Jobs leased by the running command. */
  granted = 0;
  /** Sequence and creation time of the job that `find` last looked for. */
  foundSeq = 0;
  foundCreatedMs = 0;
  private readonly id = new JobIdReader();

  constructor(options: EngineOptions) {
    const seed = options.hashSeed ?? 0;
    this.queuesMax = options.queuesMax ?? limits.queuesMax;
    this.queues = new Queues(seed);
    this.workers = new Workers(seed, options.workersMax ?? limits.workersMax);
    this.locks = new UniqueLocks(this.arena, seed);
    this.remembered = new Remembered(this.arena, seed, options.requestIdsMax ?? limits.requestIdsMax);
    this.outbox = new Outbox(this);
    this.entities = new EntityTable(this.arena, seed, this.hash);
    this.marks = new ArchiveMarks(seed);
    this.deleted = new DeletedJobs(seed);
    this.archive = new Archive(options.archive, options.archiveRecordOverheadBytes, options.archiveSegmentBytesMax);
    this.events = new Events(options.eventsKept ?? 65_536);
    if (options.viewFeed) this.jobs.feed = this.archive.feed = this.feed = new ViewFeed(this);
  }

  /** Log time less the pauses in which nobody served: leases are measured in it. */
  get servingMs(): number {
    return this.logTimeMs - this.pausedMs;
  }

  /** The row of the job with this id, or `notFound`, or `notLive`. */
  find(buf: Uint8Array, start: number, end: number): number {
    if (!this.id.read(buf, start, end)) return notFound;
    return this.findSeq40(this.id.createdMs, this.id.seq40);
  }

  findSeq40(createdMs: number, seq40: number): number {
    let seq = Math.floor(this.lastSeq / jobIdSequences) * jobIdSequences + seq40;
    if (seq > this.lastSeq) seq -= jobIdSequences;
    this.foundSeq = seq;
    this.foundCreatedMs = createdMs;
    if (seq < 1) return notFound;
    const row = this.sequences.get(seq);
    if (row !== -1) return this.jobs.createdMs(row) === createdMs && this.visible(row) ? row : notFound;
    return this.deleted.has(seq) ? notFound : notLive;
  }

  /** An id that no job has, but that one to come could have. */
  isFuture(buf: Uint8Array, start: number, end: number): boolean {
    return this.id.read(buf, start, end) && this.id.createdMs >= this.logTimeMs && this.id.seq40 > this.lastSeq % jobIdSequences;
  }

  /** False: the row was cleared, or its queue destroyed, and it waits for the sweep. */
  visible(row: number): boolean {
    const queue = this.queues.of(this.jobs.queue(row));
    if (queue.destroyed) return false;
    if (queue.epoch === 0) return true;
    const state = this.jobs.state(row);
    return (state !== JobState.pending && state !== JobState.scheduled) || this.jobs.epoch(row) === queue.epoch;
  }

  findQueue(buf: Uint8Array, start: number, end: number): Queue | undefined {
    return this.queues.find(buf, start, end);
  }

  /** The queue of this name, made if it is new; undefined when there are too many. */
  queueOf(buf: Uint8Array, start: number, end: number, evenTooMany = false): Queue | undefined {
    const queue = this.queues.find(buf, start, end);
    if (queue !== undefined) return queue;
    if (!evenTooMany && this.queues.size >= this.queuesMax) return undefined;
    this.change();
    const made = this.queues.create(buf, start, end, this.logTimeMs, this.archive.next.segment, this.archive.next.offset);
    made.cutSerial = this.cut?.serial ?? 0;
    this.feed?.queue(made);
    this.hash.mix(64, made.serial, end - start);
    this.queueChanged(EventType.queueCreated, made);
    return made;
  }

  /** Tells that a queue as such changed. */
  queueChanged(type: number, queue: Queue): void {
    if (this.level >= 2) this.events.add(type, 0, 0, queue, this.logTimeMs);
  }

  /** Queues with a `depthMax`. */
  depthLimits = 0;
  /** Batches that are not sealed, by the number of their namespace. Follows from the entities. */
  readonly openBatches = new Map<number, number>();
  /** Rises when a row of the usage ledger goes into a coarser one: who walks along the ledger begins again. In no snapshot. */
  usageFolds = 0;
  /** Serials of schedules that want slots from the leader. Follows from the entities, as `awaited`. */
  readonly asking = new Set<number>();
  /** Job for whose end a slot waits → serial of the schedule. */
  readonly awaited = new Map<number, number>();

  /** Set while a command is only looked at: called before the first change, it throws. */
  guard: (() => never) | undefined;

  /** Call before a change that no table, queue or worker would notice by itself (see `touch`). */
  change(): void {
    this.guard?.();
  }

  /** Call before a queue changes. */
  touchQueue(queue: Queue): void {
    if (this.cut !== undefined && queue.cutSerial !== this.cut.serial) this.cut.keepQueue(queue);
    if (this.feed !== undefined && !queue.fed) this.feed.queue(queue);
  }

  /** Call before a worker changes. */
  touchWorker(worker: Worker): void {
    if (this.cut !== undefined && worker.cutSerial !== this.cut.serial) this.cut.keepWorker(worker);
  }

  /** The queue may have become fetchable: whoever waits for it should look. */
  wake(queue: Queue): void {
    if (queue.ready) return;
    queue.ready = true;
    this.ready.push(queue);
  }

  holds(kind: number, owner: number, address: number): boolean {
    switch (kind) {
      case TextKind.request:
        return owner < this.jobs.rows && this.jobs.state(owner) !== 0 && this.jobs.request(owner) === address;
      case TextKind.document:
        return owner < this.jobs.rows && this.jobs.state(owner) !== 0 && this.jobs.document(owner) === address;
      case TextKind.uniqueKey:
        return owner < 0 ? this.entities.holds(owner, address) : this.locks.key(owner) === address;
      default:
        return this.remembered.text(owner) === address;
    }
  }

  moved(kind: number, owner: number, address: number): void {
    switch (kind) {
      case TextKind.request:
        this.jobs.keep(owner);
        this.jobs.setRequest(owner, address);
        break;
      case TextKind.document:
        this.jobs.keep(owner);
        this.jobs.setDocument(owner, address);
        break;
      case TextKind.uniqueKey:
        if (owner < 0) this.entities.moved(owner, address);
        else this.locks.moveKey(owner, address);
        break;
      default:
        this.remembered.moveText(owner, address);
    }
  }

  /** All tables that lie in pages. */
  pages(): Pages[] {
    const { jobs, locks, remembered, marks, deleted, entities, counters } = this;
    return [jobs, locks, remembered, marks, deleted, entities, counters];
  }

  /** Memory that live state takes, in bytes: pages, texts, indexes. */
  get stateBytes(): number {
    const { arena, jobs, sequences, leases, due, expiries, locks, remembered, marks, deleted, events, entities, tickets, counters } = this;
    return (
      arena.bytes +
      jobs.bytes +
      sequences.bytes +
      leases.bytes +
      due.bytes +
      expiries.bytes +
      locks.bytes +
      remembered.bytes +
      marks.bytes +
      deleted.bytes +
      counters.bytes +
      events.bytes +
      entities.bytes +
      tickets.bytes
    );
  }
}
