import { ArchiveIndex } from "./archive-index.js";
import { archiveSegmentBytesMax } from "./archive-store.js";
import { checksum } from "./checksum.js";
import type { DiskFile } from "./disk.js";
import { getRecordHeader, kinds, putRecordHeader, recordHeaderBytes } from "./segment.js";

/** Records are handed to the pool in pieces of about this many bytes. */
const slabBytes = 256 * 1024;
/** Written slabs that are kept for the next records. */
const spareSlabsMax = 4;

interface Slab {
  /** Offset of its first byte in the segment. */
  offset: number;
  bytes: Uint8Array;
  view: DataView;
  used: number;
}

export interface UnwrittenPart {
  offset: number;
  buffers: Uint8Array[];
  slabs: Slab[];
}

/** The end of an archive segment that is being written: its index, and the records that no file holds yet. */
export class ArchiveTail {
  readonly index: ArchiveIndex;
  /** Where the next record goes. */
  end: number;
  /** Sum of the last record. */
  chain: number;
  file: DiskFile | undefined;
  #current: Slab | undefined;
  #full: Slab[] = [];
  #writing: Slab[] = [];
  #spare: Uint8Array[] = [];

  constructor(
    readonly number: number,
    readonly seed: number,
    found?: { index: ArchiveIndex; end: number; chain: number },
  ) {
    this.index = found?.index ?? new ArchiveIndex();
    this.end = found?.end ?? 0;
    this.chain = found?.chain ?? seed;
  }

  get backlogBytes(): number {
    let sum = this.#current?.used ?? 0;
    for (const slab of this.#full) sum += slab.used;
    for (const slab of this.#writing) sum += slab.used;
    return sum;
  }

  /** Copies a record into the buffer. True: there is enough to be worth a write. */
  put(seq: number, bytes: Uint8Array): boolean {
    const length = recordHeaderBytes + bytes.length;
    if (this.end + length > archiveSegmentBytesMax) throw new Error(`a record of ${length} bytes at offset ${this.end} does not fit an archive segment`);
    let slab = this.#current;
    let filled = false;
    if (slab === undefined || slab.used + length > slab.bytes.length) {
      if (slab !== undefined) this.#full.push(slab);
      filled = slab !== undefined;
      slab = this.#current = this.#newSlab(length);
    }
    this.chain = putRecordHeader(slab.view, slab.used, this.seed, kinds.archived, seq, bytes.length, checksum(bytes, this.seed), this.chain);
    slab.bytes.set(bytes, slab.used + recordHeaderBytes);
    slab.used += length;
    this.index.add(seq, this.end);
    this.end += length;
    return filled;
  }

  /** What is to be written next: full buffers, with `all` also the one that records still go to. Undefined: nothing. */
  takeUnwritten(all: boolean): UnwrittenPart | undefined {
    if (all && this.#current !== undefined) {
      this.#full.push(this.#current);
      this.#current = undefined;
    }
    const slabs = this.#full.splice(0);
    if (slabs.length === 0) return undefined;
    this.#writing.push(...slabs);
    return { offset: slabs[0].offset, buffers: slabs.map((slab) => slab.bytes.subarray(0, slab.used)), slabs };
  }

  written(part: UnwrittenPart): void {
    this.#writing = this.#writing.filter((slab) => !part.slabs.includes(slab));
    for (const slab of part.slabs) if (slab.bytes.length === slabBytes && this.#spare.length < spareSlabsMax) this.#spare.push(slab.bytes);
  }

  /** A record that no file holds yet, copied; undefined when it is in the file (or not here at all). */
  read(offset: number): { seq: number; bytes: Uint8Array } | undefined {
    for (const slab of [this.#current, ...this.#full, ...this.#writing]) {
      if (slab === undefined || offset < slab.offset || offset + recordHeaderBytes > slab.offset + slab.used) continue;
      const at = offset - slab.offset;
      const header = getRecordHeader(slab.view, at, this.seed);
      if (header === undefined || at + recordHeaderBytes + header.length > slab.used) return undefined;
      return { seq: header.index, bytes: slab.bytes.slice(at + recordHeaderBytes, at + recordHeaderBytes + header.length) };
    }
    return undefined;
  }

  #newSlab(length: number): Slab {
    const spare = length <= slabBytes ? this.#spare.pop() : undefined;
    const bytes = spare ?? new Uint8Array(Math.max(length, slabBytes));
    return { offset: this.end, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), used: 0 };
  }
}
