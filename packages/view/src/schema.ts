import type BetterSqlite3 from "better-sqlite3";

export type Db = BetterSqlite3.Database;

/** Rises with each change of the tables: a file of another version is made anew. */
export const schemaVersion = 5;

/**
 * One row per job, whatever its state. `seq` rises with creation, so it is the order of creation too. Times are unix milliseconds.
 * Indexes are few: each costs about a microsecond per job (design/performance.md §4), and one with a condition nearly half of one even
 * where a job has no such value. What few jobs have and what never changes is found through `tags` instead: see `pairsOfJob`.
 */
const tables = `
CREATE TABLE facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE queues(serial INTEGER PRIMARY KEY, name TEXT NOT NULL,
  s1 INTEGER, s2 INTEGER, s3 INTEGER, s4 INTEGER, s5 INTEGER, s6 INTEGER, s7 INTEGER, s8 INTEGER);
CREATE TABLE jobs(
  seq INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  max_retries INTEGER NOT NULL,
  created INTEGER NOT NULL,
  scheduled INTEGER,
  started INTEGER,
  completed INTEGER,
  failed INTEGER,
  expires INTEGER,
  epoch INTEGER,
  segment INTEGER,
  worker TEXT,
  unique_key TEXT,
  parent TEXT,
  chain TEXT,
  chain_step INTEGER,
  batch TEXT,
  tags TEXT,
  cause TEXT,
  errors TEXT,
  payload TEXT NOT NULL
);
CREATE TABLE segments(number INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL);
CREATE TABLE blocks(low INTEGER PRIMARY KEY, high INTEGER NOT NULL, jobs INTEGER NOT NULL, gone INTEGER NOT NULL, chars INTEGER NOT NULL);
CREATE TABLE pieces(low INTEGER PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE grams(low INTEGER PRIMARY KEY, bits BLOB NOT NULL);
CREATE TABLE tags(pair TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(pair, seq)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(payload, tags, content='', contentless_delete=1, detail=none);
`;

/** States of which there is an index over all queues: held, retrying, dead, cancelled, scheduled. */
export const indexedStates: ReadonlySet<number> = new Set([3, 5, 6, 7, 8]);

/**
 * The condition of that index. One bit a state: for `state IN (…)` SQLite makes a tree of the five numbers anew for every row that it
 * writes, a third of what a job cost. A search must have the very same words for the index to be used.
 */
export const indexedStateCondition = (column: string): string => `(${[...indexedStates].reduce((bits, state) => bits | (1 << state), 0)} >> ${column}) & 1`;

const indexes = `
CREATE INDEX jobs_queue ON jobs(queue, state);
CREATE INDEX jobs_state ON jobs(state) WHERE ${indexedStateCondition("state")};
CREATE INDEX jobs_worker ON jobs(worker) WHERE worker IS NOT NULL;
CREATE INDEX jobs_cause ON jobs(cause) WHERE cause IS NOT NULL;
`;

/** A file that was closed in order, or not at all: what a power cut leaves of it is not looked at. */
export function settings(db: Db): void {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = OFF");
  db.pragma("cache_size = -16384"); // 16 MiB: jobs come in the order of their rows, more is not faster
  db.pragma("temp_store = MEMORY");
  db.pragma("wal_autocheckpoint = 16000"); // 64 MiB: pages of indexes are written to the file once for many changes
}

export function makeTables(db: Db): void {
  db.exec(tables);
  db.prepare("INSERT INTO facts VALUES('schema', ?)").run(schemaVersion);
}

/** Apart from the tables: a view that is filled from nothing gets them at the end, which is twice as fast. */
export function makeIndexes(db: Db): void {
  db.exec(indexes);
}

export function fact(db: Db, name: string): number {
  return (db.prepare("SELECT value FROM facts WHERE name = ?").pluck().get(name) as number | undefined) ?? 0;
}

export function setFact(db: Db, name: string, value: number): void {
  db.prepare("INSERT INTO facts VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value").run(name, value);
}
