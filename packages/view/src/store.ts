import { FeedKind, finishedFixedBytes, JobState, liveFixedBytes, queueFixedBytes } from "@corvo/engine";
import { ArchivedJobReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import type BetterSqlite3 from "better-sqlite3";
import { factsOfDocument, factsOfRequest } from "./facts.js";
import { Pieces, type Texts } from "./pieces.js";
import { type Db, fact, makeIndexes, makeTables, setFact, settings } from "./schema.js";
import { SegmentRanges } from "./segment-ranges.js";
import { pairsOfJob, type Rare } from "./tags.js";

/** What the feed sends: records in memory that is the receiver's. */
export interface Fed {
  buffer: ArrayBuffer;
  used: number;
}

const columns = [
  "seq",
  "queue",
  "state",
  "priority",
  "attempt",
  "max_retries",
  "created",
  "scheduled",
  "started",
  "completed",
  "failed",
  "expires",
  "epoch",
  "segment",
  "worker",
  "unique_key",
  "parent",
  "chain",
  "chain_step",
  "batch",
  "tags",
  "cause",
  "errors",
  "payload",
] as const;
/** What most jobs do not have: they are written by a statement that does not name it, which saves a third of the time. */
const seldom = new Set(["scheduled", "failed", "expires", "worker", "unique_key", "parent", "chain", "chain_step", "batch", "tags", "cause", "errors"]);
const plainColumns = columns.filter((name) => !seldom.has(name));
/** Rows of one statement. */
const rowsAtOnce = 15;
/** What never changes about a job. */
const fixed = new Set(["seq", "created", "unique_key", "parent"]);

const rareColumns = "tags, unique_key, parent, chain, batch";
const archived = new ArchivedJobReader();

/**
 * The view as it is written: one connection, one transaction per message, the log index it has seen in the same one.
 * Invariant: after a message that ends an interval, `index` is that interval's, and the tables hold everything up to it.
 */
export class ViewStore {
  private readonly upsert: BetterSqlite3.Statement;
  private readonly upsertPlain: BetterSqlite3.Statement;
  private readonly upsertMany: BetterSqlite3.Statement;
  /** Values of plain rows that wait for others: one statement for many of them takes a quarter less. Empty between two `take`s. */
  private waiting: unknown[] = [];
  private readonly addPair: BetterSqlite3.Statement;
  private readonly dropPair: BetterSqlite3.Statement;
  private readonly dropJob: BetterSqlite3.Statement;
  private readonly dropWords: BetterSqlite3.Statement;
  private readonly rareOf: BetterSqlite3.Statement;
  private readonly putQueue: BetterSqlite3.Statement;
  private readonly putFact: BetterSqlite3.Statement;
  private readonly addWords: BetterSqlite3.Statement;
  private readonly hasWords: BetterSqlite3.Statement;
  private readonly segments: SegmentRanges;
  private readonly pieces: Pieces;
  private readonly names = new Map<number, string>();
  /** Jobs up to here have their words and pieces in the indexes. Invariant: wordsUpTo ≤ settled ≤ highest. */
  private wordsUpTo: number;
  /** The highest sequence at the end of the last interval: few jobs below it come later. */
  private settled: number;
  private highest: number;
  /** Log index of the last interval that is in. */
  index: number;
  /** Rows that were written, ever since it was opened. */
  written = 0;

  private constructor(
    readonly db: Db,
    blockJobs?: number,
  ) {
    this.upsert = db.prepare(upsertOf(columns));
    this.upsertPlain = db.prepare(upsertOf(plainColumns));
    this.upsertMany = db.prepare(upsertOf(plainColumns, rowsAtOnce));
    this.segments = new SegmentRanges(db);
    this.addPair = db.prepare("INSERT OR IGNORE INTO tags VALUES(?, ?)");
    this.dropPair = db.prepare("DELETE FROM tags WHERE pair = ? AND seq = ?");
    this.dropJob = db.prepare("DELETE FROM jobs WHERE seq = ?");
    this.dropWords = db.prepare("DELETE FROM words WHERE rowid = ?");
    this.addWords = db.prepare("INSERT INTO words(rowid, payload, tags) VALUES(?, ?, ?)");
    this.hasWords = db.prepare("SELECT 1 FROM words WHERE rowid = ?").pluck();
    this.rareOf = db.prepare(`SELECT ${rareColumns} FROM jobs WHERE seq = ?`);
    this.putQueue = db.prepare("INSERT OR REPLACE INTO queues VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.putFact = db.prepare("UPDATE facts SET value = ? WHERE name = ?");
    this.index = fact(db, "index");
    this.wordsUpTo = fact(db, "words");
    this.highest = this.settled = db.prepare("SELECT ifnull(max(seq), 0) FROM jobs").pluck().get() as number;
    this.pieces = new Pieces(db, this.wordsUpTo, blockJobs);
    for (const row of db.prepare("SELECT serial, name FROM queues").all() as { serial: number; name: string }[]) this.names.set(row.serial, row.name);
  }

  /** A new, empty view. Call `ready` once it holds everything. `blockJobs`: of the index of pieces, for tests. */
  static make(db: Db, blockJobs?: number): ViewStore {
    settings(db);
    db.transaction(() => {
      makeTables(db);
      for (const name of ["index", "words", "clean"]) setFact(db, name, 0);
    })();
    return new ViewStore(db, blockJobs);
  }

  /** One that was made before and was `ready`. */
  static open(db: Db): ViewStore {
    settings(db);
    setFact(db, "clean", 0);
    return new ViewStore(db);
  }

  /** The first interval of a new view is in. */
  ready(): void {
    makeIndexes(this.db);
  }

  /** Takes records; returns the log index when they end an interval. All or nothing. */
  apply(parts: readonly Fed[]): number | undefined {
    let seen: number | undefined;
    this.db.exec("BEGIN");
    try {
      for (const part of parts) seen = this.take(part) ?? seen;
      this.pieces.save();
      if (seen !== undefined) {
        this.segments.save();
        this.putFact.run(seen, "index");
      }
      this.db.exec("COMMIT");
    } catch (cause) {
      this.waiting = [];
      if (this.db.inTransaction) this.db.exec("ROLLBACK");
      throw cause;
    }
    if (seen !== undefined) {
      this.index = seen;
      this.settled = this.highest;
    }
    return seen;
  }

  private take({ buffer, used }: Fed): number | undefined {
    const f64 = new Float64Array(buffer);
    const i32 = new Int32Array(buffer);
    const bytes = Buffer.from(buffer);
    let seen: number | undefined;
    for (let at = 0; at < used; at += i32[(at >> 2) + 1]) {
      const double = (at >> 3) + 1;
      const kind = i32[at >> 2];
      if (kind !== FeedKind.live && kind !== FeedKind.finished) this.writeWaiting();
      switch (kind) {
        case FeedKind.live:
          this.live(bytes, f64, i32, at);
          break;
        case FeedKind.finished:
          this.finished(bytes, f64, i32, at);
          break;
        case FeedKind.deleted:
          this.forget(f64[double]);
          break;
        case FeedKind.clear:
          this.forgetAll("queue = ? AND state IN (1, 8) AND epoch < ?", f64[double], i32[(double << 1) + 2]);
          break;
        case FeedKind.destroy:
          this.forgetAll("queue = ?", f64[double]);
          this.db.prepare("DELETE FROM queues WHERE serial = ?").run(f64[double]);
          this.names.delete(f64[double]);
          break;
        case FeedKind.purge:
          this.purge(i32[double << 1]);
          break;
        case FeedKind.queue: {
          const start = at + queueFixedBytes;
          const name = bytes.toString("utf8", start, start + i32[(double + 9) << 1]);
          this.putQueue.run(f64[double], name, ...f64.subarray(double + 1, double + 9));
          this.names.set(f64[double], name);
          break;
        }
        case FeedKind.seen:
          seen = f64[double];
          break;
      }
    }
    this.writeWaiting();
    return seen;
  }

  private live(bytes: Buffer, f64: Float64Array, i32: Int32Array, at: number): void {
    let d = (at >> 3) + 1;
    const seq = f64[d++];
    const serial = f64[d++];
    const created = f64[d++];
    const due = f64[d++];
    const expires = f64[d++];
    const started = f64[d++];
    const failed = f64[d++];
    let w = d << 1;
    const state = i32[w++];
    const priority = i32[w++];
    const attempt = i32[w++];
    const retries = i32[w++];
    const epoch = i32[w++];
    const requestBytes = i32[w++];
    const documentBytes = i32[w++];
    const idBytes = i32[w++];
    const requestAt = at + liveFixedBytes;
    const documentAt = requestAt + requestBytes;
    const nameAt = documentAt + documentBytes;
    const worker = idBytes > 0 ? bytes.toString("utf8", nameAt, nameAt + idBytes) : null;
    this.put(bytes, requestAt, documentAt, documentAt, nameAt, {
      seq,
      serial,
      state,
      priority,
      attempt,
      retries,
      created,
      scheduled: due,
      started,
      completed: 0,
      failed,
      expires,
      epoch,
      segment: null,
      worker,
    });
  }

  private finished(bytes: Buffer, f64: Float64Array, i32: Int32Array, at: number): void {
    const w = (at >> 2) + 6;
    const start = at + finishedFixedBytes;
    const r = archived.read(bytes, start, start + i32[w + 2]);
    this.segments.add(i32[w], r.seq);
    this.put(bytes, r.requestStart, r.requestEnd, r.documentStart, r.documentEnd, {
      seq: r.seq,
      serial: f64[(at >> 3) + 2],
      state: r.state,
      priority: -1,
      attempt: r.attempt,
      retries: undefined,
      created: r.createdMs,
      scheduled: 0,
      started: r.startedMs,
      completed: r.state === JobState.completed ? r.endedMs : 0,
      failed: r.failedMs,
      expires: r.expireMs,
      epoch: null,
      segment: i32[w],
      worker: r.workerIdEnd > r.workerIdStart ? bytes.toString("utf8", r.workerIdStart, r.workerIdEnd) : null,
    });
  }

  private put(bytes: Buffer, requestStart: number, requestEnd: number, documentStart: number, documentEnd: number, row: RowFacts): void {
    const q = factsOfRequest(bytes, requestStart, requestEnd);
    const d = documentEnd > documentStart ? factsOfDocument(bytes, documentStart, documentEnd, this.names.get(row.serial) ?? "") : noDocument;
    const priority = row.priority >= 0 ? row.priority : q.priority;
    const retries = row.retries ?? q.maxRetries;
    const { seq, serial, state, attempt, created, epoch, segment, worker } = row;
    const { uniqueKey: unique_key, parent, chain, chainStep, batch, tags } = q;
    const entered = tags !== null || unique_key !== null || parent !== null || chain !== null || batch !== null;
    const started = row.started || null;
    const completed = row.completed || null;
    this.written++;
    if (seq > this.highest) this.highest = seq;
    const plain = !entered && row.scheduled + row.failed + row.expires === 0 && worker === null && d.errors === null && chainStep === null;
    if (plain && seq > this.wordsUpTo) {
      this.waiting.push(seq, serial, state, priority, attempt, retries, created, started, completed, epoch, segment, q.payload);
      if (this.waiting.length === rowsAtOnce * plainColumns.length) this.writeWaiting();
      return;
    }
    this.writeWaiting();
    const { scheduled, failed, expires } = row;
    const times = [scheduled || null, started, completed, failed || null, expires || null];
    const head = [seq, serial, state, priority, attempt, retries, created];
    const rare = [worker, unique_key, parent, chain, chainStep, batch, tags, d.cause, d.errors];
    const done = this.upsert.run(...head, ...times, epoch, segment, ...rare, q.payload);
    if (seq <= this.wordsUpTo && done.lastInsertRowid === seq) this.late({ seq, payload: q.payload.toString(), tags });
    if (entered) for (const pair of pairsOfJob({ unique_key, parent, chain, batch, tags })) this.addPair.run(pair, seq);
  }

  /** In the order in which they came: a job may wait twice. */
  private writeWaiting(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    const width = plainColumns.length;
    if (waiting.length === rowsAtOnce * width) this.upsertMany.run(waiting);
    else for (let at = 0; at < waiting.length; at += width) this.upsertPlain.run(waiting.slice(at, at + width));
  }

  /** A job that changed while an interval was packed can be new here after later ones were indexed. An update of the last new one looks the same. */
  private late(row: Texts): void {
    if (this.hasWords.get(row.seq) !== undefined) return;
    this.addWords.run(row.seq, row.payload, row.tags ?? "");
    this.pieces.addLate(row);
  }

  private forget(seq: number): void {
    const rare = this.rareOf.get(seq) as Rare | undefined;
    if (rare === undefined) return;
    for (const pair of pairsOfJob(rare)) this.dropPair.run(pair, seq);
    this.dropJob.run(seq);
    if (seq > this.wordsUpTo) return;
    this.dropWords.run(seq);
    this.pieces.remove(seq);
  }

  /** Finished jobs in archive segments up to this one are gone. */
  private purge(segment: number): void {
    const range = this.segments.take(segment);
    if (range !== undefined) this.forgetAll("seq BETWEEN ? AND ? AND segment <= ?", range.low, range.high, segment);
  }

  private forgetAll(condition: string, ...values: number[]): void {
    const { db } = this;
    const rare = db.prepare(`SELECT seq, ${rareColumns} FROM jobs WHERE ${condition} AND coalesce(${rareColumns}) IS NOT NULL`);
    for (const row of rare.all(...values) as (Rare & { seq: number })[]) for (const pair of pairsOfJob(row)) this.dropPair.run(pair, row.seq);
    const indexed = db.prepare(`SELECT seq FROM jobs WHERE ${condition} AND seq <= ?`).pluck();
    for (const seq of indexed.all(...values, this.wordsUpTo) as number[]) this.pieces.remove(seq);
    db.prepare(`DELETE FROM words WHERE rowid IN (SELECT seq FROM jobs WHERE ${condition} AND seq <= ?)`).run(...values, this.wordsUpTo);
    db.prepare(`DELETE FROM jobs WHERE ${condition}`).run(...values);
  }

  /**
   * Puts the words and pieces of some more jobs into the indexes for full text; false: there are none left. Done while nothing else is to
   * do: a job's words cost half as much again as the job. Until then it is found by its text.
   */
  indexWords(max: number): boolean {
    const { db } = this;
    const rows = db
      .prepare("SELECT seq, payload, tags FROM jobs WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?")
      .all(this.wordsUpTo, this.settled, max) as Texts[];
    if (rows.length === 0) return false;
    db.transaction(() => {
      for (const row of rows) {
        this.addWords.run(row.seq, row.payload, row.tags ?? "");
        this.pieces.add(row);
      }
      this.putFact.run(rows[rows.length - 1].seq, "words");
    })();
    this.wordsUpTo = rows[rows.length - 1].seq;
    return rows.length === max;
  }

  /** Makes the index of pieces smaller where jobs went; false: there is nothing to do. For calm moments too. */
  tidy(): boolean {
    return this.pieces.tidy();
  }

  /** Nothing is under way: the file may be used again as it is. */
  close(clean: boolean): void {
    if (clean) setFact(this.db, "clean", 1);
    this.db.close();
  }
}

function upsertOf(names: readonly string[], rows = 1): string {
  const places = `(${names.map((name) => (name === "payload" ? "CAST(? AS TEXT)" : "?")).join(", ")})`;
  const changes = columns.filter((name) => !fixed.has(name)).map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO jobs(${names.join(", ")}) VALUES${Array(rows).fill(places).join(", ")} ON CONFLICT(seq) DO UPDATE SET ${changes.join(", ")}`;
}

interface RowFacts {
  seq: number;
  serial: number;
  state: number;
  /** -1: as the request has it. */
  priority: number;
  attempt: number;
  retries: number | undefined;
  created: number;
  scheduled: number;
  started: number;
  completed: number;
  failed: number;
  expires: number;
  epoch: number | null;
  segment: number | null;
  worker: string | null;
}

const noDocument: { cause: string | null; errors: string | null } = { cause: null, errors: null };
