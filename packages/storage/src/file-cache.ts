import type { Disk, DiskFile } from "./disk.js";

interface Held {
  file: Promise<DiskFile>;
  users: number;
  /** No longer in the cache: closed by its last user. */
  gone: boolean;
}

/** Files that stay open for reading, the least recently used closed first. */
export class FileCache {
  readonly #held = new Map<string, Held>();

  constructor(
    private readonly disk: Disk,
    private readonly filesMax: number,
  ) {}

  async use<T>(path: string, run: (file: DiskFile) => Promise<T>): Promise<T> {
    const held = this.#take(path);
    held.users++;
    try {
      return await run(await held.file);
    } catch (error) {
      if (this.#held.get(path) === held) this.#forget(path, held);
      throw error;
    } finally {
      held.users--;
      this.#release(held);
    }
  }

  /** The next use opens the file anew. */
  forget(path: string): void {
    const held = this.#held.get(path);
    if (held === undefined) return;
    this.#forget(path, held);
    this.#release(held);
  }

  close(): void {
    for (const path of [...this.#held.keys()]) this.forget(path);
  }

  #take(path: string): Held {
    const found = this.#held.get(path);
    if (found !== undefined) {
      this.#held.delete(path);
      this.#held.set(path, found);
      return found;
    }
    const made = { file: this.disk.open(path, "read"), users: 0, gone: false };
    made.file.catch(() => {}); // whoever awaits it is told
    this.#held.set(path, made);
    for (const [oldest] of this.#held) {
      if (this.#held.size <= this.filesMax) break;
      this.forget(oldest);
    }
    return made;
  }

  #forget(path: string, held: Held): void {
    this.#held.delete(path);
    held.gone = true;
  }

  #release(held: Held): void {
    if (!held.gone || held.users > 0) return;
    // A file that was only read loses nothing when closing fails.
    held.file.then((file) => file.close()).catch(() => {});
  }
}
