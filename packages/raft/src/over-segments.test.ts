import { createSegmentLog, openSegmentLog, SimulatedDisk, type SnapshotMeta, type StorageIdentity } from "@corvo/storage";
import { beforeAll, expect, test } from "vitest";
import { settled, VirtualClock } from "../test/support/clock.js";
import { bytes, text } from "../test/support/cluster.js";
import { coreModule } from "../test/support/core.js";
import { SeededRandom } from "../test/support/random.js";
import { RaftNode } from "./index.js";

// The node over the real log on a disk that loses what was not synced.

const identity: StorageIdentity = { clusterId: "00112233445566778899aabbccddeeff", nodeId: 1, shard: 0, salt: "0123456789abcdef" };
const segmentBytes = 12 * 1024;
const rounds = 4;
const values = Array.from({ length: rounds * 6 }, (_, i) => `${i}:`.padEnd(1500, "."));

let core: WebAssembly.Module;
beforeAll(async () => {
  core = await coreModule();
}, 120_000);

/** What outlives a power cut, besides the disk: the snapshots of the host, and what it has acknowledged. */
interface Host {
  saved?: { meta: SnapshotMeta; state: string[] };
  state: string[];
  acknowledged: number;
  fatal: number;
}

async function open(disk: SimulatedDisk, host: Host, seed: number): Promise<{ node: RaftNode; clock: VirtualClock; close: () => Promise<void> }> {
  const clock = new VirtualClock();
  const log = await openSegmentLog({ disk, identity, segmentBytes });
  await log.refill();
  host.state = host.saved?.state.slice() ?? [];
  let opened = false;
  const node = await RaftNode.open({
    id: 1,
    core,
    log,
    snapshot: host.saved?.meta,
    members: [1],
    clock,
    random: new SeededRandom(seed),
    onCommitted: (entries) => {
      for (const { type, data } of entries) if (type === 0 && data.length > 0) host.state.push(text(data));
      if (opened) host.acknowledged = Math.max(host.acknowledged, host.state.length);
    },
    onFatal: () => {
      host.fatal++;
    },
  });
  opened = true;
  const close = async () => {
    await node.stop();
    await log.close();
  };
  return { node, clock, close };
}

/** Proposes everything, with a snapshot and a compaction after every second round; ends quietly when the power goes. */
async function live(disk: SimulatedDisk, host: Host, seed: number): Promise<void> {
  try {
    const { node, clock, close } = await open(disk, host, seed);
    for (let ms = 0; ms < 50 && node.role !== "leader"; ms++) await clock.advance(1);
    for (let round = 0; round < rounds; round++) {
      for (const value of values.slice(round * 6, round * 6 + 6)) node.propose(bytes(value));
      await settled();
      if (round % 2 === 0 || host.fatal > 0) continue;
      host.saved = { meta: { index: node.appliedIndex, term: node.term, conf: node.confState }, state: host.state.slice() };
      await node.compact(node.appliedIndex);
    }
    if (host.fatal === 0) await close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "POWER") throw error;
  }
}

test("a power cut at every change of the disk loses nothing acknowledged", async () => {
  const made = async (seed: number) => {
    const disk = new SimulatedDisk({ random: () => random.next() });
    const random = new SeededRandom(seed);
    await createSegmentLog({ disk, identity, segmentBytes });
    return disk;
  };
  const whole = await made(1);
  const before = whole.changes;
  const untroubled: Host = { state: [], acknowledged: 0, fatal: 0 };
  await live(whole, untroubled, 1);
  expect(untroubled).toMatchObject({ state: values, acknowledged: values.length, fatal: 0 });
  const changes = whole.changes - before;
  expect(changes).toBeGreaterThan(30);

  for (let cut = 1; cut <= changes; cut++) {
    const disk = await made(cut);
    const start = disk.changes;
    const host: Host = { state: [], acknowledged: 0, fatal: 0 };
    disk.fault = ({ change, kind }) => (change - start === cut && kind !== "read" ? { error: "POWER" } : undefined);
    await live(disk, host, cut);
    const { acknowledged } = host;
    disk.fault = undefined;
    disk.crash();

    const { node, clock, close } = await open(disk, host, cut + 1000);
    for (let ms = 0; ms < 50 && node.role !== "leader"; ms++) await clock.advance(1);
    await settled();
    const where = `cut at change ${cut} of ${changes}`;
    expect(host.state, where).toEqual(values.slice(0, host.state.length));
    expect(host.state.length, where).toBeGreaterThanOrEqual(acknowledged);
    node.propose(bytes("after"));
    await settled();
    expect(host.state.at(-1), where).toBe("after");
    await close();
  }
}, 120_000);

test("an unreadable disk at the start and a failed sync later are said, not survived", async () => {
  const disk = new SimulatedDisk({ random: () => 1 });
  await createSegmentLog({ disk, identity, segmentBytes });
  const host: Host = { state: [], acknowledged: 0, fatal: 0 };
  const { node, clock } = await open(disk, host, 1);
  await clock.advance(5);
  disk.fault = ({ kind }) => (kind === "sync" ? { error: "EIO", marksClean: true } : undefined);
  expect(node.propose(bytes("lost"))).toBeDefined();
  await settled();
  expect([host.fatal, host.state]).toEqual([1, []]);
  disk.fault = undefined;
  expect(node.propose(bytes("late"))).toBeUndefined();
});
