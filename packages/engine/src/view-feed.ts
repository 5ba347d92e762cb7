import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { visibleRecord } from "./archived.js";
import type { State } from "./state.js";
import type { ArchivePlace } from "./tables/archive.js";
import { MarkKind } from "./tables/archive-marks.js";
import { JobState } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";
import { type FeedChunk, FeedChunks, FeedKind, feedHeaderBytes } from "./view-format.js";

/** Copies of finished jobs that wait for the view. Above it they are read from the archive again, where they are anyway. */
const copyBytesMax = 32 * 1024 * 1024;

/** Everything that changed up to one index, on its way to the view. */
interface Interval {
  index: number;
  logTimeMs: number;
  queues: Queue[];
  queuesAt: number;
  ops: FeedChunk[];
  finished: FeedChunk[];
  /** Finished jobs from here to `scanTo` must be read from the archive. */
  scanFrom: ArchivePlace | undefined;
  scanTo: ArchivePlace;
  rows: Int32Array;
  rowsCount: number;
  rowsAt: number;
  deleted: number[];
  deletedAt: number;
  stage: number;
}

/**
 * What the read view has not seen yet: a bit and a place in a list per changed row, copies of finished jobs, deleted sequences, and
 * what happened to whole queues. Changes of one job between two readings count once. Nothing here is part of the state, and nothing
 * of it exists when there is no view.
 *
 * The view takes it interval by interval: `begin`, then `pack` until it says that the interval is over; meanwhile changes gather for the
 * next one. A row is packed as it is then, so after an interval the view has seen everything up to its index, and perhaps more.
 */
export class ViewFeed {
  private bits = new Int32Array(1024);
  private rows = new Int32Array(1024);
  private rowsCount = 0;
  private queues: Queue[] = [];
  private deletedSeqs: number[] = [];
  private readonly chunks = new FeedChunks();
  private ops: FeedChunk[] = [];
  private finishedChunks: FeedChunk[] = [];
  private finishedBytes = 0;
  private scanFrom: ArchivePlace | undefined;
  private interval: Interval | undefined;
  /** Index of the last entry whose changes were all packed. */
  packedIndex = 0;

  constructor(private readonly s: State) {}

  /** Memory that waits for the view. */
  get bytes(): number {
    return this.bits.length * 4 + this.rows.length * 4 + this.deletedSeqs.length * 8 + this.finishedBytes;
  }

  /** Rows, finished and deleted jobs that wait, those of a running interval not counted. */
  get waiting(): number {
    return this.rowsCount + this.finishedBytes / 256 + this.deletedSeqs.length + this.queues.length + this.ops.length + (this.scanFrom ? 1 : 0);
  }

  // What the verbs say; each costs some nanoseconds.

  /** Something that can be searched changes about this job. */
  changed(row: number): void {
    const word = row >>> 5;
    if (word >= this.bits.length) this.growBits(word);
    const bit = 1 << (row & 31);
    if ((this.bits[word] & bit) !== 0) return;
    this.bits[word] |= bit;
    if (this.rowsCount === this.rows.length) this.growRows();
    this.rows[this.rowsCount++] = row;
  }

  isChanged(row: number): boolean {
    return row >>> 5 < this.bits.length && (this.bits[row >>> 5] & (1 << (row & 31))) !== 0;
  }

  /** The row is free. */
  gone(row: number): void {
    if (row >>> 5 < this.bits.length) this.bits[row >>> 5] &= ~(1 << (row & 31));
  }

  /** A queue's counters or settings change. */
  queue(queue: Queue): void {
    if (queue.fed) return;
    queue.fed = true;
    this.queues.push(queue);
  }

  /** A job went to the archive. */
  finished(place: ArchivePlace, seq: number, queueSerial: number, bytes: Uint8Array): void {
    if (this.scanFrom !== undefined) return;
    if (this.finishedBytes >= copyBytesMax) {
      this.scanFrom = { ...place };
      return;
    }
    this.finishedBytes += putFinished(this.chunks, this.finishedChunks, place, seq, queueSerial, bytes);
  }

  /** A job is gone for good. */
  deleted(seq: number): void {
    this.deletedSeqs.push(seq);
  }

