import type { Queue } from "./queues.js";

/** A place in the archive: state of the engine, the same on every replica. */
export interface ArchivePlace {
  segment: number;
  offset: number;
}

/** Takes finished jobs and lets go of whole segments; the engine decides both. */
export interface ArchiveSink {
  /** `bytes` are an ArchivedJob, valid during the call only. */
  append(place: ArchivePlace, seq: number, bytes: Uint8Array): void;
  drop(segments: readonly number[]): void;
}

/** Finished jobs of one queue in one segment that are still kept, by state. */
export interface FinishedCounts {
  completed: number;
  dead: number;
  cancelled: number;
}

/** Told of each record that was appended. */
export interface ArchiveFeed {
  finished(place: ArchivePlace, seq: number, queueSerial: number, bytes: Uint8Array): void;
}

/** What the engine knows about one archive segment. */
export interface ArchiveSegment {
  readonly number: number;
  /** Log time of the newest end in it. */
  newestMs: number;
  /** By serial of the queue. */
  readonly counts: Map<number, FinishedCounts>;
  /** Serial of the cut that has it already. */
  cutSerial: number;
}

/** Where finished jobs go: places are counted here, bytes go to the sink. */
export class Archive {
  /** Oldest first; the last one is being filled. */
  segments: ArchiveSegment[] = [];
  /** Where the next record goes. */
  readonly next: ArchivePlace = { segment: 1, offset: 0 };
  /** Called before a segment's facts change. */
  beforeChange: (segment: ArchiveSegment) => void = () => {};
  /** The read view's; undefined: there is none. */
  feed: ArchiveFeed | undefined;
  private readonly place: ArchivePlace = { segment: 0, offset: 0 };

  constructor(
    readonly sink: ArchiveSink,
    /** A record takes its bytes and this many more. */
    readonly overheadBytes: number,
    /** A record that would end behind this opens the next segment. */
    readonly segmentBytesMax: number,
  ) {}

  /** Takes a record; returns its place, valid until the next call. */
  append(seq: number, bytes: Uint8Array, nowMs: number, queueSerial: number, countAs: keyof FinishedCounts): ArchivePlace {
    const size = bytes.length + this.overheadBytes;
    if (this.next.offset > 0 && this.next.offset + size > this.segmentBytesMax) {
      this.next.segment++;
      this.next.offset = 0;
    }
    const segment = this.running();
    this.beforeChange(segment);
    if (nowMs > segment.newestMs) segment.newestMs = nowMs;
    let counts = segment.counts.get(queueSerial);
    if (counts === undefined) segment.counts.set(queueSerial, (counts = { completed: 0, dead: 0, cancelled: 0 }));
    counts[countAs]++;
    this.place.segment = this.next.segment;
    this.place.offset = this.next.offset;
    this.sink.append(this.place, seq, bytes);
    if (this.feed !== undefined) this.feed.finished(this.place, seq, queueSerial, bytes);
    this.next.offset += size;
    return this.place;
  }

  private running(): ArchiveSegment {
    let segment = this.segments[this.segments.length - 1];
    if (segment === undefined || segment.number !== this.next.segment) {
      segment = { number: this.next.segment, newestMs: 0, counts: new Map(), cutSerial: 0 };
      this.segments.push(segment);
    }
    return segment;
  }

  /** A record of this segment is void from now on. */
  uncount(segmentNumber: number, queueSerial: number, countedAs: keyof FinishedCounts): void {
    const segment = this.segments.find((one) => one.number === segmentNumber);
    const counts = segment?.counts.get(queueSerial);
    if (counts === undefined) return;
    this.beforeChange(segment!);
    counts[countedAs]--;
    if (counts.completed + counts.dead + counts.cancelled === 0) segment!.counts.delete(queueSerial);
  }

  /** Is a record at this place still kept? */
  has(segment: number): boolean {
    const first = this.segments[0];
    return first !== undefined && segment >= first.number && segment <= this.next.segment;
  }

  /** Drops the oldest segments whose newest end was before this time, and adds to `gone`; returns the last number that went, 0: none. */
  purge(endedBeforeMs: number, queueOf: (serial: number) => Queue | undefined, gone: FinishedCounts): number {
    const dropped: number[] = [];
    while (this.segments.length > 0 && this.segments[0].newestMs < endedBeforeMs) {
      const segment = this.segments.shift()!;
      dropped.push(segment.number);
      for (const [serial, counts] of segment.counts) {
        const queue = queueOf(serial);
        if (queue === undefined) continue;
        queue.completed -= counts.completed;
        queue.dead -= counts.dead;
        queue.cancelled -= counts.cancelled;
        gone.completed += counts.completed;
        gone.dead += counts.dead;
        gone.cancelled += counts.cancelled;
      }
    }
    const last = dropped[dropped.length - 1] ?? 0;
    if (last === 0) return 0;
    if (last === this.next.segment) {
      this.next.segment++;
      this.next.offset = 0;
    }
    this.sink.drop(dropped);
    return last;
  }
}
