import { ArchiveIndex } from "./archive-index.js";
import type { DiskFile } from "./disk.js";
import type { StorageIdentity } from "./identity.js";
import { alignmentOf, encodeSegmentHeader, kinds, type SegmentIdentity, seedOf, segmentHeaderBytes } from "./segment.js";
import { examineTail, type ReadStep, SegmentReader } from "./segment-reader.js";

export interface ArchiveScan {
  index: ArchiveIndex;
  records: number;
  /** Place in the file behind the last record that is intact and in order. */
  end: number;
  /** Sum of that record. */
  chain: number;
  /** The footer's record is there (its body may still lie). */
  footed: boolean;
  /** Why the records end before the segment does. */
  damage?: { record: number; offset: number; what: string };
}

export function archiveSegmentName(number: number): string {
  return `${String(number).padStart(10, "0")}.seg`;
}

/** No node id and no salt: archive segments are the same, byte for byte, on every replica. */
export function archiveSegmentIdentity(identity: StorageIdentity, number: number): SegmentIdentity {
  return { purpose: "archive", clusterId: identity.clusterId, nodeId: 0, shard: identity.shard, salt: "0000000000000000", number };
}

/** Reads all records of a segment, up to the place `limit` in the file if given, else up to its footer or its end. */
export async function scanArchiveSegment(file: DiskFile, number: number, identity: StorageIdentity, limit?: number): Promise<ArchiveScan> {
  const seed = seedOf(encodeSegmentHeader(archiveSegmentIdentity(identity, number)));
  const sizeBytes = await file.size();
  const reader = new SegmentReader(file, seed, alignmentOf("archive"), segmentHeaderBytes, Math.max(sizeBytes, segmentHeaderBytes));
  const scan: ArchiveScan = { index: new ArchiveIndex(), records: 0, end: segmentHeaderBytes, chain: seed, footed: false };
  while (limit === undefined || scan.end < limit) {
    const step = reader.tryNext() ?? (await reader.next());
    const what = takeRecord(scan, step);
    if (what !== undefined) scan.damage = { record: step.type === "record" ? step.record.number : step.number, offset: scan.end, what };
    if (what !== undefined || step.type !== "record" || scan.footed) break;
  }
  if (limit !== undefined && scan.end !== limit && scan.damage === undefined) {
    scan.damage = { record: scan.records, offset: scan.end, what: `records end at ${scan.end}, not at ${limit}` };
  }
  if (limit === undefined && scan.damage !== undefined) {
    // A power cut may leave any part of a footer that was not synced. It leaves no intact record behind.
    const tail = await examineTail(file, scan.end, scan.end + 1, sizeBytes, sizeBytes, seed, alignmentOf("archive"));
    if (tail.intactAt === undefined) scan.damage = undefined;
  }
  return scan;
}

function takeRecord(scan: ArchiveScan, step: ReadStep): string | undefined {
  if (step.type === "end") return undefined;
  if (step.type === "damaged") return step.what;
  const { record } = step;
  if (record.chain !== scan.chain) return "the hash chain is broken";
  if (record.kind === kinds.footer) {
    scan.footed = true;
    return undefined;
  }
  if (record.kind !== kinds.archived) return `a record of kind ${record.kind} does not belong into an archive`;
  scan.index.add(record.index, record.offset - segmentHeaderBytes);
  scan.records++;
  scan.chain = record.sum;
  scan.end = record.end;
  return undefined;
}
