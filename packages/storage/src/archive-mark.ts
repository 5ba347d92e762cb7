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

export function writeSyncedMark(disk: Disk, directory: string, identity: StorageIdentity, place: ArchivePlace): Promise<void> {
  return writeMark(disk, `${directory}/synced`, identity, place);
}

/** Undefined: never synced. A string: what is wrong with the file. */
export function readSyncedMark(disk: Disk, directory: string, identity: StorageIdentity): Promise<ArchivePlace | string | undefined> {
  return readMark(disk, `${directory}/synced`, identity);
}

/**
 * The file `dropped`, in the same form: the last segment that was let go of. A snapshot of before may end in it: that it is not there is
 * then no damage, as replay lets go of it again.
 */
export function writeDroppedMark(disk: Disk, directory: string, identity: StorageIdentity, segment: number): Promise<void> {
  return writeMark(disk, `${directory}/dropped`, identity, { segment, offset: 0 });
}

/** Undefined: none was dropped. A string: what is wrong with the file. */
export function readDroppedMark(disk: Disk, directory: string, identity: StorageIdentity): Promise<ArchivePlace | string | undefined> {
  return readMark(disk, `${directory}/dropped`, identity);
}

async function writeMark(disk: Disk, path: string, identity: StorageIdentity, place: ArchivePlace): Promise<void> {
  const bytes = new Uint8Array(markBytes);
  const view = new DataView(bytes.buffer);
  putU64(view, 0, place.segment);
  putU64(view, 8, place.offset);
  view.setUint32(16, checksum(bytes.subarray(0, 16), seedOf(identity)), true);
  await writeWholeFile(disk, path, bytes);
}

async function readMark(disk: Disk, path: string, identity: StorageIdentity): Promise<ArchivePlace | string | undefined> {
  const bytes = await readWholeFile(disk, path);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length !== markBytes || view.getUint32(16, true) !== checksum(bytes.subarray(0, 16), seedOf(identity))) return "it does not match its checksum";
  return { segment: getU64(view, 0), offset: getU64(view, 8) };
}

function seedOf(identity: StorageIdentity): number {
  return checksum(Buffer.from(`archive ${identity.clusterId} ${identity.shard}`, "latin1"));
}
