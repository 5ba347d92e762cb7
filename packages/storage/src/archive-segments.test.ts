import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ArchiveSegments } from "./archive-segments.js";
import { ArchiveDamaged, archiveRecordOverheadBytes } from "./archive-store.js";
import { sampleBytes, sampleIdentity, seededRandom } from "./exercise.js";
import { exerciseArchiveStore, PlaceKeeper, sampleJob } from "./exercise-archive-store.js";
import { DiskFull } from "./log-store.js";
import { nodeDisk } from "./node-disk.js";
import { segmentHeaderBytes } from "./segment.js";
import { SimulatedDisk } from "./simulated-disk.js";

const suite = { describe, it };

exerciseArchiveStore(
  "segments",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "corvo-archive-"));
    const disk = nodeDisk(root);
    await disk.makeDirectory("archive");
    return { open: () => ArchiveSegments.open({ disk, identity: sampleIdentity, reserveBytes: 65_536 }), done: () => rm(root, { recursive: true }) };
  },
  suite,
);
exerciseArchiveStore(
  "segments, simulated disk",
  async () => {
    const disk = await made(1);
    return { open: () => open(disk) };
  },
  suite,
);

async function made(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: seededRandom(seed) });
  await disk.makeDirectory("archive");
  await disk.syncDirectory("");
  return disk;
}

function open(disk: SimulatedDisk, more: { reserveBytes?: number; onFailure?: (error: Error) => void } = {}): Promise<ArchiveSegments> {
  return ArchiveSegments.open({ disk, identity: sampleIdentity, reserveBytes: 0, ...more });
}

async function filled(seed: number, jobs: number, segmentBytesMax: number): Promise<{ disk: SimulatedDisk; keeper: PlaceKeeper }> {
  const disk = await made(seed);
  const store = await open(disk);
  await store.rewindTo({ segment: 1, offset: 0 });
  const keeper = new PlaceKeeper(segmentBytesMax);
  for (let seq = 1; seq <= jobs; seq++) keeper.append(store, seq, sampleJob(seq));
  await store.sync();
  await store.close();
  disk.crash({ keep: "all" });
  return { disk, keeper };
}

