import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openStorage, type Storage, type StorageOptions } from "./data-directory.js";
import { seededRandom } from "./exercise.js";
import { assertEntries, readAll, sampleEntries } from "./exercise-log-store.js";
import { putSnapshot, sampleChunks } from "./exercise-snapshot-store.js";
import type { Holder } from "./lock.js";
import { nodeDisk, thisProcess } from "./node-disk.js";
import { SimulatedDisk } from "./simulated-disk.js";

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true });
});

function chance(seed: number): { fill(bytes: Uint8Array): void } {
  const random = seededRandom(seed);
  return {
    fill: (bytes) => {
      for (let at = 0; at < bytes.length; at++) bytes[at] = random();
    },
  };
}

function open(disk: SimulatedDisk, more: Partial<StorageOptions> = {}): Promise<Storage> {
  return openStorage({ disk, random: chance(1), segmentBytes: 16_384, archiveReserveBytes: 0, ...more });
}

describe("data directory", () => {
  it("is made once and keeps its identity", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    const storage = await open(disk);
    expect(storage.found.fresh).toBe(true);
    expect(storage.identity).toMatchObject({ nodeId: 1, shard: 0, log: "segments", clusterId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    await storage.log.append({ entries: sampleEntries(1, 3, 1) });
    await storage.close();
    const again = await open(disk, { random: chance(2), identity: { nodeId: 1 } });
    expect(again.identity).toEqual(storage.identity);
    expect(again.found).toMatchObject({ fresh: false, log: { lastIndex: 3, sealed: true } });
    await again.close();
    await expect(open(disk, { identity: { nodeId: 2 } })).rejects.toThrow(/belongs to nodeId 1, not 2/);
    await expect(open(disk, { identity: { clusterId: "00".repeat(16) } })).rejects.toThrow(/belongs to clusterId/);
    await expect(open(disk, { logBackend: "level" })).rejects.toThrow(/kept in segments/);
  });

  it("is whole or nothing when the power goes while it is made", async () => {
    const whole = new SimulatedDisk({ random: seededRandom(1) });
    await (await open(whole)).close();
    for (let cut = 1; cut <= whole.changes; cut++) {
      const disk = new SimulatedDisk({ random: seededRandom(cut) });
      disk.fault = (operation) => (operation.change === cut && operation.kind !== "read" ? { error: "POWER" } : undefined);
      await open(disk)
        .then((storage) => storage.close())
        .catch((error) => expect(error).toMatchObject({ code: "POWER" }));
      disk.fault = undefined;
      disk.crash();
      const storage = await open(disk, { random: chance(7) });
      await storage.log.append({ entries: sampleEntries(1, 1, 1) });
      await storage.close();
      const again = await open(disk);
      assertEntries(await readAll(again.log), sampleEntries(1, 1, 1));
      await again.close();
    }
  });

  it("refuses a directory that lost a part (F6)", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    const storage = await open(disk);
    await storage.log.append({ entries: sampleEntries(1, 3, 1) });
    await putSnapshot(storage.snapshots, 2, 1, sampleChunks(1, 100, 1));
    await storage.archive.rewindTo({ segment: 1, offset: 0 });
    storage.archive.append({ segment: 1, offset: 0 }, 1, new Uint8Array(10));
    await storage.archive.sync();
    await storage.close();
    for (const path of ["identity", "hard-state", "log/0000000001.seg"]) {
      const broken = disk.clone();
      await broken.remove(path);
      await expect(open(broken), path).rejects.toThrow(/missing/);
    }
    for (const kept of ["snapshots/", "archive/", "log/"]) {
      const broken = disk.clone();
      for (const path of broken.files()) if (!path.startsWith(kept)) await broken.remove(path);
      await expect(open(broken), kept).rejects.toThrow(/missing/);
    }
    const flipped = disk.clone();
    flipped.flipBit("identity", 20, 1);
    await expect(open(flipped)).rejects.toThrow(/identity: it does not match its checksum/);
  });

  it("reports room for log and archive together", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1), capacityBytes: 60_000 });
    const storage = await open(disk, { archiveReserveBytes: 16_384 });
    await storage.space.refill();
    expect(storage.space.pressure).not.toBe("none");
    disk.capacityBytes = 1e9;
    await storage.space.refill();
    expect(storage.space.pressure).toBe("none");
    await storage.close();
  });

  it("says once which store failed", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    const failures: string[] = [];
    const storage = await open(disk, { onFailure: (error) => failures.push(error.message) });
    await storage.space.refill();
    disk.fault = (operation) => (operation.kind === "sync" ? { error: "EIO" } : undefined);
    await expect(storage.log.append({ entries: sampleEntries(1, 1, 1) })).rejects.toThrow("EIO");
    await expect(storage.log.append({ entries: [] })).rejects.toThrow("EIO");
    expect(failures).toEqual(["EIO: log/0000000001.seg"]);
    await expect(storage.close()).rejects.toThrow("EIO");
  });

  it("works on a real disk, with either log, below a directory that does not exist yet", async () => {
    for (const logBackend of ["segments", "level"] as const) {
      const root = join(await mkdtemp(join(tmpdir(), "corvo-data-")), "a", "b");
      roots.push(join(root, "..", ".."));
      const options = {
        disk: nodeDisk(root),
        random: chance(1),
        logBackend,
        levelPath: join(root, "log-level"),
        segmentBytes: 65_536,
        archiveReserveBytes: 65_536,
        holder: thisProcess,
        monotonicMs: () => performance.now(),
      };
      const storage = await openStorage(options);
      await expect(openStorage(options)).rejects.toThrow(/in use by process/);
      await storage.log.append({ entries: sampleEntries(1, 5, 1), hardState: { term: 1, vote: 1, commit: 0 } });
      expect(storage.log.counters).toMatchObject({ appends: 1, batches: 1, entries: 5 });
      expect(storage.log.counters.syncMsCounts.reduce((sum, count) => sum + count, 0)).toBe(1);
      await storage.close();
      const again = await openStorage(options);
      assertEntries(await readAll(again.log), sampleEntries(1, 5, 1));
      await again.close();
    }
  });
});

