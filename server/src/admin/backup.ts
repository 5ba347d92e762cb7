import { failpoint } from "@corvo/protocol";
import { writeBackup } from "@corvo/replica";
import { RpcError } from "@corvo/transport";
import { nodeRandom } from "../node-seams.js";
import { serverVersion } from "../version.js";
import { type AdminContext, OneAtATime } from "./context.js";

/** No piece is larger than this, whatever the backup is made of. */
const pieceBytesMax = 1024 * 1024;
const backups = new WeakMap<AdminContext, OneAtATime>();

/** The archive of everything, piece by piece. Ends early, without its end record, only by throwing. */
export async function* backupArchive(context: AdminContext): AsyncGenerator<Uint8Array> {
  const { replica, snapshotter, stores, log } = context;
  let gate = backups.get(context);
  if (!gate) backups.set(context, (gate = new OneAtATime("BACKUP_RUNNING", "a backup")));
  const leave = gate.enter();
  const startMs = performance.now();
  let bytes = 0;
  try {
    const source = {
      engine: replica.engine,
      snapshotter,
      snapshots: stores.snapshots,
      archive: stores.archive,
      clusterId: stores.identity.clusterId,
      random: nodeRandom,
    };
    for await (const part of writeBackup(source, { nowMs: Date.now(), serverVersion })) {
      bytes += part.length;
      for (let at = 0; at < part.length; at += pieceBytesMax) {
        failpoint("backup-piece");
        yield part.subarray(at, at + pieceBytesMax);
      }
    }
    log.info("backup made", { bytes, duration_ms: Math.round(performance.now() - startMs) });
  } catch (cause) {
    if ((cause as Error).name !== "BackupImpossible") throw cause;
    throw new RpcError("resource_exhausted", "DISK_FULL", (cause as Error).message);
  } finally {
    leave();
  }
}
