import type { Disk } from "./disk.js";
import type { DirectoryIdentity } from "./identity.js";
import { indexOfName, isSnapshotName, readSnapshot, readSnapshotHead, type SnapshotFault, snapshotIdentity } from "./snapshot-files.js";
import type { Repairer } from "./verify-repair.js";
import { fromBackup, type VerifiedFile, type VerifyProblem, type VerifyReport } from "./verify-report.js";

/** One snapshot, read to its end. */
export interface LookedSnapshot {
  file: VerifiedFile;
  index: number;
  /** A server sees it: its head is intact. */
  listed: boolean;
  fault: SnapshotFault | undefined;
}

/** What is known of the log when the snapshots are judged. */
export interface LookedLog {
  firstIndex: number;
  lastIndex: number;
  /** Nothing is wrong with it, but perhaps a torn last record. */
  whole: boolean;
}

/** Reads all snapshots, oldest first. */
export async function lookAtSnapshots(disk: Disk, identity: DirectoryIdentity): Promise<LookedSnapshot[]> {
  const looked: LookedSnapshot[] = [];
  for (const name of (await disk.list("snapshots")).filter(isSnapshotName)) looked.push(await lookAt(disk, name, identity));
  return looked;
}

async function lookAt(disk: Disk, name: string, identity: DirectoryIdentity): Promise<LookedSnapshot> {
  const path = `snapshots/${name}`;
  const expected = snapshotIdentity(identity, indexOfName(name));
  const file = await disk.open(path, "read");
  try {
    const head = await readSnapshotHead(file, name, expected);
    const listed = !("what" in head);
    let fault = listed ? undefined : head;
    let records = 0;
    if (listed) {
      for await (const step of readSnapshot(file, expected)) {
        if (step instanceof Uint8Array) records++;
        else fault = step;
      }
    }
    return { file: { path, kind: "snapshot", bytes: await file.size(), records }, index: expected.number, listed, fault };
  } finally {
    await file.close();
  }
}

/** Says what is damaged, and sets aside what others hold too. */
export async function judgeSnapshots(looked: readonly LookedSnapshot[], log: LookedLog | undefined, report: VerifyReport, repairer: Repairer | undefined) {
  for (const snapshot of looked) {
    if (snapshot.fault === undefined) continue;
    const { record, offset, what } = snapshot.fault;
    const kept = heldElsewhere(snapshot, looked, log);
    const problem: VerifyProblem = { path: snapshot.file.path, record, offset, index: snapshot.index, what, ...told(kept) };
    report.problems.push(problem);
    if ("by" in kept) await repairer?.setAside(problem, kept.by);
  }
  const gap = log && gapBefore(log, looked);
  if (gap !== undefined) report.problems.push(gap);
}

function told(kept: { by: string } | { lost: string }): Pick<VerifyProblem, "lost" | "next"> {
  if ("by" in kept) return { lost: `nothing: ${kept.by}`, next: "verify with --repair sets it aside" };
  return { lost: kept.lost, next: `${fromBackup}; --repair leaves the file as it is` };
}

/** What else holds the state that a damaged snapshot held, or why nothing does. */
function heldElsewhere({ index }: LookedSnapshot, looked: readonly LookedSnapshot[], log: LookedLog | undefined): { by: string } | { lost: string } {
  const intact = looked.filter((other) => other.fault === undefined).map((other) => other.index);
  if (intact.some((other) => other > index)) return { by: "a newer snapshot is intact" };
  const state = `the state up to entry ${index}`;
  if (log === undefined || !log.whole) return { lost: `${state}: the log, which could make it again, is damaged too` };
  if (log.lastIndex < index) return { lost: `${state}: the log, which could make it again, ends at entry ${log.lastIndex}` };
  const base = Math.max(0, ...intact);
  if (log.firstIndex > base + 1) {
    const before = base === 0 ? "no other snapshot is intact" : `the snapshot before it ends at entry ${base}`;
    return { lost: `${state}: the log, which could make it again, begins at entry ${log.firstIndex}, and ${before}` };
  }
  return { by: base === 0 ? "the log holds every entry from the first one on" : `the snapshot of entry ${base} is intact, and the log goes on from there` };
}

/** A server begins with a snapshot that the log continues, or with the first entry. */
function gapBefore(log: LookedLog, looked: readonly LookedSnapshot[]): VerifyProblem | undefined {
  const reached = Math.max(0, ...looked.map((snapshot) => snapshot.index)); // a damaged one has a problem of its own
  if (log.firstIndex <= reached + 1) return undefined;
  const covered = reached === 0 ? "no snapshot covers what was before it" : `the newest snapshot ends at entry ${reached}`;
  const what = `a snapshot is missing: the log begins at entry ${log.firstIndex}, and ${covered}`;
  return { path: "snapshots", offset: 0, index: log.firstIndex, what, lost: `the state up to entry ${log.firstIndex - 1}`, next: fromBackup };
}
