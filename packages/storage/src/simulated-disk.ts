import { type Disk, type DiskFile, directoryOf, nameOf } from "./disk.js";
import { SimulatedContent } from "./simulated-content.js";

/** One call on the disk, as faults and delays see it. */
export interface DiskOperation {
  kind: "open" | "read" | "write" | "sync" | "truncate" | "rename" | "remove" | "syncDirectory" | "makeDirectory";
  path: string;
  position: number;
  bytes: number;
  /** Counts the operations that change something (all but open for reading, and read), from 1. */
  change: number;
}

/** What goes wrong with one operation. */
export interface DiskFault {
  /** POWER: nothing works any more until `crash`. */
  error: "EIO" | "ENOSPC" | "POWER";
  /** A write: this many bytes reach the page cache first (a short write). */
  afterBytes?: number;
  /** A failed sync that nevertheless marks the pages clean, as Linux does: a later sync succeeds and saves nothing of them. */
  marksClean?: boolean;
}

export interface SimulatedDiskOptions {
  /** Uniform unsigned 32-bit numbers from a seeded generator: the only source of chance here. */
  random: () => number;
  /** Bytes of all files together. Default: no end. */
  capacityBytes?: number;
}

type Entry = SimulatedContent | "directory";

/**
 * A disk in memory that knows what is durable. Bytes are durable after `sync` of their file, names after `syncDirectory` of their
 * directory; `crash` keeps what is durable and a random part of the rest: any subset of the unsynced 512-byte sectors, each of
 * them perhaps torn, and per directory the first so many of the unsynced changes of names. Deterministic for a seeded `random`.
 */
export class SimulatedDisk implements Disk {
  /** Asked before every operation. */
  fault: ((operation: DiskOperation) => DiskFault | undefined) | undefined;
  /** Awaited before every asynchronous operation: the simulator's latency and stalls. */
  delay: ((operation: DiskOperation) => Promise<void> | undefined) | undefined;
  capacityBytes: number;
  /** Operations so far that changed something. */
  changes = 0;
  readonly random: () => number;
  #entries = new Map<string, Entry>([["", "directory"]]);
  #durable = new Map<string, Entry>([["", "directory"]]);
  /** Unsynced changes of names, per directory, in order. */
  #pending = new Map<string, ((entries: Map<string, Entry>) => void)[]>();
  #epoch = 0;
  #off = false;

