import type { BatchIndex } from "./batch-index.js";
import { BatchEncoder, decodeBatch, type LogPosition } from "./batch-record.js";
import { LogCounters } from "./counters.js";
import type { Disk, DiskFile } from "./disk.js";
import type { FailpointHook } from "./failpoints.js";
import { type Append, GroupCommit } from "./group-commit.js";
import type { HardStateFile } from "./hard-state.js";
import type { StorageIdentity } from "./identity.js";
import { type HardState, LogDamaged, type LogFound, type LoggedEntry, type LogStore } from "./log-store.js";
import { aligned, alignmentOf, encodeRecord, encodeSegmentHeader, kinds, seedOf, segmentHeaderBytes } from "./segment.js";
import { logSegmentIdentity, logSegmentName } from "./segment-log-scan.js";
import { recordIn } from "./segment-reader.js";
import { SegmentReserve, type Spare } from "./segment-reserve.js";
import type { DiskPressure, SpaceReserve } from "./space.js";

export interface SegmentLogOptions {
  disk: Disk;
  identity: StorageIdentity;
  /** Default `log`. */
  directory?: string;
  /** Default `hard-state`. */
  hardStatePath?: string;
  /** False: nothing is synced; promises resolve when the operating system has the bytes. Default true. */
  durable?: boolean;
  /** Default 64 MiB: one more sync and 64 MiB of zeros per segment, and what a full disk leaves for acks is a multiple of it. */
  segmentBytes?: number;
  /** Preallocated segments kept ahead. Default 2. */
  reserveSegments?: number;
  failpoint?: FailpointHook;
  /** Measures syncs; without it their durations count as 0. */
  monotonicMs?: () => number;
  /**
   * While syncs take less than this in the mean, a small record that comes alone is synced on the calling thread: waking two threads for
   * it takes as long as a quick disk's sync. Default 0: every sync is in the thread pool.
   */
  inlineSyncMsMax?: number;
  /** Told once, when the log stops for good. */
  onFailure?: (error: Error) => void;
}

export const logSegmentBytesDefault = 64 * 1024 * 1024;
/** Left at the end of a segment for the record that closes it. */
const closingBytes = 64;
/** Bytes of records that one step of `read` hands out, at least one record. */
const readBytes = 512 * 1024;

/** Records up to this are one client's: under load they are larger, and a sync in the pool leaves the thread free to gather the next one. */
const inlineBytesMax = 1024;

/** An open segment of the log. */
export interface LogSegment {
  file: DiskFile;
  path: string;
  number: number;
  seed: number;
  sizeBytes: number;
  /** Where the next record goes. */
  end: number;
  /** Batches that were written to it since the process took it up, or found in it. */
  batches: number;
  readers: number;
  dropped: boolean;
}

/** What `openSegmentLog` hands over. */
export interface OpenedLog {
  segments: LogSegment[];
  spares: Spare[];
  index: BatchIndex;
  last: LogPosition;
  hardState: HardState | undefined;
  hardStateFile: HardStateFile;
  chain: number;
  found: LogFound;
}

/**
 * The log in segments. One batch is one record: `writev` on the calling thread, one fdatasync in the pool while the next batch
 * gathers; see `inlineSyncMsMax` for the exception. Fail-stop: after a failed write or sync nothing is written any more.
 */
