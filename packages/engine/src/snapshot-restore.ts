import { batchesRestored } from "./batch.js";
import { ensure, InvariantBroken } from "./invariant.js";
import { depthsRestored } from "./queue-depth.js";
import { schedulesRestored } from "./schedule.js";
import { tablesOf } from "./snapshot-cut.js";
import { ChunkKind, chunkHeaderBytes, type Header, headerFields, headerFieldsBefore, ObjectType, snapshotMagic } from "./snapshot-format.js";
import { NumberList, type NumberLists, readObject } from "./snapshot-objects.js";
import type { State } from "./state.js";
import { TextKind } from "./tables/arena.js";
import { expiryField, JobState, jobStrideBytesBefore, timerField } from "./tables/job-table.js";
import { pageRows } from "./tables/pages.js";
import { priorities } from "./tables/queues.js";

/** Fills an empty state from the chunks of a cut; returns the term. Throws InvariantBroken when the chunks are not a whole snapshot. */
export async function restoreState(s: State, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const restore = new Restore(s);
  for await (const chunk of chunks) restore.feed(chunk);
  return restore.finish();
}

class Restore {
  private header: Header | undefined;
  private readonly lists: NumberLists = new Map();
  private stage: number = ChunkKind.header;
  private chunks = 0;
  /** Bytes of the object stream that are not yet a whole object. */
  private rest: Uint8Array = new Uint8Array(0);
  private objectsDone = false;
  /** The snapshot was written when rows of jobs were shorter. */
  private before = false;
  /** The text segment that is coming in. */
  private textNumber = 0;
  private textUsed = 0;
  private textEnd = 0;

  constructor(private readonly s: State) {}

  feed(chunk: Uint8Array): void {
    ensure(chunk.length >= chunkHeaderBytes, "a chunk of the snapshot is too short");
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    const kind = view.getUint32(4, true);
    const a = view.getUint32(8, true);
    const b = view.getUint32(12, true);
    ensure(view.getUint32(0, true) === snapshotMagic, "a chunk is not one of a snapshot of this version");
    ensure(this.stage !== 0 && kind >= this.stage && (kind === ChunkKind.header) === (this.chunks === 0), `chunk ${this.chunks} comes out of order`);
    this.stage = kind;
    const body = chunk.subarray(chunkHeaderBytes);
    switch (kind) {
      case ChunkKind.header:
        ensure(a >= headerFieldsBefore && a <= headerFields.length && body.length === a * 8, "the snapshot has another header");
        this.before = a === headerFieldsBefore;
        this.header = Object.fromEntries(headerFields.map((field, i) => [field, i < a ? view.getFloat64(chunkHeaderBytes + i * 8, true) : 0])) as Header;
        break;
      case ChunkKind.objects:
        ensure(a === body.length && !this.objectsDone, "objects of the snapshot have another length");
        this.feedObjects(body);
        break;
      case ChunkKind.pages: {
        const table = tablesOf(this.s)[a];
        ensure(table !== undefined && this.objectsDone, `pages of table ${a}`);
        const strideBytes = this.before && table === this.s.jobs ? jobStrideBytesBefore : table.strideBytes;
        const pageBytes = strideBytes * pageRows;
        ensure(body.length === b * pageBytes, `pages of table ${a} have another length`);
        for (let i = 0; i < b; i++) table.restorePage(body.subarray(i * pageBytes, (i + 1) * pageBytes), strideBytes);
        break;
      }
      case ChunkKind.texts:
        ensure(body.length >= 8, "a part of a text segment is too short");
        this.feedText(a, b, view.getUint32(chunkHeaderBytes, true), body.subarray(8));
        break;
      case ChunkKind.end:
        ensure(a === this.chunks && body.length === 0, `the snapshot has ${this.chunks} chunks, not ${a}`);
        this.stage = 0;
        break;
      default:
        ensure(false, `a chunk of kind ${kind}`);
    }
    this.chunks++;
  }

  /** Segments come whole, one after the other: no chunk can ask for more memory than it brings along with those before it. */
  private feedText(number: number, used: number, at: number, part: Uint8Array): void {
    const follows = at === 0 ? this.textEnd === this.textUsed : number === this.textNumber && at === this.textEnd && used === this.textUsed;
    ensure(follows, `a part of text segment ${number} comes out of order`);
    this.textNumber = number;
    this.textUsed = used;
    this.textEnd = at + part.length;
    this.s.arena.restore(number, used, at, part);
  }

