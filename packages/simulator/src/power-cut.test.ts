import { readFileSync } from "node:fs";
import { coreUrl } from "@corvo/raft";
import { type DiskFault, type DiskFile, SimulatedDisk } from "@corvo/storage";
import { beforeAll, expect, test } from "vitest";
import { type PowerCutOptions, PowerCutRun } from "./power-cut.js";
import { Rng } from "./random.js";

const proveMs = Number(process.env.CORVO_PROVE_SECONDS ?? 0) * 1_000;
const seed = Number(process.env.CORVO_SEED ?? process.env.CORVO_FROM_SEED ?? (proveMs > 0 ? Date.now() % 1_000_000_000 : 1));
/** A run short enough to be broken at each of its changes of the disk: from the empty disk through some thirty entries. */
const short = 15;

const randomFaults = ["POWER", "POWER", "EIO", "ENOSPC"] as const;

let core: WebAssembly.Module;
beforeAll(async () => {
  core = await WebAssembly.compile(readFileSync(coreUrl));
});

type Faults = [change: number, fault: DiskFault][];

async function run(of: number, calls: number, faults: Faults, more: Partial<PowerCutOptions> = {}) {
  try {
    return await new PowerCutRun({ seed: of, core, calls, faults: new Map(faults), ...more }).run();
  } catch (cause) {
    const line = `CORVO_SEED=${of} npx vitest run packages/simulator -t ${JSON.stringify(expect.getState().currentTestName)}`;
    throw new Error(`calls ${calls}, faults ${JSON.stringify(faults)}: ${line}\n${(cause as Error).message}`, { cause });
  }
}

/** One run for each change of the disk in the short program. */
async function atEveryChange(faultsAt: (change: number) => Faults): Promise<{ changes: number; torn: number; lives: number }> {
  const { changes } = await run(seed, short, []);
  const sum = { changes, torn: 0, lives: 0 };
  for (let change = 1; change <= changes; change++) {
    const report = await run(seed, short, faultsAt(change));
    sum.torn += report.torn;
    sum.lives += report.lives;
  }
  return sum;
}

test("the same seed gives the same run", async () => {
  const faults: Faults = [
    [90, { error: "POWER" }],
    [200, { error: "POWER" }],
  ];
  const first = await run(seed, 80, faults);
  expect(await run(seed, 80, faults)).toEqual(first);
  expect(first.lives).toBe(3);
});

/** reliability.md F2, F4: J1 to J7, J20. */
test("power cut at every change of the disk", async () => {
  const { changes, torn, lives } = await atEveryChange((change) => [[change, { error: "POWER" }]]);
  expect(lives).toBe(2 * changes);
  expect(torn).toBeGreaterThan(0);
});

/** Snapshots are cut, segments are dropped and the archive fills while the power goes again and again. */
test("power cuts and failures at random moments", { timeout: proveMs + 600_000 }, async () => {
  const endMs = Date.now() + proveMs;
  const sum = { runs: 0, acknowledged: 0, lives: 0, torn: 0, restored: 0, dropped: 0 };
  for (let of = seed; of < seed + 3 || Date.now() < endMs; of++) {
    const rng = new Rng(of);
    const cuts = Array.from({ length: 4 }, () => [1 + rng.below(1_000), { error: rng.pick(randomFaults) }] as Faults[number]);
    const report = await run(of, 300, cuts, { delayMsMax: rng.pick([0, 3, 20]) });
    sum.runs++;
    for (const key of ["acknowledged", "lives", "torn", "restored", "dropped"] as const) sum[key] += report[key];
  }
  console.log(`from CORVO_SEED=${seed}:`, JSON.stringify(sum));
  expect(sum.restored).toBeGreaterThan(0);
  expect(sum.dropped).toBeGreaterThan(0);
});

/** F8: the process stops and comes back; what was acknowledged is there. */
test("an I/O error at every change of the disk", async () => {
  await atEveryChange((change) => [[change, { error: "EIO" }]]);
});

/** F7: a full disk, for one operation, which may have written a part. */
test("no space at every change of the disk", async () => {
  await atEveryChange((change) => [[change, { error: "ENOSPC", afterBytes: change % 100 }]]);
});

/** F7, P10: new work is refused, what is there is worked off as far as the reserve goes; with room again everything goes on. */
test("a disk that is full for a while", async () => {
  const sum = { acked: 0, refused: 0, lives: 0 };
  for (let of = seed; of < seed + 5; of++) {
    const { whileFull, lives } = await run(of, 250, [], { fullFrom: 150 + 40 * (of - seed) });
    sum.acked += whileFull.acked;
    sum.refused += whileFull.refused;
    sum.lives += lives;
  }
  // The reserve may be used up before there is room again: then the node stops, and loses nothing.
  expect(sum.lives).toBeLessThanOrEqual(10);
  expect(sum.acked).toBeGreaterThan(0);
  expect(sum.refused).toBeGreaterThan(0);
});

/**
 * The process ends at each change, starts again with what the page cache has, and then the power goes: nothing that was read back
 * counts as durable.
 */
test("killed at every change of the disk, then a power cut", { timeout: 3_600_000 }, async () => {
  for (const later of proveMs > 0 ? [1, 4, 12, 30] : [4]) {
    await atEveryChange((change) => [
      [change, { error: "EIO" }],
      [change + later, { error: "POWER" }],
    ]);
  }
});

/**
 * The same after a sync that failed and after which the pages count as clean (Rebello et al., "Can Applications Recover from fsync
 * Failures?", 2020).
 */
test("a sync that failed and was forgotten, then a power cut", { timeout: 3_600_000 }, async () => {
  for (const later of proveMs > 0 ? [1, 4, 12, 25] : [25]) {
    await atEveryChange((change) => [
      [change, { error: "EIO", marksClean: true }],
      [change + later, { error: "POWER" }],
    ]);
  }
});

/** A disk that says "synced" without doing it, once the log is in use, and then loses all of it: the one fault that no program can survive. */
class LyingDisk extends SimulatedDisk {
  override async open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const lies = (): boolean => path.startsWith("log/") && this.changes > 60;
    return { ...file, sync: () => (lies() ? Promise.resolve() : file.sync()), syncNow: () => (lies() ? undefined : file.syncNow()) };
  }
  override crash(): void {
    super.crash({ keep: "none" });
  }
}

/** A rig that does not notice lost promises proves nothing. */
test("planted mistakes are found out", async () => {
  await expect(run(1, 60, [[90, { error: "POWER" }]], { durable: false })).rejects.toThrow("nothing was wrong with its disk");
  const found: string[] = [];
  for (let i = 0; i < 60 && !found.some((message) => message.includes("J1: entry")); i++) {
    const power: Faults = [[62 + (i % 20), { error: "POWER" }]];
    await run(1 + Math.floor(i / 20), 60, power, { makeDisk: (random) => new LyingDisk({ random }) }).catch((cause: Error) => found.push(cause.message));
  }
  expect(found.join("\n")).toContain("J1: entry");
});
