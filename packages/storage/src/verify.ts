import { type Disk, readWholeFile } from "./disk.js";
import { type DirectoryIdentity, decodeIdentity } from "./identity.js";
import { assertNotInUse, type Holder, lockDirectory } from "./lock.js";
import { nodeDisk, thisProcess } from "./node-disk.js";
import { decodeSegmentHeader, segmentHeaderBytes } from "./segment.js";
import { checkArchive } from "./verify-archive.js";
import { checkLevel, checkLog } from "./verify-log.js";
import { Repairer } from "./verify-repair.js";
import { fromBackup, type VerifyProblem, type VerifyReport, withRepair } from "./verify-report.js";
import { judgeSnapshots, lookAtSnapshots } from "./verify-snapshots.js";

export interface VerifyOptions {
  /**
   * Mends what can be mended without losing anything that may have been acknowledged: cuts a torn end, writes a damaged slot of the hard
   * state and damaged archive footers anew, restores the identity from the log's headers, sets a damaged snapshot aside when other files
   * hold the same: a newer one, an older one and the log behind it, or a log from the first entry on.
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
    const snapshots = await lookAtSnapshots(disk, identity);
    const ofLevel = identity.log === "level";
    const log = await (ofLevel ? checkLevel(disk, identity, levelPath, snapshots, report, repairer) : checkLog(disk, identity, snapshots, report, repairer));
    report.files.push(...snapshots.map(({ file }) => file));
    await judgeSnapshots(snapshots, log, report, repairer);
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
  const restored = await identityFromHeaders(disk);
  const problem: VerifyProblem =
    restored === undefined
      ? {
          path: "identity",
          offset: 0,
          what: `${found}; nothing else says whose data this is, so nothing else was checked`,
          lost: "whose data this is, without which no other file can be read",
          next: `put the file back from a copy of this directory, or ${fromBackup}`,
        }
      : { path: "identity", offset: 0, what: found, lost: "nothing: the log's segments say the same", next: withRepair };
  report.problems.push(problem);
  if (restored !== undefined) await repairer?.identity(problem, restored);
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
