import { getU64, putU64 } from "./batch-record.js";
import { checksum } from "./checksum.js";
import type { Disk, DiskFile } from "./disk.js";
import type { FailpointHook } from "./failpoints.js";
import type { StorageIdentity } from "./identity.js";
import {
  aligned,
  alignmentOf,
  encodeSegmentHeader,
  headerProblem,
  kinds,
  putRecordHeader,
  recordHeaderBytes,
  type SegmentIdentity,
  seedOf,
  segmentHeaderBytes,
} from "./segment.js";
import { type ReadStep, SegmentReader } from "./segment-reader.js";
import { SnapshotDamaged, type SnapshotMeta, type SnapshotStore, type SnapshotWriter, type StoredSnapshot } from "./snapshot-store.js";

export interface SnapshotFilesOptions {
  disk: Disk;
  identity: StorageIdentity;
  /** Default `snapshots`. */
  directory?: string;
  failpoint?: FailpointHook;
}

/** How many `prune` leaves: the newest, and one to fall back on. */
const keptSnapshots = 2;

/**
 * Snapshots as segment files `<index>-<term>.snap`: a meta record (u64 index, u64 term, conf), the chunks, an end record (u64 chunks,
 * u64 bytes, u32 CRC over all chunks). Each record is checked and chained; without its end record a snapshot is none.
 */
export class SnapshotFiles implements SnapshotStore {
  readonly #directory: string;

  constructor(private readonly options: SnapshotFilesOptions) {
    this.#directory = options.directory ?? "snapshots";
  }

