import { type Disk, type DiskFile, isNoSpace } from "./disk.js";
import { DiskFull } from "./log-store.js";
import { encodeSegmentHeader, type SegmentIdentity, segmentHeaderBytes } from "./segment.js";
import { writeZeros } from "./segment-reader.js";
import type { DiskPressure } from "./space.js";

/** Zeros that are written between two syncs. */
const syncedStepBytes = 1 * 1024 * 1024;

/**
 * Makes a file of zeros, durable under `path`, with a segment's header when it is known already. Zeros are really written, in the
 * pool: Node has no fallocate, and a sparse file reserves nothing.
 */
export async function preallocate(disk: Disk, path: string, bytes: number, header?: SegmentIdentity): Promise<DiskFile> {
  const temporary = `${path}.tmp`;
  if (await disk.exists(temporary)) await disk.remove(temporary);
  const file = await disk.open(temporary, "create");
  let named = temporary;
  try {
    for (let at = 0; at < bytes; at += syncedStepBytes) {
      await writeZeros(file, at, Math.min(bytes, at + syncedStepBytes));
      if (at + syncedStepBytes < bytes) await file.sync(); // one large sync would hold up the small ones of the log
    }
    if (header !== undefined) await file.write([encodeSegmentHeader(header)], 0);
    await file.sync();
    await disk.rename(temporary, path);
    named = path;
    await disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
    return file;
  } catch (error) {
    await file.close();
    if (isNoSpace(error)) await disk.remove(named); // gives the room back; nobody uses this file yet
    throw error;
  }
}

export interface Spare {
  /** Opened under its temporary name: `file.path` is not where it lies. */
  file: DiskFile;
  path: string;
  number: number;
  sizeBytes: number;
}

interface ReserveOptions {
  disk: Disk;
  /** Path of the spare with this number. */
  pathOf: (number: number) => string;
  /** Header of the spare with this number; undefined: written when it is used. */
  headerOf?: (number: number) => SegmentIdentity;
  bytes: number;
  /** Spares that are kept. */
  wanted: number;
  /** Called when a spare cannot be made for another reason than room: the disk failed. */
  onFailure: (error: Error) => void;
}

/** Segments that are preallocated ahead: so that a roll never waits, and so that a full disk leaves room for what must still go through. */
export class SegmentReserve {
  readonly #spares: Spare[] = [];
  #filling: Promise<void> | undefined;
  #starved = false;
  #closed = false;
  #failure: Error | undefined;

  /** `next`: number of the next spare to be made. */
  constructor(
    private readonly options: ReserveOptions,
    private next: number,
  ) {
    if (options.bytes < segmentHeaderBytes * 2) throw new Error(`a segment needs at least ${segmentHeaderBytes * 2} bytes`);
  }

  get pressure(): DiskPressure {
    if (!this.#starved) return "none";
    return this.#spares.length > 0 ? "reserve" : "exhausted";
  }

  /** Takes a spare over that was found at open; in order of their numbers. */
  adopt(spare: Spare): void {
    this.#spares.push(spare);
    this.next = spare.number + 1;
  }

  get ready(): boolean {
    return this.#spares.length > 0;
  }

  /** The next spare; waits until there is one. Throws `DiskFull` when none can be made. */
  async take(): Promise<Spare> {
    if (this.#spares.length === 0) await this.refill();
    const spare = this.#spares.shift();
    if (spare === undefined) throw this.#failure ?? new DiskFull();
    void this.refill();
    return spare;
  }

  /** Makes what is missing; never rejects: what goes wrong shows in `pressure` or goes to `onFailure`. */
  refill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling;
    for (const spare of this.#spares) await spare.file.close();
  }

  async #fill(): Promise<void> {
    const { disk, pathOf, headerOf, bytes, wanted } = this.options;
    try {
      while (this.#spares.length < wanted && !this.#closed && this.#failure === undefined) {
        const number = this.next;
        const file = await preallocate(disk, pathOf(number), bytes, headerOf?.(number));
        this.#spares.push({ file, path: pathOf(number), number, sizeBytes: bytes });
        this.next = number + 1;
      }
      this.#starved = this.#spares.length < wanted && !this.#closed;
    } catch (error) {
      this.#starved = true;
      if (isNoSpace(error)) return;
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.options.onFailure(this.#failure);
    }
  }
}
