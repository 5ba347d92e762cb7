import { type Disk, readWholeFile } from "./disk.js";
import { decodeSlots } from "./hard-state.js";
import type { DirectoryIdentity } from "./identity.js";
import { checkDatabase, levelSeed, openDatabase } from "./level-log.js";
import { LogDamaged } from "./log-store.js";
import { combineHardState } from "./segment-log-open.js";
import { type LogScan, type Problem, scanLog } from "./segment-log-scan.js";
import type { Repairer } from "./verify-repair.js";
import { fromBackup, type VerifyProblem, type VerifyReport, withRepair } from "./verify-report.js";
import type { LookedLog, LookedSnapshot } from "./verify-snapshots.js";

export async function checkLog(
  disk: Disk,
  identity: DirectoryIdentity,
  snapshots: readonly LookedSnapshot[],
  report: VerifyReport,
  repairer: Repairer | undefined,
): Promise<LookedLog> {
  const scan = await scanLog(disk, "log", identity);
  for (const segment of scan.segments) report.files.push({ path: segment.path, kind: "log", bytes: segment.sizeBytes, records: segment.records });
  const firstIndex = scan.index.count === 0 ? scan.last.index + 1 : scan.index.firstOf(0);
  const lastIndex = scan.last.index;
  report.log = { firstIndex, lastIndex, sealed: scan.sealed };
  for (const problem of scan.problems) report.problems.push({ ...problem, ...lossOf(problem, lastIndex, snapshots) });
  const agrees = await checkHardState(disk, identity, scan, report, repairer);
  const whole = scan.problems.length === 0 && agrees;
  if (scan.problems.length === 0) await checkEnd(scan, { firstIndex, lastIndex, whole }, snapshots, report, repairer);
  return { firstIndex, lastIndex, whole };
}

export async function checkLevel(
  disk: Disk,
  identity: DirectoryIdentity,
  levelPath: string | undefined,
  snapshots: readonly LookedSnapshot[],
  report: VerifyReport,
  repairer: Repairer | undefined,
): Promise<LookedLog | undefined> {
  const path = "log-level";
  if (levelPath === undefined) {
    report.problems.push({
      path,
      offset: 0,
      what: "not checked: LevelDB needs a real directory",
      lost: "nothing that is known of",
      next: "check the directory itself",
    });
    return undefined;
  }
  if (!(await disk.exists(path))) {
    report.problems.push({ path, offset: 0, what: "the directory is missing", ...lossOf({}, 0, snapshots) });
    return undefined;
  }
  try {
    const database = await openDatabase({ levelPath }, false);
    const { meta, lengths, problem } = await checkDatabase(database, levelSeed(identity)).finally(() => database.close());
    const { firstIndex, lastIndex, sealed } = meta;
    report.files.push({ path, kind: "log", bytes: lengths.reduce((sum, length) => sum + length, 0), records: lengths.length });
    report.log = { firstIndex, lastIndex, sealed };
    if (problem !== undefined) report.problems.push({ path, offset: 0, ...problem, ...lossOf(problem, problem.index ?? 0, snapshots) });
    const agrees = await checkHardState(disk, identity, { hardState: meta.hardState }, report, repairer);
    const whole = problem === undefined && agrees;
    const early = whole ? endsEarly({ firstIndex, lastIndex }, snapshots) : undefined;
    if (early !== undefined) report.problems.push({ path, offset: 0, index: lastIndex, ...early });
    return { firstIndex, lastIndex, whole };
  } catch (error) {
    if (!(error instanceof LogDamaged)) throw error;
    report.problems.push({ path, offset: 0, what: error.what, ...lossOf({}, 0, snapshots) });
    return undefined;
  }
}

