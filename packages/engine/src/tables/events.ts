/** Types of events as `SubscribeEvent.type` spells them; the position is the number in the ring. */
export const eventTypes = [
  "enqueued",
  "started",
  "completed",
  "failed",
  "retried",
  "cancelled",
  "held",
  "approved",
  "rejected",
  "progress",
  "moved",
  "deleted",
  "promoted",
  "reclaimed",
  "expired",
  "retrying",
  "dead",
  "continued",
  "requeued",
  "revised",
  "released",
  "priority_changed",
  "purged",
  "batch_completed",
  "schedule_fired",
  "budget_exceeded",
  "queue_created",
  "queue_paused",
  "queue_resumed",
  "queue_drained",
  "queue_cleared",
  "queue_deleted",
  "queue_limits_changed",
  "webhook_test",
] as const;

export const EventType = {
  enqueued: 0,
  started: 1,
  completed: 2,
  failed: 3,
  retried: 4,
  cancelled: 5,
  held: 6,
  approved: 7,
  rejected: 8,
  progress: 9,
  moved: 10,
  deleted: 11,
  promoted: 12,
  reclaimed: 13,
  expired: 14,
  retrying: 15,
  dead: 16,
  continued: 17,
  requeued: 18,
  revised: 19,
  released: 20,
  priorityChanged: 21,
  purged: 22,
  batchCompleted: 23,
  scheduleFired: 24,
  budgetExceeded: 25,
  queueCreated: 26,
  queuePaused: 27,
  queueResumed: 28,
  queueDrained: 29,
  queueCleared: 30,
  queueDeleted: 31,
  queueLimitsChanged: 32,
  webhookTest: 33,
} as const;

/** What an event keeps of its queue: a queue, or after a restart its name alone. */
export interface EventQueue {
  readonly name: string;
}

/** What an event keeps of a worker. */
export interface EventWorker {
  /** Id and host, one after the other. */
  readonly name: Uint8Array;
  readonly idBytes: number;
}

/** What few events have. */
export interface EventExtra {
  data: Uint8Array;
  reason: Uint8Array;
}

/** One event, for whoever reads them. */
export interface EventRecord {
  /** Rises by one with each event, also over restarts. */
  readonly seq: number;
  /** Log index of the entry that caused it. */
  readonly index: number;
  readonly type: (typeof eventTypes)[number];
  /** Creation sequence of the job; 0: it is not about one job. */
  readonly jobSeq: number;
  readonly jobCreatedMs: number;
  readonly queue: string;
  /** Log time, unix milliseconds. */
  readonly atMs: number;
  /** Attempt of the job; 0: not said. */
  readonly attempt: number;
  /** Worker that has or had the job; empty: none, or not said. */
  readonly workerId: string;
  /** Who asked for it; empty: nobody in particular, or time did. */
  readonly actor: string;
  /** Why, in words; empty: not said. */
  readonly reason: string;
  /** JSON text; empty: none. */
  readonly data: Uint8Array;
}

/** Events as they were at a moment, oldest first, for a snapshot. */
export interface EventsCopy {
  readonly firstSeq: number;
  readonly count: number;
  readonly types: Uint8Array;
  readonly jobs: Float64Array;
  readonly created: Float64Array;
  readonly times: Float64Array;
  readonly indexes: Float64Array;
  readonly attempts: Int32Array;
  readonly queues: (EventQueue | undefined)[];
  readonly workers: (EventWorker | undefined)[];
  readonly actors: string[];
  readonly extras: (EventExtra | undefined)[];
}

/** Reading side of the ring. */
export type EventLog = Pick<
  Events,
  | "firstSeq"
  | "lastSeq"
  | "slot"
  | "typeAt"
  | "jobSeqAt"
  | "jobCreatedMsAt"
  | "atMsAt"
  | "indexAt"
  | "attemptAt"
  | "queueAt"
  | "workerAt"
  | "actorAt"
  | "extraAt"
  | "record"
>;

const nothing = new Uint8Array(0);
const decoder = new TextDecoder();
/** What an event takes in the ring beside its extras. */
const eventBytes = 1 + 4 * 8 + 4 + 4 * 8;
const extraBytes = 96;
/** Reasons are cut to so many bytes. */
export const eventReasonBytesMax = 256;

/**
 * The last events, in a ring that is bounded by count and by the bytes of data and reasons. Not part of the state hash: how many are
 * kept is each node's own affair, and nothing that apply decides may depend on them. Snapshots hold the newest of them, so that a reader
 * can go on behind a restart; what is lost shows as a gap in `seq`.
 */
