import { describe, expect, it } from "vitest";
import { sampleIdentity, seededRandom } from "./exercise.js";
import { assertEntries, readAll, sampleEntries, sampleEntry } from "./exercise-log-store.js";
import { DiskFull, type HardState, LogDamaged, type LoggedEntry } from "./log-store.js";
import { recordHeaderBytes, segmentHeaderBytes } from "./segment.js";
import type { SegmentLog } from "./segment-log.js";
import { createSegmentLog, openSegmentLog } from "./segment-log-open.js";
import { SimulatedDisk } from "./simulated-disk.js";

const segmentBytes = 12 * 1024;
const first = "log/0000000001.seg";

async function made(seed = 1): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: seededRandom(seed) });
  await createSegmentLog({ disk, identity: sampleIdentity, segmentBytes });
  return disk;
}

function open(disk: SimulatedDisk, more: object = {}): Promise<SegmentLog> {
  return openSegmentLog({ disk, identity: sampleIdentity, segmentBytes, ...more });
}

/** A log of `count` records that was not stopped cleanly: the end is where the power went. */
async function unsealed(count: number, bytes = 60): Promise<{ disk: SimulatedDisk; offsets: number[]; ends: number[] }> {
  const disk = await made();
  const log = await open(disk);
  await log.refill();
  const writes: { path: string; position: number; bytes: number }[] = [];
  disk.fault = (operation) => {
    if (operation.kind === "write" && operation.path.endsWith(".seg")) writes.push(operation);
    return undefined;
  };
  for (let index = 1; index <= count; index++)
    await log.append({ entries: [sampleEntry(index, 1, bytes)], hardState: { term: 1, vote: 1, commit: index - 1 } });
  disk.crash({ keep: "all" });
  disk.fault = undefined;
  const own = writes.filter((write) => write.position >= segmentHeaderBytes);
  return { disk, offsets: own.map((write) => write.position), ends: own.map((write) => write.position + write.bytes) };
}

describe("segment log: torn ends", () => {
  it("cuts the last record, torn at every byte, and keeps all before it (F4)", async () => {
    const { disk, offsets, ends } = await unsealed(4);
    const last = offsets.length - 1;
    const whole = disk.contentOf(first).slice(0, segmentBytes);
    for (let torn = offsets[last]; torn < ends[last]; torn++) {
      const broken = disk.clone();
      broken.overwrite(first, torn, new Uint8Array(ends[last] - torn));
      if (whole.subarray(torn, ends[last]).every((byte) => byte === 0)) continue;
      const log = await open(broken);
      expect(log.found.lastIndex).toBe(3);
      if (torn === offsets[last]) expect(log.found.cut).toBeUndefined();
      else expect(log.found.cut).toMatchObject({ segment: first, offset: offsets[last] });
      assertEntries(await readAll(log), sampleEntries(1, 3, 1, 60));
      await log.append({ entries: sampleEntries(4, 5, 2) });
      await log.close();
      const again = await open(broken);
      assertEntries(await readAll(again), [...sampleEntries(1, 3, 1, 60), ...sampleEntries(4, 5, 2)]);
      await again.close();
    }
  });

  it("cuts the last record when any of its sectors is missing: writes arrive in any order", async () => {
    const { disk, offsets, ends } = await unsealed(3, 2200);
    const last = offsets.length - 1;
    for (let sector = Math.floor(offsets[last] / 512); sector * 512 < ends[last]; sector++) {
      const broken = disk.clone();
      const from = Math.max(sector * 512, offsets[last]);
      broken.overwrite(first, from, new Uint8Array(Math.min((sector + 1) * 512, ends[last]) - from));
      const log = await open(broken);
      expect(log.found).toMatchObject({ lastIndex: 2, cut: { offset: offsets[last] } });
      await log.close();
      expect((await open(broken)).found.cut).toBeUndefined();
    }
  });

  it("cuts when the file ends within the last record", async () => {
    const { disk, offsets, ends } = await unsealed(3);
    for (let size = offsets[2]; size < ends[2]; size++) {
      const broken = disk.clone();
      const file = await broken.open(first, "write");
      await file.truncate(size);
      const log = await open(broken);
      expect(log.found.lastIndex).toBe(2);
      await log.append({ entries: sampleEntries(3, 3, 2) });
      await log.close();
      const again = await open(broken);
      assertEntries(await readAll(again), [...sampleEntries(1, 2, 1, 60), ...sampleEntries(3, 3, 2)]);
    }
  });

  it("refuses when an intact record lies behind the damaged one: that is no torn write", async () => {
    const { disk, offsets } = await unsealed(4);
    for (const record of [0, 1, 2]) {
      const broken = disk.clone();
      broken.overwrite(first, offsets[record], new Uint8Array(recordHeaderBytes));
      await expect(open(broken)).rejects.toThrow(LogDamaged);
      await expect(open(broken)).rejects.toThrow(`${first} at offset ${offsets[record]}: record ${record}`);
    }
  });

  it("refuses damage before a seal", async () => {
    const { disk, offsets } = await unsealed(4);
    await (await open(disk)).close();
    disk.flipBit(first, offsets[3] + recordHeaderBytes + 50, 3);
    await expect(open(disk)).rejects.toThrow(/record 3 \(index 4\).*damage, not a torn write/);
  });

  it("refuses to cut what the slot file proves to have been durable", async () => {
    const disk = await made();
    const log = await open(disk);
    await log.append({ entries: sampleEntries(1, 1, 1), hardState: { term: 1, vote: 1, commit: 0 } });
    await log.append({ entries: sampleEntries(2, 2, 9), hardState: { term: 9, vote: 2, commit: 0 } });
    disk.crash({ keep: "all" });
    const tail = disk.contentOf(first).findLastIndex((byte) => byte !== 0);
    disk.flipBit(first, tail, 0);
    await expect(open(disk)).rejects.toThrow(/hard-state.*lost a record that was durable/);
  });
});

