import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ArchiveSegments } from "./archive-segments.js";
import { openStorage, type Storage } from "./data-directory.js";
import { seededRandom } from "./exercise.js";
import { PlaceKeeper, sampleJob } from "./exercise-archive-store.js";
import { assertEntries, readAll, sampleEntries } from "./exercise-log-store.js";
import { putSnapshot, sampleChunks } from "./exercise-snapshot-store.js";
import { nodeDisk, thisProcess } from "./node-disk.js";
import { writeZeros } from "./segment-reader.js";
import { SimulatedDisk } from "./simulated-disk.js";
import { verifyDataDirectory } from "./verify.js";

const random = { fill: (bytes: Uint8Array) => bytes.fill(7) };

function open(disk: SimulatedDisk): Promise<Storage> {
  return openStorage({ disk, random, segmentBytes: 16_384, archiveReserveBytes: 0 });
}

/** A node that has lived a little: three log segments, two snapshots, finished archive segments. */
async function lived(clean = true): Promise<{ disk: SimulatedDisk; keeper: PlaceKeeper }> {
  const disk = new SimulatedDisk({ random: seededRandom(1) });
  const storage = await open(disk);
  await storage.space.refill();
  for (let index = 1; index <= 30; index++) {
    await storage.log.append({ entries: sampleEntries(index, index, 1, 1000), hardState: { term: 1, vote: 1, commit: index } });
  }
  const keeper = new PlaceKeeper(2500);
  await storage.archive.rewindTo({ segment: 1, offset: 0 });
  for (let seq = 1; seq <= 50; seq++) keeper.append(storage.archive, seq, sampleJob(seq));
  await storage.archive.sync();
  for (const index of [10, 20]) await putSnapshot(storage.snapshots, index, 1, sampleChunks(3, 500, index));
  if (clean) await storage.close();
  disk.crash({ keep: "all" });
  return { disk, keeper };
}

const older = "snapshots/0000000000000010-0000000001.snap";
const newer = "snapshots/0000000000000020-0000000001.snap";

/** What `repair` can mend: a name, how it is damaged, what the repair says. */
const damages: [string, (disk: SimulatedDisk) => Promise<void> | void, RegExp][] = [
  ["identity damaged", (disk) => disk.flipBit("identity", 30, 1), /written anew from the headers/],
  ["identity missing", (disk) => disk.remove("identity"), /written anew from the headers/],
  ["a slot of the hard state", (disk) => disk.flipBit("hard-state", 4096 + 9, 1), /written anew: term 1, vote 1/],
  ["the other slot", (disk) => disk.flipBit("hard-state", 9, 1), /written anew: term 1, vote 1/],
  ["a footer", (disk) => disk.flipBit("archive/0000000001.seg", disk.contentOf("archive/0000000001.seg").length - 30, 1), /made anew from/],
  ["a footer's block", (disk) => disk.flipBit("archive/0000000001.seg", disk.contentOf("archive/0000000001.seg").length - 3000, 1), /made anew from/],
  ["the newer snapshot", (disk) => disk.flipBit(newer, 5000, 1), /set aside as .*damaged: the snapshot of entry 10 is intact, and the log goes on/],
  ["the older snapshot", (disk) => disk.flipBit(older, 5000, 1), /set aside as .*damaged/],
];