export class Events {
  /** Number of the newest event; 0: none yet. */
  lastSeq = 0;
  /** Events below this number are gone. */
  firstSeq = 1;
  /** Index of the entry that is being applied. */
  index = 0;
  /** Who asked for the command that is being applied. */
  actor = "";
  /** Gets each event as it happens, before its data and reason are known; undefined: nobody asked. */
  listener: ((type: number, jobSeq: number, createdMs: number, queue: EventQueue | undefined, atMs: number) => void) | undefined;
  /** Gets what is said about the event that the listener got last. */
  details: ((extra: EventExtra | undefined, attempt: number, worker: EventWorker | undefined) => void) | undefined;
  /** Place of the next event in the ring. */
  private at = 0;
  private readonly types: Uint8Array;
  private readonly jobs: Float64Array;
  private readonly created: Float64Array;
  private readonly times: Float64Array;
  private readonly indexes: Float64Array;
  private readonly attempts: Int32Array;
  private readonly queues: (EventQueue | undefined)[];
  private readonly workers: (EventWorker | undefined)[];
  private readonly actors: string[];
  private readonly extras: (EventExtra | undefined)[];
  private extrasBytes = 0;
  /** Events of each type since this engine was made: for metrics, not part of the state. */
  readonly counts = new Float64Array(eventTypes.length);

  constructor(
    /** Events that are kept at most. */
    readonly kept: number,
    /** Bytes of data and reasons that are kept at most. 32 MiB. */
    private readonly bytesMax = 32 * 1024 * 1024,
  ) {
    this.types = new Uint8Array(kept);
    this.jobs = new Float64Array(kept);
    this.created = new Float64Array(kept);
    this.times = new Float64Array(kept);
    this.indexes = new Float64Array(kept);
    this.attempts = new Int32Array(kept);
    this.queues = new Array<EventQueue | undefined>(kept).fill(undefined);
    this.workers = new Array<EventWorker | undefined>(kept).fill(undefined);
    this.actors = new Array<string>(kept).fill("");
    this.extras = new Array<EventExtra | undefined>(kept).fill(undefined);
  }

  get bytes(): number {
    return this.kept * eventBytes + this.extrasBytes;
  }

  /** A new event. `jobSeq` 0: it is not about one job; `queue` undefined: nor about a queue. */
  add(type: number, jobSeq: number, createdMs: number, queue: EventQueue | undefined, atMs: number): void {
    if (this.kept > 0 && this.lastSeq + 1 - this.firstSeq >= this.kept) this.dropOldest();
    const seq = ++this.lastSeq;
    this.counts[type]++;
    if (this.listener !== undefined) this.listener(type, jobSeq, createdMs, queue, atMs);
    if (this.kept === 0) {
      this.firstSeq = seq + 1;
      return;
    }
    const at = this.at;
    this.at = at + 1 === this.kept ? 0 : at + 1;
    this.types[at] = type;
    this.jobs[at] = jobSeq;
    this.created[at] = createdMs;
    this.times[at] = atMs;
    this.indexes[at] = this.index;
    this.attempts[at] = 0;
    this.queues[at] = queue;
    this.workers[at] = undefined;
    this.actors[at] = this.actor;
  }

  /** Attempt and worker of the newest event. */
  attempt(attempt: number, worker?: EventWorker): void {
    if (this.details !== undefined) this.details(undefined, attempt, worker);
    if (this.kept === 0) return;
    const at = this.newest;
    this.attempts[at] = attempt;
    this.workers[at] = worker;
  }

  /** Data of the newest event: JSON text, in memory of its own. */
  attach(data: Uint8Array): void {
    this.extend({ data, reason: nothing });
  }

  /** Why the newest event happened, in words; it is cut to `eventReasonBytesMax` and copied. */
  because(source: Uint8Array, start = 0, end = source.length): void {
    if (end === start) return;
    let to = Math.min(end, start + eventReasonBytesMax);
    if (to < end) while (to > start && (source[to] & 0xc0) === 0x80) to--;
    this.extend({ data: nothing, reason: source.slice(start, to) });
  }

  private extend(more: EventExtra): void {
    if (this.details !== undefined) this.details(more, 0, undefined);
    if (this.kept === 0 || this.firstSeq > this.lastSeq) return;
    const at = this.newest;
    const known = this.extras[at];
    if (known === undefined) {
      this.extras[at] = more;
      this.extrasBytes += extraBytes;
    } else {
      this.extrasBytes -= known.data.length + known.reason.length;
      if (more.data.length > 0) known.data = more.data;
      if (more.reason.length > 0) known.reason = more.reason;
    }
    const now = this.extras[at]!;
    this.extrasBytes += now.data.length + now.reason.length;
    while (this.extrasBytes > this.bytesMax && this.firstSeq < this.lastSeq) this.dropOldest();
  }

  private get newest(): number {
    return this.at === 0 ? this.kept - 1 : this.at - 1;
  }

  private dropOldest(): void {
    const at = this.slot(this.firstSeq++);
    const extra = this.extras[at];
    if (extra === undefined) return;
    this.extrasBytes -= extraBytes + extra.data.length + extra.reason.length;
    this.extras[at] = undefined;
  }

  // Reading without making objects: `for (seq = firstSeq; seq <= lastSeq; seq++) { const at = slot(seq); typeAt(at) … }`

