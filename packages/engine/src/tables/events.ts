import type { Queue } from "./queues.js";

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
} as const;

/** One event, for whoever reads them. */
export interface EventRecord {
  /** Rises by one with each event, also over restarts. */
  readonly seq: number;
  readonly type: (typeof eventTypes)[number];
  /** Creation sequence of the job. */
  readonly jobSeq: number;
  readonly jobCreatedMs: number;
  readonly queue: string;
  /** Log time, unix milliseconds. */
  readonly atMs: number;
  /** JSON text; empty: none. */
  readonly data: Uint8Array;
}

const nothing = new Uint8Array(0);

/**
 * The last events, in a ring. Not part of the state hash, and not in snapshots but for the number of the last one: what a restart
 * loses shows as a gap.
 */
export class Events {
  /** Number of the newest event; 0: none yet. */
  lastSeq = 0;
  /** Events below this number are gone. */
  firstSeq = 1;
  /** Place of the next event in the ring. */
  private at = 0;
  private readonly types: Uint8Array;
  private readonly jobs: Float64Array;
  private readonly created: Float64Array;
  private readonly times: Float64Array;
  private readonly queues: (Queue | undefined)[];
  private readonly data = new Map<number, Uint8Array>();
  /** Events of each type since this engine was made: for metrics, not part of the state. */
  readonly counts = new Float64Array(eventTypes.length);

  constructor(
    /** Events that are kept. */
    readonly kept: number,
  ) {
    this.types = new Uint8Array(kept);
    this.jobs = new Float64Array(kept);
    this.created = new Float64Array(kept);
    this.times = new Float64Array(kept);
    this.queues = new Array<Queue | undefined>(kept).fill(undefined);
  }

  get bytes(): number {
    return this.kept * 33;
  }

  add(type: number, jobSeq: number, createdMs: number, queue: Queue, atMs: number): void {
    const seq = ++this.lastSeq;
    this.counts[type]++;
    if (this.kept === 0) {
      this.firstSeq = seq + 1;
      return;
    }
    if (seq - this.firstSeq >= this.kept) {
      if (this.data.size > 0) this.data.delete(this.firstSeq);
      this.firstSeq++;
    }
    const at = this.at;
    this.at = at + 1 === this.kept ? 0 : at + 1;
    this.types[at] = type;
    this.jobs[at] = jobSeq;
    this.created[at] = createdMs;
    this.times[at] = atMs;
    this.queues[at] = queue;
  }

  /** Data of the newest event. */
  attach(bytes: Uint8Array): void {
    if (this.kept > 0) this.data.set(this.lastSeq, bytes);
  }

  /** Events after `seq`, oldest first, at most `max`. A first number that is not `seq + 1` means that older ones are gone. */
  since(seq: number, max: number): EventRecord[] {
    const found: EventRecord[] = [];
    for (let n = Math.max(seq + 1, this.firstSeq); n <= this.lastSeq && found.length < max; n++) {
      const at = (this.at + this.kept * 2 - (this.lastSeq - n) - 1) % this.kept;
      found.push({
        seq: n,
        type: eventTypes[this.types[at]],
        jobSeq: this.jobs[at],
        jobCreatedMs: this.created[at],
        queue: this.queues[at]?.name ?? "",
        atMs: this.times[at],
        data: this.data.get(n) ?? nothing,
      });
    }
    return found;
  }

  /** After a restore: numbering goes on, the events themselves are gone. */
  restored(lastSeq: number): void {
    this.lastSeq = lastSeq;
    this.firstSeq = lastSeq + 1;
  }
}
