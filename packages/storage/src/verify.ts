import { type ArchiveFooter, readFooter } from "./archive-footer.js";
import { readDroppedMark, readSyncedMark } from "./archive-mark.js";
import { type ArchiveScan, archiveSegmentIdentity, archiveSegmentName, scanArchiveSegment } from "./archive-scan.js";
import { type Disk, type DiskFile, readWholeFile } from "./disk.js";
import { decodeSlots } from "./hard-state.js";
import { type DirectoryIdentity, decodeIdentity } from "./identity.js";
import { checkDatabase, levelSeed, openDatabase } from "./level-log.js";
import { assertNotInUse, type Holder, lockDirectory } from "./lock.js";
import { LogDamaged } from "./log-store.js";
import { nodeDisk, thisProcess } from "./node-disk.js";
import { decodeSegmentHeader, encodeSegmentHeader, headerProblem, kinds, seedOf, segmentHeaderBytes } from "./segment.js";
import { combineHardState } from "./segment-log-open.js";
import { type LogScan, type Problem, scanLog } from "./segment-log-scan.js";
import { readRecordAt } from "./segment-reader.js";
import { indexOfName, isSnapshotName, readSnapshot, readSnapshotHead, snapshotIdentity } from "./snapshot-files.js";
import { Repairer } from "./verify-repair.js";

export interface VerifiedFile {
  path: string;
  kind: "identity" | "hard state" | "log" | "archive" | "snapshot";
  bytes: number;
  /** Intact records; slots of the hard state; chunks of a snapshot. */
  records: number;
}

export interface VerifyProblem extends Problem {
  /** What `repair` did about it; absent: nothing. */
  repair?: string;
  repaired?: boolean;
}

export interface VerifyReport {
  /** Undefined when the directory does not say whose it is. */
  identity: DirectoryIdentity | undefined;
  files: VerifiedFile[];
  problems: VerifyProblem[];
  /** Index of the first and the last entry of the log. */
  log: { firstIndex: number; lastIndex: number; sealed: boolean } | undefined;
  totals: { files: number; bytes: number; records: number; problems: number; repaired: number };
}

export interface VerifyOptions {
  /**
   * Mends what can be mended without losing anything that may have been acknowledged: cuts a torn end, writes a damaged slot of the hard
   * state and damaged archive footers anew, restores the identity from the log's headers, sets a damaged older snapshot aside.
   */
  repair?: boolean;
  /** LevelDB's directory in the operating system's terms; given by itself when the directory is. */
  levelPath?: string;
  /** Tells whether a server runs on the directory; `thisProcess` by itself when the directory is given as a path. */
  holder?: Holder;
}

/** Checks every file of a stopped node, record by record. Throws `DataDirectoryError` when a server runs on it. */
export async function verifyDataDirectory(directory: Disk | string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const isPath = typeof directory === "string";
  const disk = isPath ? nodeDisk(directory) : directory;
  const levelPath = options.levelPath ?? (isPath ? `${directory}/log-level` : undefined);
  const holder = options.holder ?? (isPath ? thisProcess : undefined);
  if (holder !== undefined) await assertNotInUse(disk, holder);
  const unlock = holder === undefined || options.repair !== true ? async () => {} : await lockDirectory(disk, holder);
  try {
    return await verify(disk, levelPath, options.repair === true);
  } finally {
    await unlock();
  }
}

async function verify(disk: Disk, levelPath: string | undefined, repair: boolean): Promise<VerifyReport> {
  const report: VerifyReport = {
    identity: undefined,
    files: [],
    problems: [],
    log: undefined,
    totals: { files: 0, bytes: 0, records: 0, problems: 0, repaired: 0 },
  };
  const repairer = repair ? new Repairer(disk) : undefined;
  const identity = await checkIdentityFile(disk, report, repairer);
  if (identity !== undefined) {
    report.identity = identity;
    if (identity.log === "level") await checkLevel(disk, identity, levelPath, report, repairer);
    else await checkLog(disk, identity, report, repairer);
    await checkSnapshots(disk, identity, report, repairer);
    await checkArchive(disk, identity, report, repairer);
  }
  for (const file of report.files) {
    report.totals.bytes += file.bytes;
    report.totals.records += file.records;
  }
  report.totals.files = report.files.length;
  report.totals.problems = report.problems.length;
  report.totals.repaired = report.problems.filter((problem) => problem.repaired === true).length;
  return report;
}

