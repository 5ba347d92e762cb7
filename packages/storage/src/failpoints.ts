/** Places in this package where a test may kill the process (or cut the power of a simulated disk): each is passed as `failpoint(name)`. */
export const storageFailpoints = [
  "log.beforeWrite", // a batch is encoded, nothing is written
  "log.afterWrite", // the operating system has it, it is not synced
  "log.afterSync", // durable, nobody was told
  "log.roll", // the segment is full, the next one not yet taken
  "hardState.between", // the batch record is durable, the slot file has not changed yet
  "snapshot.beforeRename", // written and synced under its temporary name
  "snapshot.afterRename", // renamed, the directory is not synced
  "archive.append", // a record is in the buffer only
  "archive.beforeSync", // everything is written, nothing is synced
] as const;

export type StorageFailpoint = (typeof storageFailpoints)[number];

/** Called at each failpoint; may end the process or throw, which counts as a failed write. */
export type FailpointHook = (name: StorageFailpoint) => void;
