import { type Engine, snapshotArchiveEnd } from "@corvo/engine";
import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import type { RaftNode } from "@corvo/raft";
import type { ArchivePlace, ArchiveStore, SnapshotMeta, SnapshotStore } from "@corvo/storage";
import type { Snapshotter } from "./snapshotter.js";

/** What a member needs that is behind by more than the others' logs hold. */
export interface SnapshotTransfer {
  meta: SnapshotMeta;
  /** Finished jobs between the end of its archive and the end of the snapshot's: places and bytes are the same on every member. */
  records: AsyncIterable<{ place: ArchivePlace; bytes: Uint8Array }>;
  chunks: AsyncIterable<Uint8Array>;
}

export interface TransferSource {
  engine: Engine;
  snapshotter: Snapshotter;
  snapshots: SnapshotStore;
  archive: ArchiveStore;
}

/** A snapshot that covers `index`, for a member whose archive ends at `archiveEnd`; undefined: there is no room to cut one. */
export async function offerSnapshot(source: TransferSource, index: number, archiveEnd: ArchivePlace): Promise<SnapshotTransfer | undefined> {
  const { snapshotter, snapshots, archive } = source;
  await snapshotter.settled();
  if ((snapshotter.latest?.index ?? 0) < index) await snapshotter.cut();
  const snapshot = snapshotter.latest;
  if (snapshot === undefined || snapshot.index < index) return undefined;
  const chunks = snapshots.read(snapshot)[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) throw new Error(`${snapshot.name} is empty`);
  const until = snapshotArchiveEnd(first.value);
  const { index: at, term, conf } = snapshot;
  return { meta: { index: at, term, conf }, records: archive.recordsBetween(archiveEnd, until), chunks: behind(first.value, chunks) };
}

async function* behind(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

const archived = new ArchivedJobReader();

export interface TransferTarget {
  raft: RaftNode;
  snapshots: SnapshotStore;
  archive: ArchiveStore;
}

/**
 * Puts what another member sent on this one's disk: the finished jobs first, then the snapshot that counts on them, and only then may raft
 * let the log begin behind it. Wherever it ends in between, the next start finds the old state whole, or the new one.
 */
export async function takeSnapshot({ raft, snapshots, archive }: TransferTarget, transfer: SnapshotTransfer, frame: Uint8Array): Promise<boolean> {
  for await (const { place, bytes } of transfer.records) archive.append(place, archived.read(bytes, 0, bytes.length).seq, bytes);
  await archive.sync();
  const writer = await snapshots.create(transfer.meta);
  try {
    for await (const chunk of transfer.chunks) await writer.write(chunk);
    await writer.finish();
  } catch (cause) {
    await writer.abort().catch(() => {
      /* the first failure is the one to report */
    });
    throw cause;
  }
  return raft.installSnapshot(frame);
}
