import { type Disk, isNoSpace } from "./disk.js";
import { preallocate } from "./segment-reserve.js";
import type { DiskPressure } from "./space.js";

/**
 * Room held back for the archive: a file of zeros as large as a segment. When a write finds the disk full, the file goes, and the
 * write is made again in the room that it leaves (a write that found no room changed nothing; only a failed sync must not be
 * repeated). Cheaper than preallocating every segment: the archive would write everything twice.
 */
export class ArchiveBallast {
  #held = false;
  #making: Promise<void> | undefined;
  #released = false;
  /** There was no room for it when it was last tried. */
  #missed = false;

  constructor(
    private readonly disk: Disk,
    private readonly path: string,
    private readonly bytes: number,
  ) {}

  get pressure(): DiskPressure {
    if (this.#held) return "none";
    // While the first one is made nothing is known yet; a later try does not make a full disk look empty.
    return this.#released ? "reserve" : this.#making === undefined || this.#missed ? "exhausted" : "none";
  }

  /** Makes the file when it is missing and there is room for it twice over. Rejects only when the disk fails. */
  refill(): Promise<void> {
    if (this.#held) return Promise.resolve();
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** Gives the room back; false when there is none to give. */
  async release(): Promise<boolean> {
    await this.#making;
    if (!this.#held) return false;
    this.#held = false;
    this.#released = true;
    await this.disk.remove(this.path);
    return true;
  }

  /** Waits for one that is being made; whoever began it is told when that fails. */
  async settled(): Promise<void> {
    await this.#making?.catch(() => {});
  }

  async #make(): Promise<void> {
    if (await this.disk.exists(this.path)) {
      this.#held = true; // it gets its name only when it is whole
      return;
    }
    if ((await this.disk.freeBytes()) < this.bytes * (this.#released ? 2 : 1)) {
      this.#missed = true;
      return;
    }
    try {
      await (await preallocate(this.disk, this.path, this.bytes)).close();
      this.#held = true;
      this.#released = this.#missed = false;
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.#missed = true;
    }
  }
}