describe("segment log: bit rot and foreign files (F5, F6)", () => {
  it("one flipped bit anywhere is refused, cut with a report, or harmless; never a wrong answer", async () => {
    const { disk } = await unsealed(70, 300);
    const files = disk.files();
    expect(files.filter((name) => name.endsWith(".seg")).length).toBeGreaterThan(3);
    const expected = sampleEntries(1, 70, 1, 300);
    const random = seededRandom(7);
    const seen = { refused: 0, cut: 0, harmless: 0 };
    for (const path of files) {
      const size = disk.contentOf(path).length;
      for (let sample = 0; sample < 60; sample++) {
        const [offset, bit] = [random() % size, random() % 8];
        const broken = disk.clone();
        broken.flipBit(path, offset, bit);
        let log: SegmentLog;
        try {
          log = await open(broken);
        } catch (error) {
          expect(error, `${path} at ${offset} bit ${bit}`).toBeInstanceOf(LogDamaged);
          seen.refused++;
          continue;
        }
        const found = await readAll(log);
        assertEntries(found, expected.slice(0, found.length));
        expect(found.length, `${path} at ${offset} bit ${bit}`).toBeGreaterThanOrEqual(log.found.cut === undefined ? 70 : 69);
        expect(log.found.hardState).toMatchObject({ term: 1, vote: 1 });
        if (log.found.cut === undefined) seen.harmless++;
        else seen.cut++;
      }
    }
    expect(seen.refused).toBeGreaterThan(50);
    expect(seen.harmless).toBeGreaterThan(50);
  });

  it("damage that comes while it runs is found by the read", async () => {
    const { disk } = await unsealed(3);
    const log = await open(disk);
    disk.flipBit(first, segmentHeaderBytes + recordHeaderBytes + 70, 1);
    await expect(readAll(log)).rejects.toThrow(LogDamaged);
  });

  it("refuses a missing segment, a segment of another cluster, node or place, an old copy", async () => {
    const { disk } = await unsealed(60, 300);
    const second = "log/0000000002.seg";
    const without = async (path: string) => {
      const broken = disk.clone();
      await broken.remove(path);
      return broken;
    };
    await expect(open(await without(second))).rejects.toThrow(/0000000002.seg is missing/);
    const segments = disk.files().filter((name) => name.endsWith(".seg"));
    const all = await without(segments[2]);
    for (const path of segments.slice(3)) await all.remove(path);
    await expect(open(all)).rejects.toThrow(/goes on in it/);
    await expect(open(await without("hard-state"))).rejects.toThrow(/hard-state.*missing/);
    for (const other of [{ clusterId: "ff".repeat(16) }, { nodeId: 2 }, { shard: 1 }, { salt: "00".repeat(8) }]) {
      await expect(openSegmentLog({ disk: disk.clone(), identity: { ...sampleIdentity, ...other }, segmentBytes })).rejects.toThrow(/belongs to another file/);
    }
    const swapped = disk.clone();
    swapped.overwrite(second, 0, disk.contentOf(first));
    await expect(open(swapped)).rejects.toThrow(/belongs to another file: number is 1, not 2/);
    const stale = disk.clone();
    const file = await stale.open(second, "write");
    await file.write([new Uint8Array(segmentBytes - segmentHeaderBytes)], segmentHeaderBytes);
    await expect(open(stale)).rejects.toThrow(LogDamaged);
  });

  it("one damaged slot of the hard state is written anew, two are refused", async () => {
    const { disk } = await unsealed(3);
    for (const slot of [0, 4096]) {
      const broken = disk.clone();
      broken.flipBit("hard-state", slot + 20, 1);
      const log = await open(broken);
      expect(log.found.hardState).toEqual({ term: 1, vote: 1, commit: 2 });
      await log.close();
      broken.flipBit("hard-state", 4096 - slot + 20, 1);
      await (await open(broken)).close();
    }
    disk.flipBit("hard-state", 20, 1);
    disk.flipBit("hard-state", 4116, 1);
    await expect(open(disk)).rejects.toThrow(/both slots are damaged/);
  });
});

