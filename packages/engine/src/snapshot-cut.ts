import { snapshotEventsMax } from "./limits.js";
import { eventsPerObject, writeEvents } from "./snapshot-events.js";
import { ChunkKind, chunkBytesMax, chunkHeaderBytes, type Header, headerFields, ObjectType, ObjectWriter, writeChunk } from "./snapshot-format.js";
import { NumberList, writeNumbers, writeQueue, writeSegment, writeWorker } from "./snapshot-objects.js";
import type { ObjectCut, State } from "./state.js";
import type { ArchiveSegment } from "./tables/archive.js";
import type { ArenaCut } from "./tables/arena.js";
import type { EventsCopy } from "./tables/events.js";
import type { Pages, PagesCut } from "./tables/pages.js";
import type { Queue } from "./tables/queues.js";
import type { Worker } from "./tables/workers.js";

/** A snapshot that is being made. */
export interface SnapshotCut {
  /** The next chunk, at most 512 KiB and a little, in memory of its own; undefined: that was all. */
  next(): Uint8Array | undefined;
  /** Lets go of everything. Call it once, also when the rest is not wanted. */
  release(): void;
}

/** Bytes of objects that one chunk gathers: writing objects costs more per byte than copying pages. */
const objectBytes = 64 * 1024;

/** Number of each table in page chunks. */
export function tablesOf(s: State): Pages[] {
  return [s.jobs, s.locks, s.remembered, s.marks, s.deleted, s.entities, s.counters];
}

/**
 * Cuts the state as of now. What costs time is done chunk by chunk later; until then pages are copied before their first change, an
 * object is written out before its first change, and text segments are not overwritten.
 */
export function cutState(s: State, term: number, serial: number): SnapshotCut {
  return new Cut(s, term, serial);
}

class Cut implements SnapshotCut, ObjectCut {
  private readonly header: Header;
  private readonly tables: { pages: PagesCut; pageBytes: number }[];
  private readonly texts: ArenaCut;
  private readonly queues: Queue[];
  private readonly workers: Worker[] = [];
  private readonly segments: ArchiveSegment[];
  private readonly events: EventsCopy;
  private readonly numbers: [number, number[]][];
  /** Objects that were about to change, as they were. */
  private readonly kept = new Map<Queue | Worker | ArchiveSegment, Uint8Array>();
  private readonly objects = new ObjectWriter();
  private readonly one = new ObjectWriter();
  private sent = 0;
  private stage: number = ChunkKind.header;
  private at = 0;
  private part = 0;
  private chunks = 0;

  constructor(
    private readonly s: State,
    term: number,
    readonly serial: number,
  ) {
    const { garbage, archive } = s;
    this.header = {
      appliedIndex: s.appliedIndex,
      appliedTerm: term,
      logTimeMs: s.logTimeMs,
      pausedMs: s.pausedMs,
      lastSeq: s.lastSeq,
      lastFence: s.lastFence,
      hashLow: s.hash.low,
      hashHigh: s.hash.high,
      queueSerial: s.queues.lastSerial,
      archiveSegment: archive.next.segment,
      archiveOffset: archive.next.offset,
      lastEvent: s.events.lastSeq,
      jobRows: s.jobs.rows,
      lockRows: s.locks.rows,
      rememberedRows: s.remembered.rows,
      rememberedOldest: s.remembered.oldest,
      markRows: s.marks.rows,
      deletedRows: s.deleted.rows,
      garbageRows: garbage.rows,
      garbageUnhooked: garbage.unhooked,
      garbageSwept: garbage.swept,
      entityRows: s.entities.rows,
      entitySerial: s.entities.lastSerial,
      counterRows: s.counters.rows,
      counterMinute: s.counters.minute,
    };
    this.tables = tablesOf(s).map((table) => ({ pages: table.cut(), pageBytes: table.strideBytes * 1024 }));
    this.texts = s.arena.cut();
    this.queues = s.queues.byNumber.filter((queue) => queue !== undefined) as Queue[];
    for (let worker = s.workers.oldest; worker !== undefined; worker = worker.newer) this.workers.push(worker);
    this.segments = archive.segments.slice();
    this.events = s.events.copy(snapshotEventsMax);
    this.numbers = [
      [NumberList.freeQueues, s.queues.freeNumbers.slice()],
      [NumberList.freeWorkers, s.workers.freeNumbers.slice()],
      [NumberList.garbage, garbage.waiting()],
      [NumberList.dyingQueues, garbage.dying.map(({ queue }) => queue.number)],
      [NumberList.dyingAfter, garbage.dying.map(({ after }) => after)],
    ];
    s.cut = this;
    archive.beforeChange = (segment) => {
      if (segment.cutSerial !== serial) this.keep(segment, (w) => writeSegment(w, segment));
    };
  }

  keepQueue(queue: Queue): void {
    this.keep(queue, (w) => writeQueue(w, queue));
  }
  keepWorker(worker: Worker): void {
    this.keep(worker, (w) => writeWorker(w, worker));
  }
  private keep(object: Queue | Worker | ArchiveSegment, write: (w: ObjectWriter) => void): void {
    object.cutSerial = this.serial;
    this.one.reset();
    write(this.one);
    this.kept.set(object, this.one.copy());
  }

