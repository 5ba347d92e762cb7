import type { ArchivedRecord, ArchivePlace } from "./archive-store.js";
import { getU64, putU64 } from "./batch-record.js";
import { checksum } from "./checksum.js";
import type { DiskFile } from "./disk.js";
import { decodeSegmentHeader, encodeRecord, encodeSegmentHeader, kinds, recordHeaderBytes, seedOf, segmentHeaderBytes } from "./segment.js";
import { SegmentReader } from "./segment-reader.js";

/**
 * A backup is one segment (see segment.ts) of purpose `backup`, made as a stream: the meta record (JSON), the chunks of a snapshot, the
 * finished jobs that its archive held, the totals. Its header has a salt of its own and node 0. Nothing in it is a path, a link or compressed: a hostile one can
 * name no file and cannot grow while it is read.
 */
export interface BackupMeta {
  /** Layout of what follows. */
  format: number;
  /** Cluster that it was taken from, 32 hex digits. */
  clusterId: string;
  /** Log index and term that it is the state of. */
  index: number;
  term: number;
  createdMs: number;
  /** Where the archive ended then. */
  archiveEnd: ArchivePlace;
  /** What made it, for people. */
  serverVersion: string;
}

export const backupFormat = 1;
/** First bytes of every backup file. */
export const backupMagic = "CORVOSEG";
/** Finished jobs are gathered to records of about this size. */
const recordsBytes = 256 * 1024;
/** Larger bodies are in no backup that this program makes: a job's documents fit a log entry of 32 MiB. */
const bodyBytesMax = 48 * 1024 * 1024;
const itemHeadBytes = 16;

/** Thrown for a file that is not a whole, undamaged backup. Nothing of it may be used. */
export class BackupDamaged extends Error {
  constructor(
    readonly offset: number,
    what: string,
  ) {
    super(`the backup cannot be used: ${what} (at byte ${offset})`);
    this.name = "BackupDamaged";
  }
}

/** Makes the bytes of a backup, piece by piece, in this order: begin, chunk …, record …, end. */
export class BackupEncoder {
  readonly #header: Uint8Array;
  readonly #seed: number;
  #chain: number;
  #chunks = 0;
  #records = 0;
  #bytes = 0;
  #sum = 0;
  #segment = -1;
  #gathered: ArchivedRecord[] = [];
  #gatheredBytes = 0;

  constructor(
    readonly meta: BackupMeta,
    salt: string,
  ) {
    this.#header = encodeSegmentHeader({ purpose: "backup", clusterId: meta.clusterId, nodeId: 0, shard: 0, number: meta.index, salt });
    this.#seed = seedOf(this.#header);
    this.#chain = this.#seed;
  }