  /** Pending and scheduled jobs of older epochs are gone. */
  cleared(queue: Queue): void {
    const chunk = this.chunks.room(this.ops, 24);
    const at = chunk.begin(FeedKind.clear, 24);
    chunk.f64[(at >> 3) + 1] = queue.serial;
    chunk.i32[(at >> 2) + 4] = queue.epoch;
  }

  /** A queue is gone with all its jobs. */
  destroyed(queue: Queue): void {
    const chunk = this.chunks.room(this.ops, 16);
    chunk.f64[(chunk.begin(FeedKind.destroy, 16) >> 3) + 1] = queue.serial;
  }

  /** Finished jobs in archive segments up to this one are gone. */
  purged(segment: number): void {
    const chunk = this.chunks.room(this.ops, 16);
    chunk.i32[(chunk.begin(FeedKind.purge, 16) >> 2) + 2] = segment;
  }

  // What the view asks.

  /** Takes everything that waits as the next interval. One at a time. */
  begin(): void {
    const { s } = this;
    for (const queue of this.queues) queue.fed = false;
    this.interval = {
      index: s.appliedIndex,
      logTimeMs: s.logTimeMs,
      queues: this.queues,
      queuesAt: 0,
      ops: this.ops,
      finished: this.finishedChunks,
      scanFrom: this.scanFrom,
      scanTo: { ...s.archive.next },
      rows: this.rows,
      rowsCount: this.rowsCount,
      rowsAt: 0,
      deleted: this.deletedSeqs,
      deletedAt: 0,
      stage: 0,
    };
    this.queues = [];
    this.ops = [];
    this.finishedChunks = [];
    this.finishedBytes = 0;
    this.scanFrom = undefined;
    this.rows = new Int32Array(1024);
    this.rowsCount = 0;
    this.deletedSeqs = [];
  }

  /** The same with everything there is: for a view that is made anew. What was under way is dropped. */
  beginAll(): void {
    const { s } = this;
    this.begin();
    const all = this.interval!;
    for (const queue of all.queues) queue.fed = false;
    all.queues = [...s.queues.bySerial.values()];
    all.ops = [];
    all.finished = [];
    all.deleted = [];
    const first = s.archive.segments[0];
    all.scanFrom = first === undefined ? undefined : { segment: first.number, offset: 0 };
    all.rows = new Int32Array(s.jobs.used);
    all.rowsCount = 0;
    this.bits.fill(0);
    if (s.jobs.rows > 0) this.growBits(s.jobs.rows >>> 5);
    for (let row = 0; row < s.jobs.rows; row++) {
      if (s.jobs.state(row) === 0) continue;
      this.bits[row >>> 5] |= 1 << (row & 31);
      all.rows[all.rowsCount++] = row;
    }
  }

  /** Lets go of a running interval whose view is gone: only `beginAll` may follow. */
  drop(): void {
    this.interval = undefined;
  }

  /** True between `begin` and the end of the interval. */
  get packing(): boolean {
    return this.interval !== undefined;
  }

  /**
   * The part of the archive that belongs to this interval and was not copied; undefined: none. Whoever reads it gives each record to
   * `packArchived`, and then calls `archiveDone`.
   */
  get archiveRange(): { from: ArchivePlace; to: ArchivePlace } | undefined {
    const one = this.interval;
    return one?.stage === Stage.archive && one.scanFrom !== undefined ? { from: one.scanFrom, to: one.scanTo } : undefined;
  }

  archiveDone(): void {
    if (this.interval?.stage === Stage.archive) this.interval.scanFrom = undefined;
  }

  /** A record of the archive, as a finished job if it still counts. */
  packArchived(into: FeedChunk[], place: ArchivePlace, bytes: Uint8Array): void {
    const r = archived.read(bytes, 0, bytes.length);
    if (visibleRecord(this.s, r, place.segment, place.offset) <= 0) return;
    putFinished(this.chunks, into, place, r.seq, this.s.findQueue(bytes, r.queueStart, r.queueEnd)!.serial, bytes);
  }

