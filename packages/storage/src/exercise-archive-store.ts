import assert from "node:assert/strict";
import { type ArchivePlace, type ArchiveStore, archiveRecordOverheadBytes } from "./archive-store.js";
import { type Suite, sampleBytes, seededRandom } from "./exercise.js";

export interface ArchiveStoreUnderTest {
  /** Opens the same place again; the caller rewinds it. */
  open(): Promise<ArchiveStore>;
  done?(): Promise<void>;
}

/** Decides places as the engine does. */
export class PlaceKeeper {
  readonly written: { place: ArchivePlace; seq: number; bytes: Uint8Array }[] = [];

  constructor(
    readonly segmentBytesMax: number,
    public end: ArchivePlace = { segment: 1, offset: 0 },
  ) {}

  append(store: ArchiveStore, seq: number, bytes: Uint8Array): ArchivePlace {
    const length = bytes.length + archiveRecordOverheadBytes;
    let place = this.end;
    if (place.offset > 0 && place.offset + length > this.segmentBytesMax) place = { segment: place.segment + 1, offset: 0 };
    store.append(place, seq, bytes);
    this.end = { segment: place.segment, offset: place.offset + length };
    this.written.push({ place, seq, bytes });
    return place;
  }

  /** Forgets what lies behind a place, as after a restore. */
  rewindTo(end: ArchivePlace): void {
    this.end = end;
    const kept = this.written.filter(({ place }) => place.segment < end.segment || (place.segment === end.segment && place.offset < end.offset));
    this.written.splice(0, this.written.length, ...kept);
  }

