import { DataDirectoryError, SnapshotDamaged, type Storage, type StoredSnapshot } from "@corvo/storage";
import type { Log } from "./log.js";

/**
 * What a snapshot holds was on disk in the log before. A log that ends earlier has lost its end, and with it what came after the snapshot
 * and was acknowledged: nobody may take that for a torn last record. Without `--durable` the log may lag behind a snapshot at a power cut:
 * then it begins anew where the snapshot ends.
 */
export async function assertLogReachesSnapshot(storage: Storage, durable: boolean, say: Log): Promise<void> {
  const { log, snapshots } = storage;
  const [newest] = await snapshots.list();
  const isEmpty = log.lastIndex < log.firstIndex;
  if (newest === undefined || isEmpty || log.lastIndex >= newest.index) return;
  const what = `it ends at index ${log.lastIndex}, and a snapshot holds what it had up to ${newest.index}: its end is lost, and what was acknowledged after that`;
  if (durable) throw new DataDirectoryError("log", `${what}, unless the server ran with --durable=false`);
  const usable = await newestIntact(storage);
  if (usable === undefined || usable.index <= log.lastIndex) return; // an older one, and what the log has behind it
  say.warn("the log lost its end; the snapshot is used", { last_index: log.lastIndex, snapshot_index: usable.index });
  await log.resetTo(usable.index, usable.term);
}

async function newestIntact({ snapshots }: Storage): Promise<StoredSnapshot | undefined> {
  for (const snapshot of await snapshots.list()) {
    try {
      for await (const _ of snapshots.read(snapshot));
      return snapshot;
    } catch (cause) {
      if (!(cause instanceof SnapshotDamaged)) throw cause;
    }
  }
  return undefined;
}
