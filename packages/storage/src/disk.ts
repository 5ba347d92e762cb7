/**
 * The seam to the disk. One real implementation (`nodeDisk`), one simulated (`SimulatedDisk`); both sit `exerciseDisk`.
 * All paths are relative to the root that the implementation was made with, with `/` between parts; "" is the root itself.
 * Failures are errors with a `code` like Node's: ENOENT, EEXIST, EIO, ENOSPC …
 */
export interface Disk {
  /**
   * `read`: for reading only. `write`: reading and writing, the file must exist. `create`: reading and writing, the file must
   * not exist yet (fails with EEXIST).
   */
  open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile>;
  /** With its parents; one that exists is fine. Its name is durable after `syncDirectory` of its parent. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted; [] when it does not exist. */
  list(path: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** Within one directory. Replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is open stays readable and writable until it is closed. */
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

/** True for failures that say that there is no room: the disk, the quota, or the largest file allowed. */
export function isNoSpace(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

export function errorCode(error: unknown): string | undefined {
  return typeof error === "object" && error !== null ? (error as { code?: string }).code : undefined;
}

/** The whole content of a small file, or undefined when there is none. */
export async function readWholeFile(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  let file: DiskFile;
  try {
    file = await disk.open(path, "read");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return await file.read(0, await file.size());
  } finally {
    await file.close();
  }
}

/** Replaces a small file as a whole: temporary file, sync, rename, sync of the directory. After a power cut it is the old one or the new one. */
export async function writeWholeFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  if (await disk.exists(temporary)) await disk.remove(temporary);
  const file = await disk.open(temporary, "create");
  try {
    await file.write([bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(directoryOf(path));
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