describe("segment log: fail-stop", () => {
  const faults = [
    ["a write", { error: "EIO" }, "write", "EIO"],
    ["a short write", { error: "EIO", afterBytes: 30 }, "write", "EIO"],
    ["a write without room", { error: "ENOSPC", afterBytes: 11 }, "write", "ENOSPC"],
    ["a sync", { error: "EIO" }, "sync", "EIO"],
    ["a sync that marks its pages clean", { error: "EIO", marksClean: true }, "sync", "EIO"],
  ] as const;
  for (const [what, fault, kind, code, inline] of [...faults.map((one) => [...one, 0] as const), ...faults.map((one) => [...one, 1] as const)]) {
    it(`stops for good after ${what} failed${inline ? " on the calling thread" : ""}, and opens with everything acknowledged`, async () => {
      const disk = await made();
      const failures: Error[] = [];
      const log = await open(disk, { onFailure: (error: Error) => failures.push(error), inlineSyncMsMax: inline });
      await log.refill();
      await log.append({ entries: sampleEntries(1, 3, 1) });
      disk.fault = (operation) => (operation.kind === kind && operation.path.startsWith("log/") ? fault : undefined);
      const changes = disk.changes;
      const waiting = [4, 5, 6].map((index) => log.append({ entries: [sampleEntry(index, 1)] }));
      for (const result of await Promise.allSettled(waiting)) expect(result).toMatchObject({ status: "rejected", reason: { code } });
      disk.fault = undefined;
      const after = disk.changes;
      expect(after - changes).toBeLessThanOrEqual(2);
      await expect(log.append({ entries: [] })).rejects.toMatchObject({ code });
      await expect(log.dropThrough(1)).rejects.toMatchObject({ code });
      await expect(log.resetTo(9, 9)).rejects.toMatchObject({ code });
      await expect(log.close()).rejects.toMatchObject({ code });
      expect(disk.changes).toBe(after);
      expect(failures.length).toBe(1);
      disk.crash();
      const again = await open(disk);
      expect(again.found.lastIndex).toBeGreaterThanOrEqual(3);
      assertEntries(await readAll(again, 1, 3), sampleEntries(1, 3, 1));
      await again.close();
    });
  }

  it("syncs a small record that comes alone on the calling thread while syncs are quick, and no other", async () => {
    const disk = await made();
    let nowMs = 0;
    let syncTakesMs = 0.25;
    let pooled = 0;
    const log = await open(disk, { inlineSyncMsMax: 1, monotonicMs: () => nowMs });
    await log.refill();
    disk.fault = (operation) => {
      if (operation.kind === "sync") nowMs += syncTakesMs;
      return undefined;
    };
    disk.delay = async (operation) => void (operation.kind === "sync" && pooled++);
    let last = 0;
    const add = async (bytes = 60): Promise<number> => {
      const before = pooled;
      await log.append({ entries: [sampleEntry(++last, 1, bytes)] });
      return pooled - before;
    };
    expect([await add(), await add(), await add(), await add(2000), await add()]).toEqual([1, 0, 0, 1, 0]);
    const together = [log.append({ entries: [sampleEntry(++last, 1, 2000)] }), log.append({ entries: [sampleEntry(++last, 1)] })];
    await Promise.all(together);
    syncTakesMs = 40;
    expect(await add()).toBe(0);
    syncTakesMs = 0.25;
    const next = [];
    while (next.at(-1) !== 0) next.push(await add());
    expect(next.length).toBeGreaterThan(10);
    expect(log.counters.syncs).toBe(last);
    disk.crash();
    const again = await open(disk);
    expect(again.found.lastIndex).toBe(last);
    await again.close();
  });

  it("a failed write of the slot file rejects the promise too", async () => {
    const disk = await made();
    const log = await open(disk);
    disk.fault = (operation) => (operation.path === "hard-state" && operation.kind === "sync" ? { error: "EIO" } : undefined);
    await expect(log.append({ entries: [], hardState: { term: 1, vote: 1, commit: 0 } })).rejects.toMatchObject({ code: "EIO" });
    await expect(log.append({ entries: [] })).rejects.toMatchObject({ code: "EIO" });
  });
});