describe("verify", () => {
  it("finds nothing wrong with a node that was stopped cleanly, or by kill", async () => {
    for (const clean of [true, false]) {
      const { disk } = await lived(clean);
      const changes = disk.changes;
      const report = await verifyDataDirectory(disk);
      expect(report.problems).toEqual([]);
      expect(report.log).toEqual({ firstIndex: 1, lastIndex: 30, sealed: clean });
      expect(new Set(report.files.map((file) => file.kind))).toEqual(new Set(["identity", "hard state", "log", "archive", "snapshot"]));
      expect(report.totals.records).toBeGreaterThan(30 + 50 + 6);
      expect(report.totals.problems).toBe(0);
      expect(disk.changes).toBe(changes);
    }
  });

  it("names the file, the record and its index for a flipped bit in any of them", async () => {
    const { disk } = await lived();
    const random = seededRandom(9);
    for (const path of disk.files()) {
      const bytes = disk.contentOf(path);
      for (let sample = 0; sample < 12; sample++) {
        let offset = random() % bytes.length;
        while (bytes[offset] === 0) offset = random() % bytes.length; // zeros may be padding, which holds nothing
        const broken = disk.clone();
        broken.flipBit(path, offset, random() % 8);
        const report = await verifyDataDirectory(broken);
        expect(report.problems.length, `${path} at ${offset}`).toBeGreaterThan(0);
        const [problem] = report.problems;
        expect(problem.path === path || (path.startsWith("log/") && problem.path.startsWith("log/")), `${path}: ${JSON.stringify(problem)}`).toBe(true);
        expect(problem.offset).toBeLessThanOrEqual(offset);
        expect(problem.repaired).toBeUndefined();
        for (const told of report.problems) expect([told.lost.length > 10, told.next.length > 10], JSON.stringify(told)).toEqual([true, true]);
      }
    }
  });

  it("says which record of the log is damaged", async () => {
    const { disk } = await lived();
    const path = "log/0000000002.seg";
    disk.flipBit(path, 4096 + 1100 * 2, 0);
    const report = await verifyDataDirectory(disk, { repair: true });
    expect(report.problems[0]).toMatchObject({
      path,
      record: expect.any(Number),
      index: expect.any(Number),
      what: expect.stringContaining("intact record lies behind it"),
    });
    expect(report.totals.repaired).toBe(0);
    await expect(open(disk)).rejects.toThrow(/damage, not a torn write/);
  });

  it("repairs what can be repaired, says what it did, and the node starts with everything", async () => {
    for (const [what, damage, repair] of damages) {
      const { disk, keeper } = await lived();
      await damage(disk);
      const report = await verifyDataDirectory(disk, { repair: true });
      expect(report.problems.length, what).toBe(1);
      expect(report.problems[0], what).toMatchObject({ repaired: true, repair: expect.stringMatching(repair) });
      expect((await verifyDataDirectory(disk)).problems, what).toEqual([]);
      const storage = await open(disk);
      assertEntries(await readAll(storage.log), sampleEntries(1, 30, 1, 1000));
      await storage.archive.rewindTo(keeper.end);
      await keeper.check(storage.archive);
      await storage.close();
    }
  });

  // Whoever ends a repair in the middle, by kill or by a power cut, has lost nothing by it: it is repeated, or the node starts.
  it("ended in the middle of a repair, everything is there, and the repair is repeated", async () => {
    for (const [what, damage] of damages) {
      for (const error of ["EIO", "POWER"] as const) {
        for (let change = 1, whole = false; !whole; change++) {
          const { disk, keeper } = await lived();
          await damage(disk);
          disk.crash({ keep: "all" });
          const last = disk.changes + change;
          // From this change on nothing works any more; what a process that was killed had written is there, after a power cut some of it.
          disk.fault = (operation) => (operation.change >= last ? { error, afterBytes: operation.bytes >> 1 } : undefined);
          whole = (await verifyDataDirectory(disk, { repair: true }).catch(() => undefined)) !== undefined && disk.changes < last;
          disk.fault = undefined;
          disk.crash({ keep: error === "POWER" ? "random" : "all" });
          const label = `${what}, ended by ${error} at change ${change}`;
          const report = await verifyDataDirectory(disk, { repair: true });
          expect(report.totals.problems - report.totals.repaired, `${label}: ${JSON.stringify(report.problems)}`).toBe(0);
          expect((await verifyDataDirectory(disk)).problems, label).toEqual([]);
          const storage = await open(disk);
          assertEntries(await readAll(storage.log), sampleEntries(1, 30, 1, 1000));
          await storage.archive.rewindTo(keeper.end);
          await keeper.check(storage.archive);
          await storage.close();
        }
      }
    }
  });

  it("cuts a torn end, and only that", async () => {
    const { disk } = await lived(false);
    const log = disk.files().filter((path) => path.startsWith("log/"));
    const path = log.findLast((candidate) =>
      disk
        .contentOf(candidate)
        .subarray(4096)
        .some((byte) => byte !== 0),
    )!;
    const end = disk.contentOf(path).findLastIndex((byte) => byte !== 0);
    disk.flipBit(path, end, 0);
    const looked = await verifyDataDirectory(disk);
    expect(looked.problems).toMatchObject([{ path, index: 30, what: expect.stringContaining("torn last record") }]);
    const report = await verifyDataDirectory(disk, { repair: true });
    expect(report.problems).toMatchObject([{ repaired: true, repair: expect.stringContaining("cut") }]);
    const storage = await open(disk);
    expect(storage.found.log.cut).toBeUndefined();
    assertEntries(await readAll(storage.log), sampleEntries(1, 29, 1, 1000));
    await storage.close();
  });

  it("leaves alone what it cannot repair without losing something", async () => {
    const { disk } = await lived();
    disk.flipBit("archive/0000000001.seg", 4096 + 40, 1);
    const report = await verifyDataDirectory(disk, { repair: true });
    expect(report.problems).toEqual([
      {
        path: "archive/0000000001.seg",
        record: 0,
        offset: 4096,
        what: expect.stringContaining("checksum"),
        lost: expect.stringContaining("those from this record on; the finished jobs in its first 0 records can be read"),
        next: expect.stringContaining("another member of the cluster"),
      },
    ]);
  });

  it("sets the only snapshot aside when the log goes back to the first entry, and the node starts with everything", async () => {
    const { disk, keeper } = await lived();
    await disk.remove(older);
    disk.flipBit(newer, 5000, 1);
    const looked = await verifyDataDirectory(disk);
    const place = { path: newer, record: 2, offset: expect.any(Number), index: 20 };
    expect(looked.problems).toMatchObject([
      { ...place, lost: "nothing: the log holds every entry from the first one on", next: expect.stringContaining("--repair") },
    ]);
    const { problems } = await verifyDataDirectory(disk, { repair: true });
    expect(problems).toMatchObject([{ ...place, repaired: true, repair: expect.stringContaining("every entry from the first one on") }]);
    expect((await verifyDataDirectory(disk)).problems).toEqual([]);
    const storage = await open(disk);
    expect(await storage.snapshots.list()).toEqual([]);
    assertEntries(await readAll(storage.log), sampleEntries(1, 30, 1, 1000));
    await storage.archive.rewindTo({ segment: 1, offset: 0 });
    expect(keeper.end.offset).toBeGreaterThan(0);
    await storage.close();
  });

  /** A node that has lived, with a log that does not go back to the first entry. */
  async function compacted(): Promise<SimulatedDisk> {
    const { disk } = await lived();
    const storage = await open(disk);
    await storage.log.dropThrough(20);
    expect(storage.log.firstIndex).toBeGreaterThan(1);
    expect(storage.log.firstIndex).toBeLessThanOrEqual(21);
    await storage.close();
    return disk;
  }

  it("says why a damaged snapshot is not set aside: nothing else holds what it held", async () => {
    const { disk } = await lived();
    disk.flipBit(newer, 5000, 1);
    const cases: [string, SimulatedDisk, RegExp][] = [];
    const both = await compacted();
    for (const path of [older, newer]) both.flipBit(path, 5000, 1);
    cases.push([
      "both are damaged",
      both,
      /the state up to entry 20: the log, which could make it again, begins at entry \d+, and no other snapshot is intact/,
    ]);
    const log = disk.clone();
    log.flipBit("log/0000000002.seg", 4096 + 1100 * 2, 0);
    cases.push(["the log is damaged too", log, /the state up to entry 20: the log, which could make it again, is damaged too/]);
    for (const [name, broken, lost] of cases) {
      const changes = broken.changes;
      const { problems } = await verifyDataDirectory(broken, { repair: true });
      const refused = problems.find((problem) => problem.path === newer);
      expect(refused, name).toMatchObject({ lost: expect.stringMatching(lost), next: expect.stringContaining("restore a backup") });
      expect(refused?.repaired, name).toBeUndefined();
      expect(broken.changes, name).toBe(changes);
    }
  });

  it("misses a snapshot that the log begins behind", async () => {
    const disk = await compacted();
    for (const path of [older, newer]) await disk.remove(path);
    const { problems, log } = await verifyDataDirectory(disk, { repair: true });
    const lost = `the state up to entry ${(log?.firstIndex ?? 0) - 1}`;
    expect(problems).toMatchObject([{ path: "snapshots", index: log?.firstIndex, what: expect.stringContaining("a snapshot is missing"), lost }]);
    expect(problems[0].repaired).toBeUndefined();
  });

  it("does not take a log that ends before a snapshot for whole, nor its last record for torn", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(3) });
    const storage = await openStorage({ disk, random, segmentBytes: 256 * 1024, archiveReserveBytes: 0 });
    for (let index = 1; index <= 30; index++)
      await storage.log.append({ entries: sampleEntries(index, index, 1, 1000), hardState: { term: 1, vote: 1, commit: index } });
    await putSnapshot(storage.snapshots, 20, 1, sampleChunks(3, 500, 20));
    disk.crash({ keep: "all" });
    expect((await verifyDataDirectory(disk)).problems).toEqual([]);
    const path = "log/0000000001.seg";
    const end = disk.contentOf(path).findLastIndex((byte) => byte !== 0) + 1;
    const file = await disk.open(path, "write");
    let from = Math.floor((4096 + end) / 2);
    for (const where of ["inside a record", "between two"]) {
      await writeZeros(file, from, end);
      const changes = disk.changes;
      const { problems, log, totals } = await verifyDataDirectory(disk, { repair: true });
      expect(log?.lastIndex, where).toBeLessThan(20);
      expect(problems, where).toMatchObject([
        {
          path,
          record: expect.any(Number),
          what: expect.stringContaining(`the log ends at entry ${log?.lastIndex}, and ${newer} was made of entries up to 20`),
          lost: expect.stringContaining("what was acknowledged after that snapshot, which holds everything up to entry 20"),
          next: expect.stringContaining("--durable=false"),
        },
      ]);
      expect([totals.repaired, disk.changes], where).toEqual([0, changes]);
      expect(problems[0].what.includes("this is no torn last record"), where).toBe(where === "inside a record");
      from = problems[0].offset;
    }
    await file.close();
  });

  it("does not take for damage what a power cut may leave of an archive that was not synced", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new SimulatedDisk({ random: seededRandom(seed) });
      const storage = await open(disk);
      await storage.archive.rewindTo({ segment: 1, offset: 0 });
      const keeper = new PlaceKeeper(3000);
      for (let seq = 1; seq <= 20; seq++) keeper.append(storage.archive, seq, sampleJob(seq));
      const place = keeper.end;
      for (let seq = 21; seq <= 40; seq++) keeper.append(storage.archive, seq, sampleJob(seq));
      await storage.archive.sync();
      await storage.archive.close();
      const archive = await ArchiveSegments.open({ disk, identity: storage.identity, reserveBytes: 0 });
      await archive.rewindTo(place);
      keeper.rewindTo(place);
      for (let seq = 21; seq <= 60; seq++) keeper.append(archive, seq, sampleJob(seq));
      await archive.close();
      disk.crash();
      expect((await verifyDataDirectory(disk)).problems, `seed ${seed}`).toEqual([]);
    }
  });

  it("refuses while a server runs, and checks either log on a real disk", async () => {
    for (const logBackend of ["segments", "level"] as const) {
      const root = await mkdtemp(join(tmpdir(), "corvo-verify-"));
      const storage = await openStorage({
        disk: nodeDisk(root),
        random,
        logBackend,
        levelPath: join(root, "log-level"),
        segmentBytes: 65_536,
        archiveReserveBytes: 0,
        holder: thisProcess,
      });
      await storage.log.append({ entries: sampleEntries(1, 9, 1) });
      await expect(verifyDataDirectory(root)).rejects.toThrow(/in use by process/);
      await storage.close();
      const report = await verifyDataDirectory(root, { repair: true });
      expect(report.problems).toEqual([]);
      expect(report.log).toEqual({ firstIndex: 1, lastIndex: 9, sealed: true });
      await rm(root, { recursive: true });
    }
  });

  it("says so when there is nothing", async () => {
    const report = await verifyDataDirectory(new SimulatedDisk({ random: seededRandom(1) }));
    expect(report.problems).toMatchObject([{ path: "identity", what: expect.stringContaining("missing") }]);
  });
});
