import assert from "node:assert/strict";
import { type Suite, sampleBytes, seededRandom } from "./exercise.js";
import type { HardState, LoggedEntry, LogStore } from "./log-store.js";

/** One place where a log lives: `open` opens it again and again, after `close` or after a crash. */
export interface LogStoreUnderTest {
  open(options?: { durable?: boolean }): Promise<LogStore>;
  done?(): Promise<void>;
}

export function sampleEntry(index: number, term: number, bytes = 20): LoggedEntry {
  return { index, term, type: index % 3, data: sampleBytes(bytes, index * 1000 + term) };
}

export function sampleEntries(from: number, to: number, term: number, bytes = 20): LoggedEntry[] {
  return Array.from({ length: to - from + 1 }, (_, at) => sampleEntry(from + at, term, bytes));
}

export async function readAll(log: LogStore, from = log.firstIndex, to = log.lastIndex): Promise<LoggedEntry[]> {
  const entries: LoggedEntry[] = [];
  for await (const slice of log.read(from, to)) entries.push(...slice);
  return entries;
}

export function assertEntries(found: readonly LoggedEntry[], expected: readonly LoggedEntry[]): void {
  const plain = (entries: readonly LoggedEntry[]): string[] =>
    entries.map((entry) => `${entry.index} ${entry.term} ${entry.type} ${Buffer.from(entry.data).toString("base64")}`);
  assert.deepEqual(plain(found), plain(expected));
}

/** What every `LogStore` must do. */
export function exerciseLogStore(name: string, make: () => Promise<LogStoreUnderTest>, suite: Suite): void {
  const on = (what: string, run: (under: LogStoreUnderTest) => Promise<void>): void =>
    suite.it(what, async () => {
      const under = await make();
      try {
        await run(under);
      } finally {
        await under.done?.();
      }
    });
  suite.describe(`log store: ${name}`, () => {
    on("begins empty, before index 1", async (under) => {
      const log = await under.open();
      assert.deepEqual([log.firstIndex, log.lastIndex], [1, 0]);
      assert.equal(log.found.hardState, undefined);
      await log.close();
      const again = await under.open();
      assert.deepEqual([again.firstIndex, again.lastIndex, again.found.sealed], [1, 0, true]);
      await again.close();
    });

    on("keeps entries and hard state over a clean stop", async (under) => {
      const log = await under.open();
      await log.append({ entries: sampleEntries(1, 5, 1), hardState: { term: 1, vote: 7, commit: 0 } });
      await log.append({ entries: [], hardState: { term: 2, vote: 0, commit: 3 } });
      await log.append({ entries: sampleEntries(6, 6, 2) });
      assertEntries(await readAll(log), [...sampleEntries(1, 5, 1), ...sampleEntries(6, 6, 2)]);
      await log.close();
      const again = await under.open();
      assert.deepEqual(again.found, { firstIndex: 1, lastIndex: 6, lastTerm: 2, hardState: { term: 2, vote: 0, commit: 3 }, sealed: true });
      assertEntries(await readAll(again), [...sampleEntries(1, 5, 1), ...sampleEntries(6, 6, 2)]);
      assertEntries(await readAll(again, 3, 5), sampleEntries(3, 5, 1));
      await again.close();
    });

    on("appends that wait together are kept apart and answered in order", async (under) => {
      const log = await under.open();
      const answered: number[] = [];
      const waits = sampleEntries(1, 40, 1).map((entry) => log.append({ entries: [entry] }).then(() => answered.push(entry.index)));
      assert.equal(log.lastIndex, 40);
      assertEntries(await readAll(log, 30, 40), sampleEntries(30, 40, 1));
      await Promise.all(waits);
      assert.deepEqual(
        answered,
        sampleEntries(1, 40, 1).map((entry) => entry.index),
      );
      await log.close();
    });

    on("an entry overwrites everything from its index on, also within one group commit and over a stop", async (under) => {
      const log = await under.open();
      await log.append({ entries: sampleEntries(1, 10, 1) });
      void log.append({ entries: sampleEntries(11, 12, 1) });
      void log.append({ entries: sampleEntries(12, 13, 2) });
      await log.append({ entries: sampleEntries(8, 9, 3), hardState: { term: 3, vote: 1, commit: 7 } });
      const expected = [...sampleEntries(1, 7, 1), ...sampleEntries(8, 9, 3)];
      assert.equal(log.lastIndex, 9);
      assertEntries(await readAll(log), expected);
      await log.close();
      const again = await under.open();
      assert.deepEqual([again.found.lastIndex, again.found.lastTerm], [9, 3]);
      assertEntries(await readAll(again), expected);
      await again.append({ entries: sampleEntries(1, 2, 4) });
      assertEntries(await readAll(again), sampleEntries(1, 2, 4));
      await again.close();
    });

    on("drops what a snapshot covers and never more", async (under) => {
      const log = await under.open();
      for (let index = 1; index <= 60; index++) await log.append({ entries: [sampleEntry(index, 1, 500)], hardState: { term: 1, vote: 1, commit: index } });
      const bytes = log.bytes;
      await log.dropThrough(40);
      assert.ok(log.firstIndex <= 41 && log.firstIndex > 1, `first index is ${log.firstIndex}`);
      assert.ok(log.bytes < bytes);
      const first = log.firstIndex;
      assertEntries(await readAll(log), sampleEntries(first, 60, 1, 500));
      await log.close();
      const again = await under.open();
      assert.deepEqual([again.firstIndex, again.lastIndex, again.found.hardState?.commit], [first, 60, 60]);
      assertEntries(await readAll(again, 41), sampleEntries(41, 60, 1, 500));
      await again.dropThrough(60);
      await again.append({ entries: [sampleEntry(61, 2)] });
      await again.close();
    });

    on("starts anew behind a snapshot that was received", async (under) => {
      const log = await under.open();
      await log.append({ entries: sampleEntries(1, 10, 1), hardState: { term: 3, vote: 2, commit: 4 } });
      await log.resetTo(100, 3);
      assert.deepEqual([log.firstIndex, log.lastIndex], [101, 100]);
      await log.close();
      const again = await under.open();
      assert.deepEqual([again.firstIndex, again.lastIndex, again.found.lastTerm], [101, 100, 3]);
      assert.deepEqual([again.found.hardState?.term, again.found.hardState?.vote], [3, 2]);
      await again.append({ entries: sampleEntries(101, 103, 4) });
      assertEntries(await readAll(again), sampleEntries(101, 103, 4));
      await again.close();
      const third = await under.open();
      assertEntries(await readAll(third), sampleEntries(101, 103, 4));
      await third.close();
    });

    on("takes empty and large entries and a batch of a thousand", async (under) => {
      const log = await under.open();
      const entries = [sampleEntry(1, 1, 0), sampleEntry(2, 1, 1_500_000), ...sampleEntries(3, 1002, 1, 3)];
      await log.append({ entries });
      await log.append({ entries: [] });
      await log.close();
      const again = await under.open();
      assertEntries(await readAll(again), entries);
      await again.close();
    });

    on("reads in slices, in order", async (under) => {
      const log = await under.open();
      for (let index = 1; index <= 30; index++) await log.append({ entries: [sampleEntry(index, 1, 100_000)] });
      let next = 1;
      let slices = 0;
      for await (const slice of log.read(1, 30)) {
        slices++;
        for (const entry of slice) assert.equal(entry.index, next++);
      }
      assert.equal(next, 31);
      assert.ok(slices > 1);
      await log.close();
    });

    on("a gap is a bug of the caller", async (under) => {
      const log = await under.open();
      await log.append({ entries: sampleEntries(1, 3, 1) });
      assert.throws(() => log.append({ entries: sampleEntries(5, 5, 1) }));
      assert.throws(() => log.append({ entries: [sampleEntry(4, 1), sampleEntry(6, 1)] }));
      await assert.rejects(readAll(log, 1, 4));
      await log.close();
      await assert.rejects(log.append({ entries: sampleEntries(4, 4, 1) }));
    });

    on("without durability it promises less and keeps as much over a clean stop", async (under) => {
      const log = await under.open({ durable: false });
      for (let index = 1; index <= 50; index++) await log.append({ entries: [sampleEntry(index, 1, 300)], hardState: { term: 1, vote: 1, commit: index - 1 } });
      await log.close();
      const again = await under.open();
      assert.deepEqual(again.found.hardState, { term: 1, vote: 1, commit: 49 });
      assertEntries(await readAll(again), sampleEntries(1, 50, 1, 300));
      await again.close();
    });

    for (const seed of [1, 2, 3]) {
      on(`does what a plain list does (seed ${seed})`, (under) => compareWithList(under, seed));
    }
  });
}

