import { beforeAll, describe, expect, test } from "vitest";
import { bytes, Cluster, type Machine } from "../test/support/cluster.js";
import { coreModule } from "../test/support/core.js";
import { ConfChangeType } from "./index.js";

beforeAll(async () => {
  await coreModule();
}, 120_000);

const ids = [1, 2, 3];
const propose = (machine: Machine, ...values: string[]) => {
  for (const value of values) expect(machine.node?.propose(bytes(value))).toBeDefined();
};
const everywhere = (cluster: Cluster, values: string[], among = ids) =>
  cluster.clock.until(() => among.every((id) => JSON.stringify(cluster.machine(id).state) === JSON.stringify(values)));

describe("three members", () => {
  test("elect one leader, and everybody applies the same", async () => {
    const cluster = await Cluster.started(ids);
    const leader = await cluster.leader();
    propose(leader, "a", "b", "c");
    await everywhere(cluster, ["a", "b", "c"]);
    expect(cluster.machines.filter(({ isLeader }) => isLeader)).toEqual([leader]);
    expect(cluster.machines.map(({ node }) => node?.leaderId)).toEqual([leader.id, leader.id, leader.id]);
    expect(leader.node?.status().progress.map(({ id }) => id)).toEqual(ids);
  });

  test("a follower takes no proposal", async () => {
    const cluster = await Cluster.started(ids);
    const leader = await cluster.leader();
    const follower = cluster.machines.find((machine) => machine !== leader) as Machine;
    expect(follower.node?.propose(bytes("x"))).toBeUndefined();
    expect(follower.node?.changeMembers([{ type: ConfChangeType.AddLearner, id: 9 }])).toBeUndefined();
  });

  test("a leader that is cut off steps down, the others go on, and it comes back as a follower", async () => {
    const cluster = await Cluster.started(ids);
    const old = await cluster.leader();
    propose(old, "a");
    await everywhere(cluster, ["a"]);
    cluster.network.isolate(old.id, ids);
    propose(old, "lost");
    const others = ids.filter((id) => id !== old.id);
    const next = await cluster.leader(others);
    propose(next, "b");
    await cluster.clock.until(() => !old.isLeader);
    expect(old.roles.at(-1)).toMatchObject({ role: "follower", leaderId: 0 });
    expect(old.state).toEqual(["a"]);
    cluster.network.heal();
    await everywhere(cluster, ["a", "b"]);
    expect(next.isLeader).toBe(true);
  });

  test("a crashed leader's acknowledged entries survive on the others, and on itself when it is back", async () => {
    const cluster = await Cluster.started(ids);
    const old = await cluster.leader();
    propose(old, "a", "b");
    await cluster.clock.until(() => old.state.length === 2);
    old.crash();
    const next = await cluster.leader(ids.filter((id) => id !== old.id));
    propose(next, "c");
    await cluster.clock.until(() => next.state.length === 3);
    await old.start();
    await everywhere(cluster, ["a", "b", "c"]);
  });

  test("all crash at once: what was applied anywhere is there", async () => {
    const cluster = await Cluster.started(ids);
    propose(await cluster.leader(), "a", "b", "c");
    await cluster.clock.until(() => cluster.machines.some(({ state }) => state.length === 3));
    for (const machine of cluster.machines) machine.crash();
    for (const machine of cluster.machines) await machine.start();
    await everywhere(cluster, ["a", "b", "c"]);
  });

  test("leadership is handed over", async () => {
    const cluster = await Cluster.started(ids);
    const old = await cluster.leader();
    const to = (old.id % 3) + 1;
    old.node?.transferLeader(to);
    await cluster.clock.until(() => old.node?.leaderId === to);
    expect(cluster.machine(to).isLeader).toBe(true);
    expect(old.roles.at(-1)).toMatchObject({ role: "follower", leaderId: to });
  });

  test("a read index on a follower sees what was acknowledged before it; without a majority it ends unconfirmed", async () => {
    const cluster = await Cluster.started(ids);
    const leader = await cluster.leader();
    const follower = cluster.machines.find((machine) => machine !== leader) as Machine;
    propose(leader, "a");
    await cluster.clock.until(() => leader.state.length === 1);
    const read = follower.node?.readIndex();
    let index: number | undefined;
    read?.then((confirmed) => {
      index = confirmed;
      expect(follower.state).toEqual(["a"]);
    });
    await cluster.clock.until(() => index !== undefined);
    cluster.network.isolate(follower.id, ids);
    const late = follower.node?.readIndex(300);
    await cluster.clock.advance(301);
    expect(await late).toBeUndefined();
  });

  test("frames that are cut, forged or of another version are dropped", async () => {
    const cluster = await Cluster.started(ids);
    const leader = await cluster.leader();
    const follower = cluster.machines.find((machine) => machine !== leader) as Machine;
    let frame: Uint8Array | undefined;
    cluster.network.onFrame = (from, to, sent) => {
      if (from === leader.id && to === follower.id) frame = sent.slice();
    };
    propose(leader, "a");
    await everywhere(cluster, ["a"]);
    const good = frame as Uint8Array;
    const stranger = cluster.network.of(99);
    const forger = cluster.network.of(leader.id);
    for (let length = 0; length < good.length; length++) forger.send(follower.id, good.slice(0, length));
    forger.send(
      follower.id,
      Uint8Array.from(good, (byte, at) => (at === 0 ? 2 : byte)),
    );
    for (let type = 0; type < 30; type++) forger.send(follower.id, Uint8Array.from(good, (byte, at) => (at === 5 ? type : byte)).slice(0, 5));
    stranger.send(follower.id, good);
    await cluster.clock.advance(50);
    propose(leader, "b");
    await everywhere(cluster, ["a", "b"]);
    expect(cluster.machines.map(({ fatal }) => fatal)).toEqual([undefined, undefined, undefined]);
  });
});

