/**
 * The seam to the disk. One real implementation (`nodeDisk`), one simulated (`SimulatedDisk`); both sit `exerciseDisk`.
 * All paths are relative to the root that the implementation was made with, with `/` between parts.
 */
export interface Disk {
  /** Opens for reading and writing; creates when `create`. Fails with code `EEXIST` / `ENOENT` like Node. */
  open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile>;
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted; [] when it does not exist. */
  list(path: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that can still be written, as far as the file system says. */
  freeBytes(): Promise<number>;
}

export interface DiskFile {
  readonly path: string;
  size(): Promise<number>;
  /** All of the buffers, one after the other, at this position, on the calling thread (2–5 µs into the page cache). Throws on failure. */
  writeSync(buffers: readonly Uint8Array[], position: number): void;
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** fdatasync in the thread pool. A failure is final: the file must never be written or synced again. */
  sync(): Promise<void>;
  /** fdatasync on the calling thread: for places outside the hot path. */
  syncNow(): void;
  /** Up to `length` bytes; fewer at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  readSync(position: number, length: number): Uint8Array;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}
