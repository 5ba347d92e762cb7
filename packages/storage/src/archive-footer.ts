import { type ArchiveIndex, lastAtMost } from "./archive-index.js";
import { getU64, putU64 } from "./batch-record.js";
import { checksum } from "./checksum.js";
import type { DiskFile } from "./disk.js";
import { kinds, putRecordHeader, recordHeaderBytes } from "./segment.js";

/**
 * The sorted ids at the end of a finished archive segment: one record whose body is
 *   blocks of 4096 bytes: u64 first sequence · u16 records (at most 509) · at 16 u32 sequence − first, each · at 2052 u32 offset, each ·
 *     at 4092 u32 CRC. Sorted by (sequence, offset); a search reads one block.
 *   then the first sequence of every block (u64 each),
 *   then 64 bytes at the very end of the file: "CORVOEND" · u64 place of the footer's record in the file · u32 blocks · u32 records ·
 *     u64 least sequence · u64 greatest · u32 CRC of the first sequences · at 60 u32 CRC of these 60 bytes.
 * Everything in it follows from the records: when it is missing or damaged, it is made again by reading them.
 */
const blockBytes = 4096;
const blockRecords = 509;
const relativeAt = 16;
const offsetsAt = relativeAt + blockRecords * 4;
const sumAt = blockBytes - 4;
const endBytes = 64;
/** Blocks that are made and written in one step: half a millisecond of work between two turns of the event loop. */
const stepBlocks = 16;

export interface ArchiveFooter {
  /** Where the footer's record starts in the file: the end of the records. */
  place: number;
  blocks: number;
  records: number;
  minSeq: number;
  maxSeq: number;
  firstSeqsSum: number;
}

/** Writes the footer behind the records, in the pool, step by step. */
export async function writeFooter(file: DiskFile, place: number, index: ArchiveIndex, seed: number, chain: number): Promise<ArchiveFooter> {
  const cursor = index.merge();
  const firsts: number[] = [];
  let position = place + recordHeaderBytes;
  let sum = seed;
  let more = cursor.next();
  const write = async (bytes: Uint8Array): Promise<void> => {
    sum = checksum(bytes, sum);
    const at = position;
    position += bytes.length;
    await file.write([bytes], at);
  };
  while (more) {
    const step = new Uint8Array(stepBlocks * blockBytes);
    let made = 0;
    for (; made < stepBlocks && more; made++) {
      const block = step.subarray(made * blockBytes, (made + 1) * blockBytes);
      const view = new DataView(block.buffer, block.byteOffset, blockBytes);
      const first = cursor.seq;
      let count = 0;
      for (; more && count < blockRecords && cursor.seq - first <= 0xffffffff; count++) {
        view.setUint32(relativeAt + count * 4, cursor.seq - first, true);
        view.setUint32(offsetsAt + count * 4, cursor.offset, true);
        more = cursor.next();
      }
      putU64(view, 0, first);
      view.setUint16(8, count, true);
      view.setUint32(sumAt, checksum(block.subarray(0, sumAt), seed), true);
      firsts.push(first);
    }
    await write(step.subarray(0, made * blockBytes));
  }
  const tail = new Uint8Array(firsts.length * 8 + endBytes);
  const view = new DataView(tail.buffer);
  for (const [block, first] of firsts.entries()) putU64(view, block * 8, first);
  const footer: ArchiveFooter = {
    place,
    blocks: firsts.length,
    records: index.count,
    minSeq: index.count === 0 ? 0 : index.minSeq,
    maxSeq: index.count === 0 ? 0 : index.maxSeq,
    firstSeqsSum: checksum(tail.subarray(0, firsts.length * 8), seed),
  };
  putEnd(new DataView(tail.buffer, firsts.length * 8), footer, seed);
  await write(tail);
  const header = new Uint8Array(recordHeaderBytes);
  putRecordHeader(new DataView(header.buffer), 0, seed, kinds.footer, index.count, position - place - recordHeaderBytes, sum, chain);
  await file.write([header], place);
  return footer;
}

