import { checksum } from "./checksum.js";
import type { DiskFile } from "./disk.js";
import { aligned, getRecordHeader, type RecordHeader, recordHeaderBytes } from "./segment.js";

/** Bytes that are read at once. */
const windowBytes = 1024 * 1024;

export interface SegmentRecord extends RecordHeader {
  /** Counted from 0 in its segment. */
  number: number;
  /** Where its header starts in the file. */
  offset: number;
  /** Where the next record starts. */
  end: number;
  /** Stays valid: never written again. */
  body: Uint8Array;
}

/** What the reader came upon where a record could start. */
export type ReadStep =
  | { type: "record"; record: SegmentRecord }
  | { type: "end"; offset: number; number: number }
  | { type: "damaged"; offset: number; number: number; what: string /** Known when its header is intact. */; header?: RecordHeader };

/** Reads the records of a segment one after the other, checking both sums; the chain is the caller's, who knows the first link. */
export class SegmentReader {
  #window: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #windowStart = 0;
  #needed = 0;
  #number = 0;
  /** Records with longer bodies count as damaged, before they are read. */
  bodyBytesMax = Number.POSITIVE_INFINITY;

  constructor(
    private readonly file: DiskFile,
    readonly seed: number,
    readonly alignment: number,
    public offset: number,
    readonly sizeBytes: number,
  ) {}

  async next(): Promise<ReadStep> {
    for (;;) {
      const step = this.tryNext();
      if (step !== undefined) return step;
      await this.#fill();
    }
  }

  /** The next step if it lies in what was read already: saves a promise per record. */
  tryNext(): ReadStep | undefined {
    const offset = this.offset;
    const number = this.#number;
    const left = this.sizeBytes - offset;
    if (left <= 0) return { type: "end", offset, number };
    const head = this.#bytes(offset, Math.min(left, recordHeaderBytes));
    if (head === undefined) return undefined;
    const header = head.length < recordHeaderBytes ? undefined : getRecordHeader(this.#view, offset - this.#windowStart, this.seed);
    if (header === undefined) {
      if (isZero(head)) return { type: "end", offset, number };
      const what = head.length < recordHeaderBytes ? "the file ends within a record's header" : "the record's header does not match its checksum";
      return { type: "damaged", offset, number, what };
    }
    if (offset + recordHeaderBytes + header.length > this.sizeBytes)
      return { type: "damaged", offset, number, what: "the file ends within the record", header };
    if (header.length > this.bodyBytesMax) return { type: "damaged", offset, number, what: `a record of ${header.length} bytes is too large`, header };
    const body = this.#bytes(offset + recordHeaderBytes, header.length);
    if (body === undefined) return undefined;
    if (checksum(body, this.seed) !== header.bodySum) return { type: "damaged", offset, number, what: "the record's body does not match its checksum", header };
    this.offset = aligned(offset + recordHeaderBytes + header.length, this.alignment);
    this.#number++;
    return { type: "record", record: { ...header, number, offset, end: this.offset, body } };
  }

  /** Bytes of the window; undefined when it does not hold them all, and then `#needed` says what to read. */
  #bytes(offset: number, length: number): Uint8Array | undefined {
    const start = offset - this.#windowStart;
    if (start < 0 || start + length > this.#window.length) {
      this.#needed = offset + length;
      return undefined;
    }
    return this.#window.subarray(start, start + length);
  }

  async #fill(): Promise<void> {
    const length = Math.min(Math.max(this.#needed - this.offset, windowBytes), this.sizeBytes - this.offset);
    this.#window = await this.file.read(this.offset, length);
    if (this.#window.length < length) throw new Error(`${this.file.path}: the file became shorter while it was read`);
    this.#view = viewOf(this.#window);
    this.#windowStart = this.offset;
  }
}

/** Reads and checks the one record at `offset`; a string says what is wrong with it. */
export async function readRecordAt(file: DiskFile, offset: number, seed: number, lengthHint: number): Promise<(RecordHeader & { body: Uint8Array }) | string> {
  const bytes = await file.read(offset, recordHeaderBytes + lengthHint);
  const header = bytes.length < recordHeaderBytes ? undefined : getRecordHeader(viewOf(bytes), 0, seed);
  if (header === undefined || recordHeaderBytes + header.length <= bytes.length) return recordIn(bytes, 0, seed);
  return recordIn(await file.read(offset, recordHeaderBytes + header.length), 0, seed);
}

/** Checks the one record at `at` in bytes that were read; a string says what is wrong with it. `view`: of these bytes. */
export function recordIn(bytes: Uint8Array, at: number, seed: number, view = viewOf(bytes)): (RecordHeader & { body: Uint8Array }) | string {
  if (bytes.length < at + recordHeaderBytes) return "the file ends before the record";
  const header = getRecordHeader(view, at, seed);
  if (header === undefined) return "the record's header does not match its checksum";
  const start = at + recordHeaderBytes;
  if (bytes.length < start + header.length) return "the file ends within the record";
  const body = bytes.subarray(start, start + header.length);
  if (checksum(body, seed) !== header.bodySum) return "the record's body does not match its checksum";
  return Object.assign(header, { body });
}

export interface Tail {
  /** End of the last byte that is not zero; `from` when all are zero. */
  usedEnd: number;
  /** Where an intact record lies behind `behind`. */
  intactAt?: number;
}

/**
 * Looks at everything from `from` to the end of the file, where no record should be: which bytes are not zero, and whether an intact
 * record lies at or behind `behind` (a torn write cannot leave one there, damage can).
 */
export async function examineTail(file: DiskFile, from: number, behind: number, to: number, sizeBytes: number, seed: number, alignment: number): Promise<Tail> {
  let usedEnd = from;
  for (let start = from; start < to; start += windowBytes) {
    const window = await file.read(start, Math.min(windowBytes + recordHeaderBytes, sizeBytes - start));
    const own = window.subarray(0, Math.min(windowBytes, to - start));
    if (isZero(own)) continue;
    for (let at = own.length - 1; at >= 0; at--) {
      if (own[at] === 0) continue;
      usedEnd = start + at + 1;
      break;
    }
    const view = viewOf(window);
    const first = Math.max(aligned(start, alignment), aligned(behind, alignment));
    for (let offset = first; offset - start < own.length && offset - start + recordHeaderBytes <= window.length; offset += alignment) {
      if (view.getUint8(offset - start + 23) === 0) continue;
      const header = getRecordHeader(view, offset - start, seed);
      if (header === undefined || offset + recordHeaderBytes + header.length > sizeBytes) continue;
      if (typeof (await readRecordAt(file, offset, seed, header.length)) !== "string") return { usedEnd, intactAt: offset };
    }
  }
  return { usedEnd };
}

const zeros = Buffer.alloc(windowBytes);

export function isZero(bytes: Uint8Array): boolean {
  return zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}

/** Writes zeros from `from` to `to`, in the pool. */
export async function writeZeros(file: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += windowBytes) await file.write([zeros.subarray(0, Math.min(windowBytes, to - at))], at);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