describe("segment log: full disk (P10)", () => {
  it("lives on its reserve, says so, recovers when room returns, and stops with DiskFull when all is used", async () => {
    const disk = await made();
    const log = await open(disk);
    await log.refill();
    expect(log.pressure).toBe("none");
    disk.capacityBytes = disk.usedBytes;
    let index = 0;
    const fill = async (): Promise<void> => log.append({ entries: [sampleEntry(++index, 1, 1000)] });
    while (log.pressure === "none") await fill();
    expect(log.pressure).toBe("reserve");
    disk.capacityBytes += 2 * segmentBytes;
    await log.refill();
    expect(log.pressure).toBe("none");
    disk.capacityBytes = disk.usedBytes;
    await expect(
      (async () => {
        for (;;) await fill();
      })(),
    ).rejects.toThrow(DiskFull);
    expect(log.pressure).toBe("exhausted");
    await expect(log.append({ entries: [] })).rejects.toThrow(DiskFull);
    await log.close().catch(() => {});
    const again = await open(disk);
    expect(again.found.lastIndex).toBe(index - 1);
    expect(again.found.cut).toBeUndefined();
    await again.refill();
    expect(again.pressure).toBe("exhausted");
    await again.dropThrough(index - 1);
    await again.refill();
    expect(again.pressure).not.toBe("exhausted");
    await again.close();
  });
});

/** Appends until the power goes; returns what was acknowledged and what was handed in. */
async function runUntilPowerCut(
  disk: SimulatedDisk,
  workload: number,
): Promise<{ acked: number; handedIn: LoggedEntry[]; ackedState?: HardState; dropped: number }> {
  const random = seededRandom(workload);
  const result: { acked: number; handedIn: LoggedEntry[]; ackedState?: HardState; dropped: number } = { acked: 0, handedIn: [], dropped: 0 };
  let term = 1;
  try {
    const log = await open(disk);
    for (let step = 0; step < 14; step++) {
      const waits: Promise<void>[] = [];
      for (let count = 0; count <= random() % 3; count++) {
        const from = result.handedIn.length + 1;
        if (random() % 4 === 0) term++;
        const entries = sampleEntries(from, from + (random() % 3), term, random() % 1500);
        result.handedIn.push(...entries);
        const hardState = { term, vote: 1 + (term % 2), commit: result.acked };
        waits.push(
          log.append({ entries, hardState }).then(() => {
            result.acked = entries[entries.length - 1].index;
            result.ackedState = hardState;
          }),
        );
      }
      await Promise.all(waits);
      if (step === 8) {
        result.dropped = result.acked - 2;
        await log.dropThrough(result.dropped);
      }
    }
    await log.close();
  } catch {
    // the power went; what counts is what was acknowledged before
  }
  return result;
}

