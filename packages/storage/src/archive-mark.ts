import type { ArchivePlace } from "./archive-store.js";
import { getU64, putU64 } from "./batch-record.js";
import { checksum } from "./checksum.js";
import { type Disk, readWholeFile, writeWholeFile } from "./disk.js";
import type { StorageIdentity } from "./identity.js";

/**
 * The file `synced` of an archive: everything before this place was made durable. Behind it a power cut may have left anything, and replay
 * writes it again; before it, whatever does not check is damage. u64 segment · u64 offset · u32 CRC.
 */
const markBytes = 20;

export async function writeSyncedMark(disk: Disk, directory: string, identity: StorageIdentity, place: ArchivePlace): Promise<void> {
  const bytes = new Uint8Array(markBytes);
  const view = new DataView(bytes.buffer);
  putU64(view, 0, place.segment);
  putU64(view, 8, place.offset);
  view.setUint32(16, checksum(bytes.subarray(0, 16), seedOf(identity)), true);
  await writeWholeFile(disk, `${directory}/synced`, bytes);
}

/** Undefined: never synced. A string: what is wrong with the file. */
export async function readSyncedMark(disk: Disk, directory: string, identity: StorageIdentity): Promise<ArchivePlace | string | undefined> {
  const bytes = await readWholeFile(disk, `${directory}/synced`);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length !== markBytes || view.getUint32(16, true) !== checksum(bytes.subarray(0, 16), seedOf(identity))) return "it does not match its checksum";
  return { segment: getU64(view, 0), offset: getU64(view, 8) };
}

function seedOf(identity: StorageIdentity): number {
  return checksum(Buffer.from(`archive ${identity.clusterId} ${identity.shard}`, "latin1"));
}
