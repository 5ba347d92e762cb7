/**
 * Places where a process may be killed on purpose: the durability tests name one and kill when it is reached. In order of a command's
 * way through the house.
 */
export const failpoints = [
  "start-after-open", // stores are open, nothing is restored yet
  "start-after-restore", // the snapshot is loaded, the log is not replayed yet
  "start-after-replay", // ready to serve
  "propose-before", // commands of a turn are gathered, none is in raft
  "propose-after", // raft has them, nothing is on disk
  "apply-before", // committed, not applied
  "apply-after", // applied; those who wait are told in the same turn
  "snapshot-before-cut",
  "snapshot-mid-write", // some chunks are written
  "snapshot-before-finish", // all chunks are written, the file has its temporary name
  "snapshot-after-finish", // visible, the log behind it is still there
  "log-drop-before",
  "log-drop-after",
  "archive-sync-before",
  "archive-sync-after",
  "archive-drop-before", // segments are dead to the engine, their files are there
  "archive-drop-after",
  "stop-before-seal", // a clean stop has answered everybody, the log is not sealed
  "stop-after-seal",
] as const;

/** Places that only an operation of an operator passes. */
export const operatorFailpoints = [
  "bulk-begin-before", // jobs of a bulk operation are chosen, nothing is logged
  "bulk-begin-after", // the operation is in the log, nobody was told
  "bulk-block-before", // a block of it is about to be carried out
  "bulk-block-after", // a block is carried out, the next one is not begun
  "bulk-cancel-after", // the operation is cancelled, nobody was told
  "backup-piece", // a piece of a backup is about to be sent
  "restore-received", // the archive is here, nothing is made of it
  "restore-made", // a data directory is made of it, nothing says that it is whole
  "restore-ready", // it lies ready for the next start
  "restore-step", // a step of taking it up is done
  "restore-before-rename", // `corvo restore`: the data directory is whole under its temporary name
  "restore-after-rename",
  "view-opened", // the file of a new read view is there, nothing is in it
  "view-filled", // all jobs are in it, it does not say so yet
  "view-ready", // it says so, the old one is there
] as const;

export type Failpoint = (typeof failpoints)[number] | (typeof operatorFailpoints)[number];

let hook: ((name: Failpoint) => void) | undefined;

/** What to do at failpoints: only tests and the server's own kill switch set it. */
export function setFailpointHook(run: ((name: Failpoint) => void) | undefined): void {
  hook = run;
}

/** A named place. Costs one comparison when no hook is set. */
export function failpoint(name: Failpoint): void {
  if (hook !== undefined) hook(name);
}
