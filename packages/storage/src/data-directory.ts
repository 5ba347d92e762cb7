import { ArchiveSegments } from "./archive-segments.js";
import type { ArchiveExport, ArchiveStore } from "./archive-store.js";
import type { LogCounters } from "./counters.js";
import { type Disk, readWholeFile, writeWholeFile } from "./disk.js";
import type { FailpointHook } from "./failpoints.js";
import { checkIdentity, DataDirectoryError, type DirectoryIdentity, decodeIdentity, encodeIdentity, type LogBackend } from "./identity.js";
import { createLevelLog, openLevelLog } from "./level-log.js";
import { type Holder, lockDirectory } from "./lock.js";
import type { LogFound, LogStore } from "./log-store.js";
import { segmentHeaderBytes } from "./segment.js";
import { createSegmentLog, openSegmentLog } from "./segment-log-open.js";
import { SnapshotFiles } from "./snapshot-files.js";
import type { SnapshotStore } from "./snapshot-store.js";
import { type SpaceReserve, worsePressure } from "./space.js";

export interface StorageOptions {
  disk: Disk;
  /** Fills in what a new directory needs by chance: its salt, and a cluster id when none is given. */
  random: { fill(bytes: Uint8Array): void };
  /** Who the node is. A directory that exists must agree with what is given; a new one gets it, by default node 1 of shard 0 of a new cluster. */
  identity?: { clusterId?: string; nodeId?: number; shard?: number };
  /** Where the log of a new directory goes. One that exists keeps its own; another one given is refused. Default `segments`. */
  logBackend?: LogBackend;
  /** Directory for LevelDB's files, in the operating system's terms: LevelDB does its own I/O. Needed for `level` only. */
  levelPath?: string;
  /** False: nothing is synced. For comparison only; it says so wherever it shows. Default true. */
  durable?: boolean;
  /** Size of log segments. Default 64 MiB. */
  segmentBytes?: number;
  /** Room held back for the archive on a full disk. Default 64 MiB. */
  archiveReserveBytes?: number;
  failpoint?: FailpointHook;
  /** Measures syncs. */
  monotonicMs?: () => number;
  /** See SegmentLogOptions. Default 0. */
  inlineSyncMsMax?: number;
  /** Told once per store when it stops for good: the node must stop. */
  onFailure?: (error: Error) => void;
  /** Who locks the directory: `thisProcess`. Without one nobody else is kept out. */
  holder?: Holder;
}

export interface Storage {
  readonly log: LogStore & { readonly counters: LogCounters };
  /** Must be rewound before it is used. */
  readonly archive: ArchiveStore & ArchiveExport;
  readonly snapshots: SnapshotStore;
  readonly identity: DirectoryIdentity;
  readonly found: { /** It was made just now. */ fresh: boolean; log: LogFound };
  /** Room on the disk, for log and archive together. */
  readonly space: SpaceReserve;
  /** Seals the log and gives the directory back. */
  close(): Promise<void>;
}