  begin(): Uint8Array[] {
    return [this.#header, this.#record(kinds.backupMeta, 0, Buffer.from(JSON.stringify(this.meta)))];
  }

  chunk(chunk: Uint8Array): Uint8Array {
    this.#count(chunk);
    return this.#record(kinds.backupChunk, this.#chunks++, chunk);
  }

  /** Undefined: more are gathered. The bytes must not change before the next pieces are out. */
  record(record: ArchivedRecord): Uint8Array | undefined {
    const size = itemHeadBytes + record.bytes.length;
    const full = this.#gathered.length > 0 && (record.place.segment !== this.#segment || this.#gatheredBytes + size > recordsBytes);
    const out = full ? this.#flush() : undefined;
    this.#segment = record.place.segment;
    this.#gathered.push(record);
    this.#gatheredBytes += size;
    return out;
  }

  end(): Uint8Array[] {
    const out = this.#gathered.length > 0 ? [this.#flush()] : [];
    const body = new Uint8Array(28);
    const view = new DataView(body.buffer);
    putU64(view, 0, this.#chunks);
    putU64(view, 8, this.#records);
    putU64(view, 16, this.#bytes);
    view.setUint32(24, this.#sum, true);
    return [...out, this.#record(kinds.backupEnd, 0, body)];
  }

  #flush(): Uint8Array {
    const body = new Uint8Array(this.#gatheredBytes);
    const view = new DataView(body.buffer);
    let at = 0;
    for (const { place, seq, bytes } of this.#gathered) {
      putU64(view, at, seq);
      view.setUint32(at + 8, place.offset, true);
      view.setUint32(at + 12, bytes.length, true);
      body.set(bytes, at + itemHeadBytes);
      at += itemHeadBytes + bytes.length;
    }
    this.#records += this.#gathered.length;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#count(body);
    return this.#record(kinds.backupRecords, this.#segment, body);
  }

  #count(body: Uint8Array): void {
    this.#bytes += body.length;
    this.#sum = checksum(body, this.#sum);
  }

  #record(kind: number, index: number, body: Uint8Array): Uint8Array {
    const { bytes, sum } = encodeRecord(this.#seed, kind, index, body, this.#chain);
    this.#chain = sum;
    return bytes;
  }
}

/** What a backup holds, in order. */
export type BackupStep = { type: "chunk"; bytes: Uint8Array } | { type: "record"; record: ArchivedRecord } | { type: "end"; chunks: number; records: number };

/** What a file says it is a backup of. Throws `BackupDamaged`. */
export async function openBackup(file: DiskFile): Promise<BackupMeta> {
  return (await begin(file)).meta;
}

/** Everything in a backup, each piece checked before it is handed out. Throws `BackupDamaged`; only after the step `end` was it whole. */
export async function* readBackup(file: DiskFile): AsyncIterable<BackupStep> {
  const { reader, meta, first } = await begin(file);
  let chain = first;
  let chunks = 0;
  let records = 0;
  let bytes = 0;
  let sum = 0;
  let place: ArchivePlace = { segment: 0, offset: 0 };
  for (;;) {
    const { kind, index, body, offset } = await nextRecord(reader, chain, (link) => {
      chain = link;
    });
    if (kind === kinds.backupEnd) {
      const view = viewOf(body);
      const right = body.length === 28 && getU64(view, 0) === chunks && getU64(view, 8) === records && getU64(view, 16) === bytes;
      if (!right || view.getUint32(24, true) !== sum) throw new BackupDamaged(offset, "the totals differ from what is there");
      if (reader.offset !== reader.sizeBytes) throw new BackupDamaged(reader.offset, "there is something behind its end");
      const { segment, offset: end } = meta.archiveEnd;
      if (records > 0 && end > 0 && (place.segment !== segment || place.offset !== end)) throw new BackupDamaged(offset, "finished jobs are missing");
      yield { type: "end", chunks, records };
      return;
    }
    bytes += body.length;
    sum = checksum(body, sum);
    if (kind === kinds.backupChunk) {
      if (index !== chunks || records > 0) throw new BackupDamaged(offset, `chunk ${chunks} is missing`);
      chunks++;
      yield { type: "chunk", bytes: body };
    } else if (kind === kinds.backupRecords) {
      for (const record of itemsOf(index, body, offset)) {
        const follows = record.place.segment === place.segment ? record.place.offset === place.offset : index > place.segment && record.place.offset === 0;
        if (!follows || index > meta.archiveEnd.segment) throw new BackupDamaged(offset, "finished jobs do not follow one another");
        place = { segment: index, offset: record.place.offset + recordHeaderBytes + record.bytes.length };
        records++;
        yield { type: "record", record };
      }
    } else throw new BackupDamaged(offset, `a record of kind ${kind} does not belong into a backup`);
  }
}

function* itemsOf(segment: number, body: Uint8Array, offset: number): Iterable<ArchivedRecord> {
  const view = viewOf(body);
  for (let at = 0; at < body.length; ) {
    const length = at + itemHeadBytes <= body.length ? view.getUint32(at + 12, true) : Number.NaN;
    if (!(at + itemHeadBytes + length <= body.length)) throw new BackupDamaged(offset, "finished jobs are cut off");
    const start = at + itemHeadBytes;
    yield { place: { segment, offset: view.getUint32(at + 8, true) }, seq: getU64(view, at), bytes: body.subarray(start, start + length) };
    at = start + length;
  }
}

async function begin(file: DiskFile): Promise<{ reader: SegmentReader; meta: BackupMeta; first: number }> {
  const head = await file.read(0, segmentHeaderBytes);
  const header = decodeSegmentHeader(head);
  if (typeof header === "string") throw new BackupDamaged(0, header === "this is not a segment: its magic is missing" ? "this is no backup" : header);
  if (header.purpose !== "backup") throw new BackupDamaged(0, `this is a file of a server's ${header.purpose}, not a backup`);
  const seed = seedOf(encodeSegmentHeader(header));
  if (seed !== seedOf(head)) throw new BackupDamaged(0, "its header holds more than it should");
  const reader = new SegmentReader(file, seed, 1, segmentHeaderBytes, await file.size());
  reader.bodyBytesMax = bodyBytesMax;
  let first = seed;
  const record = await nextRecord(reader, seed, (link) => {
    first = link;
  });
  const meta = record.kind === kinds.backupMeta ? metaOf(record.body) : undefined;
  if (meta === undefined) throw new BackupDamaged(record.offset, "it does not say what it is a backup of");
  if (meta.format !== backupFormat) throw new BackupDamaged(record.offset, `its format is ${meta.format}; this program reads format ${backupFormat}`);
  if (meta.clusterId !== header.clusterId || meta.index !== header.number)
    throw new BackupDamaged(record.offset, "header and content are of different clusters");
  return { reader, meta, first };
}

async function nextRecord(
  reader: SegmentReader,
  chain: number,
  linked: (link: number) => void,
): Promise<{ kind: number; index: number; body: Uint8Array; offset: number }> {
  const step = await reader.next();
  if (step.type === "end") throw new BackupDamaged(step.offset, "it is cut off");
  if (step.type === "damaged") throw new BackupDamaged(step.offset, step.what);
  if (step.record.chain !== chain) throw new BackupDamaged(step.record.offset, "the hash chain is broken");
  linked(step.record.sum);
  return step.record;
}

function metaOf(body: Uint8Array): BackupMeta | undefined {
  let meta: Partial<BackupMeta>;
  try {
    meta = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined; // said by the caller
  }
  const { format, clusterId, index, term, createdMs, archiveEnd, serverVersion } = meta;
  const whole = [format, index, term, createdMs, archiveEnd?.segment, archiveEnd?.offset].every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  if (!whole || typeof clusterId !== "string" || typeof serverVersion !== "string" || serverVersion.length > 64) return undefined;
  return meta as BackupMeta;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
