import { checksum, finishMix, mixWord } from "./checksum.js";

/**
 * The file format of everything that is appended: log, archive, snapshots (and spill), and of backups. All numbers are little-endian.
 *
 *   header, 4096 bytes, written and durable before the file gets its final name:
 *     0 magic "CORVOSEG" · 8 u16 version 1 · 10 u8 purpose · 12 u32 shard · 16 cluster id (16 bytes) · 32 u64 node id
 *     40 u64 segment number · 48 salt (8 bytes) · 4092 u32 CRC of everything before it. The rest is zero.
 *     A block of its own, so that no torn write of a record can reach it. Archive segments say node 0 and salt 0: they are a
 *     pure function of the log and the same, byte for byte, on every replica.
 *   records, one behind the other, each starting at a multiple of the purpose's alignment:
 *     0 u32 sum of the five words below · 4 u32 body length · 8 u32 CRC of the body · 12 u32 sum of the record before (the hash chain)
 *     16 u32 index, low · 20 u21 index, high · u3 zero · u8 kind (never 0) · then the body
 *   zeros to the end of the file. 24 zero bytes where a record would start are the end.
 *
 * Both checksums start from the header's CRC, so that bytes of another segment, cluster or node, or a record that somebody put into
 * a payload, never pass for a record of this file. The chain's first link is given by the owner: the last record of the segment
 * before (log), or the header's CRC (archive, snapshot). The term is in the body of a log record, per entry.
 */
export const segmentHeaderBytes = 4096;
export const recordHeaderBytes = 24;
export const segmentVersion = 1;

export type SegmentPurpose = "log" | "archive" | "spill" | "snapshot" | "backup";
const purposes: readonly SegmentPurpose[] = ["log", "archive", "spill", "snapshot", "backup"];
/** Archive records are packed, because the engine counts their bytes; all others start at multiples of eight. */
const alignments: Readonly<Record<SegmentPurpose, number>> = { log: 8, archive: 1, spill: 8, snapshot: 8, backup: 1 };

/** Kinds of records. Numbers are on disk and never change their meaning. */
export const kinds = {
  /** Log: entries and hard state of one group commit. Index: of the first entry; without entries, the last index so far. */
  batch: 1,
  /** Log: forget everything before; the log goes on behind this index. */
  reset: 2,
  /** Log: the last record of a segment that goes on in the next. */
  continued: 3,
  /** Log: a clean stop. */
  seal: 4,
  /** Log: opened again after a seal. */
  opened: 5,
  /** Archive: one finished job. Index: its creation sequence. */
  archived: 16,
  /** Archive: the sorted ids of a finished segment. */
  footer: 17,
  /** Snapshot: what it is a snapshot of. */
  snapshotMeta: 32,
  /** Snapshot: a chunk. Index: its number from 0. */
  snapshotChunk: 33,
  /** Snapshot: totals. */
  snapshotEnd: 34,
  /** Backup: what it is a backup of, as JSON. */
  backupMeta: 48,
  /** Backup: a chunk of the snapshot. Index: its number from 0. */
  backupChunk: 49,
  /** Backup: finished jobs that lie one after another in one segment of the archive. Index: the segment's number. */
  backupRecords: 50,
  /** Backup: totals. */
  backupEnd: 51,
} as const;
const knownKinds = new Set<number>(Object.values(kinds));
export const kindNames = new Map<number, string>(Object.entries(kinds).map(([name, number]) => [number, name]));

export interface SegmentIdentity {
  purpose: SegmentPurpose;
  /** 32 hex digits. */
  clusterId: string;
  nodeId: number;
  shard: number;
  /** Segment number; of a snapshot, its index. */
  number: number;
  /** 16 hex digits: chance of this data directory, so that no client can foresee a checksum. */
  salt: string;
}

export function alignmentOf(purpose: SegmentPurpose): number {
  return alignments[purpose];
}