  /**
   * Packs what comes next, about `bytesMax` of it, into chunks that the caller owns. Empty: read the `archiveRange` first. `done`: the
   * interval is over with these.
   */
  pack(bytesMax: number): { chunks: FeedChunk[]; done: boolean } {
    const one = this.interval;
    const out: FeedChunk[] = [];
    if (one === undefined) return { chunks: out, done: true };
    let left = bytesMax;
    for (;;) {
      switch (one.stage) {
        case Stage.ops:
          for (const chunk of one.ops) out.push(chunk);
          one.ops = [];
          for (const queue of one.queues) this.packQueue(out, queue);
          one.stage++;
          break;
        case Stage.finished:
          while (left > 0) {
            const chunk = one.finished.shift();
            if (chunk === undefined) break;
            this.revise(chunk, one.deleted);
            out.push(chunk);
            left -= chunk.used;
          }
          if (one.finished.length > 0) return { chunks: out, done: false };
          one.stage++;
          break;
        case Stage.archive:
          if (one.scanFrom !== undefined) return { chunks: out, done: false };
          one.stage++;
          break;
        case Stage.rows:
          while (left > 0 && one.rowsAt < one.rowsCount) left -= this.packRow(out, one.rows[one.rowsAt++]);
          if (one.rowsAt < one.rowsCount) return { chunks: out, done: false };
          one.stage++;
          break;
        case Stage.deleted:
          for (; left > 0 && one.deletedAt < one.deleted.length; left -= 16) this.packDeleted(out, one.deleted[one.deletedAt++]);
          if (one.deletedAt < one.deleted.length) return { chunks: out, done: false };
          one.stage++;
          break;
        default: {
          for (const queue of one.queues) this.packQueue(out, queue);
          const chunk = this.chunks.room(out, 24);
          const at = chunk.begin(FeedKind.seen, 24) >> 3;
          chunk.f64[at + 1] = one.index;
          chunk.f64[at + 2] = one.logTimeMs;
          this.packedIndex = one.index;
          this.interval = undefined;
          return { chunks: out, done: true };
        }
      }
    }
  }

  /** Gives chunks back for use again. */
  recycle(buffer: ArrayBuffer): void {
    this.chunks.recycle(buffer);
  }

  /** Copies of finished jobs that do not count any more become void; what is gone altogether is deleted. */
  private revise(chunk: FeedChunk, deleted: number[]): void {
    const { s } = this;
    for (let at = 0; at < chunk.used; at += chunk.i32[(at >> 2) + 1]) {
      const word = at >> 2;
      const double = at >> 3;
      const seq = chunk.f64[double + 1];
      if (!this.current(seq, chunk.i32[word + 6], chunk.i32[word + 7])) {
        chunk.i32[word] = FeedKind.void;
        if (this.purgedMeanwhile(seq, chunk.i32[word + 6])) deleted.push(seq);
      } else if (!s.queues.bySerial.has(chunk.f64[double + 2])) {
        chunk.i32[word] = FeedKind.void;
        deleted.push(seq);
      }
    }
  }

  /** It ended and was purged before the view heard of either: the view has it as it was when it lived. */
  private purgedMeanwhile(seq: number, segment: number): boolean {
    const { s } = this;
    if (s.archive.has(segment) || s.sequences.get(seq) !== -1) return false;
    const mark = s.marks.used === 0 ? -1 : s.marks.find(seq);
    return mark === -1 || !s.archive.has(s.marks.segment(mark));
  }

  /** Is the record at this place what is known of the job now, its queue aside? */
  private current(seq: number, segment: number, offset: number): boolean {
    const { s } = this;
    if (!s.archive.has(segment) || s.sequences.get(seq) !== -1 || s.deleted.has(seq)) return false;
    if (s.marks.used === 0) return true;
    const mark = s.marks.find(seq);
    return mark === -1 || (s.marks.segment(mark) === segment && s.marks.offset(mark) === offset && s.marks.kind(mark) === MarkKind.moved);
  }

