import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Commands, Dice } from "../../engine/test/fuzz.js";
import { Bench } from "../../engine/test/kit.js";
import { viewDigest } from "./digest.js";
import { placesOf } from "./pieces.js";
import { fact } from "./schema.js";
import { ViewStore } from "./store.js";

const seeds = process.env.SEED === undefined ? [1, 2, 3, 4] : [Number(process.env.SEED)];

for (const seed of seeds) {
  // design/reliability.md J19: the view that followed every change has the digest of one that is made anew from the state.
  test(`a view that follows random commands is the view that is made from the state (seed ${seed})`, () => {
    const dice = new Dice(seed * 7919);
    const bench = new Bench({ viewFeed: true, archiveSegmentBytesMax: 20_000, requestIdsMax: 50, workersMax: 4 });
    const commands = new Commands(dice, 60);
    const feed = bench.engine.feed!;
    const followed = ViewStore.make(new Database(":memory:"), 8);
    followed.ready();
    let compared = 0;
    for (let step = 0; step < 900; step++) {
      bench.nowMs += dice.chance(70) ? 0 : dice.below(1500);
      const given = [];
      for (let n = 1 + dice.below(3); n > 0; n--) given.push(bench.looked(commands.any()));
      bench.applyAll(given);
      commands.learn(bench.engine, bench.nowMs);
      if (!feed.packing && dice.chance(20)) feed.begin();
      // A piece at a time: what happens in between belongs to the next interval.
      if (feed.packing && dice.chance(60)) followed.apply(feed.pack(1 + dice.below(3000)).chunks);
      // At any time: jobs of an interval come in no order, and some later than others that are indexed already.
      if (dice.chance(30)) void (followed.indexWords(1 + dice.below(20)) || followed.tidy());
      if (step % 150 !== 149) continue;
      while (feed.packing) followed.apply(feed.pack(4000).chunks);
      feed.begin();
      while (feed.packing) followed.apply(feed.pack(4000).chunks);
      expect(followed.index).toBe(bench.engine.appliedIndex);
      expect(viewDigest(followed.db), `again: SEED=${seed} npx vitest run packages/view`).toBe(viewDigest(made(bench).db));
      compared++;
      while (followed.indexWords(100) || followed.tidy());
      indexed(followed);
      for (const queue of bench.engine.queues()) {
        const rows = followed.db
          .prepare("SELECT state, count(*) AS n FROM jobs j JOIN queues q ON q.serial = j.queue WHERE q.name = ? GROUP BY state")
          .all(queue.name);
        const counted = Object.fromEntries((rows as { state: number; n: number }[]).map(({ state, n }) => [state, n]));
        const { pending, active, held, completed, retrying, dead, cancelled, scheduled } = queue;
        const kept = [pending, active, held, completed, retrying, dead, cancelled, scheduled];
        expect(kept.map((_, i) => counted[i + 1] ?? 0)).toEqual(kept);
      }
    }
    expect(compared).toBe(6);
  });
}

/** Every job has its words, nothing else has, and a block that knows its text. */
function indexed({ db }: ViewStore): void {
  const jobs = db.prepare("SELECT seq, payload, tags FROM jobs ORDER BY seq").all() as { seq: number; payload: string; tags: string | null }[];
  expect(db.prepare("SELECT rowid FROM words ORDER BY rowid").pluck().all()).toEqual(jobs.map(({ seq }) => seq));
  for (const { seq, payload, tags } of jobs) {
    for (const text of [payload, tags ?? ""]) {
      const places = [...placesOf(db, text, fact(db, "words"), () => {})];
      expect(
        places.some(({ low, high }) => low <= seq && seq <= high),
        `job ${seq}: ${text}`,
      ).toBe(true);
    }
  }
  const blocks = db.prepare("SELECT b.low, b.high, (SELECT count(*) FROM jobs WHERE seq BETWEEN b.low AND b.high) AS left, jobs - gone AS told FROM blocks b");
  for (const { left, told } of blocks.all() as { left: number; told: number }[]) expect(told).toBe(left);
}

function made(bench: Bench): ViewStore {
  const feed = bench.engine.feed!;
  const store = ViewStore.make(new Database(":memory:"));
  feed.beginAll();
  while (feed.packing) {
    const range = feed.archiveRange;
    if (range !== undefined) {
      const chunks: Parameters<typeof feed.packArchived>[0] = [];
      const places = [...bench.archive.placed.keys()].map((key) => key.split(":").map(Number)).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      for (const [segment, offset] of places) feed.packArchived(chunks, { segment, offset }, bench.archive.placed.get(`${segment}:${offset}`)!);
      store.apply(chunks);
      feed.archiveDone();
    }
    store.apply(feed.pack(100_000).chunks);
  }
  store.ready();
  return store;
}