async function checkIdentityFile(disk: Disk, report: VerifyReport, repairer: Repairer | undefined): Promise<DirectoryIdentity | undefined> {
  const bytes = await readWholeFile(disk, "identity");
  const found = bytes === undefined ? "the file is missing" : decodeIdentity(bytes);
  if (bytes !== undefined) report.files.push({ path: "identity", kind: "identity", bytes: bytes.length, records: typeof found === "string" ? 0 : 1 });
  if (typeof found !== "string") return found;
  const problem: VerifyProblem = { path: "identity", offset: 0, what: found };
  report.problems.push(problem);
  const restored = await identityFromHeaders(disk);
  if (restored === undefined) problem.what = `${found}; nothing else says whose data this is, so nothing else was checked`;
  else await repairer?.identity(problem, restored);
  return restored;
}

/** What the headers of the log's segments say, when all that are intact agree. */
async function identityFromHeaders(disk: Disk): Promise<DirectoryIdentity | undefined> {
  let found: DirectoryIdentity | undefined;
  for (const name of (await disk.list("log")).filter((candidate) => candidate.endsWith(".seg"))) {
    const file = await disk.open(`log/${name}`, "read");
    const header = decodeSegmentHeader(await file.read(0, segmentHeaderBytes));
    await file.close();
    if (typeof header === "string" || header.purpose !== "log") continue;
    const { clusterId, nodeId, shard, salt } = header;
    if (found !== undefined && (found.clusterId !== clusterId || found.nodeId !== nodeId || found.shard !== shard || found.salt !== salt)) return undefined;
    found = { clusterId, nodeId, shard, salt, log: "segments" };
  }
  return found;
}

async function checkLog(disk: Disk, identity: DirectoryIdentity, report: VerifyReport, repairer: Repairer | undefined): Promise<void> {
  const scan = await scanLog(disk, "log", identity);
  for (const segment of scan.segments) report.files.push({ path: segment.path, kind: "log", bytes: segment.sizeBytes, records: segment.records });
  report.log = {
    firstIndex: scan.index.count === 0 ? scan.last.index + 1 : scan.index.firstOf(0),
    lastIndex: scan.last.index,
    sealed: scan.sealed,
  };
  report.problems.push(...scan.problems);
  const hardState = await checkHardState(disk, identity, scan, report, repairer);
  if (scan.torn === undefined) return;
  const { path, record, offset, index, what } = scan.torn;
  const torn: VerifyProblem = { path, record, offset, index, what: `${what}: a torn last record; nobody can know whether it was acknowledged` };
  report.problems.push(torn);
  if (scan.problems.length === 0 && hardState) await repairer?.torn(torn, scan.torn);
}

/** Returns whether term and vote agree with the log. */
async function checkHardState(
  disk: Disk,
  identity: DirectoryIdentity,
  scan: Pick<LogScan, "hardState" | "problems" | "torn">,
  report: VerifyReport,
  repairer: Repairer | undefined,
): Promise<boolean> {
  const path = "hard-state";
  const bytes = await readWholeFile(disk, path);
  if (bytes === undefined) {
    report.problems.push({ path, offset: 0, what: "the file is missing" });
    return false;
  }
  const { best, problems } = decodeSlots(bytes, identity);
  report.files.push({ path, kind: "hard state", bytes: bytes.length, records: problems.filter((problem) => problem === undefined).length });
  const combined = best === undefined ? undefined : combineHardState(scan.hardState, best);
  if (typeof combined === "string") report.problems.push({ path, offset: 0, what: combined });
  for (const [slot, what] of problems.entries()) {
    if (what === undefined) continue;
    const problem: VerifyProblem = { path, record: slot, offset: slot * 4096, what };
    report.problems.push(problem);
    if (best !== undefined && typeof combined !== "string") await repairer?.slot(problem, identity, combined ?? best);
  }
  return best !== undefined && typeof combined !== "string";
}

