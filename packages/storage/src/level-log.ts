import type { ClassicLevel } from "classic-level";
import { checksum } from "./checksum.js";
import { LogCounters } from "./counters.js";
import { type Append, GroupCommit } from "./group-commit.js";
import { HardStateFile } from "./hard-state.js";
import type { StorageIdentity } from "./identity.js";
import { type HardState, LogDamaged, type LogFound, type LoggedEntry, type LogStore } from "./log-store.js";
import { logSegmentBytesDefault, type SegmentLogOptions } from "./segment-log.js";
import { combineHardState } from "./segment-log-open.js";
import type { DiskPressure, SpaceReserve } from "./space.js";

/** As for segments; `segmentBytes` only says how much free room counts as a reserve. */
export interface LevelLogOptions extends SegmentLogOptions {
  /** LevelDB's directory, in the operating system's terms. */
  levelPath?: string;
}

type Database = ClassicLevel<Buffer, Buffer>;

/** The one record beside the entries, written in every batch: what the log holds. Whatever differs from it was lost or altered. */
interface Meta {
  firstIndex: number;
  lastIndex: number;
  lastTerm: number;
  sealed: boolean;
  hardState: HardState | undefined;
}

const metaKey = Buffer.from("m");
const name = "log-level";
const metaBytes = 60;
const entryHeadBytes = 16;
const readBytes = 512 * 1024;
/** Free room is asked for again after this many appended bytes. */
const spaceCheckBytes = 16 * 1024 * 1024;

/**
 * The log in LevelDB: one synced batch per group commit. LevelDB's own checksums are not enough (single flipped bits silently lost or
 * altered values), so every value carries one, and all of them are read at open. What LevelDB loses of its own log at the very end,
 * together with the meta record written there, nobody can notice: segments are the default for a reason.
 */
export class LevelLog implements LogStore, SpaceReserve {
  readonly counters = new LogCounters();
  readonly #commits: GroupCommit;
  readonly #durable: boolean;
  readonly #seed: number;
  #meta: Meta;
  #accepted: number;
  /** Bytes of the entries firstIndex…, in order. */
  #lengths: number[];
  #bytes: number;
  #pressure: DiskPressure = "none";
  #uncheckedBytes = 0;

  constructor(
    private readonly options: LevelLogOptions,
    private readonly database: Database,
    private readonly hardStateFile: HardStateFile,
    readonly found: LogFound,
    meta: Meta,
    lengths: number[],
  ) {
    this.#durable = options.durable ?? true;
    this.#seed = levelSeed(options.identity);
    this.#meta = meta;
    this.#accepted = meta.lastIndex;
    this.#lengths = lengths;
    this.#bytes = lengths.reduce((sum, length) => sum + length, 0);
    this.#commits = new GroupCommit((appends) => this.#commit(appends), options.onFailure);
    void this.refill();
  }

  get firstIndex(): number {
    return this.#meta.firstIndex;
  }

  get lastIndex(): number {
    return this.#accepted;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get pressure(): DiskPressure {
    return this.#pressure;
  }

  /** LevelDB reserves nothing: free room on the disk stands for the reserve. */
  async refill(): Promise<void> {
    const freeBytes = await this.options.disk.freeBytes().catch(() => Number.POSITIVE_INFINITY); // unknown is not full
    const reserveBytes = 2 * (this.options.segmentBytes ?? logSegmentBytesDefault);
    this.#pressure = freeBytes >= reserveBytes ? "none" : freeBytes >= reserveBytes / 16 ? "reserve" : "exhausted";
  }