  /** Where an event lies; only for numbers from `firstSeq` to `lastSeq`, and only until the next one is added. */
  slot(seq: number): number {
    const at = this.at - 1 - (this.lastSeq - seq);
    return at < 0 ? at + this.kept : at;
  }
  typeAt(slot: number): number {
    return this.types[slot];
  }
  jobSeqAt(slot: number): number {
    return this.jobs[slot];
  }
  jobCreatedMsAt(slot: number): number {
    return this.created[slot];
  }
  atMsAt(slot: number): number {
    return this.times[slot];
  }
  indexAt(slot: number): number {
    return this.indexes[slot];
  }
  attemptAt(slot: number): number {
    return this.attempts[slot];
  }
  queueAt(slot: number): EventQueue | undefined {
    return this.queues[slot];
  }
  workerAt(slot: number): EventWorker | undefined {
    return this.workers[slot];
  }
  actorAt(slot: number): string {
    return this.actors[slot];
  }
  extraAt(slot: number): EventExtra | undefined {
    return this.extras[slot];
  }

  /** Number of the newest event of one of these types about this queue; 0: none is kept. */
  lastOf(wanted: readonly number[], queue: string): number {
    for (let seq = this.lastSeq; seq >= this.firstSeq; seq--) {
      const at = this.slot(seq);
      if (wanted.includes(this.types[at]) && this.queues[at]?.name === queue) return seq;
    }
    return 0;
  }

  /** Events after `seq`, oldest first, at most `max`. A first number that is not `seq + 1` means that older ones are gone. */
  since(seq: number, max: number): EventRecord[] {
    const found: EventRecord[] = [];
    for (let n = Math.max(seq + 1, this.firstSeq); n <= this.lastSeq && found.length < max; n++) found.push(this.record(n));
    return found;
  }

  /** One event that is kept. */
  record(seq: number): EventRecord {
    const at = this.slot(seq);
    const worker = this.workers[at];
    const extra = this.extras[at];
    return {
      seq,
      index: this.indexes[at],
      type: eventTypes[this.types[at]],
      jobSeq: this.jobs[at],
      jobCreatedMs: this.created[at],
      queue: this.queues[at]?.name ?? "",
      atMs: this.times[at],
      attempt: this.attempts[at],
      workerId: worker === undefined ? "" : decoder.decode(worker.name.subarray(0, worker.idBytes)),
      actor: this.actors[at],
      reason: extra === undefined ? "" : decoder.decode(extra.reason),
      data: extra?.data ?? nothing,
    };
  }

  /** The newest events, at most `max`, in memory of their own. */
  copy(max: number): EventsCopy {
    const count = Math.min(this.lastSeq - this.firstSeq + 1, max);
    const firstSeq = this.lastSeq - count + 1;
    const from = count === 0 ? 0 : this.slot(firstSeq);
    const numbers = <T extends Float64Array | Int32Array | Uint8Array>(array: T): T => {
      const made = new (array.constructor as new (length: number) => T)(count);
      const first = Math.min(count, this.kept - from);
      made.set(array.subarray(from, from + first));
      if (first < count) made.set(array.subarray(0, count - first), first);
      return made;
    };
    const objects = <T>(array: T[]): T[] => {
      const first = Math.min(count, this.kept - from);
      return array.slice(from, from + first).concat(array.slice(0, count - first));
    };
    return {
      firstSeq,
      count,
      types: numbers(this.types),
      jobs: numbers(this.jobs),
      created: numbers(this.created),
      times: numbers(this.times),
      indexes: numbers(this.indexes),
      attempts: numbers(this.attempts),
      queues: objects(this.queues),
      workers: objects(this.workers),
      actors: objects(this.actors),
      extras: objects(this.extras),
    };
  }

  /** After a restore: numbering goes on; the events are those that `restore` brings. */
  restored(lastSeq: number): void {
    if (this.lastSeq === lastSeq) return;
    this.lastSeq = lastSeq;
    this.firstSeq = lastSeq + 1;
  }

  /** One event of a snapshot, oldest first, without gaps. */
  restore(
    one: Omit<EventRecord, "type" | "queue" | "workerId" | "reason" | "data"> & {
      type: number;
      queue: EventQueue | undefined;
      worker: EventWorker | undefined;
      extra: EventExtra | undefined;
    },
  ): void {
    if (this.lastSeq + 1 !== one.seq) {
      this.lastSeq = one.seq - 1;
      this.firstSeq = one.seq;
    }
    const { listener, details } = this;
    this.listener = this.details = undefined;
    this.index = one.index;
    this.actor = one.actor;
    this.add(one.type, one.jobSeq, one.jobCreatedMs, one.queue, one.atMs);
    this.counts[one.type]--;
    if (one.attempt !== 0 || one.worker !== undefined) this.attempt(one.attempt, one.worker);
    if (one.extra !== undefined) this.extend(one.extra);
    this.listener = listener;
    this.details = details;
    this.index = 0;
    this.actor = "";
  }
}
