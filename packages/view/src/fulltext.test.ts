import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { findText, type Row } from "./fulltext.js";
import { lowered } from "./piece-set.js";
import { Pieces } from "./pieces.js";
import { type Db, fact, makeIndexes, makeTables, setFact } from "./schema.js";

const seeds = process.env.SEED === undefined ? [1, 2, 3, 4] : [Number(process.env.SEED)];
/** Letters that fold and letters that do not, separators, and what UTF-16 splits. */
const letters = ["a", "b", "B", "1", "é", "İ", "Σ", "ς", "😀", "-", " ", '"'];

/** Numbers that a seed decides. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

function made(): Db {
  const db = new Database(":memory:");
  makeTables(db);
  makeIndexes(db);
  setFact(db, "words", 0);
  db.function("in_time", () => 1);
  return db;
}

function insert(db: Db, seq: number, payload: string, tags: string | null): void {
  const columns = "seq, queue, state, priority, attempt, max_retries, created, payload, tags";
  db.prepare(`INSERT INTO jobs(${columns}) VALUES(?, 1, 1, 2, 0, 3, ?, ?, ?)`).run(seq, seq, payload, tags);
}

function enterWords(db: Db, row: Row): void {
  db.prepare("INSERT INTO words(rowid, payload, tags) VALUES(?, ?, ?)").run(row.seq, row.payload, row.tags ?? "");
}

for (const seed of seeds) {
  test(`finds what a look at every job finds, whatever comes, goes, comes late and is made anew (seed ${seed})`, () => {
    const roll = dice(seed);
    const text = (max: number): string => Array.from({ length: 1 + roll(max) }, () => letters[roll(letters.length)]).join("");
    const db = made();
    let pieces = new Pieces(db, 0, 8);
    let last = 0;
    let indexed = 0;
    let blocks = 0;
    const all = (): Row[] => db.prepare("SELECT * FROM jobs ORDER BY seq DESC").all() as Row[];
    const enter = (row: Row): void => {
      enterWords(db, row);
      if (row.seq > indexed) pieces.add(row);
      else pieces.addLate(row);
    };
    const steps: (() => void)[] = [
      () => insert(db, (last += 1 + roll(2)), text(12), roll(2) === 0 ? null : text(5)),
      () => {
        const next = all().reverse();
        for (const row of next) if (row.seq > indexed && row.seq <= indexed + 8) enter(row);
        indexed = Math.max(indexed, Math.min(last, indexed + 8));
        setFact(db, "words", indexed);
      },
      () => {
        const late = 1 + roll(last + 1);
        if (late > indexed || db.prepare("SELECT 1 FROM jobs WHERE seq = ?").get(late) !== undefined) return;
        insert(db, late, text(12), null);
        enter(all().find(({ seq }) => seq === late)!);
      },
      () => {
        const rows = all();
        const from = roll(rows.length + 1);
        for (const { seq } of rows.slice(from, from + roll(4) * roll(4))) {
          db.prepare("DELETE FROM jobs WHERE seq = ?").run(seq);
          if (seq > indexed) continue;
          db.prepare("DELETE FROM words WHERE rowid = ?").run(seq);
          pieces.remove(seq);
        }
        pieces.save();
      },
      () => void pieces.tidy(),
      () => {
        if (roll(10) === 0) pieces = new Pieces(db, fact(db, "words"), 8);
      },
    ];
    for (let step = 0; step < 600; step++) {
      steps[Math.max(0, roll(steps.length + 4) - 4)]();
      if (step % 5 !== 0) continue;
      blocks = Math.max(blocks, db.prepare("SELECT count(*) FROM blocks").pluck().get() as number);
      const q = roll(3) === 0 ? text(3) : (all()[0]?.payload.slice(roll(4), 4 + roll(6)) ?? "a");
      if (q === "" || /[\ud800-\udbff]$|^[\udc00-\udfff]/.test(q)) continue;
      const limit = 1 + roll(6);
      const wish = { q, limit, scope: undefined, named: [], ofNamed: () => [], look: () => {} };
      const contains = (one: string | null): boolean => one !== null && lowered(one).includes(lowered(q));
      const rows = all();
      const byText = rows.filter((row) => contains(row.payload) || contains(row.tags)).map(({ seq }) => seq);
      const words = q.match(/[\p{L}\p{N}\p{Co}]+/gu)?.map((word) => `"${word}"`);
      const byWord = words ? (db.prepare("SELECT rowid FROM words WHERE words MATCH ?").pluck().all(words.join(" AND ")) as number[]) : [];
      const newer = byText.filter((seq) => seq > indexed);
      const expected = words && newer.length + byWord.length > 0 ? [...newer, ...byWord.sort((a, b) => b - a)] : byText;
      expect(
        findText(db, wish).map(({ seq }) => seq),
        `${JSON.stringify(q)}; again: SEED=${seed} npx vitest run packages/view`,
      ).toEqual(expected.slice(0, limit));
    }
    expect(blocks).toBeGreaterThan(2);
  });
}

test("a text that is nowhere is answered without a look at a job, and a job's piece with a look at its block", () => {
  const db = made();
  let looked = 0;
  db.function("in_time", () => {
    looked++;
    return 1;
  });
  const pieces = new Pieces(db, 0, 8);
  for (let seq = 1; seq <= 160; seq++) {
    insert(db, seq, `{"order":${1000 + seq},"to":"ada@example.com"}`, null);
    const row = { seq, payload: `{"order":${1000 + seq},"to":"ada@example.com"}`, tags: null };
    enterWords(db, row as Row);
    pieces.add(row);
  }
  setFact(db, "words", 160);
  const find = (q: string): number[] => {
    looked = 0;
    return findText(db, { q, limit: 50, scope: undefined, named: [], ofNamed: () => [], look: () => {} }).map(({ seq }) => seq);
  };
  for (const nowhere of ["absent", 'rder":99', "ada@example.org", "0b7e-11ee", "da@ex.com"]) {
    expect(find(nowhere)).toEqual([]);
    expect(looked).toBe(0);
  }
  expect(find('rder":1042')).toEqual([42]);
  expect(looked).toBe(8);
});

test("blocks that lost most of their jobs are made anew as one, and those that lost all are no more", () => {
  const db = made();
  const pieces = new Pieces(db, 0, 8);
  const count = (): unknown => db.prepare("SELECT count(*) FROM blocks").pluck().get();
  for (let seq = 1; seq <= 80; seq++) {
    insert(db, seq, `only${seq}`, null);
    pieces.add({ seq, payload: `only${seq}`, tags: null });
  }
  expect(count()).toBe(10);
  for (let seq = 1; seq <= 80; seq++) {
    if (seq > 40 && seq % 8 === 0) continue;
    db.prepare("DELETE FROM jobs WHERE seq = ?").run(seq);
    pieces.remove(seq);
  }
  pieces.save();
  while (pieces.tidy());
  expect(count()).toBe(1);
  expect(String(db.prepare("SELECT text FROM pieces").pluck().get())).toBe("\nonly48\nonly56\nonly64\nonly72\nonly80\n");
});
