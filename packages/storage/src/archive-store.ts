/** A place in the archive: state of the engine, the same on every replica. */
export interface ArchivePlace {
  segment: number;
  offset: number;
}

/**
 * Finished jobs. The engine decides each record's place; the store puts it there. Not synced per record: `sync` is called before
 * a snapshot lets the log behind it go.
 */
export interface ArchiveStore {
  /** Cuts everything behind `end` (the place in the snapshot being restored); replay writes it again. Called once after open. */
  rewindTo(end: ArchivePlace): Promise<void>;
  /**
   * Takes records that lie one after another from `place` on, synchronously into a buffer; written by the pool soon after.
   * Each record: `seq` (creation sequence of the job), `bytes`. A record never spans two segments: when the engine moves to
   * the next segment, the former is finished with its sorted id footer.
   */
  append(place: ArchivePlace, seq: number, bytes: Uint8Array): void;
  /** Bytes that `append` of a record of this length takes in the segment: header included. Pure; the engine uses the same number. */
  /** Latest record of this job, or undefined. Reads memory (open segment) or sorted footers (sealed segments). Checks checksum. */
  find(seq: number): Promise<{ place: ArchivePlace; bytes: Uint8Array } | undefined>;
  read(place: ArchivePlace): Promise<Uint8Array>;
  /** Everything appended so far is durable. */
  sync(): Promise<void>;
  /** Removes whole segments. */
  dropSegments(segments: readonly number[]): Promise<void>;
  readonly bytes: number;
  close(): Promise<void>;
}
/** A record takes its bytes and this many more. Part of the engine's level: never changes within one. */
export const archiveRecordOverheadBytes = 24;
/** The engine opens the next segment when a record would end behind this. */
export const archiveSegmentBytesMax = 64 * 1024 * 1024;