export class SegmentLog implements LogStore, SpaceReserve {
  readonly found: LogFound;
  readonly counters = new LogCounters();
  /** Oldest first; the last one is written to. */
  readonly #segments: LogSegment[];
  readonly #index: BatchIndex;
  readonly #reserve: SegmentReserve;
  readonly #commits: GroupCommit;
  readonly #encoder = new BatchEncoder();
  readonly #hardStateFile: HardStateFile;
  readonly #durable: boolean;
  readonly #alignment = alignmentOf("log");
  /** Sum of the last record. */
  #chain: number;
  #hardState: HardState | undefined;
  /** What is written. Invariant: written.index ≤ accepted. */
  #written: LogPosition;
  /** Index of the last entry that `append` took. */
  #accepted: number;
  /** Newest segment that has a durable batch, hence hard state and base: older ones may go. */
  #anchored: number;
  #bytes = 0;
  #dropping: Promise<void> = Promise.resolve();
  /** Mean of the last syncs: each counts an eighth. */
  #syncMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly options: SegmentLogOptions,
    opened: OpenedLog,
  ) {
    this.found = opened.found;
    this.#segments = opened.segments;
    this.#index = opened.index;
    this.#hardStateFile = opened.hardStateFile;
    this.#hardState = opened.hardState;
    this.#chain = opened.chain;
    this.#written = opened.last;
    this.#accepted = opened.last.index;
    this.#durable = options.durable ?? true;
    this.#anchored = this.#segments.findLast((segment) => segment.batches > 0)?.number ?? 0;
    for (const segment of this.#segments) this.#bytes += segment.end - segmentHeaderBytes;
    this.#commits = new GroupCommit((appends) => this.#commit(appends), options.onFailure);
    const directory = options.directory ?? "log";
    this.#reserve = new SegmentReserve(
      {
        disk: options.disk,
        pathOf: (number) => `${directory}/${logSegmentName(number)}`,
        headerOf: (number) => logSegmentIdentity(options.identity, number),
        bytes: options.segmentBytes ?? logSegmentBytesDefault,
        wanted: options.reserveSegments ?? 2,
        onFailure: (error) => this.#commits.fail(error),
      },
      this.#active.number + 1,
    );
    for (const spare of opened.spares) this.#reserve.adopt(spare);
    void this.#reserve.refill();
  }

  get firstIndex(): number {
    return this.#index.count === 0 ? this.#written.index + 1 : this.#index.firstOf(0);
  }

  get lastIndex(): number {
    return this.#accepted;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get pressure(): DiskPressure {
    return this.#reserve.pressure;
  }

  refill(): Promise<void> {
    return this.#reserve.refill();
  }

  append(batch: { entries: readonly LoggedEntry[]; hardState?: HardState }): Promise<void> {
    const { entries } = batch;
    if (this.#commits.failure !== undefined) return Promise.reject(this.#commits.failure);
    if (entries.length > 0) {
      const first = entries[0].index;
      if (first > this.#accepted + 1 || first < this.firstIndex) {
        throw new Error(`entries from ${first} on do not follow a log of ${this.firstIndex}..${this.#accepted}`);
      }
      for (let at = 1; at < entries.length; at++) if (entries[at].index !== first + at) throw new Error("the entries of a batch must follow one another");
      this.#accepted = first + entries.length - 1;
    }
    this.counters.appends++;
    return this.#commits.add({ entries, hardState: batch.hardState });
  }

  async *read(from: number, to: number): AsyncIterable<LoggedEntry[]> {
    if (from < this.firstIndex || to > this.#accepted) throw new RangeError(`entries ${from}..${to} are not in a log of ${this.firstIndex}..${this.#accepted}`);
    // What is on its way may also replace what is there.
    if (!this.#commits.idle) await this.#commits.alone(async () => {});
    for (let next = from; next <= to; ) {
      const slice = await this.#readSome(next, to);
      yield slice;
      next = slice[slice.length - 1].index + 1;
    }
  }

  async dropThrough(index: number): Promise<void> {
    if (this.#commits.failure !== undefined) throw this.#commits.failure;
    // A segment may go when the next one that has batches begins at or before the entry behind `index`.
    let keep = this.#segments[0].number;
    for (const segment of this.#segments) {
      if (segment.number > this.#anchored) break;
      if (this.#firstIndexFrom(segment.number) <= index + 1) keep = segment.number;
    }
    await this.#dropBefore(keep);
  }

  resetTo(index: number, term: number): Promise<void> {
    this.#accepted = index;
    return this.#commits.alone(async () => {
      await this.#roll();
      const base = { index, term };
      const buffers = this.#encoder.encode([], this.#hardState, base, index, this.#active.seed, this.#chain, kinds.reset);
      this.#put(buffers, this.#encoder.bytes, this.#encoder.sum);
      if (this.#durable) await this.#active.file.sync();
      this.#active.batches++;
      this.#anchored = this.#active.number;
      this.#index.clear();
      this.#written = base;
      await this.#dropBefore(this.#active.number);
    });
  }

  async close(): Promise<void> {
    try {
      await this.#commits.alone(async () => {
        this.#mark(kinds.seal);
        await this.#active.file.sync();
      });
    } finally {
      this.#commits.close();
      await this.#reserve.close();
      await this.#dropping.catch(() => {
        /* whoever dropped was told */
      });
      await this.#hardStateFile.close();
      for (const segment of this.#segments) await segment.file.close();
    }
  }

  get #active(): LogSegment {
    return this.#segments[this.#segments.length - 1];
  }

  #commit(appends: readonly Append[]): Promise<void> | undefined {
    const active = this.#active;
    const full = active.batches > 0 && active.end + this.#encoder.sizeOf(appends) + closingBytes > active.sizeBytes;
    return full ? this.#roll().then(() => this.#write(appends)) : this.#write(appends);
  }

  #write(appends: readonly Append[]): Promise<void> | undefined {
    const { failpoint } = this.options;
    const active = this.#active;
    let hardState: HardState | undefined;
    for (const append of appends) if (append.hardState !== undefined) hardState = append.hardState;
    const promised = hardState !== undefined && (hardState.term !== (this.#hardState?.term ?? 0) || hardState.vote !== (this.#hardState?.vote ?? 0));
    if (hardState !== undefined) this.#hardState = hardState;
    const first = active.batches === 0;
    const buffers = this.#encoder.encode(
      appends,
      first ? this.#hardState : hardState,
      first ? this.#written : undefined,
      this.#written.index,
      active.seed,
      this.#chain,
    );
    failpoint?.("log.beforeWrite");
    const offset = active.end;
    this.#put(buffers, this.#encoder.bytes, this.#encoder.sum);
    active.batches++;
    this.counters.batches++;
    let indexed = false;
    for (const { entries } of appends) {
      if (entries.length === 0) continue;
      if (!indexed) this.#index.push(entries[0].index, active.number, offset, active.end - offset);
      indexed = true;
      const last = entries[entries.length - 1];
      this.#written = { index: last.index, term: last.term };
      this.counters.entries += entries.length;
    }
    failpoint?.("log.afterWrite");
    // Without syncs the slot file stays as it is: it may never be ahead of the log, and the next open brings it up.
    if (this.#durable) {
      if (promised || this.#encoder.bytes > inlineBytesMax || this.#syncMs >= (this.options.inlineSyncMsMax ?? 0)) return this.#sync(active, promised);
      this.#syncNow(active);
    }
    this.#anchored = active.number;
    return undefined;
  }

  #syncNow(active: LogSegment): void {
    const began = this.options.monotonicMs?.() ?? 0;
    active.file.syncNow();
    this.#synced(began);
    this.options.failpoint?.("log.afterSync");
  }

  #synced(began: number): void {
    const ms = (this.options.monotonicMs?.() ?? 0) - began;
    this.#syncMs = this.#syncMs === Number.POSITIVE_INFINITY ? ms : this.#syncMs + (ms - this.#syncMs) / 8;
    this.counters.synced(ms);
  }

  /** Makes the record durable, and then the slot file, when term or vote changed: both before the promise. */
  #sync(active: LogSegment, promised: boolean): Promise<void> {
    const began = this.options.monotonicMs?.() ?? 0;
    const synced = active.file.sync().then(() => {
      this.#synced(began);
      this.#anchored = active.number;
      this.options.failpoint?.(promised ? "hardState.between" : "log.afterSync");
    });
    if (!promised) return synced;
    return synced
      .then(() => {
        this.#writeSlot();
        return this.#hardStateFile.sync();
      })
      .then(() => this.options.failpoint?.("log.afterSync"));
  }

  #writeSlot(): void {
    this.#hardStateFile.write(this.#hardState?.term ?? 0, this.#hardState?.vote ?? 0);
  }

  /** Writes a record at the end of the active segment. */
  #put(buffers: readonly Uint8Array[], bytes: number, sum: number): void {
    const active = this.#active;
    active.file.writeSync(buffers, active.end);
    const end = aligned(active.end + bytes, this.#alignment);
    this.#bytes += end - active.end;
    this.counters.bytes += bytes;
    active.end = end;
    this.#chain = sum;
  }

  /** A record without a body; synced by the caller. */
  #mark(kind: number): void {
    const { bytes, sum } = encodeRecord(this.#active.seed, kind, this.#written.index, new Uint8Array(0), this.#chain);
    this.#put([bytes], bytes.length, sum);
  }

  /** Goes on in the next segment: the old one says so first, so that a missing segment is noticed. */
  async #roll(): Promise<void> {
    this.options.failpoint?.("log.roll");
    const spare = await this.#reserve.take();
    this.#mark(kinds.continued);
    if (this.#durable) await this.#active.file.sync();
    this.#segments.push(openedSegment(spare, this.options.identity));
  }

  /** Index of the first entry that is kept when the log begins with this segment. */
  #firstIndexFrom(segment: number): number {
    const batch = this.#index.findSegment(segment);
    return batch < this.#index.count ? this.#index.firstOf(batch) : this.#written.index + 1;
  }

  /** Removes the segments before this one, oldest first, one after the other even on the disk: a power cut leaves no hole. */
  #dropBefore(number: number): Promise<void> {
    const gone: LogSegment[] = [];
    while (this.#segments.length > 1 && this.#segments[0].number < number) gone.push(this.#segments.shift()!);
    this.#index.dropBefore(number);
    for (const segment of gone) this.#bytes -= segment.end - segmentHeaderBytes;
    this.#dropping = this.#dropping.then(async () => {
      for (const segment of gone) {
        await this.options.disk.remove(segment.path);
        await this.options.disk.syncDirectory(this.options.directory ?? "log");
        segment.dropped = true;
        if (segment.readers === 0) await segment.file.close();
      }
    });
    const done = this.#dropping;
    if (gone.length > 0) void done.then(() => this.#reserve.refill()).catch(() => {}); // whoever dropped is told by `done`
    return done;
  }

  /** Entries from `from` on, as many as lie together in one read; at least one record's. */
  async #readSome(from: number, to: number): Promise<LoggedEntry[]> {
    const index = this.#index;
    const found = index.find(from);
    if (found < 0) throw new RangeError(`entry ${from} was dropped while it was read`);
    const number = index.segmentOf(found);
    const start = index.offsetOf(found);
    const parts: { offset: number; first: number; last: number }[] = [];
    let end = start;
    for (let batch = found; batch < index.count && index.firstOf(batch) <= to && index.segmentOf(batch) === number; batch++) {
      const partEnd = index.offsetOf(batch) + index.lengthOf(batch);
      if (parts.length > 0 && partEnd - start > readBytes) break;
      end = partEnd;
      const last = batch + 1 < index.count ? index.firstOf(batch + 1) - 1 : this.#written.index;
      parts.push({ offset: index.offsetOf(batch), first: index.firstOf(batch), last: Math.min(to, last) });
    }
    const segment = this.#segments.find((candidate) => candidate.number === number);
    if (segment === undefined) throw new Error(`segment ${number} is not open`);
    segment.readers++;
    try {
      const bytes = await segment.file.read(start, end - start);
      const slice: LoggedEntry[] = [];
      for (const { offset, first, last } of parts) {
        const record = recordIn(bytes, offset - start, segment.seed);
        const batch = typeof record === "string" ? record : decodeBatch(record.body, record.index);
        if (typeof batch === "string") throw new LogDamaged(segment.path, offset, batch);
        if (batch.firstIndex !== first || batch.firstIndex + batch.count <= last)
          throw new LogDamaged(segment.path, offset, `the record does not hold ${first}..${last}`);
        for (const entry of batch.entries(from, last)) slice.push(entry);
      }
      return slice;
    } finally {
      segment.readers--;
      if (segment.dropped && segment.readers === 0) await segment.file.close();
    }
  }
}

export function openedSegment(spare: Spare, identity: StorageIdentity): LogSegment {
  const seed = seedOf(encodeSegmentHeader(logSegmentIdentity(identity, spare.number)));
  return {
    file: spare.file,
    path: spare.path,
    number: spare.number,
    seed,
    sizeBytes: spare.sizeBytes,
    end: segmentHeaderBytes,
    batches: 0,
    readers: 0,
    dropped: false,
  };
}
