import type BetterSqlite3 from "better-sqlite3";
import { gramsOf, hasGram, lowered, PieceSet } from "./piece-set.js";
import type { Db } from "./schema.js";

/** Jobs of one block, and characters of their text. */
const blockJobsMax = 2048;
const blockCharsMax = 1024 * 1024;

/** What has the text of a job. */
export interface Texts {
  seq: number;
  payload: string;
  tags: string | null;
}

interface Block {
  low: number;
  high: number;
}

/**
 * Which pieces of text the jobs of a block have: jobs in the order of `seq`, some thousand a block. A piece is what stands between two
 * ASCII characters that are neither letters nor digits. A text that is nowhere is in no block's pieces, and so no job need be looked at;
 * pieces are a tenth of the text, where jobs are alike. Most blocks are passed over by their grams alone, a few kilobytes each.
 *
 * Invariants: `gone` ≤ `jobs`. A block may name pieces of jobs that are gone, and never lacks one of a job that is there. Jobs that are in
 * no block are unknown: they are looked at.
 */
export class Pieces {
  private readonly blockAt: BetterSqlite3.Statement;
  private readonly putBlock: BetterSqlite3.Statement;
  private readonly putPieces: BetterSqlite3.Statement;
  private readonly putGrams: BetterSqlite3.Statement;
  private readonly addGone: BetterSqlite3.Statement;
  /** The next block while it gathers: jobs above `from`, the last one in a block. Of them `lost` are gone again. */
  private gathered = new PieceSet();
  private jobs = 0;
  private chars = 0;
  private from = 0;
  private lost = 0;
  /** Jobs that went, by the block's first sequence; not written down yet. */
  private readonly gone = new Map<number, number>();
  private last: Block = { low: 0, high: -1 };
  private maySpoil = true;

  constructor(
    private readonly db: Db,
    wordsUpTo: number,
    private readonly blockJobs = blockJobsMax,
  ) {
    this.blockAt = db.prepare("SELECT low, high FROM blocks WHERE low <= ? ORDER BY low DESC LIMIT 1");
    this.putBlock = db.prepare("INSERT INTO blocks VALUES(?, ?, ?, ?, ?)");
    this.putPieces = db.prepare("INSERT INTO pieces VALUES(?, ?)");
    this.putGrams = db.prepare("INSERT INTO grams VALUES(?, ?)");
    this.addGone = db.prepare("UPDATE blocks SET gone = gone + ? WHERE low = ?");
    this.from = db.prepare("SELECT ifnull(max(high), 0) FROM blocks").pluck().get() as number;
    const open = db.prepare("SELECT seq, payload, tags FROM jobs WHERE seq > ? AND seq <= ? ORDER BY seq");
    for (const row of open.all(this.from, wordsUpTo) as Texts[]) this.gather(row);
  }

  /** The job after all that are in. */
  add(row: Texts): void {
    this.gather(row);
    if (this.jobs >= this.blockJobs || this.chars >= blockCharsMax) this.seal(row.seq);
  }

  /** A job that comes later than some after it. */
  addLate(row: Texts): void {
    if (row.seq > this.from) return this.gather(row);
    const block = this.find(row.seq);
    const pieces = new PieceSet();
    enter(pieces, row);
    if (block === undefined) return this.put(row.seq, row.seq, 1, 0, charsOf(row), pieces);
    const { db } = this;
    const known = db.prepare("SELECT bits FROM grams WHERE low = ?").pluck().get(block.low) as Buffer;
    db.prepare("UPDATE blocks SET jobs = jobs + 1, chars = chars + ? WHERE low = ?").run(charsOf(row), block.low);
    db.prepare("UPDATE pieces SET text = CAST(text || ? AS BLOB) WHERE low = ?").run(pieces.text(), block.low);
    db.prepare("UPDATE grams SET bits = ? WHERE low = ?").run(
      pieces.grams.map((byte, at) => byte | known[at]),
      block.low,
    );
  }

  /** A job that was in goes. `save` must follow. */
  remove(seq: number): void {
    if (seq > this.from) this.lost++;
    else {
      const block = this.find(seq);
      if (block !== undefined) this.gone.set(block.low, (this.gone.get(block.low) ?? 0) + 1);
    }
  }

  /** Writes down what went, within the caller's transaction. */
  save(): void {
    if (this.gone.size === 0) return;
    for (const [low, count] of this.gone) this.addGone.run(count, low);
    this.gone.clear();
    this.last = { low: 0, high: -1 };
    this.maySpoil = true;
  }

