import { type ArchiveFooter, readFooter } from "./archive-footer.js";
import { readDroppedMark, readSyncedMark } from "./archive-mark.js";
import { type ArchiveScan, archiveSegmentIdentity, archiveSegmentName, scanArchiveSegment } from "./archive-scan.js";
import type { Disk, DiskFile } from "./disk.js";
import type { DirectoryIdentity } from "./identity.js";
import { encodeSegmentHeader, headerProblem, kinds, seedOf, segmentHeaderBytes } from "./segment.js";
import { readRecordAt } from "./segment-reader.js";
import type { Repairer } from "./verify-repair.js";
import { type VerifyProblem, type VerifyReport, withRepair } from "./verify-report.js";

const fromElsewhere = "copy the file from another member of the cluster, whose bytes are the same, or restore a backup";

export async function checkArchive(disk: Disk, identity: DirectoryIdentity, report: VerifyReport, repairer: Repairer | undefined): Promise<void> {
  const names = (await disk.list("archive")).filter((name) => /^\d{10}\.seg$/.test(name));
  const mark = await readSyncedMark(disk, "archive", identity);
  if (typeof mark === "string") {
    const lost = "nothing: it only says how far the archive was made durable, and until then all of it is checked";
    report.problems.push({ path: "archive/synced", offset: 0, what: mark, lost, next: "start the server: it writes the file anew" });
  }
  const dropped = await readDroppedMark(disk, "archive", identity);
  if (typeof dropped === "string") {
    const lost = "which segments were let go of, as their jobs were older than the retention";
    report.problems.push({
      path: "archive/dropped",
      offset: 0,
      what: dropped,
      lost,
      next: "start the server: it writes the file anew when it lets go of the next one",
    });
  }
  // Without a mark that can be read, all of it must be intact.
  const synced = typeof mark === "string" ? { segment: Number.POSITIVE_INFINITY, offset: 0 } : mark;
  if (typeof mark === "object" && mark.offset > 0 && !names.includes(archiveSegmentName(mark.segment))) {
    const path = `archive/${archiveSegmentName(mark.segment)}`;
    report.problems.push({ path, offset: 0, what: "the segment is missing", lost: "the finished jobs in it", next: fromElsewhere });
  }
  for (const name of names) {
    const path = `archive/${name}`;
    const number = Number(name.slice(0, 10));
    const expected = archiveSegmentIdentity(identity, number);
    const seed = seedOf(encodeSegmentHeader(expected));
    const file = await disk.open(path, "read");
    try {
      const header = headerProblem(await file.read(0, segmentHeaderBytes), expected);
      const footer = await readFooter(file, seed);
      // Behind the mark a power cut may have left anything: replay writes it again.
      const finished = synced !== undefined && number < synced.segment;
      const limit = number === synced?.segment ? segmentHeaderBytes + synced.offset : finished ? footer?.place : undefined;
      const scan = await scanArchiveSegment(file, number, identity, limit);
      report.files.push({ path, kind: "archive", bytes: await file.size(), records: scan.records });
      if (!finished && limit === undefined) continue;
      const before = `the finished jobs in its first ${scan.records} records can be read`;
      if (header !== undefined)
        report.problems.push({ path, offset: 0, what: header, lost: `nobody can tell whose jobs these are; ${before}`, next: fromElsewhere });
      if (scan.damage !== undefined) {
        report.problems.push({ path, ...scan.damage, lost: `finished jobs: those from this record on; ${before}`, next: fromElsewhere });
        continue;
      }
      if (!finished) continue; // its footer comes when the engine moves on
      const what = footer === undefined ? "the footer is missing or cut off" : await footerProblem(file, footer, scan, seed);
      if (what === undefined) continue;
      const problem: VerifyProblem = { path, record: scan.records, offset: scan.end, what, lost: "nothing: it is made from the records", next: withRepair };
      report.problems.push(problem);
      await repairer?.footer(problem, scan, seed);
    } finally {
      await file.close();
    }
  }
}

/** What is wrong with the footer that the segment's end points to. */
async function footerProblem(file: DiskFile, footer: ArchiveFooter, scan: ArchiveScan, seed: number): Promise<string | undefined> {
  const record = await readRecordAt(file, footer.place, seed, (await file.size()) - footer.place);
  if (typeof record === "string") return record.replace("the record", "the footer");
  const fits = record.kind === kinds.footer && record.chain === scan.chain && record.index === scan.records && footer.records === scan.records;
  return fits ? undefined : "the footer does not belong to these records";
}