  /** Everything is where it was put, and `find` gives the latest of each job. */
  async check(store: ArchiveStore): Promise<void> {
    const latest = new Map<number, { place: ArchivePlace; bytes: Uint8Array }>();
    for (const { place, seq, bytes } of this.written) {
      assert.deepEqual(hex(await store.read(place)), hex(bytes));
      latest.set(seq, { place, bytes });
    }
    for (const [seq, { place, bytes }] of latest) {
      const found = await store.find(seq);
      assert.deepEqual(found?.place, place, `place of sequence ${seq}`);
      assert.equal(hex(found!.bytes), hex(bytes));
    }
    for (const seq of [0, 2 ** 53 - 2]) if (!latest.has(seq)) assert.equal(await store.find(seq), undefined);
    const seqs = [0, ...latest.keys(), 2 ** 53 - 2, ...latest.keys()].reverse();
    const many = await store.findMany(seqs);
    seqs.forEach((seq, i) => {
      assert.deepEqual(many[i]?.place, latest.get(seq)?.place, `place of sequence ${seq}`);
      assert.equal(many[i] && hex(many[i].bytes), latest.has(seq) ? hex(latest.get(seq)!.bytes) : undefined);
    });
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function sampleJob(seq: number, bytesMax = 300): Uint8Array {
  return sampleBytes(seededRandom(seq)() % bytesMax, seq);
}

/** What every `ArchiveStore` must do. */
export function exerciseArchiveStore(name: string, make: () => Promise<ArchiveStoreUnderTest>, suite: Suite): void {
  const on = (what: string, run: (under: ArchiveStoreUnderTest) => Promise<void>): void =>
    suite.it(what, async () => {
      const under = await make();
      try {
        await run(under);
      } finally {
        await under.done?.();
      }
    });
  const fresh = async (under: ArchiveStoreUnderTest): Promise<ArchiveStore> => {
    const store = await under.open();
    await store.rewindTo({ segment: 1, offset: 0 });
    return store;
  };
  suite.describe(`archive store: ${name}`, () => {
    on("finds records at once, after a sync, and after it is opened again", async (under) => {
      const store = await fresh(under);
      const keeper = new PlaceKeeper(4000);
      for (let seq = 1; seq <= 120; seq++) keeper.append(store, seq * 3, sampleJob(seq));
      await keeper.check(store);
      await store.sync();
      await keeper.check(store);
      assert.equal(
        store.bytes,
        keeper.written.reduce((sum, { bytes }) => sum + bytes.length + archiveRecordOverheadBytes, 0),
      );
      const bytes = store.bytes;
      await store.close();
      const again = await under.open();
      await again.rewindTo(keeper.end);
      await keeper.check(again);
      assert.equal(again.bytes, bytes);
      for (let seq = 121; seq <= 140; seq++) keeper.append(again, seq * 3, sampleJob(seq));
      await keeper.check(again);
      await again.close();
    });

    on("the latest record of a job counts, in one segment and over several", async (under) => {
      const store = await fresh(under);
      const keeper = new PlaceKeeper(2000);
      for (let round = 0; round < 6; round++) {
        for (const seq of [5, 9, 5, 2 ** 53 - 1, 2 ** 45 + round]) keeper.append(store, seq, sampleBytes(100, seq + keeper.written.length));
        await keeper.check(store);
      }
      await store.sync();
      await keeper.check(store);
      await store.close();
    });

    on("takes sequences in any order, thousands in a segment, empty and large records", async (under) => {
      const store = await fresh(under);
      const keeper = new PlaceKeeper(900_000);
      const random = seededRandom(3);
      keeper.append(store, 77, sampleBytes(300_000, 1));
      for (let count = 0; count < 9_000; count++)
        keeper.append(store, 100 + (random() % 20_000) * (count % 50 === 0 ? 2 ** 30 : 1), sampleBytes(count % 9, count));
      await store.sync();
      const probe = new PlaceKeeper(0);
      const last = new Map(keeper.written.map((written) => [written.seq, written]));
      for (const written of [...last.values()].filter((_, at) => at % 40 === 0)) probe.written.push(written);
      await probe.check(store);
      await store.close();
      const again = await under.open();
      await again.rewindTo(keeper.end);
      await probe.check(again);
      await again.close();
    });

    on("rewinds to any place it had, and replay makes the same bytes again", async (under) => {
      let store = await fresh(under);
      const keeper = new PlaceKeeper(1500);
      for (let seq = 1; seq <= 40; seq++) keeper.append(store, seq, sampleJob(seq));
      await store.sync();
      const before = keeper.written.slice();
      const ends = [keeper.end, ...before.map(({ place }) => place)];
      for (const end of [ends[0], ends[35], ends[36], ends[20], ends[21], ends[3], { segment: 1, offset: 0 }]) {
        await store.close();
        store = await under.open();
        await store.rewindTo(end);
        keeper.rewindTo(end);
        await keeper.check(store);
        for (const { seq, bytes, place } of before) {
          if (place.segment < end.segment || (place.segment === end.segment && place.offset < end.offset)) continue;
          assert.deepEqual(keeper.append(store, seq, bytes), place);
        }
        await keeper.check(store);
        await store.sync();
      }
      await store.close();
    });

    on("drops whole segments, and does not mind being told twice", async (under) => {
      const store = await fresh(under);
      const keeper = new PlaceKeeper(1000);
      for (let seq = 1; seq <= 40; seq++) keeper.append(store, seq, sampleBytes(150, seq));
      const bytes = store.bytes;
      await store.dropSegments([1, 3]);
      await store.dropSegments([1, 3, 999]);
      assert.ok(store.bytes < bytes);
      const [gone, kept] = [[1, 3], keeper.written.filter(({ place }) => ![1, 3].includes(place.segment))];
      for (const { place, seq } of keeper.written.filter(({ place }) => gone.includes(place.segment))) {
        assert.equal(await store.find(seq), undefined);
        await assert.rejects(store.read(place), { name: "ArchiveDamaged" });
      }
      keeper.written.splice(0, keeper.written.length, ...kept);
      await keeper.check(store);
      await store.sync();
      await store.close();
      const again = await under.open();
      await again.rewindTo(keeper.end);
      await keeper.check(again);
      await again.close();
    });

    on("drops the open segment too, when all of it is old; the next record begins another", async (under) => {
      let store = await fresh(under);
      const keeper = new PlaceKeeper(1000);
      for (let seq = 1; seq <= 10; seq++) keeper.append(store, seq, sampleBytes(150, seq));
      await store.sync();
      const snapshot = { ...keeper.end };
      const behind = keeper.append(store, 11, sampleBytes(10, 11));
      const { segment } = keeper.end;
      const all = Array.from({ length: segment }, (_, i) => i + 1);
      await store.dropSegments(all);
      assert.equal(await store.find(10), undefined);
      assert.equal(store.bytes, 0);
      const next = { segment: segment + 1, offset: 0 };
      store.append(next, 12, sampleBytes(10, 12));
      assert.deepEqual((await store.find(12))?.place, next);
      await store.sync();
      await store.close();

      // As a snapshot of behind it has it, and then as one of before: twice, as the power may go while it is replayed.
      store = await under.open();
      await store.rewindTo({ segment: segment + 1, offset: 24 + 10 });
      assert.deepEqual((await store.find(12))?.place, next);
      await store.close();
      for (const ends of ["early", "whole"]) {
        store = await under.open();
        await store.rewindTo(snapshot);
        store.append(behind, 11, sampleBytes(10, 11));
        if (ends === "early") {
          await store.sync();
          await store.close();
          continue;
        }
        await store.dropSegments(all);
        store.append(next, 12, sampleBytes(10, 12));
        await store.sync();
        assert.equal(await store.find(11), undefined);
        assert.deepEqual((await store.find(12))?.place, next);
        await store.close();
      }
    });

    on("begins where the engine begins, and refuses records that do not follow", async (under) => {
      const store = await under.open();
      assert.throws(() => store.append({ segment: 7, offset: 0 }, 1, sampleBytes(1, 1)));
      await store.rewindTo({ segment: 7, offset: 0 });
      const keeper = new PlaceKeeper(1000, { segment: 7, offset: 0 });
      keeper.append(store, 1, sampleBytes(30, 1));
      assert.throws(() => store.append({ segment: 7, offset: 0 }, 2, sampleBytes(1, 1)));
      assert.throws(() => store.append({ segment: 6, offset: 0 }, 2, sampleBytes(1, 1)));
      await assert.rejects(store.read({ segment: 9, offset: 0 }), { name: "ArchiveDamaged" });
      await keeper.check(store);
      await store.close();
    });
  });
}
