import { ArchiveBallast } from "./archive-ballast.js";
import { readFooter, writeFooter } from "./archive-footer.js";
import { ArchiveIndex } from "./archive-index.js";
import { ArchiveLookup, type FinishedSegment } from "./archive-lookup.js";
import { readDroppedMark, writeDroppedMark, writeSyncedMark } from "./archive-mark.js";
import { archiveSegmentIdentity, archiveSegmentName, scanArchiveSegment } from "./archive-scan.js";
import {
  ArchiveDamaged,
  type ArchivedRecord,
  type ArchiveExport,
  type ArchivePlace,
  type ArchiveStore,
  archiveRecordOverheadBytes,
  archiveSegmentBytesMax,
} from "./archive-store.js";
import { ArchiveTail } from "./archive-tail.js";
import { type Disk, type DiskFile, isNoSpace } from "./disk.js";
import type { FailpointHook } from "./failpoints.js";
import { FileCache } from "./file-cache.js";
import type { StorageIdentity } from "./identity.js";
import { DiskFull } from "./log-store.js";
import { alignmentOf, encodeSegmentHeader, headerProblem, kinds, recordHeaderBytes, seedOf, segmentHeaderBytes } from "./segment.js";
import { SegmentReader } from "./segment-reader.js";
import type { DiskPressure, SpaceReserve } from "./space.js";

export interface ArchiveSegmentsOptions {
  disk: Disk;
  identity: StorageIdentity;
  /** Default `archive`. */
  directory?: string;
  /** Room held back for acks on a full disk. Default: one segment. 0: none. */
  reserveBytes?: number;
  failpoint?: FailpointHook;
  /** Told once, when the archive stops for good. */
  onFailure?: (error: Error) => void;
}

/** Files that stay open for reads. */
const openFilesMax = 64;
/**
 * Finished jobs in segment files. `append` copies into a buffer; everything else happens in the pool, one step after the other: write,
 * finish a segment with its footer, sync, drop. Fail-stop like the log.
 */
export class ArchiveSegments implements ArchiveStore, ArchiveExport, SpaceReserve {
  readonly #directory: string;
  readonly #finished = new Map<number, FinishedSegment>();
  readonly #files: FileCache;
  readonly #ballast: ArchiveBallast;
  #tail: ArchiveTail | undefined;
  /** Segments whose last records are still in buffers, by number; the open one among them. */
  readonly #tails = new Map<number, ArchiveTail>();
  /** Written since they were last synced. */
  readonly #unsynced = new Map<string, DiskFile>();
  #namesUnsynced = false;
  /** What the file `synced` says, as far as it was written since the start. */
  #marked: ArchivePlace | undefined;
  /** What the file `dropped` says; 0: there is none. */
  #dropped = 0;
  /** Readers that need every segment to stay. */
  readonly #holds = new Set<Promise<void>>();
  #steps: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #rewound = false;
  #closed = false;

  readonly #lookup: ArchiveLookup;

