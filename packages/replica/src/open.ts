import { Engine, type EngineOptions } from "@corvo/engine";
import { failpoint, type Random } from "@corvo/protocol";
import { type Network, RaftNode, type SnapshotWanted } from "@corvo/raft";
import {
  type ArchivePlace,
  type ArchiveStore,
  archiveRecordOverheadBytes,
  archiveSegmentBytesMax,
  type LogStore,
  SnapshotDamaged,
  type SnapshotStore,
  type StoredSnapshot,
} from "@corvo/storage";
import { finishedJobs } from "./finished.js";
import { Replica, type ReplicaOptions } from "./replica.js";
import { Snapshotter } from "./snapshotter.js";
import { offerSnapshot, type SnapshotTransfer, takeSnapshot } from "./transfer.js";

export interface OpenReplicaOptions extends ReplicaOptions {
  log: LogStore;
  archive: ArchiveStore;
  snapshots: SnapshotStore;
  core: WebAssembly.Module;
  random: Random;
  /** This member's number and its group's founding voters. */
  id: number;
  members: readonly number[];
  eventsKept: number;
  /** Gather what changes for a read view. */
  viewFeed?: boolean;
  /** Fewest entries between two snapshots. */
  snapshotThresholdEntries: number;
  /** Fewest log bytes between two snapshots. */
  snapshotLogBytesMin: number;
  /** The archive's next segment is opened when a record would end behind this. Fixed for the life of a data directory. */
  archiveSegmentBytesMax?: number;
  /** Hides from clients which keys collide. */
  hashSeed: number;
  /** The other members; absent: this one is alone. */
  network?: Network;
  /** Entries that are kept for slow members beside the snapshots. Default: raft's. */
  coreEntriesKept?: number;
  /** Another member is further behind than this log goes: `offerSnapshot` gives what it needs. */
  onSnapshotWanted?: (wanted: SnapshotWanted) => void;
  /** Told of an intact older snapshot that is used because the newest is damaged. */
  onDamagedSnapshot: (cause: SnapshotDamaged) => void;
  /** The disk had no room for a snapshot; it is tried again when as much again was logged. */
  onNoRoomForSnapshot?: (cause: unknown) => void;
  /** What raft's library says. */
  onRaftLog?: (level: number, text: string) => void;
}

export interface OpenedReplica {
  replica: Replica;
  raft: RaftNode;
  snapshotter: Snapshotter;
  /** The snapshot that the state was restored from. */
  restoredFrom: StoredSnapshot | undefined;
  /** For a member whose archive ends there: a snapshot that covers `index`, and what is finished since. Undefined: the disk is full. */
  offerSnapshot(index: number, archiveEnd: ArchivePlace): Promise<SnapshotTransfer | undefined>;
  /**
   * Takes what another member offered; `frame` came with it. From the call on this replica applies nothing any more: when the promise has
   * settled, `stop` it and open it anew. False: it was of no use, and the old state is there as it was.
   */
  takeSnapshot(transfer: SnapshotTransfer, frame: Uint8Array): Promise<boolean>;
  /** Answers what is on its way, then ends raft. The log is closed by whoever opened it. */
  stop(): Promise<void>;
}

/** Restores the newest intact snapshot, replays the log behind it, and joins the group. Resolves when the log is replayed. */
export async function openReplica(options: OpenReplicaOptions): Promise<OpenedReplica> {
  const { log, archive, snapshots, clock, onFatal } = options;
  failpoint("start-after-open");
  const { engine, restoredFrom } = await restore(options);
  await archive.rewindTo(engine.archiveEnd);
  failpoint("start-after-restore");
  let stopped = false;
  const replica = new Replica(engine, finishedJobs(archive), {
    ...options,
    onFatal: (cause) => {
      if (!stopped) onFatal(cause);
    },
  });
  let snapshotter: Snapshotter | undefined;
  let superseded = false;
  const raft = await RaftNode.open({
    id: options.id,
    members: options.members,
    core: options.core,
    log,
    snapshot: restoredFrom,
    clock,
    random: options.random,
    network: options.network,
    coreEntriesKept: options.coreEntriesKept,
    onSnapshotWanted: options.onSnapshotWanted,
    onLog: options.onRaftLog,
    onFatal: (cause) => replica.die(cause),
    onRole: (role) => replica.roleChanged(role === "leader"),
    onCommitted: (entries) => {
      if (superseded) return; // they are in the log, for the replica that comes after this one
      replica.committed(entries);
      if (!snapshotter) return;
      let bytes = 0;
      for (const entry of entries) bytes += entry.data.length;
      snapshotter.entriesApplied(engine.appliedIndex, bytes);
    },
  });
  replica.attach(raft);
  snapshotter = new Snapshotter({
    engine,
    raft,
    log,
    archive,
    snapshots,
    clock,
    thresholdEntries: options.snapshotThresholdEntries,
    logBytesMin: options.snapshotLogBytesMin,
    latest: restoredFrom,
    onFatal: (cause) => replica.die(cause),
    onNoRoom: options.onNoRoomForSnapshot,
  });
  failpoint("start-after-replay");
  const stop = async (): Promise<void> => {
    await replica.drain();
    stopped = true;
    await snapshotter?.settled();
    await raft.stop();
  };
  const source = { engine, snapshotter, snapshots, archive };
  return {
    replica,
    raft,
    snapshotter,
    restoredFrom,
    stop,
    offerSnapshot: (index, archiveEnd) => offerSnapshot(source, index, archiveEnd),
    takeSnapshot: async (transfer, frame) => {
      superseded = true;
      await source.snapshotter.settled();
      return takeSnapshot({ raft, snapshots, archive }, transfer, frame);
    },
  };
}

async function restore(options: OpenReplicaOptions): Promise<{ engine: Engine; restoredFrom: StoredSnapshot | undefined }> {
  const engineOptions: EngineOptions = {
    archive: {
      append: (place, seq, bytes) => options.archive.append(place, seq, bytes),
      drop: (segments) => {
        failpoint("archive-drop-before");
        options.archive.dropSegments(segments).then(
          () => failpoint("archive-drop-after"),
          (cause) => options.onFatal(cause),
        );
      },
    },
    archiveRecordOverheadBytes,
    archiveSegmentBytesMax: options.archiveSegmentBytesMax ?? archiveSegmentBytesMax,
    eventsKept: options.eventsKept,
    hashSeed: options.hashSeed,
    viewFeed: options.viewFeed,
  };
  for (const snapshot of await options.snapshots.list()) {
    try {
      return { engine: await Engine.restore(engineOptions, options.snapshots.read(snapshot)), restoredFrom: snapshot };
    } catch (cause) {
      if (!(cause instanceof SnapshotDamaged)) throw cause;
      options.onDamagedSnapshot(cause);
    }
  }
  return { engine: new Engine(engineOptions), restoredFrom: undefined };
}