async function checkLevel(
  disk: Disk,
  identity: DirectoryIdentity,
  levelPath: string | undefined,
  report: VerifyReport,
  repairer: Repairer | undefined,
): Promise<void> {
  const path = "log-level";
  if (levelPath === undefined || !(await disk.exists(path))) {
    report.problems.push({ path, offset: 0, what: levelPath === undefined ? "not checked: LevelDB needs a real directory" : "the directory is missing" });
    return;
  }
  try {
    const database = await openDatabase({ levelPath }, false);
    const { meta, lengths, problem } = await checkDatabase(database, levelSeed(identity)).finally(() => database.close());
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    report.files.push({ path, kind: "log", bytes, records: lengths.length });
    report.log = { firstIndex: meta.firstIndex, lastIndex: meta.lastIndex, sealed: meta.sealed };
    if (problem !== undefined) report.problems.push({ path, offset: 0, index: problem.index, what: problem.what });
    await checkHardState(disk, identity, { hardState: meta.hardState, problems: [] }, report, repairer);
  } catch (error) {
    if (!(error instanceof LogDamaged)) throw error;
    report.problems.push({ path, offset: 0, what: error.what });
  }
}

async function checkSnapshots(disk: Disk, identity: DirectoryIdentity, report: VerifyReport, repairer: Repairer | undefined): Promise<void> {
  const damaged: VerifyProblem[] = [];
  let newestIntact = -1;
  for (const name of (await disk.list("snapshots")).filter(isSnapshotName)) {
    const path = `snapshots/${name}`;
    const expected = snapshotIdentity(identity, indexOfName(name));
    const file = await disk.open(path, "read");
    try {
      const head = await readSnapshotHead(file, name, expected);
      let what = typeof head === "string" ? head : undefined;
      let records = 0;
      if (what === undefined) {
        for await (const step of readSnapshot(file, expected)) {
          if (typeof step === "string") what = step;
          else records++;
        }
      }
      report.files.push({ path, kind: "snapshot", bytes: await file.size(), records });
      if (what === undefined) newestIntact = Math.max(newestIntact, expected.number);
      else damaged.push({ path, record: records, offset: 0, index: expected.number, what });
    } finally {
      await file.close();
    }
  }
  for (const problem of damaged) {
    report.problems.push(problem);
    if (problem.index !== undefined && problem.index < newestIntact) await repairer?.setAside(problem);
  }
}

async function checkArchive(disk: Disk, identity: DirectoryIdentity, report: VerifyReport, repairer: Repairer | undefined): Promise<void> {
  const names = (await disk.list("archive")).filter((name) => /^\d{10}\.seg$/.test(name));
  const mark = await readSyncedMark(disk, "archive", identity);
  if (typeof mark === "string") report.problems.push({ path: "archive/synced", offset: 0, what: mark });
  const dropped = await readDroppedMark(disk, "archive", identity);
  if (typeof dropped === "string") report.problems.push({ path: "archive/dropped", offset: 0, what: dropped });
  // Without a mark that can be read, all of it must be intact.
  const synced = typeof mark === "string" ? { segment: Number.POSITIVE_INFINITY, offset: 0 } : mark;
  if (typeof mark === "object" && mark.offset > 0 && !names.includes(archiveSegmentName(mark.segment))) {
    report.problems.push({ path: `archive/${archiveSegmentName(mark.segment)}`, offset: 0, what: "the segment is missing; every replica has the same bytes" });
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
      if (header !== undefined) report.problems.push({ path, offset: 0, what: header });
      if (scan.damage !== undefined) {
        report.problems.push({ path, ...scan.damage, what: `${scan.damage.what}; every replica has the same bytes` });
        continue;
      }
      if (!finished) continue; // its footer comes when the engine moves on
      const what = footer === undefined ? "the footer is missing or cut off" : await footerProblem(file, footer, scan, seed);
      if (what === undefined) continue;
      const problem: VerifyProblem = { path, record: scan.records, offset: scan.end, what };
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