describe("followers that lag", () => {
  test("payloads that left the cache are read from the log, in order", async () => {
    const cluster = await Cluster.started(ids, { payloadCacheBytesMax: 100, messageBytesMax: 200 });
    const leader = await cluster.leader();
    const slow = cluster.machines.find((machine) => machine !== leader) as Machine;
    cluster.network.isolate(slow.id, ids);
    const values = Array.from({ length: 50 }, (_, i) => `${i}`.padStart(40, "v"));
    for (const value of values) {
      propose(leader, value);
      await cluster.clock.advance(2);
    }
    expect(leader.node?.payloadBytes).toBeLessThanOrEqual(200);
    cluster.network.heal();
    await everywhere(cluster, values);
  });

  test("one that needs what is compacted gets a snapshot, installs it, and goes on; so after its crash", async () => {
    const cluster = await Cluster.started(ids, { coreEntriesKept: 10 });
    const leader = await cluster.leader();
    const slow = cluster.machines.find((machine) => machine !== leader) as Machine;
    propose(leader, "first");
    await everywhere(cluster, ["first"]);
    cluster.network.isolate(slow.id, ids);
    const values = ["first"];
    for (let i = 0; i < 100; i++) {
      values.push(`v${i}`);
      propose(leader, `v${i}`);
      await cluster.clock.advance(2);
    }
    await leader.snapshot();
    expect(leader.disk.firstIndex).toBeGreaterThan(80);
    cluster.network.heal();
    await everywhere(cluster, values);
    expect(slow.disk.firstIndex).toBeGreaterThan(80);
    slow.crash();
    propose(leader, "after");
    await slow.start();
    await everywhere(cluster, [...values, "after"]);
  });

  test("the core forgets ahead of the host's snapshots: the host cuts one when it is asked", async () => {
    const cluster = await Cluster.started(ids, { coreEntriesKept: 10 });
    const leader = await cluster.leader();
    const slow = cluster.machines.find((machine) => machine !== leader) as Machine;
    cluster.network.isolate(slow.id, ids);
    const values = Array.from({ length: 60 }, (_, i) => `v${i}`);
    for (const value of values) {
      propose(leader, value);
      await cluster.clock.advance(2);
    }
    expect(leader.saved).toBeUndefined();
    cluster.network.heal();
    await everywhere(cluster, values);
    expect(slow.saved).toBeDefined();
  });

  test("a snapshot that is durable but not yet the start of the log when the power goes is taken up at the next start", async () => {
    const cluster = await Cluster.started(ids, { coreEntriesKept: 10 });
    const leader = await cluster.leader();
    const slow = cluster.machines.find((machine) => machine !== leader) as Machine;
    cluster.network.isolate(slow.id, ids);
    const values = Array.from({ length: 60 }, (_, i) => `v${i}`);
    for (const value of values) {
      propose(leader, value);
      await cluster.clock.advance(2);
    }
    slow.crash();
    slow.saved = { meta: leader.cut(), state: leader.state.slice() };
    await slow.start();
    expect(slow.state).toEqual(values);
    cluster.network.heal();
    propose(leader, "after");
    await everywhere(cluster, [...values, "after"]);
  });
});

describe("membership", () => {
  test("one grows to three and shrinks to another one, which then leads alone", async () => {
    const cluster = new Cluster([1]);
    const wired = (id: number) => ({ network: cluster.network.of(id) });
    await cluster.machine(1).start(wired(1));
    const first = await cluster.leader();
    propose(first, "alone");
    await cluster.clock.until(() => first.state.length === 1);
    for (const id of [2, 3]) {
      await cluster.add(id).start(wired(id));
      expect(first.node?.changeMembers([{ type: ConfChangeType.AddVoter, id }])).toMatchObject({ accepted: true });
      expect(first.node?.changeMembers([{ type: ConfChangeType.AddVoter, id: 9 }])).toMatchObject({ accepted: false });
      await cluster.clock.until(() => first.node?.members.voters.includes(id) === true);
    }
    propose(first, "three");
    await everywhere(cluster, ["alone", "three"]);

    first.node?.transferLeader(2);
    const second = await cluster.leader([2]);
    second.node?.changeMembers([
      { type: ConfChangeType.Remove, id: 1 },
      { type: ConfChangeType.Remove, id: 3 },
    ]);
    await cluster.clock.until(() => second.node?.members.voters.length === 1 && second.node.members.votersOutgoing.length === 0);
    first.crash();
    cluster.machine(3).crash();
    propose(second, "alone again");
    await cluster.clock.until(() => second.state.length === 3);
    second.crash();
    await second.start(wired(2));
    await cluster.leader([2]);
    await cluster.clock.until(() => second.state.length === 3);
    expect(second.node?.members.voters).toEqual([2]);
  });
});