describe("segment log: power cut", () => {
  for (const workload of [1, 2]) {
    it(`keeps everything acknowledged when the power goes at any write, sync or rename (workload ${workload})`, async () => {
      const whole = await made();
      const before = whole.changes;
      await runUntilPowerCut(whole, workload);
      const total = whole.changes - before;
      expect(total).toBeGreaterThan(60);
      for (let cut = 1; cut <= total; cut++) {
        for (const afterBytes of cut % 2 === 0 ? [0] : [700]) {
          const disk = await made(cut * 10 + workload);
          const start = disk.changes;
          disk.fault = (operation) => (operation.change - start === cut && operation.kind !== "read" ? { error: "POWER", afterBytes } : undefined);
          const { acked, handedIn, ackedState, dropped } = await runUntilPowerCut(disk, workload);
          disk.fault = undefined;
          disk.crash();
          const label = `workload ${workload}, cut ${cut}, ${afterBytes} bytes`;
          const log = await open(disk).catch((error) => {
            throw new Error(`${label}: ${error}`);
          });
          expect(log.lastIndex, label).toBeGreaterThanOrEqual(acked);
          expect(log.firstIndex, label).toBeLessThanOrEqual(dropped + 1);
          assertEntries(await readAll(log), handedIn.slice(log.firstIndex - 1, log.lastIndex));
          if (ackedState !== undefined) {
            expect(log.found.hardState!.term, label).toBeGreaterThanOrEqual(ackedState.term);
            if (log.found.hardState!.term === ackedState.term && log.lastIndex === acked) expect(log.found.hardState!.vote, label).toBe(ackedState.vote);
          }
          const last = log.lastIndex;
          await log.append({ entries: sampleEntries(last + 1, last + 2, 99) });
          await log.close();
          const again = await open(disk);
          expect(again.found, label).toMatchObject({ sealed: true, lastIndex: last + 2 });
          expect(again.found.cut, label).toBeUndefined();
          await again.close();
        }
      }
    });
  }

  it("a drop never outruns a roll: hard state and place are in what is left", async () => {
    for (const keep of ["none", "all", "random"] as const) {
      const disk = await made();
      const log = await open(disk);
      await log.refill();
      let index = 0;
      const state = { term: 4, vote: 2, commit: 0 };
      const next = (): Promise<void> => log.append({ entries: [sampleEntry(++index, 4, 1000)], hardState: state });
      for (let count = 0; count < 7; count++) await next(); // the eighth does not fit
      let reached = false;
      disk.delay = async (operation) => {
        if (operation.kind !== "sync" || !operation.path.includes("0000000002")) return;
        // The first batch of the new segment is written, not synced: the old segment is all there is.
        await log.dropThrough(index - 1);
        disk.crash({ keep });
        reached = true;
      };
      await expect(next()).rejects.toMatchObject({ code: "POWER" });
      disk.delay = undefined;
      expect(reached).toBe(true);
      const again = await open(disk);
      expect(again.found.hardState, keep).toEqual(state);
      expect(again.lastIndex).toBeGreaterThanOrEqual(index - 1);
      await again.close();
    }
  });

  it("a second power cut during recovery changes nothing", async () => {
    for (let cut = 1; cut <= 12; cut++) {
      const disk = await made(cut);
      const log = await open(disk);
      await log.refill();
      await log.append({ entries: sampleEntries(1, 3, 1), hardState: { term: 1, vote: 1, commit: 0 } });
      disk.fault = (operation) => (operation.kind === "sync" ? { error: "POWER" } : undefined);
      await expect(log.append({ entries: sampleEntries(4, 4, 1, 2500) })).rejects.toMatchObject({ code: "POWER" });
      disk.fault = undefined;
      disk.crash();
      const start = disk.changes;
      disk.fault = (operation) => (operation.change - start === cut && operation.kind !== "read" ? { error: "POWER", afterBytes: 100 } : undefined);
      await open(disk)
        .then((opened) => opened.close())
        .catch(() => {});
      disk.fault = undefined;
      disk.crash();
      const again = await open(disk);
      assertEntries(await readAll(again, 1, 3), sampleEntries(1, 3, 1));
      await again.close();
    }
  });
});
