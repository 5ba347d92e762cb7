import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { failpoint } from "@corvo/protocol";
import { ArchiveSegments, createSegmentLog, decodeIdentity, encodeIdentity, nodeDisk, openSegmentLog, SnapshotFiles, type StorageIdentity } from "@corvo/storage";
import type { ArchiveStore, LogStore, SnapshotStore } from "@corvo/storage";
import type { Log } from "./log.js";
import type { ServerOptions } from "./options.js";

export interface Stores {
  log: LogStore;
  archive: ArchiveStore;
  snapshots: SnapshotStore;
  hashSeed: number;
  diskPressure: () => boolean;
  refill(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the data directory, makes it when it is new. */
export async function openStores(options: ServerOptions, log: Log): Promise<Stores> {
  mkdirSync(options.dataDir, { recursive: true });
  const disk = nodeDisk(options.dataDir);
  let identity: StorageIdentity;
  if (await disk.exists("identity")) {
    const file = await disk.open("identity", "read");
    const decoded = decodeIdentity(await file.read(0, 4096));
    await file.close();
    if (typeof decoded === "string") throw new Error(decoded);
    identity = decoded;
  } else {
    identity = { clusterId: randomBytes(16).toString("hex"), nodeId: 1, shard: 0, salt: randomBytes(8).toString("hex") };
    for (const d of ["log", "archive", "snapshots"]) await disk.makeDirectory(d);
    await createSegmentLog({ disk, identity, segmentBytes: options.logSegmentBytes });
    const file = await disk.open("identity", "create");
    file.writeSync([encodeIdentity(identity)], 0);
    await file.sync();
    await file.close();
    await disk.syncDirectory("");
  }
  const segments = await openSegmentLog({ disk, identity, durable: options.durable, segmentBytes: options.logSegmentBytes });
  if (segments.found.cut) log.warn("cut", { ...segments.found.cut });
  const archive = await ArchiveSegments.open({ disk, identity });
  const snapshots = new SnapshotFiles({ disk, identity });
  void failpoint;
  return {
    log: segments,
    archive,
    snapshots,
    hashSeed: Number.parseInt(identity.salt.slice(0, 7), 16),
    diskPressure: () => segments.pressure !== "none" || archive.pressure !== "none",
    refill: async () => {
      await segments.refill();
      await archive.refill();
    },
    close: async () => {
      await segments.close();
      await archive.close();
    },
  };
}