async function compareWithList(under: LogStoreUnderTest, seed: number): Promise<void> {
  const random = seededRandom(seed);
  let log = await under.open();
  let first = 1;
  let list: LoggedEntry[] = [];
  let hardState: HardState | undefined;
  let term = 1;
  for (let step = 0; step < 120; step++) {
    const last = first + list.length - 1;
    const choice = random() % 20;
    if (choice < 12) {
      if (random() % 8 === 0) term++;
      const from = random() % 6 === 0 ? last - (random() % Math.min(4, last - Math.max(first, log.firstIndex) + 2)) + 1 : last + 1;
      const entries = sampleEntries(from, from + (random() % 4), term, random() % 400);
      list = [...list.slice(0, from - first), ...entries];
      if (random() % 3 === 0) hardState = { term, vote: term % 3, commit: Math.max(0, from - 1) };
      const appended = log.append({ entries, hardState });
      if (random() % 2 === 0) await appended;
    } else if (choice < 15) {
      const through = first + (random() % (list.length + 1)) - 1;
      await log.dropThrough(through);
      list = list.slice(through + 1 - first);
      first = through + 1;
    } else if (choice === 15) {
      await log.append({ entries: [] });
      const index = first + list.length + (random() % 50);
      await log.resetTo(index, term);
      first = index + 1;
      list = [];
    } else if (choice < 18) {
      await log.close();
      log = await under.open();
      assert.equal(log.found.sealed, true);
      assert.deepEqual(log.found.hardState, hardState);
      assert.equal(log.found.lastIndex, first + list.length - 1);
    } else {
      assert.ok(log.firstIndex <= first);
      assertEntries(await readAll(log, first, first + list.length - 1), list);
    }
  }
  await log.close();
}