export function aligned(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

export function encodeSegmentHeader(identity: SegmentIdentity): Uint8Array {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  bytes.write("CORVOSEG", 0, "latin1");
  bytes.writeUInt16LE(segmentVersion, 8);
  bytes[10] = purposes.indexOf(identity.purpose) + 1;
  bytes.writeUInt32LE(identity.shard, 12);
  bytes.write(identity.clusterId, 16, "hex");
  bytes.writeBigUInt64LE(BigInt(identity.nodeId), 32);
  bytes.writeBigUInt64LE(BigInt(identity.number), 40);
  bytes.write(identity.salt, 48, "hex");
  bytes.writeUInt32LE(checksum(bytes.subarray(0, segmentHeaderBytes - 4)), segmentHeaderBytes - 4);
  return bytes;
}

/** What both checksums of a segment's records start from. */
export function seedOf(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(segmentHeaderBytes - 4, true);
}

/** Says what is wrong with a header, or undefined. `expected` says which file it must be. */
export function headerProblem(bytes: Uint8Array, expected: SegmentIdentity): string | undefined {
  const good = Buffer.from(encodeSegmentHeader(expected));
  if (good.equals(bytes)) return undefined;
  if (bytes.length < segmentHeaderBytes) return `the header is cut off after ${bytes.length} bytes`;
  const found = decodeSegmentHeader(bytes);
  if (typeof found === "string") return found;
  const differs = (Object.keys(expected) as (keyof SegmentIdentity)[]).filter((key) => found[key] !== expected[key]);
  return `the header belongs to another file: ${differs.map((key) => `${key} is ${found[key]}, not ${expected[key]}`).join(", ")}`;
}

/** What a header says, or what is wrong with it. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentIdentity | string {
  if (bytes.length < segmentHeaderBytes) return `the header is cut off after ${bytes.length} bytes`;
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, segmentHeaderBytes);
  if (header.toString("latin1", 0, 8) !== "CORVOSEG") return "this is not a segment: its magic is missing";
  if (seedOf(header) !== checksum(header.subarray(0, segmentHeaderBytes - 4))) return "the header's checksum is wrong";
  if (header.readUInt16LE(8) !== segmentVersion) return `the header's version ${header.readUInt16LE(8)} is not known here`;
  const purpose = purposes[header[10] - 1];
  if (purpose === undefined) return `the header's purpose ${header[10]} is not known here`;
  return {
    purpose,
    clusterId: header.toString("hex", 16, 32),
    nodeId: Number(header.readBigUInt64LE(32)),
    shard: header.readUInt32LE(12),
    number: Number(header.readBigUInt64LE(40)),
    salt: header.toString("hex", 48, 56),
  };
}

/** Writes a record's header; returns its sum, the next link of the chain. `bodySum` is `checksum(body, seed)`. */
export function putRecordHeader(view: DataView, at: number, seed: number, kind: number, index: number, length: number, bodySum: number, chain: number): number {
  const low = index >>> 0;
  const high = ((index / 0x1_0000_0000) & 0x1fffff) | (kind << 24);
  const sum = headerSum(seed, length, bodySum, chain, low, high);
  view.setUint32(at, sum, true);
  view.setUint32(at + 4, length, true);
  view.setUint32(at + 8, bodySum, true);
  view.setUint32(at + 12, chain, true);
  view.setUint32(at + 16, low, true);
  view.setUint32(at + 20, high, true);
  return sum;
}

export interface RecordHeader {
  sum: number;
  length: number;
  bodySum: number;
  chain: number;
  index: number;
  kind: number;
}

/** The header at `at`, or undefined when it is none of this segment (24 bytes must be there). */
export function getRecordHeader(view: DataView, at: number, seed: number): RecordHeader | undefined {
  const high = view.getUint32(at + 20, true);
  const kind = high >>> 24;
  if (!knownKinds.has(kind) || (high & 0xe00000) !== 0) return undefined;
  const sum = view.getUint32(at, true);
  const length = view.getUint32(at + 4, true);
  const bodySum = view.getUint32(at + 8, true);
  const chain = view.getUint32(at + 12, true);
  const low = view.getUint32(at + 16, true);
  if (headerSum(seed, length, bodySum, chain, low, high) !== sum) return undefined;
  return { sum, length, bodySum, chain, kind, index: (high & 0x1fffff) * 0x1_0000_0000 + low };
}

function headerSum(seed: number, length: number, bodySum: number, chain: number, low: number, high: number): number {
  let state = mixWord(seed, length);
  state = mixWord(state, bodySum);
  state = mixWord(state, chain);
  state = mixWord(state, low);
  state = mixWord(state, high);
  return finishMix(state);
}

/** A whole record as one buffer; for places that are not hot. */
export function encodeRecord(seed: number, kind: number, index: number, body: Uint8Array, chain: number): { bytes: Uint8Array; sum: number } {
  const bytes = new Uint8Array(recordHeaderBytes + body.length);
  const sum = putRecordHeader(new DataView(bytes.buffer), 0, seed, kind, index, body.length, checksum(body, seed), chain);
  bytes.set(body, recordHeaderBytes);
  return { bytes, sum };
}
