import { checksum } from "./checksum.js";
import type { Append } from "./group-commit.js";
import type { HardState, LoggedEntry } from "./log-store.js";
import { kinds, putRecordHeader, recordHeaderBytes } from "./segment.js";

/**
 * Body of a batch (or reset) record: u32 count · u32 flags (1 hard state, 2 base) · [u64 term, u64 vote, u64 commit] ·
 * [u64 last index, u64 last term before this batch] · per entry u32 length, u32 type, u64 term · then the entries' bytes, one behind
 * the other. The first batch of every segment carries hard state and base, so that older segments can go.
 */
const fixedBytes = 8;
const hardStateBytes = 24;
const baseBytes = 16;
const entryHeadBytes = 16;

export interface LogPosition {
  index: number;
  term: number;
}

/** Encodes batches for one `writev`: heads in a slab of its own, the entries' bytes uncopied. Results are valid until the next call. */
export class BatchEncoder {
  #slab = new Uint8Array(4096);
  #view = new DataView(this.#slab.buffer);
  /** Sum of the last record: the next link of the chain. */
  sum = 0;
  /** Bytes of the last record, header included, padding not. */
  bytes = 0;

  /** Bytes of the record that `encode` would make at most. */
  sizeOf(appends: readonly Append[]): number {
    let bytes = recordHeaderBytes + fixedBytes + hardStateBytes + baseBytes;
    for (const append of appends) for (const entry of append.entries) bytes += entryHeadBytes + entry.data.length;
    return bytes;
  }

  encode(
    appends: readonly Append[],
    hardState: HardState | undefined,
    base: LogPosition | undefined,
    lastIndex: number,
    seed: number,
    chain: number,
    kind: number = kinds.batch,
  ): Uint8Array[] {
    let count = 0;
    for (const append of appends) count += append.entries.length;
    this.#reach(recordHeaderBytes + fixedBytes + hardStateBytes + baseBytes + count * entryHeadBytes);
    const view = this.#view;
    let at = recordHeaderBytes;
    view.setUint32(at, count, true);
    view.setUint32(at + 4, (hardState === undefined ? 0 : 1) | (base === undefined ? 0 : 2), true);
    at += fixedBytes;
    if (hardState !== undefined) {
      putU64(view, at, hardState.term);
      putU64(view, at + 8, hardState.vote);
      putU64(view, at + 16, hardState.commit);
      at += hardStateBytes;
    }
    if (base !== undefined) {
      putU64(view, at, base.index);
      putU64(view, at + 8, base.term);
      at += baseBytes;
    }
    const buffers: Uint8Array[] = [this.#slab];
    let index = lastIndex;
    let first = true;
    let dataBytes = 0;
    for (const append of appends) {
      for (const entry of append.entries) {
        if (first) index = entry.index;
        first = false;
        view.setUint32(at, entry.data.length, true);
        view.setUint32(at + 4, entry.type, true);
        putU64(view, at + 8, entry.term);
        at += entryHeadBytes;
        dataBytes += entry.data.length;
        if (entry.data.length > 0) buffers.push(entry.data);
      }
    }
    buffers[0] = this.#slab.subarray(0, at);
    let bodySum = checksum(this.#slab.subarray(recordHeaderBytes, at), seed);
    for (let part = 1; part < buffers.length; part++) bodySum = checksum(buffers[part], bodySum);
    this.bytes = at + dataBytes;
    this.sum = putRecordHeader(view, 0, seed, kind, index, this.bytes - recordHeaderBytes, bodySum, chain);
    return buffers;
  }

  #reach(bytes: number): void {
    if (bytes <= this.#slab.length) return;
    this.#slab = new Uint8Array(bytes * 2);
    this.#view = new DataView(this.#slab.buffer);
  }
}

export interface Batch {
  count: number;
  /** Of the first entry; meaningless when `count` is 0. */
  firstIndex: number;
  lastTerm: number;
  hardState: HardState | undefined;
  base: LogPosition | undefined;
  /** Entries with an index in from..to, their bytes lying in the body. */
  entries(from: number, to: number): LoggedEntry[];
}

/** Reads a body whose checksum was right; a string says what is wrong with it all the same. */
export function decodeBatch(body: Uint8Array, index: number): Batch | string {
  if (body.length < fixedBytes) return "the batch is shorter than its head";
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const count = view.getUint32(0, true);
  const flags = view.getUint32(4, true);
  let at = fixedBytes;
  const headsAt = fixedBytes + (flags & 1 ? hardStateBytes : 0) + (flags & 2 ? baseBytes : 0);
  const dataAt = headsAt + count * entryHeadBytes;
  if (flags > 3 || dataAt > body.length) return "the batch's head does not fit its body";
  let hardState: HardState | undefined;
  let base: LogPosition | undefined;
  if (flags & 1) {
    hardState = { term: getU64(view, at), vote: getU64(view, at + 8), commit: getU64(view, at + 16) };
    at += hardStateBytes;
  }
  if (flags & 2) base = { index: getU64(view, at), term: getU64(view, at + 8) };
  let end = dataAt;
  for (let entry = 0; entry < count; entry++) end += view.getUint32(headsAt + entry * entryHeadBytes, true);
  if (end !== body.length) return "the batch's entries do not fill its body";
  return {
    count,
    firstIndex: index,
    lastTerm: count === 0 ? 0 : getU64(view, headsAt + (count - 1) * entryHeadBytes + 8),
    hardState,
    base,
    entries(from, to) {
      const found: LoggedEntry[] = [];
      let dataStart = dataAt;
      for (let entry = 0; entry < count && index + entry <= to; entry++) {
        const head = headsAt + entry * entryHeadBytes;
        const length = view.getUint32(head, true);
        if (index + entry >= from) {
          found.push({
            index: index + entry,
            term: getU64(view, head + 8),
            type: view.getUint32(head + 4, true),
            data: body.subarray(dataStart, dataStart + length),
          });
        }
        dataStart += length;
      }
      return found;
    },
  };
}

export function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