  constructor(options: SimulatedDiskOptions) {
    this.random = options.random;
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Power is gone and comes back. Every file that was open is dead. */
  crash(options: { keep: "random" | "none" | "all" } = { keep: "random" }): void {
    const chance = options.keep === "random" ? this.random : undefined;
    this.#epoch++;
    this.#off = false;
    for (const changes of [...this.#pending].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, list]) => list)) {
      const kept = chance !== undefined ? chance() % (changes.length + 1) : options.keep === "all" ? changes.length : 0;
      for (const change of changes.slice(0, kept)) change(this.#durable);
    }
    for (const [path] of [...this.#durable].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (path !== "" && this.#durable.get(directoryOf(path)) !== "directory") this.#durable.delete(path); // its directory was never durable
    }
    this.#pending.clear();
    this.#entries = new Map(this.#durable);
    for (const [, entry] of [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (entry !== "directory") entry.crash(options.keep, this.random);
    }
  }

  /** Flips one bit of what is stored. */
  flipBit(path: string, offset: number, bit: number): void {
    this.#file(path).flip(offset, bit);
  }

  /** Puts bytes into a file behind everybody's back: durable at once. */
  overwrite(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.#file(path);
    file.write(bytes, offset);
    file.sync();
  }

  /** The bytes of a file as a reader would see them now. */
  contentOf(path: string): Uint8Array {
    const file = this.#file(path);
    return file.read(0, file.size);
  }

  /** Paths of all files, sorted. */
  files(): string[] {
    return [...this.#entries].flatMap(([path, entry]) => (entry === "directory" ? [] : [path])).sort();
  }

  /** A second disk with the same files; everything on it is durable. */
  clone(): SimulatedDisk {
    const other = new SimulatedDisk({ random: this.random, capacityBytes: this.capacityBytes });
    for (const [path, entry] of this.#entries) other.#entries.set(path, entry === "directory" ? entry : entry.clone());
    other.#durable = new Map(other.#entries);
    return other;
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    await this.#before(mode === "create" ? "open" : "read", path, 0, 0);
    const found = this.#entries.get(path);
    if (mode === "create") {
      if (found !== undefined) throw failure("EEXIST", path);
      if (this.#entries.get(directoryOf(path)) !== "directory") throw failure("ENOENT", path);
      const made = new SimulatedContent();
      this.#change(path, (entries) => entries.set(path, made));
      return this.#handle(path, made, true);
    }
    if (found === undefined) throw failure("ENOENT", path);
    if (found === "directory") throw failure("EISDIR", path);
    return this.#handle(path, found, mode === "write");
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#before("makeDirectory", path, 0, 0);
    const parts = path.split("/");
    for (let count = 1; count <= parts.length; count++) {
      const part = parts.slice(0, count).join("/");
      const found = this.#entries.get(part);
      if (found === undefined) this.#change(part, (entries) => entries.set(part, "directory"));
      else if (found !== "directory") throw failure("EEXIST", part);
    }
  }

  async list(path: string): Promise<string[]> {
    await this.#before("read", path, 0, 0);
    return [...this.#entries.keys()]
      .filter((name) => name !== "" && directoryOf(name) === path)
      .map(nameOf)
      .sort();
  }

  async exists(path: string): Promise<boolean> {
    await this.#before("read", path, 0, 0);
    return this.#entries.has(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#before("rename", from, 0, 0);
    const found = this.#entries.get(from);
    if (found === undefined) throw failure("ENOENT", from);
    if (directoryOf(from) !== directoryOf(to)) throw failure("EXDEV", to);
    this.#change(from, (entries) => {
      entries.delete(from);
      entries.set(to, found);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#before("remove", path, 0, 0);
    const found = this.#entries.get(path);
    if (found === undefined) throw failure("ENOENT", path);
    if (found === "directory") throw failure("EISDIR", path);
    this.#change(path, (entries) => entries.delete(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#before("syncDirectory", path, 0, 0);
    if (this.#entries.get(path) !== "directory") throw failure("ENOENT", path);
    for (const change of this.#pending.get(path) ?? []) change(this.#durable);
    this.#pending.delete(path);
  }

  async freeBytes(): Promise<number> {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  get usedBytes(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) if (entry !== "directory") sum += entry.size;
    return sum;
  }

  #file(path: string): SimulatedContent {
    const found = this.#entries.get(path);
    if (found === undefined || found === "directory") throw failure("ENOENT", path);
    return found;
  }

  #change(path: string, change: (entries: Map<string, Entry>) => void): void {
    change(this.#entries);
    const directory = directoryOf(path);
    const list = this.#pending.get(directory);
    if (list === undefined) this.#pending.set(directory, [change]);
    else list.push(change);
  }

  #operation(kind: DiskOperation["kind"], path: string, position: number, bytes: number): DiskOperation {
    if (this.#off) throw failure("POWER", path);
    if (kind !== "read") this.changes++;
    return { kind, path, position, bytes, change: this.changes };
  }

  /** Throws what the fault says; returns the bytes that a short write still writes before it throws `after`. */
  #trouble(operation: DiskOperation): DiskFault | undefined {
    const fault = this.fault?.(operation);
    if (fault?.error === "POWER") this.#off = true;
    return fault;
  }

  async #before(kind: DiskOperation["kind"], path: string, position: number, bytes: number): Promise<void> {
    const operation = this.#operation(kind, path, position, bytes);
    const epoch = this.#epoch;
    await this.delay?.(operation);
    if (epoch !== this.#epoch) throw failure("POWER", path);
    const fault = this.#trouble(operation);
    if (fault !== undefined) throw failure(fault.error, path);
  }

  #handle(path: string, content: SimulatedContent, writable: boolean): DiskFile {
    const epoch = this.#epoch;
    let closed = false;
    const alive = (): void => {
      if (epoch !== this.#epoch || this.#off) throw failure("POWER", path);
      if (closed) throw failure("EBADF", path);
    };
    const writeNow = (operation: DiskOperation, buffers: readonly Uint8Array[], position: number): void => {
      if (!writable) throw failure("EBADF", path);
      const fault = this.#trouble(operation);
      const room = Math.max(0, content.size + this.capacityBytes - this.usedBytes - position);
      const allowed = Math.min(fault?.afterBytes ?? (fault === undefined ? operation.bytes : 0), room);
      let at = position;
      for (const buffer of buffers) {
        const part = buffer.subarray(0, Math.max(0, allowed - (at - position)));
        content.write(part, at);
        at += part.length;
      }
      if (fault !== undefined) throw failure(fault.error, path);
      if (operation.bytes > room) throw failure("ENOSPC", path);
    };
    const syncNow = (operation: DiskOperation, captured: ReturnType<SimulatedContent["capture"]> | undefined): void => {
      const fault = this.#trouble(operation);
      if (fault?.marksClean === true) content.markClean();
      if (fault !== undefined) throw failure(fault.error, path);
      content.sync(captured);
    };
    const total = (buffers: readonly Uint8Array[]): number => buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    return {
      path,
      size: async () => {
        alive();
        return content.size;
      },
      writeSync: (buffers, position) => {
        alive();
        writeNow(this.#operation("write", path, position, total(buffers)), buffers, position);
      },
      write: async (buffers, position) => {
        alive();
        const operation = this.#operation("write", path, position, total(buffers));
        await this.delay?.(operation);
        alive();
        writeNow(operation, buffers, position);
      },
      sync: async () => {
        alive();
        const operation = this.#operation("sync", path, 0, 0);
        const captured = this.delay === undefined ? undefined : content.capture();
        await this.delay?.(operation);
        alive();
        syncNow(operation, captured);
      },
      syncNow: () => {
        alive();
        syncNow(this.#operation("sync", path, 0, 0), undefined);
      },
      read: async (position, length) => {
        alive();
        await this.#before("read", path, position, length);
        alive();
        return content.read(position, length);
      },
      readSync: (position, length) => {
        alive();
        const fault = this.#trouble(this.#operation("read", path, position, length));
        if (fault !== undefined) throw failure(fault.error, path);
        return content.read(position, length);
      },
      truncate: async (size) => {
        alive();
        await this.#before("truncate", path, size, 0);
        alive();
        content.truncate(size);
      },
      close: async () => {
        closed = true;
      },
    };
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