/** The end of a log that is intact up to there: a torn last record may be cut, unless a snapshot proves that more was on disk. */
async function checkEnd(
  scan: LogScan,
  log: LookedLog,
  snapshots: readonly LookedSnapshot[],
  report: VerifyReport,
  repairer: Repairer | undefined,
): Promise<void> {
  const early = endsEarly(log, snapshots);
  if (scan.torn === undefined) {
    const { path, records, lastOffset: offset } = scan.segments[scan.active];
    if (early !== undefined) report.problems.push({ path, record: records - 1, offset, index: log.lastIndex, ...early });
    return;
  }
  const { path, record, offset, index, what } = scan.torn;
  if (early !== undefined) {
    report.problems.push({ path, record, offset, index, ...early, what: `${what}, and this is no torn last record: ${early.what}` });
    return;
  }
  const problem: VerifyProblem = {
    path,
    record,
    offset,
    index,
    what: `${what}: a torn last record; nobody can know whether it was acknowledged`,
    lost: `the commands of this one record, entry ${index} and what came with it, if they were acknowledged at all`,
    next: "verify with --repair cuts it, and so does a server at its start",
  };
  report.problems.push(problem);
  if (log.whole) await repairer?.torn(problem, scan.torn);
}

/** What a snapshot holds was in the log before: a log that ends earlier has lost its end. A server refuses it for the same reason. */
function endsEarly(
  log: { firstIndex: number; lastIndex: number },
  snapshots: readonly LookedSnapshot[],
): Pick<VerifyProblem, "what" | "lost" | "next"> | undefined {
  const newest = snapshots.findLast(({ listed }) => listed);
  const isEmpty = log.lastIndex < log.firstIndex;
  if (newest === undefined || isEmpty || log.lastIndex >= newest.index) return undefined;
  const held = newest.fault === undefined ? `, which holds everything up to entry ${newest.index}` : "";
  return {
    what: `the log ends at entry ${log.lastIndex}, and ${newest.file.path} was made of entries up to ${newest.index}`,
    lost: `the end of the log, and with it what was acknowledged after that snapshot${held}`,
    next: `${fromBackup}, or go on without what is lost: corvo server --durable=false, once`,
  };
}

/** Behind a damaged record nothing counts: what follows may build on what it said. */
function lossOf({ index }: Partial<Problem>, lastIndex: number, snapshots: readonly LookedSnapshot[]): Pick<VerifyProblem, "lost" | "next"> {
  const from = index ?? lastIndex + 1;
  const newest = snapshots.findLast(({ fault }) => fault === undefined);
  const held = newest !== undefined && newest.index >= from ? `; ${newest.file.path} holds the state up to entry ${newest.index}` : "";
  return { lost: `entries of the log from ${from} on, and what they acknowledged${held}`, next: fromBackup };
}

/** Returns whether term and vote agree with the log. */
async function checkHardState(
  disk: Disk,
  identity: DirectoryIdentity,
  scan: Pick<LogScan, "hardState">,
  report: VerifyReport,
  repairer: Repairer | undefined,
): Promise<boolean> {
  const path = "hard-state";
  const bytes = await readWholeFile(disk, path);
  const proof = "the proof that the log did not lose its end: term and vote are in the log too, but nobody can tell whether it is all there";
  if (bytes === undefined) {
    report.problems.push({ path, offset: 0, what: "the file is missing", lost: proof, next: `put the file of this same moment back, or ${fromBackup}` });
    return false;
  }
  const { best, problems } = decodeSlots(bytes, identity);
  report.files.push({ path, kind: "hard state", bytes: bytes.length, records: problems.filter((problem) => problem === undefined).length });
  const combined = best === undefined ? undefined : combineHardState(scan.hardState, best);
  if (typeof combined === "string") {
    report.problems.push({ path, offset: 0, what: combined, lost: "records at the end of the log, and what they acknowledged", next: fromBackup });
  }
  for (const [slot, what] of problems.entries()) {
    if (what === undefined) continue;
    const mendable = best !== undefined && typeof combined !== "string";
    const told = mendable ? { lost: "nothing: the other slot and the log say the same", next: withRepair } : { lost: proof, next: fromBackup };
    const problem: VerifyProblem = { path, record: slot, offset: slot * 4096, what, ...told };
    report.problems.push(problem);
    if (mendable) await repairer?.slot(problem, identity, combined ?? best);
  }
  return best !== undefined && typeof combined !== "string";
}