describe("lock of a data directory", () => {
  const holder = (pid: number, running: readonly number[], started = `boot:${pid}`): Holder => ({
    pid,
    started,
    isRunning: (other, since) => running.includes(other) && (since === "" || since === `boot:${other}`),
  });

  it("keeps others out, is given back, and is taken from the dead", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    const first = await open(disk, { holder: holder(10, [10]) });
    await expect(open(disk, { holder: holder(11, [10, 11]) })).rejects.toThrow(/in use by process 10/);
    await first.close();
    await (await open(disk, { holder: holder(11, [11]) })).close();
    const left = await open(disk, { holder: holder(12, [12]) });
    const heir = await open(disk, { holder: holder(13, [13]) });
    expect(disk.files().filter((path) => path.startsWith("lock"))).toEqual(["lock"]);
    await heir.close();
    await left.log.close();
  });

  it("knows an earlier process with the same number", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    await open(disk, { holder: holder(1, [1], "boot:before") });
    await open(disk, { holder: holder(1, [1]) }); // as in a container: always process 1
    await expect(open(disk, { holder: holder(2, [1, 2]) })).rejects.toThrow(/in use/);
  });

  it("a lock that was not written whole counts for nothing", async () => {
    const root = await mkdtemp(join(tmpdir(), "corvo-data-"));
    roots.push(root);
    await writeFile(join(root, "lock"), "");
    const storage = await openStorage({ disk: nodeDisk(root), random: chance(1), segmentBytes: 16_384, archiveReserveBytes: 0, holder: thisProcess });
    expect(await readFile(join(root, "lock"), "latin1")).toMatch(new RegExp(`^${process.pid} `));
    await storage.close();
  });

  it("only one of many that start at once gets it", async () => {
    const disk = new SimulatedDisk({ random: seededRandom(1) });
    await (await open(disk)).close();
    await open(disk, { holder: holder(1, [1]) }); // dies
    const pids = [2, 3, 4, 5, 6];
    const outcomes = await Promise.allSettled(pids.map((pid) => open(disk, { holder: holder(pid, pids) })));
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled").length).toBe(1);
  });
});