  async list(): Promise<StoredSnapshot[]> {
    const found: StoredSnapshot[] = [];
    for (const name of (await this.options.disk.list(this.#directory)).filter(isSnapshotName).reverse()) {
      const snapshot = await this.#head(name);
      if (!("what" in snapshot)) found.push(snapshot);
    }
    return found;
  }

  async create(meta: SnapshotMeta): Promise<SnapshotWriter> {
    const { disk } = this.options;
    const name = snapshotName(meta.index, meta.term);
    const path = `${this.#directory}/${name}`;
    const temporary = `${path}.tmp`;
    if (await disk.exists(temporary)) await disk.remove(temporary);
    const file = await disk.open(temporary, "create");
    return new Writer(file, temporary, path, meta, this.#identityOf(meta.index), this.options, async () => {
      // What was written is read again, from the file that will be relied on, before anybody lets the log behind it go.
      const stored = await this.#head(name);
      if ("what" in stored) throw new SnapshotDamaged(name, tellFault(stored));
      for await (const _ of this.read(stored));
      return stored;
    });
  }

  async *read(snapshot: StoredSnapshot): AsyncIterable<Uint8Array> {
    const file = await this.options.disk.open(`${this.#directory}/${snapshot.name}`, "read");
    try {
      for await (const step of readSnapshot(file, this.#identityOf(snapshot.index))) {
        if (!(step instanceof Uint8Array)) throw new SnapshotDamaged(snapshot.name, tellFault(step));
        yield step;
      }
    } finally {
      await file.close();
    }
  }

  async prune(): Promise<void> {
    const { disk } = this.options;
    for (const snapshot of (await this.list()).slice(keptSnapshots)) {
      await disk.remove(`${this.#directory}/${snapshot.name}`);
      await disk.syncDirectory(this.#directory);
    }
  }

  #identityOf(index: number): SegmentIdentity {
    return snapshotIdentity(this.options.identity, index);
  }

  async #head(name: string): Promise<StoredSnapshot | SnapshotFault> {
    const file = await this.options.disk.open(`${this.#directory}/${name}`, "read");
    try {
      return await readSnapshotHead(file, name, this.#identityOf(indexOfName(name)));
    } finally {
      await file.close();
    }
  }
}

class Writer implements SnapshotWriter {
  #position = 0;
  #chain: number;
  #chunks = 0;
  #bytes = 0;
  #sum = 0;
  #failure: unknown;
  #ended = false;
  readonly #seed: number;

  constructor(
    private readonly file: DiskFile,
    private readonly temporary: string,
    private readonly path: string,
    private readonly meta: SnapshotMeta,
    private readonly identity: SegmentIdentity,
    private readonly options: SnapshotFilesOptions,
    private readonly check: () => Promise<StoredSnapshot>,
  ) {
    this.#seed = seedOf(encodeSegmentHeader(identity));
    this.#chain = this.#seed;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#chunks === 0) await this.#begin();
    const number = this.#chunks++;
    this.#bytes += chunk.length;
    this.#sum = checksum(chunk, this.#sum);
    await this.#record(kinds.snapshotChunk, number, chunk);
  }

  async finish(): Promise<StoredSnapshot> {
    const { disk, failpoint } = this.options;
    if (this.#chunks === 0) await this.#begin();
    const end = new Uint8Array(20);
    const view = new DataView(end.buffer);
    putU64(view, 0, this.#chunks);
    putU64(view, 8, this.#bytes);
    view.setUint32(16, this.#sum, true);
    await this.#record(kinds.snapshotEnd, this.#chunks, end);
    await this.#once(() => this.file.sync());
    await this.file.close();
    this.#ended = true;
    failpoint?.("snapshot.beforeRename");
    await disk.rename(this.temporary, this.path);
    failpoint?.("snapshot.afterRename");
    await disk.syncDirectory(this.path.slice(0, this.path.lastIndexOf("/")));
    return this.check();
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.file.close();
    await this.options.disk.remove(this.temporary);
  }

  async #begin(): Promise<void> {
    await this.#once(() => this.file.write([encodeSegmentHeader(this.identity)], 0));
    this.#position = segmentHeaderBytes;
    const body = new Uint8Array(16 + this.meta.conf.length);
    const view = new DataView(body.buffer);
    putU64(view, 0, this.meta.index);
    putU64(view, 8, this.meta.term);
    body.set(this.meta.conf, 16);
    await this.#record(kinds.snapshotMeta, this.meta.index, body);
  }

  async #record(kind: number, index: number, body: Uint8Array): Promise<void> {
    // Only the header is encoded here; a chunk may be a megabyte and is not copied.
    const { bytes, sum } = headerFor(this.#seed, kind, index, body, this.#chain);
    const position = this.#position;
    this.#chain = sum;
    this.#position = aligned(position + recordHeaderBytes + body.length, alignmentOf("snapshot"));
    await this.#once(() => this.file.write([bytes, body], position));
  }

  /** After the first failure nothing is written any more. */
  async #once(run: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new Error(`${this.path}: the snapshot has ended`);
    try {
      await run();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

function headerFor(seed: number, kind: number, index: number, body: Uint8Array, chain: number): { bytes: Uint8Array; sum: number } {
  const bytes = new Uint8Array(recordHeaderBytes);
  return { bytes, sum: putRecordHeader(new DataView(bytes.buffer), 0, seed, kind, index, body.length, checksum(body, seed), chain) };
}

export function snapshotName(index: number, term: number): string {
  return `${String(index).padStart(16, "0")}-${String(term).padStart(10, "0")}.snap`;
}

export function isSnapshotName(name: string): boolean {
  return /^\d{16}-\d{10,16}\.snap$/.test(name);
}

export function indexOfName(name: string): number {
  return Number(name.slice(0, 16));
}

export function snapshotIdentity(identity: StorageIdentity, index: number): SegmentIdentity {
  return { purpose: "snapshot", clusterId: identity.clusterId, nodeId: identity.nodeId, shard: identity.shard, salt: identity.salt, number: index };
}

/** What is wrong with a snapshot's file, and where. */
export interface SnapshotFault {
  /** Counted from 0, the meta record being the first; absent when the header is meant. */
  record?: number;
  offset: number;
  what: string;
}

function tellFault({ record, offset, what }: SnapshotFault): string {
  return record === undefined ? what : `record ${record} at offset ${offset}: ${what}`;
}

/** What a snapshot file says it is, or what is wrong with that. */
export async function readSnapshotHead(file: DiskFile, name: string, identity: SegmentIdentity): Promise<StoredSnapshot | SnapshotFault> {
  const header = headerProblem(await file.read(0, segmentHeaderBytes), identity);
  if (header !== undefined) return { offset: 0, what: header };
  const bytes = await file.size();
  const step = await new SegmentReader(file, seedOf(encodeSegmentHeader(identity)), alignmentOf("snapshot"), segmentHeaderBytes, bytes).next();
  const meta = metaOf(step);
  if (typeof meta === "string") return inMeta(meta);
  if (meta.index !== identity.number || name !== snapshotName(meta.index, meta.term)) return inMeta("its name and its meta record differ");
  return { name, bytes, ...meta };
}

function inMeta(what: string): SnapshotFault {
  return { record: 0, offset: segmentHeaderBytes, what };
}

/** The chunks, each checked; a fault is the last thing handed out. */
export async function* readSnapshot(file: DiskFile, identity: SegmentIdentity): AsyncIterable<Uint8Array | SnapshotFault> {
  const problem = headerProblem(await file.read(0, segmentHeaderBytes), identity);
  if (problem !== undefined) return yield { offset: 0, what: problem };
  const seed = seedOf(encodeSegmentHeader(identity));
  const reader = new SegmentReader(file, seed, alignmentOf("snapshot"), segmentHeaderBytes, await file.size());
  const first = await reader.next();
  const meta = metaOf(first);
  if (typeof meta === "string") return yield inMeta(meta);
  let chain = first.type === "record" ? first.record.sum : 0;
  let chunks = 0;
  let bytes = 0;
  let sum = 0;
  for (;;) {
    const step = await reader.next();
    if (step.type === "end") return yield { record: step.number, offset: step.offset, what: "the snapshot ends without its end record" };
    if (step.type === "damaged") return yield { record: step.number, offset: step.offset, what: step.what };
    const { record } = step;
    const place = { record: record.number, offset: record.offset };
    if (record.chain !== chain) return yield { ...place, what: "the hash chain is broken" };
    chain = record.sum;
    if (record.kind === kinds.snapshotEnd) {
      const view = new DataView(record.body.buffer, record.body.byteOffset, record.body.byteLength);
      if (record.body.length !== 20 || getU64(view, 0) !== chunks || getU64(view, 8) !== bytes || view.getUint32(16, true) !== sum) {
        return yield { ...place, what: "the totals differ from the chunks" };
      }
      return;
    }
    if (record.kind !== kinds.snapshotChunk || record.index !== chunks) return yield { ...place, what: `chunk ${chunks} is missing` };
    chunks++;
    bytes += record.body.length;
    sum = checksum(record.body, sum);
    yield record.body;
  }
}

function metaOf(step: ReadStep): SnapshotMeta | string {
  if (step.type === "end") return "it is empty";
  if (step.type === "damaged") return step.what;
  const { body, kind } = step.record;
  if (kind !== kinds.snapshotMeta || body.length < 16) return "it is not the meta record";
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return { index: getU64(view, 0), term: getU64(view, 8), conf: body.slice(16) };
}
