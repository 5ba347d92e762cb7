import type { Disk } from "./disk.js";
import { HardStateFile } from "./hard-state.js";
import { type HardState, LogDamaged, type LogFound } from "./log-store.js";
import { encodeRecord, kinds } from "./segment.js";
import { type LogSegment, logSegmentBytesDefault, openedSegment, SegmentLog, type SegmentLogOptions } from "./segment-log.js";
import { type LogScan, logSegmentIdentity, logSegmentName, type Problem, scanLog } from "./segment-log-scan.js";
import { writeZeros } from "./segment-reader.js";
import { preallocate, type Spare } from "./segment-reserve.js";

/** The first segment of a new log is smaller, so that a new node serves sooner; the full-sized ones are made meanwhile. */
const firstSegmentBytesMax = 4 * 1024 * 1024;

/** Makes an empty log: directory, first segment, hard state. */
export async function createSegmentLog(options: SegmentLogOptions): Promise<void> {
  const { disk, identity } = options;
  const directory = options.directory ?? "log";
  await disk.makeDirectory(directory);
  await disk.syncDirectory("");
  const bytes = Math.min(firstSegmentBytesMax, options.segmentBytes ?? logSegmentBytesDefault);
  const path = `${directory}/${logSegmentName(1)}`;
  if (await disk.exists(path)) await disk.remove(path); // left by a creation that did not finish
  await (await preallocate(disk, path, bytes, logSegmentIdentity(identity, 1))).close();
  await HardStateFile.create(disk, options.hardStatePath ?? "hard-state", identity);
}

/** Opens a log: reads and checks all of it, cuts a torn end, throws `LogDamaged` for anything worse. */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const { disk, identity } = options;
  const directory = options.directory ?? "log";
  for (const name of await disk.list(directory)) if (name.endsWith(".tmp")) await disk.remove(`${directory}/${name}`);
  const scan = await scanLog(disk, directory, identity);
  const [problem] = scan.problems;
  if (problem !== undefined) throw new LogDamaged(problem.path, problem.offset, tell(problem));
  if (!scan.sealed && options.durable !== false) await settle(disk, directory, scan);
  const hardStatePath = options.hardStatePath ?? "hard-state";
  const { file: hardStateFile, hardState } = await openHardState(options, hardStatePath, scan);
  if (scan.torn !== undefined) await cutTorn(disk, scan.torn);
  await dropOlder(disk, directory, scan);
  const segments: LogSegment[] = [];
  const spares: Spare[] = [];
  for (const [at, scanned] of scan.segments.entries()) {
    const spare = { file: await disk.open(scanned.path, "write"), path: scanned.path, number: scanned.number, sizeBytes: scanned.sizeBytes };
    if (at > scan.active) spares.push(spare);
    else segments.push({ ...openedSegment(spare, identity), end: scanned.end, batches: scanned.batches });
  }
  let chain = scan.chain;
  if (scan.sealed) chain = await openSealed(segments[segments.length - 1], scan.last.index, chain);
  return new SegmentLog(options, { segments, spares, index: scan.index, last: scan.last, hardState, hardStateFile, chain, found: foundOf(scan, hardState) });
}

export function tell(problem: Problem): string {
  const place = problem.record === undefined ? "" : `record ${problem.record}${problem.index === undefined ? "" : ` (index ${problem.index})`}: `;
  return `${place}${problem.what}`;
}

/**
 * Makes durable what was read. A process that was killed between a write and its sync left a record that only the page cache has; one
 * whose sync failed left a record that the kernel will not even write any more (Rebello et al., "Can Applications Recover from fsync
 * Failures?", 2020). Only the last record can be in doubt, and the one before it that says that the log goes on in the next segment:
 * they are written again as they are, and their segments are synced, before anything is built on them.
 */
async function settle(disk: Disk, directory: string, scan: LogScan): Promise<void> {
  await disk.syncDirectory(directory);
  for (const segment of scan.segments.slice(Math.max(0, scan.active - 1), scan.active + 1)) {
    const file = await disk.open(segment.path, "write");
    try {
      if (segment.records > 0) await file.write([await file.read(segment.lastOffset, segment.end - segment.lastOffset)], segment.lastOffset);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Puts zeros over what a torn write left, so that nothing of it can ever be taken for more. */
export async function cutTorn(disk: Disk, torn: NonNullable<LogScan["torn"]>): Promise<void> {
  const file = await disk.open(torn.path, "write");
  try {
    await writeZeros(file, torn.offset, torn.end);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Term and vote as the log and the slot file together say. The slot file changes only after the batch record is durable, so it is
 * never ahead of an intact log: when it is, the log lost what was promised.
 */
export function combineHardState(log: HardState | undefined, slot: { term: number; vote: number }): HardState | undefined | string {
  const known = log ?? { term: 0, vote: 0, commit: 0 };
  if (slot.term > known.term || (slot.term === known.term && slot.vote !== 0 && slot.vote !== known.vote)) {
    return `it holds term ${slot.term} and vote ${slot.vote}, the log only term ${known.term} and vote ${known.vote}: the log lost a record that was durable`;
  }
  return log;
}

async function openHardState(options: SegmentLogOptions, path: string, scan: LogScan): Promise<{ file: HardStateFile; hardState: HardState | undefined }> {
  const opened = await HardStateFile.open(options.disk, path, options.identity);
  if (opened === undefined) throw new LogDamaged(path, 0, "the file is missing");
  const { file, found } = opened;
  try {
    if (found.best === undefined) throw new LogDamaged(path, 0, `both slots are damaged: ${found.problems[0]}`);
    const hardState = combineHardState(scan.hardState, found.best);
    if (typeof hardState === "string") throw new LogDamaged(path, 0, hardState);
    const behind = hardState !== undefined && (hardState.term !== found.best.term || hardState.vote !== found.best.vote);
    // After an unclean stop the newest slot may be in the page cache only: what it says is written anew.
    if (behind || !scan.sealed || found.problems.some((problem) => problem !== undefined)) {
      file.write(hardState?.term ?? 0, hardState?.vote ?? 0);
      await file.sync();
    }
    return { file, hardState };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Segments that a reset made superfluous and whose removal was interrupted. */
async function dropOlder(disk: Disk, directory: string, scan: LogScan): Promise<void> {
  while (scan.segments[0].number < scan.keepFrom) {
    await disk.remove(scan.segments[0].path);
    await disk.syncDirectory(directory);
    scan.segments.shift();
    scan.active--;
  }
}

/** Writes behind the seal that the log is in use again, before anything else can be. */
async function openSealed(active: LogSegment, lastIndex: number, chain: number): Promise<number> {
  const { bytes, sum } = encodeRecord(active.seed, kinds.opened, lastIndex, new Uint8Array(0), chain);
  await active.file.write([bytes], active.end);
  await active.file.sync();
  active.end += bytes.length;
  return sum;
}

function foundOf(scan: LogScan, hardState: HardState | undefined): LogFound {
  return {
    firstIndex: scan.index.count === 0 ? scan.last.index + 1 : scan.index.firstOf(0),
    lastIndex: scan.last.index,
    lastTerm: scan.last.term,
    hardState,
    sealed: scan.sealed,
    ...(scan.torn === undefined
      ? {}
      : { cut: { segment: scan.torn.path, offset: scan.torn.offset, bytes: scan.torn.end - scan.torn.offset, reason: scan.torn.what } }),
  };
}
