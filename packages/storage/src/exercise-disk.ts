import assert from "node:assert/strict";
import type { Disk } from "./disk.js";
import { readWholeFile, writeWholeFile } from "./disk.js";
import { type Suite, sampleBytes } from "./exercise.js";

/** What every `Disk` must do. `make` gives an empty one. */
export function exerciseDisk(name: string, make: () => Promise<{ disk: Disk; done?: () => Promise<void> }>, suite: Suite): void {
  const on = (what: string, run: (disk: Disk) => Promise<void>): void =>
    suite.it(what, async () => {
      const { disk, done } = await make();
      try {
        await run(disk);
      } finally {
        await done?.();
      }
    });
  suite.describe(`disk: ${name}`, () => {
    on("reads what was written, in the pool and on the calling thread", async (disk) => {
      const file = await disk.open("a", "create");
      file.writeSync([sampleBytes(3, 1), new Uint8Array(0), sampleBytes(5, 2)], 0);
      await file.write([sampleBytes(700, 3), sampleBytes(1, 4)], 8);
      const expected = [...sampleBytes(3, 1), ...sampleBytes(5, 2), ...sampleBytes(700, 3), ...sampleBytes(1, 4)];
      assert.deepEqual([...(await file.read(0, 4096))], expected);
      assert.deepEqual([...file.readSync(8, 700)], [...sampleBytes(700, 3)]);
      assert.equal(await file.size(), 709);
      await file.sync();
      file.syncNow();
      await file.close();
      assert.deepEqual([...((await readWholeFile(disk, "a")) ?? [])], expected);
    });

    on("reads less at the end and nothing behind it", async (disk) => {
      const file = await disk.open("a", "create");
      file.writeSync([sampleBytes(10, 1)], 0);
      assert.equal((await file.read(6, 100)).length, 4);
      assert.equal((await file.read(10, 100)).length, 0);
      assert.equal(file.readSync(1000, 1).length, 0);
      await file.close();
    });

    on("a gap reads as zeros; truncation cuts and extends", async (disk) => {
      const file = await disk.open("a", "create");
      await file.write([sampleBytes(4, 1)], 1000);
      assert.ok((await file.read(0, 1000)).every((byte) => byte === 0));
      await file.truncate(1002);
      await file.truncate(1010);
      assert.deepEqual([...(await file.read(1000, 100))], [...sampleBytes(2, 1), 0, 0, 0, 0, 0, 0, 0, 0]);
      await file.close();
    });

    on("what a read returned does not change with the file", async (disk) => {
      const file = await disk.open("a", "create");
      file.writeSync([sampleBytes(64, 1)], 0);
      const before = await file.read(0, 64);
      file.writeSync([sampleBytes(64, 2)], 0);
      assert.deepEqual([...before], [...sampleBytes(64, 1)]);
      await file.close();
    });

    on("create fails where something exists, write and read where nothing does", async (disk) => {
      await (await disk.open("a", "create")).close();
      await assert.rejects(disk.open("a", "create"), { code: "EEXIST" });
      await assert.rejects(disk.open("b", "write"), { code: "ENOENT" });
      await assert.rejects(disk.open("b", "read"), { code: "ENOENT" });
      await assert.rejects(disk.open("no/b", "create"), { code: "ENOENT" });
      await assert.rejects(disk.remove("b"), { code: "ENOENT" });
      await assert.rejects(disk.rename("b", "c"), { code: "ENOENT" });
    });

    on("a file opened for reading cannot be written", async (disk) => {
      await (await disk.open("a", "create")).close();
      const file = await disk.open("a", "read");
      await assert.rejects(file.write([sampleBytes(1, 1)], 0), { code: "EBADF" });
      assert.throws(() => file.writeSync([sampleBytes(1, 1)], 0), { code: "EBADF" });
      await file.close();
    });

    on("lists names sorted; directories nest and may be made twice", async (disk) => {
      await disk.makeDirectory("d/e");
      await disk.makeDirectory("d");
      for (const name of ["d/z", "d/a", "d/e/inner"]) await (await disk.open(name, "create")).close();
      assert.deepEqual(await disk.list("d"), ["a", "e", "z"]);
      assert.deepEqual(await disk.list("d/e"), ["inner"]);
      assert.deepEqual(await disk.list("nowhere"), []);
      assert.ok((await disk.list("")).includes("d"));
      await disk.syncDirectory("d");
      await disk.syncDirectory("");
    });

    on("rename replaces, remove leaves open files usable", async (disk) => {
      await writeWholeFile(disk, "a", sampleBytes(5, 1));
      await writeWholeFile(disk, "b", sampleBytes(5, 2));
      await disk.rename("a", "b");
      assert.deepEqual([...((await readWholeFile(disk, "b")) ?? [])], [...sampleBytes(5, 1)]);
      assert.equal(await disk.exists("a"), false);
      const file = await disk.open("b", "write");
      await disk.remove("b");
      assert.equal(await readWholeFile(disk, "b"), undefined);
      file.writeSync([sampleBytes(2, 9)], 0);
      assert.deepEqual([...(await file.read(0, 2))], [...sampleBytes(2, 9)]);
      await file.close();
    });

    on("many buffers in one write arrive in order", async (disk) => {
      const file = await disk.open("a", "create");
      const buffers = Array.from({ length: 2500 }, (_, at) => sampleBytes(at % 7, at));
      const expected = buffers.flatMap((buffer) => [...buffer]);
      file.writeSync(buffers, 0);
      await file.write(buffers, expected.length);
      assert.deepEqual([...(await file.read(0, 1 << 20))], [...expected, ...expected]);
      await file.close();
    });

    on("knows how much room is left", async (disk) => {
      assert.ok((await disk.freeBytes()) > 0);
    });
  });
}
