export interface SnapshotMeta {
  index: number;
  term: number /** Opaque to storage: membership as raft's wire bytes. */;
  conf: Uint8Array;
}
export interface StoredSnapshot extends SnapshotMeta {
  name: string;
  bytes: number;
}

/** Snapshots: temp file, checksum per chunk and over all, fsync, rename, fsync directory, re-read; two are kept. */
export interface SnapshotStore {
  /** Newest first; only names whose header is intact. */
  list(): Promise<StoredSnapshot[]>;
  /** Writes chunks as they come (the caller paces itself by awaiting `write`). Nothing is visible before `finish` resolved. */
  create(meta: SnapshotMeta): Promise<SnapshotWriter>;
  /** Checks every chunk before it hands it out; throws SnapshotDamaged. */
  read(snapshot: StoredSnapshot): AsyncIterable<Uint8Array>;
  /** Drops all but the newest two. */
  prune(): Promise<void>;
}
export interface SnapshotWriter {
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<StoredSnapshot>;
  abort(): Promise<void>;
}
export class SnapshotDamaged extends Error {
  constructor(
    readonly snapshot: string,
    what: string,
  ) {
    super(`${snapshot}: ${what}`);
    this.name = "SnapshotDamaged";
  }
}
