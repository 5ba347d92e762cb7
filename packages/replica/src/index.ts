export { BackupImpossible, type BackupSource, examineBackup, type RestoredBackup, restoreBackup, writeBackup } from "./backup.js";
export { type FinishedJob, type FinishedJobs, finishedFacts, finishedJobs } from "./finished.js";
export { type OpenedReplica, type OpenReplicaOptions, openReplica } from "./open.js";
export { Replica, type ReplicaCounters, type ReplicaOptions } from "./replica.js";
export { type Calendar, SlotKeeper } from "./slot-keeper.js";
export { Snapshotter, type SnapshotterOptions } from "./snapshotter.js";
export type { SnapshotTransfer } from "./transfer.js";
export type { CommandInput, Reply } from "./turn.js";
export type { Sleeper } from "./waiters.js";