  /** Makes one block anew of which most jobs are gone, with the ones after it as far as they fit; false: there is none. */
  tidy(): boolean {
    if (!this.maySpoil) return false;
    const { db } = this;
    const first = db.prepare("SELECT low FROM blocks WHERE gone * 2 > jobs ORDER BY low LIMIT 1").pluck().get() as number | undefined;
    this.maySpoil = first !== undefined;
    if (first === undefined) return false;
    const after = db.prepare("SELECT high, jobs - gone AS jobs, chars * (jobs - gone) / jobs AS chars FROM blocks WHERE low >= ? ORDER BY low LIMIT 64");
    let high = first - 1;
    let jobs = 0;
    let chars = 0;
    for (const block of after.all(first) as { high: number; jobs: number; chars: number }[]) {
      jobs += block.jobs;
      chars += block.chars;
      if (high >= first && (jobs > this.blockJobs || chars > blockCharsMax)) break;
      high = block.high;
    }
    this.remake(first, high);
    return true;
  }

  private remake(low: number, high: number): void {
    const { db } = this;
    const found = new PieceSet();
    let jobs = 0;
    let chars = 0;
    db.transaction(() => {
      for (const row of db.prepare("SELECT seq, payload, tags FROM jobs WHERE seq BETWEEN ? AND ?").iterate(low, high) as Iterable<Texts>) {
        enter(found, row);
        chars += charsOf(row);
        jobs++;
      }
      for (const table of ["grams", "pieces", "blocks"]) db.prepare(`DELETE FROM ${table} WHERE low BETWEEN ? AND ?`).run(low, high);
      if (jobs > 0) this.put(low, high, jobs, 0, chars, found);
    })();
    this.last = { low: 0, high: -1 };
  }

  private gather(row: Texts): void {
    enter(this.gathered, row);
    this.chars += charsOf(row);
    this.jobs++;
  }

  private seal(high: number): void {
    this.put(this.from + 1, high, this.jobs, this.lost, this.chars, this.gathered);
    this.gathered = new PieceSet();
    this.jobs = this.chars = this.lost = 0;
    this.from = high;
  }

  private put(low: number, high: number, jobs: number, gone: number, chars: number, pieces: PieceSet): void {
    this.putBlock.run(low, high, jobs, gone, chars);
    this.putPieces.run(low, pieces.text());
    this.putGrams.run(low, pieces.grams);
  }

  private find(seq: number): Block | undefined {
    if (seq >= this.last.low && seq <= this.last.high) return this.last;
    const block = this.blockAt.get(seq) as Block | undefined;
    if (block === undefined || seq > block.high) return undefined;
    this.last = block;
    return block;
  }
}

/** Ranges of `seq` up to `upTo`, the highest first, in which a text may be; nowhere else below it is. `look` is called between steps. */
export function* placesOf(db: Db, text: string, upTo: number, look: () => void): Generator<Block> {
  const { needles, grams } = wanted(text);
  const next = db.prepare("SELECT b.low, b.high, g.bits FROM blocks b JOIN grams g ON g.low = b.low WHERE b.low < ? ORDER BY b.low DESC LIMIT 1");
  const piecesAt = db.prepare("SELECT text FROM pieces WHERE low = ?").pluck();
  const mayHave = (low: number, bits: Buffer): boolean => {
    if (!grams.every((gram) => hasGram(bits, gram))) return false;
    const pieces = piecesAt.get(low) as Buffer;
    return needles.every((needle) => pieces.includes(needle));
  };
  for (let above = upTo + 1; ; ) {
    look();
    const block = next.get(above) as (Block & { bits: Buffer }) | undefined;
    const high = block?.high ?? 0;
    if (high < above - 1) yield { low: high + 1, high: above - 1 };
    if (block === undefined) return;
    if (mayHave(block.low, block.bits)) yield { low: block.low, high: block.high };
    above = block.low;
  }
}

/** What the pieces of a block have to have, the longest first, where this text is: whole pieces, but for the text's ends. */
function wanted(text: string): { needles: Buffer[]; grams: number[] } {
  const lower = lowered(text);
  const needles: string[] = [];
  const grams: number[] = [];
  for (const { 0: piece, index } of lower.matchAll(/[0-9a-z\u0080-\uffff]+/g)) {
    needles.push(`${index > 0 ? "\n" : ""}${piece}${index + piece.length < lower.length ? "\n" : ""}`);
    grams.push(...gramsOf(Buffer.from(piece)));
  }
  return { needles: needles.sort((a, b) => b.length - a.length).map((needle) => Buffer.from(needle)), grams };
}

function enter(pieces: PieceSet, { payload, tags }: Texts): void {
  pieces.add(payload);
  if (tags !== null) pieces.add(tags);
}

function charsOf({ payload, tags }: Texts): number {
  return payload.length + (tags?.length ?? 0);
}
