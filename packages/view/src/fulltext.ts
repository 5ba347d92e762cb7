import { lowered } from "./piece-set.js";
import { placesOf } from "./pieces.js";
import { type Db, fact } from "./schema.js";

/** Columns of a job as lists and finds show it. */
export const shown =
  "j.seq, j.queue, j.state, j.priority, j.attempt, j.max_retries, j.created, j.scheduled, j.started, j.completed, j.failed, j.worker, j.unique_key, j.parent, j.chain, j.chain_step, j.batch, j.tags, j.cause, j.payload";

export interface Row {
  seq: number;
  queue: number;
  state: number;
  priority: number;
  attempt: number;
  max_retries: number;
  created: number;
  scheduled: number | null;
  started: number | null;
  completed: number | null;
  failed: number | null;
  worker: string | null;
  unique_key: string | null;
  parent: string | null;
  chain: string | null;
  chain_step: number | null;
  batch: string | null;
  tags: string | null;
  cause: string | null;
  payload: string;
  key?: number;
}

/** What is looked for. */
export interface TextWish {
  q: string;
  limit: number;
  /** Serials of the queues whose jobs count; undefined: all. */
  scope: readonly number[] | undefined;
  /** Serials of those of them that have the text in their name: all their jobs are found by it. */
  named: readonly number[];
  /** The newest jobs of `named` up to a sequence. */
  ofNamed: (upTo: number, limit: number) => Row[];
  /** Throws when there is no time left. */
  look: () => void;
}

/**
 * Jobs that have all words of a text; when there are none, those that have the text anywhere. What does not have its words in the index yet
 * is looked through first: it is the newest. A text that is nowhere is answered from the indexes.
 */
export function findText(db: Db, wish: TextWish): Row[] {
  const { q, limit } = wish;
  const indexed = fact(db, "words");
  const newer = byText(db, wish, limit, { low: indexed + 1, high: Number.MAX_SAFE_INTEGER }, true);
  if (newer.length === limit) return newer;
  const words = q.match(/[\p{L}\p{N}\p{Co}]+/gu);
  const found = words === null ? [] : byWords(db, wish, words, limit - newer.length);
  if (found.length > 0 || (words !== null && newer.length > 0)) return [...newer, ...found];
  return [...newer, ...olderByText(db, wish, indexed, limit - newer.length)];
}

function byWords(db: Db, wish: TextWish, words: readonly string[], limit: number): Row[] {
  const wanted = words.map((word) => `"${word}"`).join(" AND ");
  const scope = inQueues(wish.scope);
  return db
    .prepare(`SELECT ${shown} FROM words w CROSS JOIN jobs j ON j.seq = w.rowid WHERE w.words MATCH ? AND in_time() AND ${scope} ORDER BY w.rowid DESC LIMIT ?`)
    .all(wanted, limit) as Row[];
}

/** The newest that have the text in payload or tags, where the index of pieces says that it may be, or in their queue's name. */
function olderByText(db: Db, wish: TextWish, upTo: number, limit: number): Row[] {
  const rows: Row[] = [];
  for (const place of placesOf(db, wish.q, upTo, wish.look)) {
    rows.push(...byText(db, wish, limit - rows.length, place, false));
    if (rows.length >= limit) break;
  }
  if (wish.named.length === 0) return rows;
  const seen = new Set(rows.map((row) => row.seq));
  for (const row of wish.ofNamed(upTo, limit)) if (!seen.has(row.seq)) rows.push(row);
  return rows.sort((a, b) => b.seq - a.seq).slice(0, limit);
}

function byText(db: Db, wish: TextWish, limit: number, { low, high }: { low: number; high: number }, orNamed: boolean): Row[] {
  const scope = inQueues(wish.scope);
  const named = orNamed && wish.named.length > 0 ? `OR ${inQueues(wish.named)}` : "";
  const text = lowered(wish.q);
  return db
    .prepare(
      `SELECT ${shown} FROM jobs j WHERE j.seq BETWEEN ? AND ? AND in_time() AND ${scope} AND (instr(lower(j.payload), ?) > 0 OR instr(lower(j.tags), ?) > 0 ${named}) ORDER BY j.seq DESC LIMIT ?`,
    )
    .all(low, high, text, text, limit) as Row[];
}

function inQueues(serials: readonly number[] | undefined): string {
  return serials === undefined ? "1" : `j.queue IN (${serials.map((serial) => Math.trunc(serial)).join(", ")})`;
}
