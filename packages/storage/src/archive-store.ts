/** A place in the archive: state of the engine, the same on every replica. */
export interface ArchivePlace {
  /** Number of the segment: an unsigned 32-bit number; the engine begins where it likes and only goes up. */
  segment: number;
  /** Bytes of records before it in its segment: the first record of a segment lies at 0 (the file's own header is not counted). */
  offset: number;
}

/**
 * Finished jobs. The engine decides each record's place; the store puts it there. Not synced per record: `sync` is called before
 * a snapshot lets the log behind it go.
 */
export interface ArchiveStore {
  /**
   * Cuts everything behind `end` (the place in the snapshot being restored; {segment: first, offset: 0} without one); replay writes it
   * again. Called once after open, before everything else. Throws `ArchiveDamaged` when what lies before `end` is not there whole.
   */
  rewindTo(end: ArchivePlace): Promise<void>;
  /**
   * Takes records that lie one after another from `place` on, synchronously into a buffer; written by the pool soon after.
   * Each record: `seq` (creation sequence of the job), `bytes`. A record never spans two segments: when the engine moves to
   * the next segment, the former is finished with its sorted id footer.
   */
  append(place: ArchivePlace, seq: number, bytes: Uint8Array): void;
  /**
   * Latest record of this job, or undefined. Reads memory (open segment) or sorted footers (sealed segments). Checks checksum; throws
   * `ArchiveDamaged` rather than to say that there is none.
   */
  find(seq: number): Promise<{ place: ArchivePlace; bytes: Uint8Array } | undefined>;
  /** The same for many jobs, in the order in which they were asked for: what lies together is read together. */
  findMany(seqs: readonly number[]): Promise<({ place: ArchivePlace; bytes: Uint8Array } | undefined)[]>;
  /** The record at this place. Throws `ArchiveDamaged`, also when its segment is gone. */
  read(place: ArchivePlace): Promise<Uint8Array>;
  /**
   * The records from one place up to another, in their order, those of dropped segments left out. For reading much: a megabyte at a time.
   * Throws `ArchiveDamaged` where they cannot be read.
   */
  recordsBetween(from: ArchivePlace, to: ArchivePlace): AsyncIterable<{ place: ArchivePlace; bytes: Uint8Array }>;
  /** Everything appended so far is durable. */
  sync(): Promise<void>;
  /** Removes whole segments; also the open one, when nothing is appended to it any more. */
  dropSegments(segments: readonly number[]): Promise<void>;
  /** Bytes of all records. */
  readonly bytes: number;
  /** Writes what is in the buffer, without syncing: what is not covered by `sync` is written again by replay. */
  close(): Promise<void>;
}

/** One record of the archive. */
export interface ArchivedRecord {
  place: ArchivePlace;
  /** Creation sequence of the job. */
  seq: number;
  bytes: Uint8Array;
}

/** Reading the archive as a whole, for backups. */
export interface ArchiveExport {
  /** Every record before `end`, oldest first, each checked. Throws `ArchiveDamaged`. Call `hold` before, so that nothing goes meanwhile. */
  records(end: ArchivePlace): AsyncIterable<ArchivedRecord>;
  /** No segment is dropped until the returned function was called: `dropSegments` waits. */
  hold(): () => void;
}

/** A record takes its bytes and this many more. Part of the engine's level: never changes within one. */
export const archiveRecordOverheadBytes = 24;
/** The engine opens the next segment when a record would end behind this. */
export const archiveSegmentBytesMax = 64 * 1024 * 1024;

/** Thrown when a record that must be there is damaged or missing. Names the place; other replicas have the same bytes. */
export class ArchiveDamaged extends Error {
  constructor(
    readonly segment: number,
    readonly offset: number,
    readonly what: string,
  ) {
    super(`archive segment ${segment} at offset ${offset}: ${what}`);
    this.name = "ArchiveDamaged";
  }
}