  private feedObjects(body: Uint8Array): void {
    let bytes = body;
    if (this.rest.length > 0) {
      bytes = new Uint8Array(this.rest.length + body.length);
      bytes.set(this.rest);
      bytes.set(body, this.rest.length);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (bytes.length - at >= 8) {
      const length = view.getUint32(at, true);
      const type = view.getUint32(at + 4, true);
      if (bytes.length - at - 8 < length) break;
      if (type === ObjectType.done) this.objectsDone = true;
      else readObject(this.s, type, bytes.subarray(at + 8, at + 8 + length), this.lists);
      at += 8 + length;
    }
    this.rest = bytes.slice(at);
  }

  finish(): number {
    const { s, header: h } = this;
    ensure(h !== undefined && this.stage === 0 && this.chunks > 0 && this.rest.length === 0, "the snapshot ends too early");
    ensure(this.textEnd === this.textUsed, "a text segment of the snapshot is cut off");
    const rows = [h.jobRows, h.lockRows, h.rememberedRows, h.markRows, h.deletedRows, h.entityRows, h.counterRows];
    for (const [i, table] of tablesOf(s).entries()) {
      ensure(Number.isInteger(rows[i]) && rows[i] >= 0 && rows[i] <= table.pages * pageRows, `table ${i} has ${rows[i]} rows in ${table.pages} pages`);
    }
    s.appliedIndex = h.appliedIndex;
    s.logTimeMs = h.logTimeMs;
    s.pausedMs = h.pausedMs;
    s.lastSeq = h.lastSeq;
    s.lastFence = h.lastFence;
    s.hash.restore(h.hashLow, h.hashHigh);
    s.hash.keep(h.appliedIndex);
    s.queues.lastSerial = h.queueSerial;
    s.queues.freeNumbers = this.numbers(NumberList.freeQueues);
    s.workers.freeNumbers = this.numbers(NumberList.freeWorkers);
    s.archive.next.segment = h.archiveSegment;
    s.archive.next.offset = h.archiveOffset;
    s.events.restored(h.lastEvent);
    const { garbage } = s;
    garbage.lists = this.numbers(NumberList.garbage);
    garbage.rows = h.garbageRows;
    garbage.unhooked = h.garbageUnhooked;
    garbage.swept = h.garbageSwept;
    const after = this.numbers(NumberList.dyingAfter);
    garbage.dying = this.numbers(NumberList.dyingQueues).map((number, i) => ({ queue: s.queues.of(number), after: after[i] }));
    this.finishJobs(h.jobRows);
    s.locks.restored(h.lockRows);
    s.remembered.restored(h.rememberedRows, h.rememberedOldest);
    s.marks.restored(h.markRows);
    s.deleted.restored(h.deletedRows);
    s.entities.restored(h.entityRows, h.entitySerial);
    s.counters.restored(h.counterRows, h.counterMinute, s.queueBySerial);
    s.arena.restored();
    s.outbox.refresh();
    schedulesRestored(s);
    batchesRestored(s);
    depthsRestored(s);
    let listed = garbage.rows;
    for (const queue of s.queues.bySerial.values()) {
      for (const count of queue.count) listed += count;
      if (queue.pending > 0) s.wake(queue);
    }
    ensure(listed === s.jobs.used, `${s.jobs.used} rows, but ${listed} in lists`);
    return h.appliedTerm;
  }

  private numbers(list: number): number[] {
    const numbers = this.lists.get(list);
    ensure(numbers !== undefined, `the snapshot lacks list ${list}`);
    return numbers;
  }

  /** Index, timers, texts and workers of each row. Whether a row is in a timer is in the page; where it is there is not. */
  private finishJobs(rows: number): void {
    const { s } = this;
    const { jobs } = s;
    jobs.restored(rows);
    for (let row = 0; row < rows; row++) {
      const state = jobs.state(row);
      if (state === 0) continue;
      const seq = jobs.seq(row);
      s.sequences.set(seq, row);
      s.arena.restoreLive(TextKind.request, row, jobs.request(row));
      if (jobs.document(row) !== 0) s.arena.restoreLive(TextKind.document, row, jobs.document(row));
      if (jobs.int(row, timerField) !== 0) {
        if (state === JobState.active) s.leases.addUnordered(row, jobs.dueMs(row), jobs.fence(row));
        else s.due.addUnordered(row, jobs.dueMs(row), seq);
      }
      if (jobs.int(row, expiryField) !== 0) s.expiries.addUnordered(row, jobs.expireMs(row), seq);
      const worker = jobs.worker(row);
      if (worker === 0) continue;
      const holder = s.workers.byNumber[worker];
      if (holder === undefined) throw new InvariantBroken(`row ${row} names worker ${worker}, which is not there`);
      holder.jobs++;
    }
    for (const queue of s.queues.byNumber) {
      for (let list = 0; queue !== undefined && list < priorities; list++) {
        for (let row = queue.head[list]; row !== -1; row = jobs.next(row)) s.tickets.set(row, queue.order(list).draw());
      }
    }
    s.leases.order();
    s.due.order();
    s.expiries.order();
  }
}