  append(batch: { entries: readonly LoggedEntry[]; hardState?: HardState }): Promise<void> {
    const { entries } = batch;
    if (this.#commits.failure !== undefined) return Promise.reject(this.#commits.failure);
    if (entries.length > 0) {
      const first = entries[0].index;
      if (first > this.#accepted + 1 || first < this.firstIndex) {
        throw new Error(`entries from ${first} on do not follow a log of ${this.firstIndex}..${this.#accepted}`);
      }
      for (let at = 1; at < entries.length; at++) if (entries[at].index !== first + at) throw new Error("the entries of a batch must follow one another");
      this.#accepted = first + entries.length - 1;
    }
    this.counters.appends++;
    return this.#commits.add({ entries, hardState: batch.hardState });
  }

  async *read(from: number, to: number): AsyncIterable<LoggedEntry[]> {
    if (from < this.firstIndex || to > this.#accepted) throw new RangeError(`entries ${from}..${to} are not in a log of ${this.firstIndex}..${this.#accepted}`);
    // What is on its way may also replace what is there.
    if (!this.#commits.idle) await this.#commits.alone(async () => {});
    let slice: LoggedEntry[] = [];
    let bytes = 0;
    let next = from;
    for await (const [key, value] of this.database.iterator({ gte: entryKey(from), lte: entryKey(to) })) {
      const index = indexOf(key);
      const entry = decodeEntry(index, value, this.#seed);
      if (typeof entry === "string" || index !== next) throw new LogDamaged(name, next, typeof entry === "string" ? entry : `entry ${next} is missing`);
      next++;
      slice.push(entry);
      bytes += value.length;
      if (bytes < readBytes) continue;
      yield slice;
      slice = [];
      bytes = 0;
    }
    if (next <= to) throw new LogDamaged(name, next, `entry ${next} is missing`);
    if (slice.length > 0) yield slice;
  }

  dropThrough(index: number): Promise<void> {
    return this.#commits.alone(async () => {
      const firstIndex = Math.min(index, this.#meta.lastIndex) + 1;
      if (firstIndex <= this.#meta.firstIndex) return;
      for (const length of this.#lengths.splice(0, firstIndex - this.#meta.firstIndex)) this.#bytes -= length;
      await this.#putMeta({ ...this.#meta, firstIndex }, []);
      await this.database.clear({ gte: entryKey(0), lt: entryKey(firstIndex) });
    });
  }

  resetTo(index: number, term: number): Promise<void> {
    this.#accepted = index;
    return this.#commits.alone(async () => {
      const deletes = range(index + 1, this.#meta.lastIndex).map((at) => ({ type: "del" as const, key: entryKey(at) }));
      await this.#putMeta({ ...this.#meta, firstIndex: index + 1, lastIndex: index, lastTerm: term }, deletes);
      await this.database.clear({ gte: entryKey(0), lte: entryKey(index) });
      this.#lengths = [];
      this.#bytes = 0;
    });
  }

  async close(): Promise<void> {
    try {
      await this.#commits.alone(() => this.database.batch([metaPut({ ...this.#meta, sealed: true }, this.#seed)], { sync: true }));
    } finally {
      this.#commits.close();
      await this.hardStateFile.close();
      await this.database.close();
    }
  }

  async #commit(appends: readonly Append[]): Promise<void> {
    const before = this.#meta.hardState ?? { term: 0, vote: 0, commit: 0 };
    const meta = { ...this.#meta };
    const operations: Operation[] = [];
    let bytes = 0;
    for (const { entries, hardState } of appends) {
      if (hardState !== undefined) meta.hardState = hardState;
      if (entries.length === 0) continue;
      for (const entry of entries) {
        const value = encodeEntry(entry, this.#seed);
        operations.push({ type: "put", key: entryKey(entry.index), value });
        bytes += value.length;
      }
      const last = entries[entries.length - 1];
      for (const index of range(last.index + 1, meta.lastIndex)) operations.push({ type: "del", key: entryKey(index) });
      const keep = entries[0].index - meta.firstIndex;
      for (const length of this.#lengths.splice(keep)) this.#bytes -= length;
      for (const entry of entries) this.#lengths.push(entryHeadBytes + entry.data.length);
      meta.lastIndex = last.index;
      meta.lastTerm = last.term;
      this.counters.entries += entries.length;
    }
    this.#bytes += bytes;
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes > spaceCheckBytes) {
      this.#uncheckedBytes = 0;
      void this.refill();
    }
    this.options.failpoint?.("log.beforeWrite");
    const began = this.options.monotonicMs?.() ?? 0;
    await this.#putMeta(meta, operations);
    if (this.#durable) this.counters.synced((this.options.monotonicMs?.() ?? 0) - began);
    this.counters.batches++;
    this.counters.bytes += bytes;
    const now = meta.hardState ?? before;
    if (this.#durable && (now.term !== before.term || now.vote !== before.vote)) {
      this.options.failpoint?.("hardState.between");
      this.hardStateFile.write(now.term, now.vote);
      await this.hardStateFile.sync();
    }
    this.options.failpoint?.("log.afterSync");
  }

  async #putMeta(meta: Meta, operations: Operation[]): Promise<void> {
    await this.database.batch([...operations, metaPut(meta, this.#seed)], { sync: this.#durable });
    this.#meta = meta;
  }
}

type Operation = { type: "put"; key: Buffer; value: Buffer } | { type: "del"; key: Buffer };

/** Makes an empty log. */
export async function createLevelLog(options: LevelLogOptions): Promise<void> {
  await options.disk.makeDirectory(name);
  await options.disk.syncDirectory("");
  const database = await openDatabase(options, true);
  await database.clear();
  await database.batch([metaPut({ firstIndex: 1, lastIndex: 0, lastTerm: 0, sealed: false, hardState: undefined }, levelSeed(options.identity))], {
    sync: true,
  });
  await database.close();
  await HardStateFile.create(options.disk, options.hardStatePath ?? "hard-state", options.identity);
}

/** Opens a log and checks every value in it; throws `LogDamaged` for whatever is not as the meta record says. */
export async function openLevelLog(options: LevelLogOptions): Promise<LevelLog> {
  const database = await openDatabase(options, false);
  try {
    const seed = levelSeed(options.identity);
    const { meta, lengths, problem } = await checkDatabase(database, seed);
    if (problem !== undefined) throw new LogDamaged(name, problem.index, problem.what);
    const path = options.hardStatePath ?? "hard-state";
    const opened = await HardStateFile.open(options.disk, path, options.identity);
    if (opened === undefined || opened.found.best === undefined) throw new LogDamaged(path, 0, "the file is missing or both slots are damaged");
    const hardState = combineHardState(meta.hardState, opened.found.best);
    if (typeof hardState === "string") throw new LogDamaged(path, 0, hardState);
    const { best, problems } = opened.found;
    if ((hardState !== undefined && (hardState.term !== best.term || hardState.vote !== best.vote)) || problems.some((slot) => slot !== undefined)) {
      opened.file.write(hardState?.term ?? 0, hardState?.vote ?? 0);
      await opened.file.sync();
    }
    const { firstIndex, lastIndex, lastTerm, sealed } = meta;
    if (sealed) await database.batch([metaPut({ ...meta, sealed: false }, seed)], { sync: true });
    await database.clear({ gte: entryKey(0), lt: entryKey(firstIndex) }); // left by a drop that was interrupted
    return new LevelLog(options, database, opened.file, { firstIndex, lastIndex, lastTerm, hardState, sealed }, { ...meta, sealed: false }, lengths);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Reads and checks everything; used by open and by verify. */
export async function checkDatabase(database: Database, seed: number): Promise<{ meta: Meta; lengths: number[]; problem?: { index: number; what: string } }> {
  const nothing: Meta = { firstIndex: 1, lastIndex: 0, lastTerm: 0, sealed: false, hardState: undefined };
  const bytes = await database.get(metaKey);
  const meta = bytes === undefined ? "the meta record is missing" : decodeMeta(bytes, seed);
  if (typeof meta === "string") return { meta: nothing, lengths: [], problem: { index: 0, what: meta } };
  const lengths: number[] = [];
  let next = meta.firstIndex;
  let lastTerm = meta.lastTerm;
  for await (const [key, value] of database.iterator({ gte: entryKey(meta.firstIndex), lt: Buffer.from("f") })) {
    const index = indexOf(key);
    const entry = decodeEntry(index, value, seed);
    if (index !== next) return { meta, lengths, problem: { index: next, what: `entry ${next} is missing` } };
    if (typeof entry === "string") return { meta, lengths, problem: { index, what: entry } };
    if (index > meta.lastIndex) return { meta, lengths, problem: { index, what: `entry ${index} lies behind the last one, ${meta.lastIndex}` } };
    lengths.push(value.length);
    lastTerm = entry.term;
    next++;
  }
  if (next <= meta.lastIndex) return { meta, lengths, problem: { index: next, what: `entry ${next} is missing` } };
  if (lastTerm !== meta.lastTerm) return { meta, lengths, problem: { index: meta.lastIndex, what: "the last entry's term is not the one that was written" } };
  return { meta, lengths };
}

export async function openDatabase(options: { levelPath?: string }, createIfMissing: boolean): Promise<Database> {
  if (options.levelPath === undefined) throw new Error("levelPath is needed for a log in LevelDB");
  const level = await import("classic-level");
  const database: Database = new level.ClassicLevel(options.levelPath, { keyEncoding: "buffer", valueEncoding: "buffer", compression: false });
  try {
    await database.open({ createIfMissing });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    throw new LogDamaged(name, 0, `LevelDB does not open: ${cause instanceof Error ? cause.message : error}`);
  }
  return database;
}

function entryKey(index: number): Buffer {
  const key = Buffer.alloc(9);
  key[0] = 0x65; // "e"
  key.writeBigUInt64BE(BigInt(index), 1);
  return key;
}

function indexOf(key: Buffer): number {
  return Number(key.readBigUInt64BE(1));
}

/** Value: u32 CRC over index, the rest and the bytes · u32 type · u64 term · bytes. */
function encodeEntry(entry: LoggedEntry, seed: number): Buffer {
  const value = Buffer.allocUnsafe(entryHeadBytes + entry.data.length);
  value.writeUInt32LE(entry.type, 4);
  value.writeBigUInt64LE(BigInt(entry.term), 8);
  value.set(entry.data, entryHeadBytes);
  value.writeUInt32LE(entrySum(entry.index, value, seed), 0);
  return value;
}

function decodeEntry(index: number, value: Buffer, seed: number): LoggedEntry | string {
  if (value.length < entryHeadBytes || value.readUInt32LE(0) !== entrySum(index, value, seed)) return `entry ${index} does not match its checksum`;
  return { index, type: value.readUInt32LE(4), term: Number(value.readBigUInt64LE(8)), data: value.subarray(entryHeadBytes) };
}

function entrySum(index: number, value: Buffer, seed: number): number {
  return checksum(value.subarray(4), checksum(entryKey(index), seed));
}

/** u64 first, last, last term, term, vote, commit · u32 flags (1 sealed, 2 hard state) · u32 zero · u32 CRC. */
function metaPut(meta: Meta, seed: number): Operation {
  const value = Buffer.alloc(metaBytes);
  const { term, vote, commit } = meta.hardState ?? { term: 0, vote: 0, commit: 0 };
  for (const [at, number] of [meta.firstIndex, meta.lastIndex, meta.lastTerm, term, vote, commit].entries()) value.writeBigUInt64LE(BigInt(number), at * 8);
  value.writeUInt32LE((meta.sealed ? 1 : 0) | (meta.hardState === undefined ? 0 : 2), 48);
  value.writeUInt32LE(checksum(value.subarray(0, metaBytes - 4), seed), metaBytes - 4);
  return { type: "put", key: metaKey, value };
}

function decodeMeta(value: Buffer, seed: number): Meta | string {
  if (value.length !== metaBytes || value.readUInt32LE(metaBytes - 4) !== checksum(value.subarray(0, metaBytes - 4), seed)) {
    return "the meta record does not match its checksum";
  }
  const [firstIndex, lastIndex, lastTerm, term, vote, commit] = [0, 8, 16, 24, 32, 40].map((at) => Number(value.readBigUInt64LE(at)));
  const flags = value.readUInt32LE(48);
  return { firstIndex, lastIndex, lastTerm, sealed: (flags & 1) !== 0, hardState: flags & 2 ? { term, vote, commit } : undefined };
}

export function levelSeed(identity: StorageIdentity): number {
  return checksum(Buffer.from(`level log ${identity.clusterId} ${identity.nodeId} ${identity.shard} ${identity.salt}`, "latin1"));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}
