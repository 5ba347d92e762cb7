import { BatchIndex } from "./batch-index.js";
import { decodeBatch, type LogPosition } from "./batch-record.js";
import type { Disk, DiskFile } from "./disk.js";
import type { StorageIdentity } from "./identity.js";
import type { HardState } from "./log-store.js";
import {
  aligned,
  alignmentOf,
  encodeSegmentHeader,
  headerProblem,
  kinds,
  recordHeaderBytes,
  type SegmentIdentity,
  seedOf,
  segmentHeaderBytes,
} from "./segment.js";
import { examineTail, SegmentReader, type SegmentRecord } from "./segment-reader.js";

/** One thing that is wrong with one place of one file. */
export interface Problem {
  path: string;
  /** Counted from 0 in its file, when it lies at a record. */
  record?: number;
  offset: number;
  /** Log index or creation sequence, when it is known. */
  index?: number;
  what: string;
}

export interface ScannedSegment {
  path: string;
  number: number;
  seed: number;
  sizeBytes: number;
  /** Where the last intact record begins; the end of the header when there is none. */
  lastOffset: number;
  /** End of the last intact record: where the next would go. */
  end: number;
  records: number;
  batches: number;
  lastKind: number;
}

/** What lies in the directory of a log. Open and verify both judge by this. */
export interface LogScan {
  /** In order; the active one and the empty ones behind it included. */
  segments: ScannedSegment[];
  /** Position in `segments` of the one that the next record goes to. */
  active: number;
  index: BatchIndex;
  last: LogPosition;
  hardState: HardState | undefined;
  sealed: boolean;
  /** Sum of the last record. */
  chain: number;
  /** Bytes behind the last intact record that a torn write explains: they may be cut. */
  torn?: Problem & { end: number };
  records: number;
  batches: number;
  /** Segments before this number are covered by a reset. */
  keepFrom: number;
  /** What no torn write explains. */
  problems: Problem[];
}

export function logSegmentName(number: number): string {
  return `${String(number).padStart(10, "0")}.seg`;
}

export function logSegmentIdentity(identity: StorageIdentity, number: number): SegmentIdentity {
  return { purpose: "log", clusterId: identity.clusterId, nodeId: identity.nodeId, shard: identity.shard, salt: identity.salt, number };
}

export async function scanLog(disk: Disk, directory: string, identity: StorageIdentity): Promise<LogScan> {
  const scan: LogScan = {
    segments: [],
    active: 0,
    index: new BatchIndex(),
    last: { index: 0, term: 0 },
    hardState: undefined,
    sealed: false,
    chain: 0,
    records: 0,
    batches: 0,
    keepFrom: 0,
    problems: [],
  };
  const names = (await disk.list(directory)).filter((name) => /^\d{10}\.seg$/.test(name));
  let open = true; // the records of the segment before go on in this one
  for (const name of names) {
    const path = `${directory}/${name}`;
    const number = Number(name.slice(0, 10));
    const before = scan.segments.at(-1);
    if (before !== undefined && number !== before.number + 1) {
      scan.problems.push({ path, offset: 0, what: `segment ${logSegmentName(before.number + 1)} is missing before it` });
    }
    const file = await disk.open(path, "read");
    try {
      const segment = await scanSegment(scan, file, number, identity, open);
      scan.segments.push(segment);
      if (open) scan.active = scan.segments.length - 1;
      open = open && segment.lastKind === kinds.continued;
    } finally {
      await file.close();
    }
  }
  const last = scan.segments.at(-1);
  const oldest = scan.segments[0];
  if (oldest !== undefined && oldest.number > 1 && oldest.records === 0 && scan.problems.length === 0 && scan.torn === undefined) {
    scan.problems.push({ path: oldest.path, offset: segmentHeaderBytes, what: "the log begins with an empty segment: the segments before it are missing" });
  }
  if (last === undefined) scan.problems.push({ path: directory, offset: 0, what: "there is no log segment" });
  else if (open && last.records > 0) {
    scan.problems.push({
      path: `${directory}/${logSegmentName(last.number + 1)}`,
      offset: 0,
      what: `the segment is missing: ${logSegmentName(last.number)} goes on in it`,
    });
  }
  return scan;
}