  private constructor(private readonly options: ArchiveSegmentsOptions) {
    this.#directory = options.directory ?? "archive";
    this.#files = new FileCache(options.disk, openFilesMax);
    this.#ballast = new ArchiveBallast(options.disk, `${this.#directory}/reserve`, options.reserveBytes ?? archiveSegmentBytesMax);
    const tail = (): ArchiveTail | undefined => this.#tail;
    this.#lookup = new ArchiveLookup({
      get tail() {
        return tail();
      },
      tails: this.#tails,
      finished: this.#finished,
      files: this.#files,
      path: (number) => this.#path(number),
      rebuild: (segment) => this.#rebuildInTurn(segment),
    });
  }

  static async open(options: ArchiveSegmentsOptions): Promise<ArchiveSegments> {
    const archive = new ArchiveSegments(options);
    for (const name of await options.disk.list(archive.#directory)) if (name.endsWith(".tmp")) await options.disk.remove(`${archive.#directory}/${name}`);
    void archive.refill();
    return archive;
  }

  get bytes(): number {
    let sum = 0;
    for (const segment of this.#finished.values()) sum += segment.recordsBytes;
    return sum + (this.#tail?.end ?? 0);
  }

  /** Bytes that were appended and are not yet handed to the operating system. */
  get backlogBytes(): number {
    let sum = 0;
    for (const tail of this.#tails.values()) sum += tail.backlogBytes;
    return sum;
  }

  get pressure(): DiskPressure {
    return this.options.reserveBytes === 0 ? "none" : this.#ballast.pressure;
  }

  async refill(): Promise<void> {
    if (this.options.reserveBytes === 0 || this.#closed) return;
    await this.#ballast.refill().catch((error) => this.#fail(error));
  }

  async rewindTo(end: ArchivePlace): Promise<void> {
    if (this.#rewound) throw new Error("the archive was rewound already");
    const { disk } = this.options;
    const dropped = await readDroppedMark(disk, this.#directory, this.options.identity);
    this.#dropped = typeof dropped === "object" ? dropped.segment : 0;
    const anew = end.offset > 0 && end.segment <= this.#dropped;
    // The mark goes back first: what is cut and written again is not durable before the next sync.
    if (await disk.exists(`${this.#directory}/synced`)) await this.#mark(anew ? { segment: end.segment, offset: 0 } : end);
    const numbers = (await disk.list(this.#directory)).filter((name) => /^\d{10}\.seg$/.test(name)).map((name) => Number(name.slice(0, 10)));
    for (const number of numbers.reverse()) {
      if (number < end.segment || (number === end.segment && end.offset > 0 && !anew)) continue;
      await disk.remove(this.#path(number));
      this.#namesUnsynced = true;
    }
    if (this.#namesUnsynced) await disk.syncDirectory(this.#directory);
    this.#namesUnsynced = false;
    for (const number of numbers) if (number < end.segment) await this.#takeFinished(number);
    if (anew) await this.#makeAnew(end);
    else if (end.offset > 0) await this.#reopen(end);
    this.#rewound = true;
  }

  append(place: ArchivePlace, seq: number, bytes: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    let tail = this.#tail;
    if (tail === undefined || tail.number !== place.segment) tail = this.#begin(place.segment);
    if (place.offset !== tail.end)
      throw new Error(`the archive ends at ${tail.number}:${tail.end}, a record for ${place.segment}:${place.offset} does not follow`);
    if (tail.put(seq, bytes)) void this.#step(() => this.#flush(tail, false));
    this.options.failpoint?.("archive.append");
  }

  async find(seq: number): Promise<{ place: ArchivePlace; bytes: Uint8Array } | undefined> {
    return (await this.findMany([seq]))[0];
  }

  findMany(seqs: readonly number[]): Promise<({ place: ArchivePlace; bytes: Uint8Array } | undefined)[]> {
    this.#assertReady();
    return this.#lookup.find(seqs);
  }

  async read(place: ArchivePlace): Promise<Uint8Array> {
    this.#assertReady();
    return (await this.#lookup.read(place)).bytes;
  }

  async *recordsBetween(from: ArchivePlace, to: ArchivePlace): AsyncIterable<{ place: ArchivePlace; bytes: Uint8Array }> {
    this.#assertReady();
    this.#flushAll();
    await this.#step(async () => {}); // what was appended is in its files
    const numbers = [...new Set([...this.#finished.keys(), ...this.#tails.keys()])].filter((number) => number >= from.segment && number <= to.segment);
    for (const number of numbers.sort((a, b) => a - b)) {
      let offset = number === from.segment ? from.offset : 0;
      for (;;) {
        const segment = this.#finished.get(number) ?? this.#tails.get(number);
        if (segment === undefined) break; // dropped meanwhile
        const end = number === to.segment ? to.offset : "recordsBytes" in segment ? segment.recordsBytes : segment.end;
        if (offset >= end) break;
        const found = await this.#readSome(number, segment.seed, offset, end);
        for (const one of found) yield one;
        offset = found[found.length - 1].next;
      }
    }
  }

  /** Records from a place on, about a megabyte of them, at least one. */
  #readSome(number: number, seed: number, offset: number, end: number): Promise<{ place: ArchivePlace; bytes: Uint8Array; next: number }[]> {
    return this.#files.use(this.#path(number), async (file) => {
      const reader = new SegmentReader(file, seed, alignmentOf("archive"), segmentHeaderBytes + offset, segmentHeaderBytes + end);
      const found: { place: ArchivePlace; bytes: Uint8Array; next: number }[] = [];
      for (let step = await reader.next(); ; ) {
        if (step.type !== "record")
          throw new ArchiveDamaged(number, step.offset - segmentHeaderBytes, step.type === "end" ? "the records end too early" : step.what);
        const { record } = step;
        found.push({ place: { segment: number, offset: record.offset - segmentHeaderBytes }, bytes: record.body, next: record.end - segmentHeaderBytes });
        const next = record.end >= segmentHeaderBytes + end ? undefined : reader.tryNext();
        if (next === undefined) return found;
        step = next;
      }
    });
  }

  async sync(): Promise<void> {
    this.#assertReady();
    this.#flushAll();
    const end = this.#tail === undefined ? undefined : { segment: this.#tail.number, offset: this.#tail.end };
    return this.#step(async () => {
      this.options.failpoint?.("archive.beforeSync");
      for (const [path, file] of this.#unsynced) {
        await file.sync();
        this.#unsynced.delete(path);
        if (this.#tails.get(numberOf(path))?.file !== file) await file.close();
      }
      if (this.#namesUnsynced) await this.options.disk.syncDirectory(this.#directory);
      this.#namesUnsynced = false;
      if (end !== undefined) await this.#mark(end);
    });
  }

  hold(): () => void {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#holds.add(held);
    return () => {
      this.#holds.delete(held);
      release();
    };
  }

  async *records(end: ArchivePlace): AsyncIterable<ArchivedRecord> {
    this.#assertReady();
    await this.sync();
    const open = this.#tail;
    const numbers = [...this.#finished.keys(), ...(open === undefined ? [] : [open.number])].sort((a, b) => a - b);
    for (const number of numbers) {
      if (number > end.segment || (number === end.segment && end.offset === 0)) break;
      const limit = number === end.segment ? end.offset : number === open?.number ? open.end : (this.#finished.get(number)?.recordsBytes ?? 0);
      yield* this.#recordsOf(number, limit);
    }
  }

  async *#recordsOf(number: number, limit: number): AsyncIterable<ArchivedRecord> {
    const file = await this.options.disk.open(this.#path(number), "read");
    try {
      const header = encodeSegmentHeader(archiveSegmentIdentity(this.options.identity, number));
      const seed = seedOf(header);
      const reader = new SegmentReader(file, seed, 1, segmentHeaderBytes, segmentHeaderBytes + limit);
      let chain = seed;
      while (reader.offset < segmentHeaderBytes + limit) {
        const step = reader.tryNext() ?? (await reader.next());
        const offset = (step.type === "record" ? step.record.offset : step.offset) - segmentHeaderBytes;
        if (step.type !== "record") throw new ArchiveDamaged(number, offset, step.type === "damaged" ? step.what : "records are missing");
        if (step.record.chain !== chain || step.record.kind !== kinds.archived) throw new ArchiveDamaged(number, offset, "the hash chain is broken");
        chain = step.record.sum;
        yield { place: { segment: number, offset }, seq: step.record.index, bytes: step.record.body };
      }
    } finally {
      await file.close();
    }
  }

  async dropSegments(segments: readonly number[]): Promise<void> {
    while (this.#holds.size > 0) await Promise.all(this.#holds);
    this.#assertReady();
    const open = this.#tail;
    if (open !== undefined && segments.includes(open.number)) {
      // All of it is old and nothing came since: the next record begins another one.
      this.#tail = undefined;
      this.#finish(open);
    }
    const gone = segments.filter((number) => this.#finished.has(number));
    return this.#step(async () => {
      if (gone.length > 0) await this.#noteDropped(gone);
      for (const number of gone) {
        this.#finished.delete(number);
        this.#files.forget(this.#path(number));
        const unsynced = this.#unsynced.get(this.#path(number));
        this.#unsynced.delete(this.#path(number));
        await unsynced?.close();
        await this.options.disk.remove(this.#path(number));
      }
      if (gone.length > 0) await this.options.disk.syncDirectory(this.#directory);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flushAll();
    await this.#steps;
    try {
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.#failure ??= new Error("the archive is closed");
      await this.#ballast.settled();
      this.#files.close();
      const files = new Set([...this.#unsynced.values(), ...[...this.#tails.values()].flatMap((tail) => tail.file ?? [])]);
      for (const file of files) await file.close();
    }
  }

  #mark(place: ArchivePlace): Promise<void> {
    this.#marked = place;
    return this.#withRoom(() => writeSyncedMark(this.options.disk, this.#directory, this.options.identity, place));
  }

  /** Before the files go: what is missing without a word is damage. */
  async #noteDropped(gone: readonly number[]): Promise<void> {
    this.#dropped = Math.max(this.#dropped, ...gone);
    await this.#withRoom(() => writeDroppedMark(this.options.disk, this.#directory, this.options.identity, this.#dropped));
    const marked = this.#marked;
    if (marked !== undefined && gone.includes(marked.segment)) await this.#mark({ segment: marked.segment + 1, offset: 0 });
  }

  /** Opens the next segment; the one before gets its footer. */
  #begin(number: number): ArchiveTail {
    if (!this.#rewound) throw new Error("the archive must be rewound to where the engine stands before it takes records");
    const before = this.#tail;
    if (before !== undefined) {
      if (number < before.number) throw new Error(`archive segment ${before.number} is open, ${number} is not behind it`);
      this.#finish(before);
    }
    const identity = archiveSegmentIdentity(this.options.identity, number);
    const header = encodeSegmentHeader(identity);
    const tail = new ArchiveTail(number, seedOf(header));
    this.#tail = tail;
    this.#tails.set(number, tail);
    void this.#step(async () => {
      tail.file = await this.options.disk.open(this.#path(number), "create");
      this.#namesUnsynced = true;
      await this.#write(tail.file, [header], 0);
    });
    return tail;
  }

  #flushAll(): void {
    for (const tail of this.#tails.values()) void this.#step(() => this.#flush(tail, true));
  }

  #finish(tail: ArchiveTail): void {
    const segment: FinishedSegment = {
      number: tail.number,
      seed: tail.seed,
      recordsBytes: tail.end,
      footer: undefined,
      index: tail.index,
      firstSeqs: undefined,
    };
    this.#finished.set(tail.number, segment);
    void this.#step(() => this.#flush(tail, true));
    void this.#step(async () => {
      const file = tail.file;
      if (file === undefined) throw new Error(`archive segment ${tail.number} has no file`);
      segment.footer = await this.#withRoom(() => writeFooter(file, segmentHeaderBytes + tail.end, tail.index, tail.seed, tail.chain));
      segment.index = undefined;
      this.#tails.delete(tail.number);
      this.#unsynced.set(this.#path(tail.number), file); // closed when it is synced
    });
  }

  async #flush(tail: ArchiveTail, all: boolean): Promise<void> {
    const file = tail.file;
    if (file === undefined) throw new Error(`archive segment ${tail.number} has no file`);
    const part = tail.takeUnwritten(all);
    if (part === undefined) return;
    await this.#write(file, part.buffers, segmentHeaderBytes + part.offset);
    tail.written(part);
  }

  async #write(file: DiskFile, buffers: readonly Uint8Array[], position: number): Promise<void> {
    await this.#withRoom(() => file.write(buffers, position));
    this.#unsynced.set(file.path, file);
  }

  /** Runs a write; when the disk is full, once more in the room that the ballast leaves. */
  async #withRoom<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      if (!(await this.#ballast.release())) throw new DiskFull();
    }
    try {
      return await run();
    } catch (error) {
      throw isNoSpace(error) ? new DiskFull() : error;
    }
  }

  /** Takes up a finished segment that was found at open. */
  async #takeFinished(number: number): Promise<void> {
    const seed = seedOf(encodeSegmentHeader(archiveSegmentIdentity(this.options.identity, number)));
    const footer = await this.#files.use(this.#path(number), (file) => readFooter(file, seed));
    const segment = {
      number,
      seed,
      recordsBytes: footer === undefined ? 0 : footer.place - segmentHeaderBytes,
      footer,
      index: undefined,
      firstSeqs: undefined,
    };
    this.#finished.set(number, segment);
    if (footer === undefined) await this.#rebuild(segment);
  }

  /** While the archive serves: what is damaged fails the one who asks for it, not the archive. */
  async #rebuildInTurn(segment: FinishedSegment): Promise<void> {
    let damaged: ArchiveDamaged | undefined;
    await this.#step(() =>
      this.#rebuild(segment).catch((error) => {
        if (!(error instanceof ArchiveDamaged)) throw error;
        damaged = error;
      }),
    );
    if (damaged !== undefined) throw damaged;
  }

  /** Makes a footer anew by reading the records. */
  async #rebuild(segment: FinishedSegment): Promise<void> {
    const path = this.#path(segment.number);
    this.#files.forget(path);
    const pending = this.#unsynced.get(path);
    const file = pending ?? (await this.options.disk.open(path, "write"));
    try {
      const scan = await scanArchiveSegment(file, segment.number, this.options.identity, segment.footer?.place);
      if (scan.damage !== undefined) throw new ArchiveDamaged(segment.number, scan.damage.offset - segmentHeaderBytes, scan.damage.what);
      await file.truncate(scan.end);
      segment.footer = await this.#withRoom(() => writeFooter(file, scan.end, scan.index, segment.seed, scan.chain));
      segment.recordsBytes = scan.end - segmentHeaderBytes;
      segment.firstSeqs = undefined;
      await file.sync();
    } finally {
      if (pending === undefined) await file.close();
    }
  }

  /** Opens the last segment where the snapshot says that it ends. */
  async #reopen(end: ArchivePlace): Promise<void> {
    const path = this.#path(end.segment);
    if (!(await this.options.disk.exists(path))) throw new ArchiveDamaged(end.segment, 0, "the segment is missing");
    const file = await this.options.disk.open(path, "write");
    const identity = archiveSegmentIdentity(this.options.identity, end.segment);
    const header = headerProblem(await file.read(0, segmentHeaderBytes), identity);
    const limit = segmentHeaderBytes + end.offset;
    const scan = await scanArchiveSegment(file, end.segment, this.options.identity, limit);
    const what = header ?? scan.damage?.what;
    if (what !== undefined) {
      await file.close();
      throw new ArchiveDamaged(end.segment, Math.max(0, (scan.damage?.offset ?? segmentHeaderBytes) - segmentHeaderBytes), what);
    }
    await file.truncate(limit);
    await file.sync();
    const tail = new ArchiveTail(end.segment, seedOf(encodeSegmentHeader(identity)), { index: scan.index, end: end.offset, chain: scan.chain });
    tail.file = file;
    this.#tail = tail;
    this.#tails.set(end.segment, tail);
  }

  /**
   * The snapshot ends in a segment that was dropped since. Replay writes into it what came behind and then drops it again; what it held
   * before is gone, and nobody asks for it until then.
   */
  async #makeAnew(end: ArchivePlace): Promise<void> {
    const header = encodeSegmentHeader(archiveSegmentIdentity(this.options.identity, end.segment));
    const tail = new ArchiveTail(end.segment, seedOf(header), { index: new ArchiveIndex(), end: end.offset, chain: seedOf(header) });
    tail.file = await this.options.disk.open(this.#path(end.segment), "create");
    this.#namesUnsynced = true;
    await this.#write(tail.file, [header], 0);
    this.#tail = tail;
    this.#tails.set(end.segment, tail);
  }

  #path(number: number): string {
    return `${this.#directory}/${archiveSegmentName(number)}`;
  }

  #assertReady(): void {
    if (!this.#rewound) throw new Error("the archive must be rewound to where the engine stands before it is used");
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Queues a step; the first that fails ends the archive. */
  #step(run: () => Promise<void>): Promise<void> {
    const done = this.#steps.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      await run();
    });
    this.#steps = done.catch((error) => this.#fail(error));
    return done;
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.options.onFailure?.(this.#failure);
  }
}

function numberOf(path: string): number {
  return Number(path.slice(-14, -4));
}

if (archiveRecordOverheadBytes !== recordHeaderBytes) throw new Error("the engine counts other bytes per archive record than the format takes");
