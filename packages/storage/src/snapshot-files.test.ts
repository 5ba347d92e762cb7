import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sampleIdentity, seededRandom } from "./exercise.js";
import { assertChunks, exerciseSnapshotStore, putSnapshot, readChunks, sampleChunks } from "./exercise-snapshot-store.js";
import { nodeDisk } from "./node-disk.js";
import { SimulatedDisk } from "./simulated-disk.js";
import { SnapshotFiles } from "./snapshot-files.js";
import { SnapshotDamaged } from "./snapshot-store.js";

const suite = { describe, it };

exerciseSnapshotStore(
  "files",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "corvo-snapshot-"));
    const disk = nodeDisk(root);
    await disk.makeDirectory("snapshots");
    return { open: async () => new SnapshotFiles({ disk, identity: sampleIdentity }), done: () => rm(root, { recursive: true }) };
  },
  suite,
);
exerciseSnapshotStore(
  "files, simulated disk",
  async () => {
    const disk = await made(1);
    return { open: async () => new SnapshotFiles({ disk, identity: sampleIdentity }) };
  },
  suite,
);

async function made(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: seededRandom(seed) });
  await disk.makeDirectory("snapshots");
  await disk.syncDirectory("");
  return disk;
}

describe("snapshot files", () => {
  it("keep the finished ones, whole, when the power goes at any write, sync or rename", async () => {
    const work = async (disk: SimulatedDisk): Promise<number> => {
      const store = new SnapshotFiles({ disk, identity: sampleIdentity });
      let finished = 0;
      try {
        for (const index of [10, 20, 30, 40]) {
          await putSnapshot(store, index, 1, sampleChunks(3, 900, index));
          finished = index;
          await store.prune();
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "POWER" });
      }
      return finished;
    };
    const whole = await made(1);
    const before = whole.changes;
    await work(whole);
    const total = whole.changes - before;
    expect(total).toBeGreaterThan(30);
    for (let cut = 1; cut <= total; cut++) {
      const disk = await made(cut);
      const start = disk.changes;
      disk.fault = (operation) => (operation.change - start === cut && operation.kind !== "read" ? { error: "POWER", afterBytes: 400 } : undefined);
      const finished = await work(disk);
      disk.fault = undefined;
      disk.crash();
      const store = new SnapshotFiles({ disk, identity: sampleIdentity });
      const intact: number[] = [];
      for (const snapshot of await store.list()) {
        assertChunks(await readChunks(store, snapshot), sampleChunks(3, 900, snapshot.index));
        intact.push(snapshot.index);
      }
      if (finished > 0) expect(intact, `cut ${cut}`).toContain(finished);
      if (finished > 10) expect(intact, `cut ${cut}`).toContain(finished - 10);
      await putSnapshot(store, 50, 1, sampleChunks(3, 900, 50));
      await store.prune();
      expect((await store.list()).map((snapshot) => snapshot.index)[0]).toBe(50);
    }
  });

  it("one flipped bit anywhere is found before or while it is read (F5)", async () => {
    const disk = await made(1);
    await putSnapshot(new SnapshotFiles({ disk, identity: sampleIdentity }), 10, 1, sampleChunks(3, 300, 1));
    const [path] = disk.files();
    const size = disk.contentOf(path).length;
    const random = seededRandom(3);
    for (let sample = 0; sample < 400; sample++) {
      const broken = disk.clone();
      broken.flipBit(path, sample < 300 ? 4096 + (random() % (size - 4096)) : random() % size, random() % 8);
      const store = new SnapshotFiles({ disk: broken, identity: sampleIdentity });
      const [listed] = await store.list();
      if (listed === undefined) continue;
      const chunks = await readChunks(store, listed).catch((error) => {
        expect(error).toBeInstanceOf(SnapshotDamaged);
        return undefined;
      });
      if (chunks !== undefined) assertChunks(chunks, sampleChunks(3, 300, 1)); // the bit lay in padding
    }
  });

  it("cut off anywhere, it is none", async () => {
    const disk = await made(1);
    await putSnapshot(new SnapshotFiles({ disk, identity: sampleIdentity }), 10, 1, sampleChunks(2, 200, 1));
    const [path] = disk.files();
    const size = disk.contentOf(path).length;
    for (let kept = 0; kept < size; kept += kept < 4096 ? 512 : 7) {
      const broken = disk.clone();
      await (await broken.open(path, "write")).truncate(kept);
      const store = new SnapshotFiles({ disk: broken, identity: sampleIdentity });
      for (const listed of await store.list()) await expect(readChunks(store, listed)).rejects.toThrow(SnapshotDamaged);
    }
  });

  it("a full or failing disk fails the snapshot, not more: abort gives the room back", async () => {
    for (const code of ["ENOSPC", "EIO"] as const) {
      const disk = await made(1);
      const store = new SnapshotFiles({ disk, identity: sampleIdentity });
      await putSnapshot(store, 10, 1, sampleChunks(2, 200, 10));
      const used = disk.usedBytes;
      const writer = await store.create({ index: 20, term: 1, conf: new Uint8Array(0) });
      await writer.write(new Uint8Array(10));
      disk.fault = (operation) => (operation.kind === "write" ? { error: code, afterBytes: 5 } : undefined);
      await expect(writer.write(new Uint8Array(100))).rejects.toMatchObject({ code });
      disk.fault = undefined;
      await expect(writer.write(new Uint8Array(1))).rejects.toMatchObject({ code });
      await expect(writer.finish()).rejects.toMatchObject({ code });
      await writer.abort();
      expect(disk.usedBytes).toBe(used);
      expect((await store.list()).map((snapshot) => snapshot.index)).toEqual([10]);
    }
  });
});
