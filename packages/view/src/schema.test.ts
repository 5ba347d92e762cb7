import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { makeIndexes, makeTables } from "./schema.js";

test("a row is written without a tree of its own: SQLite makes one for each list of values in an index's condition", () => {
  const db = new Database(":memory:");
  makeTables(db);
  makeIndexes(db);
  const write = "INSERT INTO jobs(seq, queue, state, payload) VALUES(1, 1, 1, '') ON CONFLICT(seq) DO UPDATE SET state = excluded.state";
  const steps = db.prepare(`EXPLAIN ${write}`).all() as { opcode: string }[];
  expect(steps.map(({ opcode }) => opcode)).toContain("IdxInsert");
  expect(steps.filter(({ opcode }) => opcode === "OpenEphemeral")).toEqual([]);
});

test("the index of states has all that the condition says, and no other", () => {
  const db = new Database(":memory:");
  makeTables(db);
  makeIndexes(db);
  const add = db.prepare("INSERT INTO jobs(seq, queue, state, priority, attempt, max_retries, created, payload) VALUES(?, 1, ?, 0, 0, 0, 0, '')");
  for (let state = 1; state <= 8; state++) add.run(state, state);
  const partial = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'jobs_state'").pluck().get() as string;
  const condition = partial.slice(partial.indexOf("WHERE ") + "WHERE ".length);
  const found = db.prepare(`SELECT state FROM jobs INDEXED BY jobs_state WHERE ${condition} ORDER BY state`).pluck().all();
  expect(found).toEqual([3, 5, 6, 7, 8]);
});