describe("archive segments", () => {
  it("have everything that was synced when the power goes at any write, sync or name; replay does the rest", async () => {
    const work = async (disk: SimulatedDisk): Promise<{ keeper: PlaceKeeper; end: { segment: number; offset: number } }> => {
      const keeper = new PlaceKeeper(1200);
      let end = { segment: 1, offset: 0 };
      try {
        const store = await open(disk);
        await store.rewindTo(end);
        for (let round = 0; round < 5; round++) {
          for (let seq = round * 8 + 1; seq <= round * 8 + 8; seq++) keeper.append(store, seq, sampleJob(seq));
          const mark = keeper.end;
          await store.sync();
          end = mark;
        }
        await store.close();
      } catch (error) {
        expect(error).toMatchObject({ code: "POWER" });
      }
      return { keeper, end };
    };
    const whole = await made(1);
    const before = whole.changes;
    await work(whole);
    const total = whole.changes - before;
    expect(total).toBeGreaterThan(40);
    for (let cut = 1; cut <= total; cut++) {
      for (const afterBytes of cut % 2 === 0 ? [0] : [300]) {
        const disk = await made(cut);
        const start = disk.changes;
        disk.fault = (operation) => (operation.change - start === cut && operation.kind !== "read" ? { error: "POWER", afterBytes } : undefined);
        const { keeper, end } = await work(disk);
        disk.fault = undefined;
        disk.crash();
        const store = await open(disk);
        await store.rewindTo(end);
        keeper.rewindTo(end);
        await keeper.check(store);
        for (let seq = 100; seq < 110; seq++) keeper.append(store, seq, sampleJob(seq));
        await store.sync();
        await keeper.check(store);
        await store.close();
      }
    }
  });

  it("are the same on every replica, byte for byte", async () => {
    const { disk } = await filled(1, 60, 2000);
    const other = await made(2);
    const store = await ArchiveSegments.open({ disk: other, identity: { ...sampleIdentity, nodeId: 2, salt: "ff".repeat(8) }, reserveBytes: 0 });
    await store.rewindTo({ segment: 1, offset: 0 });
    const keeper = new PlaceKeeper(2000);
    for (let seq = 1; seq <= 60; seq++) {
      keeper.append(store, seq, sampleJob(seq));
      if (seq % 7 === 0) await store.sync();
    }
    await store.sync();
    await store.close();
    expect(other.files()).toEqual(disk.files());
    for (const path of disk.files()) expect(Buffer.from(other.contentOf(path)).equals(disk.contentOf(path)), path).toBe(true);
  });

  it("never answer wrongly after one flipped bit: refused by name, or the footer is made anew (F5)", async () => {
    const { disk, keeper } = await filled(1, 60, 3000);
    const random = seededRandom(11);
    const latest = new Map(keeper.written.map((written) => [written.seq, written]));
    const seen = { refusedAtOpen: 0, refused: 0, right: 0 };
    for (const path of disk.files().filter((name) => name.endsWith(".seg"))) {
      const size = disk.contentOf(path).length;
      for (let sample = 0; sample < 40; sample++) {
        const broken = disk.clone();
        broken.flipBit(path, sample < 30 ? segmentHeaderBytes + (random() % (size - segmentHeaderBytes)) : random() % size, random() % 8);
        const store = await open(broken);
        try {
          await store.rewindTo(keeper.end);
        } catch (error) {
          expect(error).toBeInstanceOf(ArchiveDamaged);
          seen.refusedAtOpen++;
          continue;
        }
        for (const { place, seq, bytes } of latest.values()) {
          const found = await store.find(seq).catch((error) => {
            expect(error).toBeInstanceOf(ArchiveDamaged);
            return "damaged" as const;
          });
          if (found === "damaged") {
            seen.refused++;
            continue;
          }
          expect(found?.place).toEqual(place);
          expect(Buffer.from(found!.bytes).equals(bytes)).toBe(true);
          seen.right++;
        }
        await store.sync(); // damage that a reader found does not stop the archive
        await store.close();
      }
    }
    expect(seen.refusedAtOpen).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.right).toBeGreaterThan(1000);
  });

  it("make a missing or cut-off footer anew", async () => {
    const { disk, keeper } = await filled(1, 40, 3000);
    const path = "archive/0000000001.seg";
    const size = disk.contentOf(path).length;
    const records = keeper.written.filter(({ place }) => place.segment === 1);
    const last = records[records.length - 1];
    const recordsEnd = segmentHeaderBytes + last.place.offset + archiveRecordOverheadBytes + last.bytes.length;
    for (const kept of [recordsEnd, recordsEnd + 1, recordsEnd + 23, recordsEnd + 24, recordsEnd + 500, size - 64, size - 1]) {
      const broken = disk.clone();
      await (await broken.open(path, "write")).truncate(kept);
      const store = await open(broken);
      await store.rewindTo(keeper.end);
      await keeper.check(store);
      await store.close();
      expect(Buffer.from(broken.contentOf(path)).equals(disk.contentOf(path))).toBe(true);
    }
  });

  it("refuse to open without what the snapshot relies on", async () => {
    const { disk, keeper } = await filled(1, 40, 3000);
    const path = `archive/${String(keeper.end.segment).padStart(10, "0")}.seg`;
    const missing = disk.clone();
    await missing.remove(path);
    await expect((await open(missing)).rewindTo(keeper.end)).rejects.toThrow(/segment is missing/);
    const short = disk.clone();
    await (await short.open(path, "write")).truncate(segmentHeaderBytes + keeper.end.offset - 1);
    await expect((await open(short)).rewindTo(keeper.end)).rejects.toThrow(ArchiveDamaged);
    const foreign = disk.clone();
    const store = await ArchiveSegments.open({ disk: foreign, identity: { ...sampleIdentity, clusterId: "ab".repeat(16) }, reserveBytes: 0 });
    await expect(store.rewindTo(keeper.end)).rejects.toThrow(ArchiveDamaged);
  });

  it("stop for good after a failed write or sync", async () => {
    for (const kind of ["write", "sync"] as const) {
      const disk = await made(1);
      const failures: Error[] = [];
      const store = await open(disk, { onFailure: (error) => failures.push(error) });
      await store.rewindTo({ segment: 1, offset: 0 });
      const keeper = new PlaceKeeper(5000);
      keeper.append(store, 1, sampleJob(1));
      await store.sync();
      disk.fault = (operation) => (operation.kind === kind ? { error: "EIO" } : undefined);
      keeper.append(store, 2, sampleJob(2));
      await expect(store.sync()).rejects.toMatchObject({ code: "EIO" });
      disk.fault = undefined;
      expect(() => keeper.append(store, 3, sampleJob(3))).toThrow("EIO");
      await expect(async () => store.sync()).rejects.toMatchObject({ code: "EIO" });
      await expect(store.close()).rejects.toMatchObject({ code: "EIO" });
      expect(failures.length).toBe(1);
    }
  });

  it("live on the ballast when the disk is full, and then stop with DiskFull", async () => {
    const disk = await made(1);
    const store = await open(disk, { reserveBytes: 20_000 });
    await store.refill();
    await store.rewindTo({ segment: 1, offset: 0 });
    expect(store.pressure).toBe("none");
    const keeper = new PlaceKeeper(9000);
    keeper.append(store, 1, sampleBytes(1000, 1));
    await store.sync();
    disk.capacityBytes = disk.usedBytes + 500;
    for (let seq = 2; seq < 10; seq++) keeper.append(store, seq, sampleBytes(1000, seq));
    await store.sync();
    expect(store.pressure).toBe("reserve");
    await keeper.check(store);
    await store.refill();
    expect(store.pressure).toBe("reserve"); // no room to hold back again
    disk.capacityBytes += 60_000;
    await store.refill();
    expect(store.pressure).toBe("none");
    disk.capacityBytes = disk.usedBytes;
    await expect(
      (async () => {
        for (let seq = 10; seq < 60; seq++) {
          keeper.append(store, seq, sampleBytes(1000, seq));
          await store.sync();
        }
      })(),
    ).rejects.toThrow(DiskFull);
    await expect(store.close()).rejects.toThrow(DiskFull);
  });
});
