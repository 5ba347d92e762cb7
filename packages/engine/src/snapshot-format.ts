import { ensure } from "./invariant.js";

/** First word of every chunk: `CVS1` read as little-endian. A change of format changes it. */
export const snapshotMagic = 0x31535643;

/** What a chunk holds; they come in this order. Each begins with magic, kind, and two numbers that depend on the kind. */
export const ChunkKind = {
  /** Scalars, as doubles. */
  header: 1,
  /** Part of the stream of objects: queues, workers, archive segments, lists of numbers. */
  objects: 2,
  /** Pages of a table: number of the table, number of pages. */
  pages: 3,
  /** Part of a text segment: its number, its used bytes; then the part's place as a word, and a word of padding. */
  texts: 4,
  /** Number of chunks before this one. */
  end: 5,
} as const;

export const chunkHeaderBytes = 16;
/** Half a MiB: made in well under 2 ms, page faults of its memory included. */
export const chunkBytesMax = 512 * 1024;

/** Objects in the stream; each is a length, a type and its content. They come in this order. */
export const ObjectType = { numbers: 1, queue: 2, worker: 3, segment: 4, done: 5, events: 6 } as const;

/** Scalars of the header, in order. New ones go to the end: a snapshot that lacks them has 0 there. */
export const headerFields = [
  "appliedIndex",
  "appliedTerm",
  "logTimeMs",
  "pausedMs",
  "lastSeq",
  "lastFence",
  "hashLow",
  "hashHigh",
  "queueSerial",
  "archiveSegment",
  "archiveOffset",
  "lastEvent",
  "jobRows",
  "lockRows",
  "rememberedRows",
  "rememberedOldest",
  "markRows",
  "deletedRows",
  "garbageRows",
  "garbageUnhooked",
  "garbageSwept",
  "entityRows",
  "entitySerial",
  "counterRows",
  "counterMinute",
] as const;
/** Scalars that the first snapshots had. */
export const headerFieldsBefore = 21;
export type Header = Record<(typeof headerFields)[number], number>;

/** Where the archive ended when a snapshot was cut, from its first chunk. */
export function snapshotArchiveEnd(chunk: Uint8Array): { segment: number; offset: number } {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const field = (name: (typeof headerFields)[number]): number => view.getFloat64(chunkHeaderBytes + headerFields.indexOf(name) * 8, true);
  ensure(view.getUint32(0, true) === snapshotMagic && view.getUint32(4, true) === ChunkKind.header, "the first chunk is not a header");
  return { segment: field("archiveSegment"), offset: field("archiveOffset") };
}

export function writeChunk(kind: number, a: number, b: number, bytes: number): { chunk: Uint8Array<ArrayBuffer>; words: Uint32Array } {
  const chunk = new Uint8Array(chunkHeaderBytes + bytes);
  const words = new Uint32Array(chunk.buffer, 0, 4);
  words[0] = snapshotMagic;
  words[1] = kind;
  words[2] = a;
  words[3] = b;
  return { chunk, words };
}

/** A growing buffer of little-endian numbers, for objects. */
export class ObjectWriter {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  pos = 0;
  private startedAt = 0;

  begin(type: number): void {
    this.startedAt = this.pos;
    this.u32(0);
    this.u32(type);
  }
  end(): void {
    this.view.setUint32(this.startedAt, this.pos - this.startedAt - 8, true);
  }
  u32(value: number): void {
    this.ensure(4);
    this.view.setUint32(this.pos, value, true);
    this.pos += 4;
  }
  f64(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.pos, value, true);
    this.pos += 8;
  }
  raw(bytes: Uint8Array): void {
    this.u32(bytes.length);
    if (bytes.length > 0) this.append(bytes);
  }
  /** Bytes from another writer, as they are. */
  append(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.pos);
    this.pos += bytes.length;
  }
  copy(from = 0, to = this.pos): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(from, to);
  }
  view8(from: number, to: number): Uint8Array {
    return this.bytes.subarray(from, to);
  }
  reset(): void {
    this.pos = 0;
  }
  private ensure(bytes: number): void {
    if (this.pos + bytes <= this.bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.pos + bytes));
    bigger.set(this.bytes.subarray(0, this.pos));
    this.bytes = bigger;
    this.view = new DataView(bigger.buffer);
  }
}

/** Reads what ObjectWriter wrote. */
export class ObjectReader {
  private readonly view: DataView;
  pos = 0;
  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  u32(): number {
    ensure(this.pos + 4 <= this.bytes.length, "an object of the snapshot is cut off");
    this.pos += 4;
    return this.view.getUint32(this.pos - 4, true);
  }
  i32(): number {
    return this.u32() | 0;
  }
  f64(): number {
    ensure(this.pos + 8 <= this.bytes.length, "an object of the snapshot is cut off");
    this.pos += 8;
    return this.view.getFloat64(this.pos - 8, true);
  }
  raw(): Uint8Array<ArrayBuffer> {
    const length = this.u32();
    ensure(this.pos + length <= this.bytes.length, "an object of the snapshot is cut off");
    this.pos += length;
    return this.bytes.slice(this.pos - length, this.pos) as Uint8Array<ArrayBuffer>;
  }
  done(): void {
    ensure(this.pos === this.bytes.length, "an object of the snapshot is longer than it should be");
  }
}