  private packRow(out: FeedChunk[], row: number): number {
    if (!this.isChanged(row)) return 4; // it was freed, or packed already
    this.gone(row);
    const { s } = this;
    const { jobs, arena } = s;
    const seq = jobs.seq(row);
    if (!s.visible(row)) return this.packDeleted(out, seq);
    const request = jobs.request(row);
    const document = jobs.document(row);
    const worker = jobs.worker(row) === 0 ? undefined : s.workers.byNumber[jobs.worker(row)]!;
    const requestBytes = arena.length(request);
    const documentBytes = document === 0 ? 0 : arena.length(document);
    const nameBytes = worker === undefined ? 0 : worker.name.length;
    const size = (liveFixedBytes + requestBytes + documentBytes + nameBytes + 7) & ~7;
    const chunk = this.chunks.room(out, size);
    const at = chunk.begin(FeedKind.live, size);
    const { f64, i32, u8 } = chunk;
    const state = jobs.state(row);
    let d = (at >> 3) + 1;
    f64[d++] = seq;
    f64[d++] = s.queues.of(jobs.queue(row)).serial;
    f64[d++] = jobs.createdMs(row);
    f64[d++] = state === JobState.scheduled || state === JobState.retrying ? jobs.dueMs(row) : 0;
    f64[d++] = jobs.expireMs(row);
    f64[d++] = jobs.startedMs(row);
    f64[d++] = jobs.failedMs(row);
    let w = d << 1;
    i32[w++] = state;
    i32[w++] = jobs.priority(row);
    i32[w++] = jobs.attempt(row);
    i32[w++] = jobs.maxRetries(row);
    i32[w++] = jobs.epoch(row);
    i32[w++] = requestBytes;
    i32[w++] = documentBytes;
    i32[w++] = worker === undefined ? -1 : worker.idBytes;
    i32[w++] = nameBytes;
    let to = at + liveFixedBytes;
    const from = arena.start(request);
    u8.set(arena.memory(request).subarray(from, from + requestBytes), to);
    to += requestBytes;
    if (document !== 0) {
      const start = arena.start(document);
      u8.set(arena.memory(document).subarray(start, start + documentBytes), to);
      to += documentBytes;
    }
    if (worker !== undefined) u8.set(worker.name, to);
    return size;
  }

  private packDeleted(out: FeedChunk[], seq: number): number {
    const chunk = this.chunks.room(out, 16);
    chunk.f64[(chunk.begin(FeedKind.deleted, 16) >> 3) + 1] = seq;
    return 16;
  }

  private packQueue(out: FeedChunk[], queue: Queue): void {
    if (queue.destroyed) return;
    const size = (queueFixedBytes + queue.nameBytes.length + 7) & ~7;
    const chunk = this.chunks.room(out, size);
    const at = chunk.begin(FeedKind.queue, size);
    let d = (at >> 3) + 1;
    const { completed, dead, cancelled, pending, active, held, retrying, scheduled } = queue;
    for (const value of [queue.serial, pending, active, held, completed, retrying, dead, cancelled, scheduled]) chunk.f64[d++] = value;
    chunk.i32[d << 1] = queue.nameBytes.length;
    chunk.u8.set(queue.nameBytes, at + queueFixedBytes);
  }

  private growBits(word: number): void {
    let size = this.bits.length;
    while (size <= word) size *= 2;
    if (size === this.bits.length) return;
    const bigger = new Int32Array(size);
    bigger.set(this.bits);
    this.bits = bigger;
  }

  private growRows(): void {
    const bigger = new Int32Array(this.rows.length * 2);
    bigger.set(this.rows);
    this.rows = bigger;
  }
}

enum Stage {
  ops = 0,
  finished = 1,
  archive = 2,
  rows = 3,
  deleted = 4,
}

const archived = new ArchivedJobReader();
/** Header, 7 doubles, 9 integers and one of padding. */
export const liveFixedBytes = feedHeaderBytes + 7 * 8 + 10 * 4;
/** Header, 9 doubles, 2 integers. */
export const queueFixedBytes = feedHeaderBytes + 9 * 8 + 8;
/** Header, 2 doubles, 4 integers. */
export const finishedFixedBytes = feedHeaderBytes + 2 * 8 + 4 * 4;

function putFinished(chunks: FeedChunks, into: FeedChunk[], place: ArchivePlace, seq: number, queueSerial: number, bytes: Uint8Array): number {
  const size = (finishedFixedBytes + bytes.length + 7) & ~7;
  const chunk = chunks.room(into, size);
  const at = chunk.begin(FeedKind.finished, size);
  const { f64, i32 } = chunk;
  f64[(at >> 3) + 1] = seq;
  f64[(at >> 3) + 2] = queueSerial;
  const word = (at >> 2) + 6;
  i32[word] = place.segment;
  i32[word + 1] = place.offset;
  i32[word + 2] = bytes.length;
  chunk.u8.set(bytes, at + finishedFixedBytes);
  return size;
}
