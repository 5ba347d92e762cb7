import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "./exercise.js";
import { exerciseDisk } from "./exercise-disk.js";
import { nodeDisk, writeRestSync } from "./node-disk.js";
import { SimulatedDisk } from "./simulated-disk.js";

const suite = { describe, it };

exerciseDisk(
  "node",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "corvo-disk-"));
    return { disk: nodeDisk(root), done: () => rm(root, { recursive: true }) };
  },
  suite,
);
exerciseDisk("simulated", async () => ({ disk: new SimulatedDisk({ random: seededRandom(1) }) }), suite);

describe("node disk", () => {
  it("goes on behind a short write, and gives up when the disk takes nothing", () => {
    const taken: number[][] = [];
    const writev = (limit: number) => (buffers: readonly Uint8Array[], position: number) => {
      const bytes = buffers.flatMap((buffer) => [...buffer]).slice(0, limit);
      taken.push([position, ...bytes]);
      return bytes.length;
    };
    writeRestSync(writev(4), [Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4), Uint8Array.of(5, 6)], 100, 0);
    expect(taken).toEqual([
      [100, 1, 2, 3, 4],
      [104, 5, 6],
    ]);
    expect(() => writeRestSync(writev(0), [Uint8Array.of(1)], 0, 0)).toThrow("took no byte");
  });

  it("never leaves its root", async () => {
    await expect(nodeDisk(tmpdir()).open("../etc/passwd", "read")).rejects.toThrow("leaves the data directory");
    await expect(nodeDisk(tmpdir()).exists("/etc")).rejects.toThrow("leaves the data directory");
  });
});

describe("simulated disk", () => {
  const made = async (seed = 1) => {
    const disk = new SimulatedDisk({ random: seededRandom(seed) });
    await disk.makeDirectory("d");
    await disk.syncDirectory("");
    const file = await disk.open("d/a", "create");
    return { disk, file };
  };

  it("loses names that were not synced and bytes that were not synced", async () => {
    const { disk, file } = await made();
    file.writeSync([new Uint8Array(1000).fill(1)], 0);
    await file.sync();
    disk.crash({ keep: "none" });
    expect(disk.files()).toEqual([]);
    const kept = await made();
    kept.file.writeSync([new Uint8Array(1000).fill(1)], 0);
    await kept.file.sync();
    await kept.disk.syncDirectory("d");
    kept.file.writeSync([new Uint8Array(1000).fill(2)], 500);
    kept.disk.crash({ keep: "none" });
    expect([...kept.disk.contentOf("d/a")]).toEqual([...new Uint8Array(1000).fill(1)]);
    await expect(kept.file.sync()).rejects.toMatchObject({ code: "POWER" });
  });

  it("keeps a random part of unsynced sectors, the same for the same seed", async () => {
    const run = async (seed: number) => {
      const { disk, file } = await made(seed);
      await disk.syncDirectory("d");
      await file.write([new Uint8Array(16 * 512).fill(1)], 0);
      await file.sync();
      file.writeSync([new Uint8Array(16 * 512).fill(2)], 0);
      disk.crash();
      return Buffer.from(disk.contentOf("d/a")).toString("hex");
    };
    expect(await run(5)).toBe(await run(5));
    const outcomes = new Set(await Promise.all([1, 2, 3, 4, 5, 6].map(run)));
    expect(outcomes.size).toBeGreaterThan(3);
    expect([...outcomes].some((hex) => hex.includes("01") && hex.includes("02"))).toBe(true);
  });

  it("a sync that fails and marks clean loses its pages although the next sync succeeds", async () => {
    const { disk, file } = await made();
    await disk.syncDirectory("d");
    file.writeSync([new Uint8Array(512).fill(7)], 0);
    disk.fault = (operation) => (operation.kind === "sync" ? { error: "EIO", marksClean: true } : undefined);
    await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
    disk.fault = undefined;
    await file.sync();
    disk.crash({ keep: "none" });
    expect([...disk.contentOf("d/a")].every((byte) => byte === 0)).toBe(true);
  });

  it("is full when it is full, overwriting still goes, removing gives room back", async () => {
    const { disk, file } = await made();
    disk.capacityBytes = 1000;
    expect(() => file.writeSync([new Uint8Array(1500).fill(3)], 0)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    expect(await file.size()).toBe(1000);
    file.writeSync([new Uint8Array(1000).fill(4)], 0);
    expect(await disk.freeBytes()).toBe(0);
    await disk.remove("d/a");
    expect(await disk.freeBytes()).toBe(1000);
  });

  it("what is written while a sync is under way is not covered by it", async () => {
    const { disk, file } = await made();
    await disk.syncDirectory("d");
    file.writeSync([new Uint8Array(512).fill(1)], 0);
    let release = () => {};
    disk.delay = (operation) => (operation.kind === "sync" ? new Promise((resolve) => (release = resolve)) : undefined);
    const synced = file.sync();
    file.writeSync([new Uint8Array(512).fill(2)], 0);
    release();
    await synced;
    disk.delay = undefined;
    disk.crash({ keep: "none" });
    expect([...disk.contentOf("d/a")].every((byte) => byte === 1)).toBe(true);
  });

  it("nothing works between the power cut and the restart", async () => {
    const { disk, file } = await made();
    disk.fault = (operation) => (operation.kind === "write" ? { error: "POWER", afterBytes: 3 } : undefined);
    expect(() => file.writeSync([new Uint8Array(10)], 0)).toThrow(expect.objectContaining({ code: "POWER" }));
    disk.fault = undefined;
    await expect(disk.list("d")).rejects.toMatchObject({ code: "POWER" });
    disk.crash();
    await disk.list("d");
  });
});

it("directories are made with those above them; one that cannot be made is an error and no endless attempt", async () => {
  const root = await mkdtemp(join(tmpdir(), "corvo-disk-"));
  try {
    await nodeDisk(join(root, "a", "b")).makeDirectory("c");
    await nodeDisk(join(root, "a", "b")).makeDirectory("c");
    expect((await stat(join(root, "a", "b", "c"))).isDirectory()).toBe(true);
    await writeFile(join(root, "file"), "");
    await expect(nodeDisk(join(root, "file")).makeDirectory("")).rejects.toThrow("EEXIST");
    await expect(nodeDisk(join(root, "file", "x")).makeDirectory("")).rejects.toThrow("ENOTDIR");
    if (existsSync("/proc/self")) await expect(nodeDisk("/proc/no-such-place/x").makeDirectory("")).rejects.toThrow("ENOENT");
  } finally {
    await rm(root, { recursive: true });
  }
});