  next(): Uint8Array | undefined {
    const chunk = this.make();
    if (chunk !== undefined) this.chunks++;
    return chunk;
  }

  private make(): Uint8Array | undefined {
    switch (this.stage) {
      case ChunkKind.header:
        this.stage = ChunkKind.objects;
        return this.headerChunk();
      case ChunkKind.objects: {
        const chunk = this.objectChunk();
        if (chunk !== undefined) return chunk;
        this.stage = ChunkKind.pages;
        this.at = 0;
        return this.make();
      }
      case ChunkKind.pages: {
        const chunk = this.pageChunk();
        if (chunk !== undefined) return chunk;
        this.stage = ChunkKind.texts;
        this.at = 0;
        return this.make();
      }
      case ChunkKind.texts: {
        const chunk = this.textChunk();
        if (chunk !== undefined) return chunk;
        this.stage = ChunkKind.end;
        return writeChunk(ChunkKind.end, this.chunks, 0, 0).chunk;
      }
      default:
        return undefined;
    }
  }

  private headerChunk(): Uint8Array {
    const { chunk } = writeChunk(ChunkKind.header, headerFields.length, 0, headerFields.length * 8);
    const numbers = new Float64Array(chunk.buffer, chunkHeaderBytes, headerFields.length);
    headerFields.forEach((field, i) => {
      numbers[i] = this.header[field];
    });
    return chunk;
  }

  /** Gathers objects until there is enough for a chunk, or hands out the next part of what is there. */
  private objectChunk(): Uint8Array | undefined {
    const w = this.objects;
    if (this.sent === w.pos) {
      w.reset();
      this.sent = 0;
      while (w.pos < objectBytes && this.oneObject(w)) this.at++;
      if (w.pos === 0) return undefined;
    }
    const to = Math.min(w.pos, this.sent + chunkBytesMax);
    const { chunk } = writeChunk(ChunkKind.objects, to - this.sent, 0, to - this.sent);
    chunk.set(w.view8(this.sent, to), chunkHeaderBytes);
    this.sent = to;
    return chunk;
  }

  private oneObject(w: ObjectWriter): boolean {
    let i = this.at;
    if (i < this.numbers.length) {
      writeNumbers(w, ...this.numbers[i]);
      return true;
    }
    i -= this.numbers.length;
    if (i < this.queues.length) return this.put(w, this.queues[i], writeQueue);
    i -= this.queues.length;
    if (i < this.workers.length) return this.put(w, this.workers[i], writeWorker);
    i -= this.workers.length;
    if (i < this.segments.length) return this.put(w, this.segments[i], writeSegment);
    i -= this.segments.length;
    if (i * eventsPerObject < this.events.count) {
      writeEvents(w, this.events, i * eventsPerObject);
      return true;
    }
    if (i > Math.ceil(this.events.count / eventsPerObject)) return false;
    w.begin(ObjectType.done);
    w.end();
    return true;
  }

  private put<T extends Queue | Worker | ArchiveSegment>(w: ObjectWriter, object: T, write: (w: ObjectWriter, object: T) => void): boolean {
    const kept = this.kept.get(object);
    if (kept === undefined) {
      object.cutSerial = this.serial;
      write(w, object);
    } else {
      this.kept.delete(object);
      w.append(kept);
    }
    return true;
  }

  private pageChunk(): Uint8Array | undefined {
    for (; this.at < this.tables.length; this.at++, this.part = 0) {
      const { pages, pageBytes } = this.tables[this.at];
      const count = Math.min(pages.pages - this.part, Math.floor(chunkBytesMax / pageBytes));
      if (count === 0) continue;
      const { chunk } = writeChunk(ChunkKind.pages, this.at, count, count * pageBytes);
      for (let i = 0; i < count; i++) chunk.set(pages.take()!, chunkHeaderBytes + i * pageBytes);
      this.part += count;
      return chunk;
    }
    return undefined;
  }

  private textChunk(): Uint8Array | undefined {
    const segment = this.texts.parts[this.at];
    if (segment === undefined) return undefined;
    const to = Math.min(segment.used, this.part + chunkBytesMax);
    const { chunk, words } = writeChunk(ChunkKind.texts, segment.number, segment.used, 8 + to - this.part);
    new Uint32Array(words.buffer, chunkHeaderBytes, 1)[0] = this.part;
    chunk.set(segment.bytes.subarray(this.part, to), chunkHeaderBytes + 8);
    this.part = to;
    if (to === segment.used) {
      this.at++;
      this.part = 0;
    }
    return chunk;
  }

  release(): void {
    if (this.s.cut !== this) return;
    this.s.cut = undefined;
    this.s.archive.beforeChange = () => {};
    for (const { pages } of this.tables) pages.end();
    this.texts.end();
    this.kept.clear();
    this.stage = 0;
  }
}
