import { describe, expect, it } from "vitest";
import { openStorage, type Storage } from "./data-directory.js";
import { seededRandom } from "./exercise.js";
import { PlaceKeeper, sampleJob } from "./exercise-archive-store.js";
import { assertEntries, readAll, sampleEntries } from "./exercise-log-store.js";
import { putSnapshot, readChunks, sampleChunks } from "./exercise-snapshot-store.js";
import { type FailpointHook, storageFailpoints } from "./failpoints.js";
import { SimulatedDisk } from "./simulated-disk.js";

interface Done {
  acked: number;
  term: number;
  snapshot: number;
  archived: { segment: number; offset: number };
}

function open(disk: SimulatedDisk, failpoint?: FailpointHook): Promise<Storage> {
  return openStorage({ disk, random: { fill: (bytes) => bytes.fill(9) }, segmentBytes: 12_288, archiveReserveBytes: 0, failpoint });
}

/** A small life of a node; says what was promised before it ended. */
async function live(disk: SimulatedDisk, keeper: PlaceKeeper, failpoint: FailpointHook): Promise<Done> {
  const done: Done = { acked: 0, term: 0, snapshot: 0, archived: { segment: 1, offset: 0 } };
  try {
    const storage = await open(disk, failpoint);
    await storage.archive.rewindTo(done.archived);
    for (let round = 1; round <= 6; round++) {
      const from = done.acked + 1;
      await storage.log.append({ entries: sampleEntries(from, from + 2, round, 700), hardState: { term: round, vote: 1, commit: done.acked } });
      done.acked = from + 2;
      done.term = round;
      for (let seq = from; seq <= done.acked; seq++) keeper.append(storage.archive, seq, sampleJob(seq));
      const end = keeper.end;
      if (round % 2 === 1) continue;
      await storage.archive.sync();
      done.archived = end;
      await putSnapshot(storage.snapshots, done.acked, round, sampleChunks(2, 300, round));
      done.snapshot = done.acked;
      await storage.log.dropThrough(done.acked - 4);
    }
    await storage.close();
  } catch (error) {
    expect(String(error)).toMatch(/killed|POWER/);
  }
  return done;
}

describe("failpoints", () => {
  it("are all reached, and whoever dies there finds everything that was promised", async () => {
    for (const name of storageFailpoints) {
      for (let occurrence = 1; ; occurrence++) {
        const disk = new SimulatedDisk({ random: seededRandom(occurrence) });
        const keeper = new PlaceKeeper(1500);
        let reached = 0;
        const done = await live(disk, keeper, (at) => {
          if (at !== name || ++reached < occurrence) return;
          disk.fault = () => ({ error: "POWER" }); // nothing that still runs reaches the disk
          throw new Error("killed");
        });
        if (occurrence === 1) expect(reached, name).toBeGreaterThan(0);
        disk.fault = undefined;
        disk.crash({ keep: occurrence % 2 === 0 ? "all" : "random" });
        const storage = await open(disk);
        const label = `${name}, occurrence ${occurrence}`;
        expect(storage.log.lastIndex, label).toBeGreaterThanOrEqual(done.acked);
        expect(storage.log.firstIndex, label).toBeLessThanOrEqual(Math.max(1, done.acked - 3));
        const round = (index: number): number => Math.ceil(index / 3);
        const { firstIndex, lastIndex } = storage.log;
        const expected = Array.from(
          { length: lastIndex - firstIndex + 1 },
          (_, at) => sampleEntries(firstIndex + at, firstIndex + at, round(firstIndex + at), 700)[0],
        );
        assertEntries(await readAll(storage.log), expected);
        if (done.term > 0) expect(storage.found.log.hardState!.term, label).toBeGreaterThanOrEqual(done.term);
        const [newest] = await storage.snapshots.list();
        if (done.snapshot > 0) expect(newest.index, label).toBeGreaterThanOrEqual(done.snapshot);
        if (newest !== undefined) await readChunks(storage.snapshots, newest);
        await storage.archive.rewindTo(done.archived);
        keeper.rewindTo(done.archived);
        await keeper.check(storage.archive);
        await storage.close();
        if (reached < occurrence) break;
      }
    }
  });
});