/**
 * Opens a data directory, or makes it: `identity`, `lock`, `hard-state`, `log/` (or `log-level/`), `archive/`, `snapshots/`. The identity
 * is written last, so a directory with one is whole, and one without holds nothing.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { disk } = options;
  await disk.makeDirectory("");
  const unlock = options.holder === undefined ? async () => {} : await lockDirectory(disk, options.holder);
  try {
    const found = await readIdentity(disk, options);
    const identity = found ?? (await createDirectory(options));
    return await openStores(options, identity, found === undefined, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function openStores(options: StorageOptions, identity: DirectoryIdentity, fresh: boolean, unlock: () => Promise<void>): Promise<Storage> {
  const { disk, failpoint, onFailure } = options;
  for (const directory of ["archive", "snapshots"]) {
    if (!(await disk.exists(directory))) throw new DataDirectoryError(directory, "the directory is missing: this is not all of the node's data");
  }
  // A process that was killed may have left names that only the page cache has: nothing is built on them before they are durable.
  if (!fresh && options.durable !== false) for (const directory of ["", "archive", "snapshots"]) await disk.syncDirectory(directory);
  for (const name of await disk.list("snapshots")) if (name.endsWith(".tmp")) await disk.remove(`snapshots/${name}`);
  const logOptions = { ...options, identity };
  const log = await (identity.log === "level" ? openLevelLog(logOptions) : openSegmentLog(logOptions));
  const archive = await ArchiveSegments.open({ disk, identity, failpoint, onFailure, reserveBytes: options.archiveReserveBytes });
  return {
    log,
    archive,
    snapshots: new SnapshotFiles({ disk, identity, failpoint }),
    identity,
    found: { fresh, log: log.found },
    space: {
      get pressure() {
        return worsePressure(log.pressure, archive.pressure);
      },
      async refill() {
        await Promise.all([log.refill(), archive.refill()]);
      },
    },
    async close() {
      try {
        await archive.close();
      } finally {
        try {
          await log.close();
        } finally {
          await unlock();
        }
      }
    },
  };
}

/** The identity of a directory that exists; undefined when it is new. */
async function readIdentity(disk: Disk, options: StorageOptions): Promise<DirectoryIdentity | undefined> {
  const bytes = await readWholeFile(disk, "identity");
  if (bytes === undefined) {
    const left = await dataWithoutIdentity(disk);
    if (left !== undefined) throw new DataDirectoryError("identity", `the file is missing, but there is data in ${left}; corvo verify --repair may restore it`);
    return undefined;
  }
  const identity = decodeIdentity(bytes);
  if (typeof identity === "string") throw new DataDirectoryError("identity", identity);
  const given = options.identity ?? {};
  for (const key of ["clusterId", "nodeId", "shard"] as const) {
    if (given[key] !== undefined && given[key] !== identity[key]) {
      throw new DataDirectoryError("identity", `the directory belongs to ${key} ${identity[key]}, not ${given[key]}`);
    }
  }
  if (options.logBackend !== undefined && options.logBackend !== identity.log) {
    throw new DataDirectoryError("identity", `the log of this directory is kept in ${identity.log}; start with that, or with an empty directory`);
  }
  return identity;
}

/** A file that only a directory in use has, if there is one. */
async function dataWithoutIdentity(disk: Disk): Promise<string | undefined> {
  for (const directory of ["snapshots", "archive"]) {
    const name = (await disk.list(directory)).find((candidate) => candidate.endsWith(".snap") || candidate.endsWith(".seg"));
    if (name !== undefined) return `${directory}/${name}`;
  }
  const segments = (await disk.list("log")).filter((name) => name.endsWith(".seg"));
  if (segments.length > 1) return `log/${segments[1]}`;
  for (const name of segments) {
    const file = await disk.open(`log/${name}`, "read");
    const start = await file.read(segmentHeaderBytes, 4096);
    await file.close();
    if (start.some((byte) => byte !== 0)) return `log/${name}`;
  }
  return undefined;
}

async function createDirectory(options: StorageOptions): Promise<DirectoryIdentity> {
  const { disk, random } = options;
  const identity: DirectoryIdentity = {
    clusterId: options.identity?.clusterId ?? randomHex(random, 16),
    nodeId: options.identity?.nodeId ?? 1,
    shard: options.identity?.shard ?? 0,
    salt: randomHex(random, 8),
    log: options.logBackend ?? "segments",
  };
  checkIdentity(identity);
  for (const directory of ["archive", "snapshots"]) await disk.makeDirectory(directory);
  await (identity.log === "level" ? createLevelLog({ ...options, identity }) : createSegmentLog({ ...options, identity }));
  await disk.syncDirectory("");
  await writeWholeFile(disk, "identity", encodeIdentity(identity));
  return identity;
}

function randomHex(random: { fill(bytes: Uint8Array): void }, bytes: number): string {
  const filled = new Uint8Array(bytes);
  random.fill(filled);
  return Buffer.from(filled).toString("hex");
}
