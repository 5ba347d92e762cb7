import { Engine, InvariantBroken, snapshotArchiveEnd } from "@corvo/engine";
import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import type { Random } from "@corvo/protocol";
import { confOf, encodeConf } from "@corvo/raft";
import {
  type ArchiveExport,
  archiveRecordOverheadBytes,
  archiveSegmentBytesMax,
  BackupDamaged,
  BackupEncoder,
  type BackupMeta,
  type DiskFile,
  openBackup,
  readBackup,
  type SnapshotStore,
  type Storage,
} from "@corvo/storage";
import type { Snapshotter } from "./snapshotter.js";

export interface BackupSource {
  engine: Engine;
  snapshotter: Snapshotter;
  snapshots: SnapshotStore;
  archive: ArchiveExport;
  clusterId: string;
  random: Random;
}

/** There is no snapshot as new as the backup should be: the disk is full. */
export class BackupImpossible extends Error {
  override name = "BackupImpossible";
}

/**
 * The bytes of a backup of everything as of now, made while the node works: a snapshot is cut (or the newest taken, when nothing came after it)
 * and read from its file, then the archive up to where it ended then. A reader may be slow: nothing waits for him but old files.
 */
export async function* writeBackup(source: BackupSource, made: { nowMs: number; serverVersion: string }): AsyncGenerator<Uint8Array> {
  const { engine, snapshotter, snapshots, archive } = source;
  const release = archive.hold();
  try {
    const index = engine.appliedIndex;
    await snapshotter.settled();
    await snapshotter.cut();
    const snapshot = snapshotter.latest;
    if (snapshot === undefined || snapshot.index < index) throw new BackupImpossible("no snapshot could be written: is the disk full?");
    const salt = new Uint8Array(8);
    source.random.fill(salt);
    let encoder: BackupEncoder | undefined;
    let archiveEnd = { segment: 0, offset: 0 };
    for await (const chunk of snapshots.read(snapshot)) {
      if (encoder === undefined) {
        archiveEnd = snapshotArchiveEnd(chunk);
        const meta: BackupMeta = {
          format: 1,
          clusterId: source.clusterId,
          index: snapshot.index,
          term: snapshot.term,
          createdMs: made.nowMs,
          archiveEnd,
          serverVersion: made.serverVersion,
        };
        encoder = new BackupEncoder(meta, Buffer.from(salt).toString("hex"));
        yield* encoder.begin();
      }
      yield encoder.chunk(chunk);
    }
    if (encoder === undefined) throw new BackupImpossible("the snapshot is empty");
    for await (const record of archive.records(archiveEnd)) {
      const bytes = encoder.record(record);
      if (bytes !== undefined) yield bytes;
    }
    yield* encoder.end();
  } finally {
    release();
  }
}

export interface RestoredBackup {
  meta: BackupMeta;
  /** Of the state as it was backed up: two restores of one backup, and the node it came from, have the same. */
  contentDigest: string;
  liveJobs: number;
  finishedJobs: number;
  queues: number;
}

/**
 * Looks at every byte of a backup and rebuilds its state in memory, without writing anything. Throws `BackupDamaged` for anything that is
 * not a whole backup of a state that can be. `cluster`: the only one it may come from.
 */
export async function examineBackup(file: DiskFile, cluster?: string): Promise<RestoredBackup & { engine: Engine }> {
  const meta = await openBackup(file);
  if (cluster !== undefined && cluster !== meta.clusterId) throw new BackupDamaged(0, `it is of cluster ${meta.clusterId}, not ${cluster}`);
  let finishedJobs = 0;
  const reader = new ArchivedJobReader();
  for await (const step of readBackup(file)) {
    if (step.type !== "record") continue;
    finishedJobs++;
    const { seq, bytes, place } = step.record;
    const job = asBackup(() => reader.read(bytes, 0, bytes.length));
    if (job.seq !== seq || seq < 1) throw new BackupDamaged(place.offset, `a finished job says that it is number ${job.seq}, not ${seq}`);
  }
  const engine = await asBackupAsync(async () => {
    const restored = await Engine.restore(engineOptions, chunksOf(file));
    restored.examine();
    return restored;
  });
  const { segment, offset } = engine.archiveEnd;
  if (engine.appliedIndex !== meta.index || segment !== meta.archiveEnd.segment || offset !== meta.archiveEnd.offset) {
    throw new BackupDamaged(0, "its state is not the one that it says it is");
  }
  return { meta, engine, contentDigest: engine.contentDigest(), liveJobs: engine.liveJobs, finishedJobs, queues: engine.queues().length };
}

/**
 * Restores a backup into an empty data directory, which becomes a cluster of one with an id of its own (its old members, should they live, are
 * none of it). `open` is called when the backup was found whole. Fences go on where the old cluster cannot come.
 */
export async function restoreBackup(file: DiskFile, open: () => Promise<Storage>, cluster?: string): Promise<RestoredBackup> {
  const { engine, ...found } = await examineBackup(file, cluster);
  const storage = await open();
  try {
    if (!storage.found.fresh) throw new Error("the data directory is in use already");
    const { archive } = storage;
    let unsynced = 0;
    await archive.rewindTo({ segment: 0, offset: 0 });
    for await (const step of readBackup(file)) {
      if (step.type !== "record") continue;
      const { place, seq, bytes } = step.record;
      archive.append(place, seq, bytes);
      unsynced += bytes.length;
      if (unsynced < syncBytes) continue;
      unsynced = 0;
      await archive.sync();
    }
    await archive.sync();
    engine.restoredFromBackup();
    const cut = engine.cut();
    const writer = await storage.snapshots.create({ index: engine.appliedIndex, term: engine.appliedTerm, conf: encodeConf(confOf(1)) });
    try {
      for (let chunk = cut.next(); chunk; chunk = cut.next()) await writer.write(chunk);
      await writer.finish();
    } finally {
      cut.release();
    }
  } finally {
    await storage.close();
  }
  return found;
}

const syncBytes = 16 * 1024 * 1024;

const engineOptions = {
  archive: { append: unexpected, drop: unexpected },
  archiveRecordOverheadBytes,
  archiveSegmentBytesMax,
};

function unexpected(): never {
  throw new InvariantBroken("a restore changes nothing");
}

async function* chunksOf(file: DiskFile): AsyncIterable<Uint8Array> {
  for await (const step of readBackup(file)) {
    if (step.type === "chunk") yield step.bytes;
    else return;
  }
}

/** Whatever is thrown by reading what somebody else wrote is that file's fault. */
function asBackup<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new BackupDamaged(0, `its content does not fit: ${(cause as Error).message}`);
  }
}

async function asBackupAsync<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof BackupDamaged) throw cause;
    throw new BackupDamaged(0, `its content does not fit: ${(cause as Error).message}`);
  }
}
