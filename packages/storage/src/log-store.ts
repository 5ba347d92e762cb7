export interface LoggedEntry {
  /** From 1, without gaps. A safe integer, like the term. */
  index: number;
  term: number;
  /** 0 normal, 1 and 2 membership changes (raft's numbers); storage keeps any unsigned 32-bit number. */
  type: number;
  data: Uint8Array;
}
export interface HardState {
  term: number;
  vote: number;
  commit: number;
}

/**
 * The log of one raft group. One batch (entries and hard state of one group commit) is one record under one checksum.
 * Implementations: segments (default), level, and segments over the simulated disk. All sit `exerciseLogStore`.
 */
export interface LogStore {
  /** What was found at open. */
  readonly found: LogFound;
  /** Index of the oldest entry that is kept; lastIndex + 1 when there is none. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /**
   * Appends in order. Entries may overwrite a suffix: an entry at index i drops everything from i on.
   * Resolves when the batch is durable (or, opened with `durable: false`, when the operating system has it).
   * The entries' bytes must not change before that. Calls are queued; one sync is in flight while the next batch gathers; promises resolve in order. Rejects once, for good:
   * after a failure every call rejects and nothing is retried (fail-stop).
   */
  append(batch: { entries: readonly LoggedEntry[]; hardState?: HardState }): Promise<void>;
  /** Reads entries from..to inclusive, in index order, in slices of bounded size. Checks checksums; throws `LogDamaged`. */
  read(from: number, to: number): AsyncIterable<LoggedEntry[]>;
  /** Forgets entries up to and including `index` (whole segments; the rest at leisure). A durable snapshot must cover them. */
  dropThrough(index: number): Promise<void>;
  /** Starts an empty log after a snapshot that was received: the next entry is `index` + 1. */
  resetTo(index: number, term: number): Promise<void>;
  readonly bytes: number;
  /** Seals (a clean stop) and closes. */
  close(): Promise<void>;
}

export interface LogFound {
  firstIndex: number;
  lastIndex: number;
  lastTerm: number;
  hardState: HardState | undefined;
  /** True after a clean stop. */
  sealed: boolean;
  /** A damaged last record behind an unsealed end that was cut; nobody can know whether it was acknowledged. */
  cut?: { segment: string; offset: number; bytes: number; reason: string };
}

/** Thrown at open when damage is found that is not a torn tail: the node must not serve. Names the record. */
export class LogDamaged extends Error {
  constructor(
    readonly segment: string,
    readonly offset: number,
    readonly what: string,
  ) {
    super(`${segment} at offset ${offset}: ${what}`);
    this.name = "LogDamaged";
  }
}

/** Rejects appends, for good, when the disk is full and the reserve is used up. `SpaceReserve.pressure` says long before that new work must wait. */
export class DiskFull extends Error {
  constructor() {
    super("no space left on the data disk");
    this.name = "DiskFull";
  }
}