/** The end of a finished segment; undefined when the file does not end with an intact one. */
export async function readFooter(file: DiskFile, seed: number): Promise<ArchiveFooter | undefined> {
  const size = await file.size();
  if (size < endBytes) return undefined;
  const end = Buffer.from(await file.read(size - endBytes, endBytes));
  if (end.length < endBytes || end.toString("latin1", 0, 8) !== "CORVOEND" || end.readUInt32LE(60) !== checksum(end.subarray(0, 60), seed)) return undefined;
  const view = new DataView(end.buffer, end.byteOffset, endBytes);
  const footer = {
    place: getU64(view, 8),
    blocks: view.getUint32(16, true),
    records: view.getUint32(20, true),
    minSeq: getU64(view, 24),
    maxSeq: getU64(view, 32),
    firstSeqsSum: view.getUint32(40, true),
  };
  return footer.place + recordHeaderBytes + footer.blocks * (blockBytes + 8) + endBytes === size ? footer : undefined;
}

/** First sequence of every block; undefined when they are damaged. */
export async function readFirstSeqs(file: DiskFile, footer: ArchiveFooter, seed: number): Promise<Float64Array | undefined> {
  const bytes = await file.read(footer.place + recordHeaderBytes + footer.blocks * blockBytes, footer.blocks * 8);
  if (bytes.length !== footer.blocks * 8 || checksum(bytes, seed) !== footer.firstSeqsSum) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: footer.blocks }, (_, block) => getU64(view, block * 8));
}

/** One block of a footer, checked. */
export interface FooterBlock {
  number: number;
  first: number;
  relative: Uint32Array;
  offsets: Uint32Array;
}

/** The block that a sequence would be in; −1: it is before all of them. */
export function blockOf(firstSeqs: Float64Array, seq: number): number {
  return lastAtMost(firstSeqs, firstSeqs.length, seq);
}

/** Undefined when the block is damaged. */
export async function readBlock(
  file: DiskFile,
  footer: ArchiveFooter,
  firstSeqs: Float64Array,
  number: number,
  seed: number,
): Promise<FooterBlock | undefined> {
  const bytes = await file.read(footer.place + recordHeaderBytes + number * blockBytes, blockBytes);
  if (bytes.length !== blockBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, blockBytes);
  if (view.getUint32(sumAt, true) !== checksum(bytes.subarray(0, sumAt), seed)) return undefined;
  const count = view.getUint16(8, true);
  const first = getU64(view, 0);
  if (first !== firstSeqs[number] || count > blockRecords) return undefined;
  return {
    number,
    first,
    relative: Uint32Array.from({ length: count }, (_, at) => view.getUint32(relativeAt + at * 4, true)),
    offsets: Uint32Array.from({ length: count }, (_, at) => view.getUint32(offsetsAt + at * 4, true)),
  };
}

/** Offset of the latest record of `seq`, −1 when there is none. */
export function findInBlock({ first, relative, offsets }: FooterBlock, seq: number): number {
  const at = lastAtMost(relative, relative.length, seq - first);
  return at >= 0 && relative[at] === seq - first ? offsets[at] : -1;
}

function putEnd(view: DataView, footer: ArchiveFooter, seed: number): void {
  const bytes = Buffer.from(view.buffer, view.byteOffset, endBytes);
  bytes.write("CORVOEND", 0, "latin1");
  putU64(view, 8, footer.place);
  view.setUint32(16, footer.blocks, true);
  view.setUint32(20, footer.records, true);
  putU64(view, 24, footer.minSeq);
  putU64(view, 32, footer.maxSeq);
  view.setUint32(40, footer.firstSeqsSum, true);
  view.setUint32(60, checksum(bytes.subarray(0, 60), seed), true);
}
