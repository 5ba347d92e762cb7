import * as fs from "node:fs";
import * as path from "node:path";
import { type Disk, type DiskFile, errorCode } from "./disk.js";

/** The real disk below a root directory. The only file of this package that touches `node:fs`. */
export function nodeDisk(root: string): Disk {
  return new NodeDisk(path.resolve(root));
}

/** Makes a directory and those above it; returns the first that was made. Node's own `recursive` never ends below /proc. */
async function makeWithParents(place: string): Promise<string | undefined> {
  const make = (): Promise<void> => call<void>((done) => fs.mkdir(place, { mode: 0o750 }, done));
  let first = place;
  try {
    await make();
  } catch (error) {
    if (errorCode(error) === "EEXIST" && (await call<fs.Stats>((done) => fs.stat(place, done))).isDirectory()) return undefined;
    if (errorCode(error) !== "ENOENT" || path.dirname(place) === place) throw error;
    first = (await makeWithParents(path.dirname(place))) ?? place;
    await make();
  }
  return first;
}

class NodeDisk implements Disk {
  constructor(readonly root: string) {}

  async open(name: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    const flags = mode === "read" ? "r" : mode === "write" ? "r+" : "wx+";
    const fd = await call<number>((done) => fs.open(this.#place(name), flags, 0o640, done));
    return new NodeFile(name, fd);
  }

  async makeDirectory(name: string): Promise<void> {
    const place = this.#place(name);
    const first = await makeWithParents(place);
    // The root's own parents are out of reach for `syncDirectory`: a new root must not vanish with all that is promised in it.
    for (let made = place; first !== undefined && made.length >= first.length; made = path.dirname(made)) await syncDirectory(path.dirname(made));
  }

  async list(name: string): Promise<string[]> {
    try {
      return (await call<string[]>((done) => fs.readdir(this.#place(name), done))).sort();
    } catch (error) {
      if (errorCode(error) === "ENOENT") return [];
      throw error;
    }
  }

  async exists(name: string): Promise<boolean> {
    try {
      await call<fs.Stats>((done) => fs.stat(this.#place(name), done));
      return true;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await call<void>((done) => fs.rename(this.#place(from), this.#place(to), done));
  }

  async remove(name: string): Promise<void> {
    await call<void>((done) => fs.unlink(this.#place(name), done));
  }

  async syncDirectory(name: string): Promise<void> {
    await syncDirectory(this.#place(name));
  }

  async freeBytes(): Promise<number> {
    const found = await call<fs.StatsFs>((done) => fs.statfs(this.root, done));
    return found.bavail * found.bsize;
  }

  #place(name: string): string {
    if (name.startsWith("/") || name.split("/").includes("..")) throw new Error(`path leaves the data directory: ${name}`);
    return path.join(this.root, name);
  }
}

async function syncDirectory(place: string): Promise<void> {
  const fd = await call<number>((done) => fs.open(place, "r", done));
  try {
    await call<void>((done) => fs.fsync(fd, done));
  } finally {
    await call<void>((done) => fs.close(fd, done));
  }
}

class NodeFile implements DiskFile {
  readonly #fd: number;

  constructor(
    readonly path: string,
    fd: number,
  ) {
    this.#fd = fd;
  }

  async size(): Promise<number> {
    return (await call<fs.Stats>((done) => fs.fstat(this.#fd, done))).size;
  }

  writeSync(buffers: readonly Uint8Array[], position: number): void {
    if (buffers.length === 1) {
      const written = fs.writeSync(this.#fd, buffers[0], 0, buffers[0].length, position);
      if (written === buffers[0].length) return;
      writeRestSync((rest, at) => fs.writevSync(this.#fd, rest, at), buffers, position, written);
      return;
    }
    writeRestSync((rest, at) => fs.writevSync(this.#fd, rest, at), buffers, position, 0);
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    let rest = buffers.filter((buffer) => buffer.length > 0);
    let at = position;
    while (rest.length > 0) {
      const written = await call<number>((done) => fs.writev(this.#fd, rest, at, done));
      rest = behind(rest, written);
      at += written;
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#fd);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const from = filled;
      const got = await call<number>((done) => fs.read(this.#fd, buffer, from, length - from, position + from, done));
      if (got === 0) break;
      filled += got;
    }
    return buffer.subarray(0, filled);
  }

  readSync(position: number, length: number): Uint8Array {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const got = fs.readSync(this.#fd, buffer, filled, length - filled, position + filled);
      if (got === 0) break;
      filled += got;
    }
    return buffer.subarray(0, filled);
  }

  async truncate(size: number): Promise<void> {
    await call<void>((done) => fs.ftruncate(this.#fd, size, done));
  }

  async close(): Promise<void> {
    await call<void>((done) => fs.close(this.#fd, done));
  }
}

/** Writes what a short write left over, until all is written or a call fails. `written` bytes are there already. Exported for its test. */
export function writeRestSync(
  writev: (buffers: readonly Uint8Array[], position: number) => number,
  buffers: readonly Uint8Array[],
  position: number,
  written: number,
): void {
  let rest = behind(
    buffers.filter((buffer) => buffer.length > 0),
    written,
    written === 0,
  );
  let at = position + written;
  while (rest.length > 0) {
    const more = writev(rest, at);
    rest = behind(rest, more);
    at += more;
  }
}

/** The buffers behind the first `written` bytes. Writing nothing at all is a failure: trying again might never end. */
function behind(buffers: readonly Uint8Array[], written: number, mayBeNone = false): Uint8Array[] {
  if (written === 0) {
    if (mayBeNone) return [...buffers];
    throw Object.assign(new Error("the disk took no byte of a write"), { code: "EIO" });
  }
  let skip = written;
  let first = 0;
  while (first < buffers.length && skip >= buffers[first].length) skip -= buffers[first++].length;
  const rest = buffers.slice(first);
  if (skip > 0) rest[0] = rest[0].subarray(skip);
  return rest;
}

function call<T>(run: (done: (error: NodeJS.ErrnoException | null, value?: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    run((error, value) => (error === null || error === undefined ? resolve(value as T) : reject(error)));
  });
}

/** Who holds a data directory, as far as the operating system can tell. Handed to `openStorage` as `holder`. */
export const thisProcess = {
  pid: process.pid,
  /** Tells a process from an earlier one with the same number: boot and start time; empty where the system does not say. */
  started: startOf(process.pid),
  isRunning(pid: number, started: string): boolean {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if (errorCode(error) === "ESRCH") return false; // EPERM: it runs, under another user
    }
    const now = startOf(pid);
    return started === "" || now === "" || now === started;
  },
};

function startOf(pid: number): string {
  try {
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces; the start time is the 20th field behind it.
    return `${boot}:${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return ""; // no /proc here: the number alone has to do
  }
}