/** Reads one segment into `scan`. `open`: its records continue the log; otherwise it must be empty. */
async function scanSegment(scan: LogScan, file: DiskFile, number: number, identity: StorageIdentity, open: boolean): Promise<ScannedSegment> {
  const expected = logSegmentIdentity(identity, number);
  const sizeBytes = await file.size();
  const header = headerProblem(await file.read(0, segmentHeaderBytes), expected);
  if (header !== undefined) scan.problems.push({ path: file.path, offset: 0, what: header });
  // The header of this place is known without reading it: records behind a damaged one can still be judged.
  const seed = seedOf(encodeSegmentHeader(expected));
  const segment: ScannedSegment = {
    path: file.path,
    number,
    seed,
    sizeBytes,
    lastOffset: segmentHeaderBytes,
    end: segmentHeaderBytes,
    records: 0,
    batches: 0,
    lastKind: 0,
  };
  const reader = new SegmentReader(file, seed, alignmentOf("log"), segmentHeaderBytes, Math.max(sizeBytes, segmentHeaderBytes));
  for (;;) {
    const step = reader.tryNext() ?? (await reader.next());
    if (step.type === "record") {
      const { record } = step;
      const place = { path: file.path, record: record.number, offset: record.offset, index: record.index };
      if (!open) scan.problems.push({ ...place, what: "a record lies in a segment that nothing leads to: the one before ends without saying that it goes on" });
      const what = takeRecord(scan, number, record);
      if (what !== undefined) scan.problems.push({ ...place, what });
      segment.lastOffset = record.offset;
      segment.end = record.end;
      segment.records++;
      if (record.kind === kinds.batch || record.kind === kinds.reset) segment.batches++;
      segment.lastKind = record.kind;
      continue;
    }
    const place = { path: file.path, record: step.number, offset: step.offset, index: scan.last.index + 1 };
    if (!open || segment.lastKind === kinds.continued) {
      // Nothing is ever written into a segment that is not active: what lies here cannot be a torn write.
      if (step.type === "damaged") scan.problems.push({ ...place, what: step.what });
      return segment;
    }
    await judgeEnd(
      scan,
      file,
      segment,
      place,
      step.type === "damaged"
        ? { what: step.what, end: step.header === undefined ? undefined : step.offset + recordHeaderBytes + step.header.length }
        : undefined,
    );
    return segment;
  }
}

/** Decides whether what lies behind the last intact record of the active segment is nothing, a torn write, or damage. */
async function judgeEnd(
  scan: LogScan,
  file: DiskFile,
  segment: ScannedSegment,
  place: Problem | Omit<Problem, "what">,
  damage: { what: string; end: number | undefined } | undefined,
): Promise<void> {
  const sealed = damage === undefined && segment.lastKind === kinds.seal;
  // Behind a seal nothing was written but perhaps the record that opens the log again.
  const to = sealed ? Math.min(segment.sizeBytes, segment.end + 4096) : segment.sizeBytes;
  const behind = damage?.end ?? place.offset + alignmentOf("log");
  const tail = await examineTail(file, place.offset, behind, to, segment.sizeBytes, segment.seed, alignmentOf("log"));
  const what = damage?.what ?? "bytes lie where a record's header is missing";
  if (tail.intactAt !== undefined) {
    scan.problems.push({ ...place, what: `${what}, and an intact record lies behind it at offset ${tail.intactAt}: this is damage, not a torn write` });
  } else if (damage?.end !== undefined && tail.usedEnd > aligned(damage.end, alignmentOf("log")) && damage.end <= segment.sizeBytes) {
    scan.problems.push({ ...place, what: `${what}, and more bytes lie behind it: one torn write cannot explain both` });
  } else if (tail.usedEnd > place.offset || damage !== undefined) {
    scan.torn = { ...place, what, end: Math.max(tail.usedEnd, place.offset) };
  }
}

/** Takes an intact record into the picture; a string says why it cannot stand where it stands. */
function takeRecord(scan: LogScan, segment: number, record: SegmentRecord): string | undefined {
  // The first record of the oldest segment follows one that may be gone, unless it is the very first of the log.
  const linked = scan.records === 0 ? segment !== 1 || record.chain === 0 : record.chain === scan.chain;
  scan.chain = record.sum;
  scan.records++;
  scan.sealed = record.kind === kinds.seal;
  if (!linked) return "the hash chain is broken: the record does not follow the one before it";
  if (record.kind === kinds.continued || record.kind === kinds.seal || record.kind === kinds.opened) return undefined;
  if (record.kind !== kinds.batch && record.kind !== kinds.reset) return `a record of kind ${record.kind} does not belong into a log`;
  const batch = decodeBatch(record.body, record.index);
  if (typeof batch === "string") return batch;
  if (batch.hardState !== undefined) scan.hardState = batch.hardState;
  const oldest = scan.batches++ === 0;
  if (record.kind === kinds.reset) {
    if (batch.base === undefined) return "a reset without its base";
    scan.index.clear();
    scan.last = batch.base;
    scan.keepFrom = segment;
    return undefined;
  }
  if (oldest) {
    if (batch.base === undefined) return "the first record of the log does not say where the log begins";
    scan.last = batch.base;
  } else if (batch.base !== undefined && (batch.base.index !== scan.last.index || batch.base.term !== scan.last.term)) {
    return `the log stands at index ${scan.last.index}, but the record says ${batch.base.index}`;
  }
  if (batch.count === 0) return undefined;
  if (batch.firstIndex > scan.last.index + 1) return `a gap: the log ends at index ${scan.last.index}, the record begins at ${batch.firstIndex}`;
  scan.index.push(batch.firstIndex, segment, record.offset, record.end - record.offset);
  scan.last = { index: batch.firstIndex + batch.count - 1, term: batch.lastTerm };
  return undefined;
}
