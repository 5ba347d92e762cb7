import { beforeEach, describe, expect, test } from "vitest";
import { settled } from "../test/support/clock.js";
import { bytes, Cluster, type Machine, text } from "../test/support/cluster.js";
import { coreModule } from "../test/support/core.js";
import { emptyDisk } from "../test/support/memory-log.js";
import { decodeConf, foundingEntryType, type RaftNode, RecoveryError } from "./index.js";

let cluster: Cluster;
let machine: Machine;
beforeEach(async () => {
  await coreModule();
  cluster = new Cluster([1]);
  machine = cluster.machine(1);
}, 120_000);

const propose = async (...values: string[]) => {
  for (const value of values) expect(machine.node?.propose(bytes(value))).toBeDefined();
  await settled();
};
const leading = async () => {
  await machine.start();
  await cluster.clock.until(() => machine.isLeader);
};

describe("alone", () => {
  test("leads within a millisecond of virtual time, without an election timeout", async () => {
    await machine.start();
    expect(machine.roles).toEqual([]); // nothing is called before open has resolved
    await cluster.clock.advance(1);
    expect(machine.roles.at(-1)).toEqual({ role: "leader", term: 2, leaderId: 1 });
  });

  test("delivers what was proposed once, in order, at the index it was promised", async () => {
    await leading();
    const places = ["a", "b", "c"].map((value) => machine.node?.propose(bytes(value)));
    expect(machine.state).toEqual([]); // not durable yet
    await settled();
    expect(machine.state).toEqual(["a", "b", "c"]);
    expect(machine.committed.filter(({ data }) => data.length > 0).map(({ index, term }) => ({ index, term }))).toEqual(places);
  });

  test("a new leader's first entry is delivered empty", async () => {
    await leading();
    expect(machine.committed.map(({ index, type, data }) => [index, type, data.length])).toEqual([[2, 0, 0]]);
  });

  test("nothing is delivered while the disk is silent", async () => {
    await leading();
    const waiting: (() => void)[] = [];
    cluster.latency = (done) => waiting.push(done);
    await propose("x", "y");
    await cluster.clock.advance(5000);
    expect(machine.state).toEqual([]);
    waiting.shift()?.();
    await settled();
    expect(machine.state).toEqual(["x"]);
    waiting.shift()?.();
    await settled();
    expect(machine.state).toEqual(["x", "y"]);
  });

  test("one entry costs one append: a commit index alone is never written by itself", async () => {
    await leading();
    const before = machine.log?.appends as number;
    for (let i = 0; i < 10; i++) await propose(`${i}`);
    await cluster.clock.advance(1000);
    expect((machine.log?.appends as number) - before).toBe(10);
  });

  test("proposals from inside onCommitted and onRole are taken, and never delivered inside each other", async () => {
    const seen: string[] = [];
    let inside = 0;
    const node = await machine.start({
      onRole: (role) => {
        if (role === "leader") node.propose(bytes("first"));
      },
      onCommitted: (entries) => {
        expect(inside++).toBe(0);
        for (const { data } of entries) {
          if (data.length > 0) seen.push(text(data));
          if (text(data) === "first") for (const next of ["second", "third"]) expect(node.propose(bytes(next))).toBeDefined();
        }
        inside--;
      },
    });
    await cluster.clock.advance(5);
    expect(seen).toEqual(["first", "second", "third"]);
  });

  test("an empty proposal and one that is too large are refused by name", async () => {
    await leading();
    expect(() => machine.node?.propose(new Uint8Array())).toThrow("1 to 67108864 bytes");
    expect(() => machine.node?.propose(new Uint8Array(64 * 1024 * 1024 + 1))).toThrow("1 to 67108864 bytes");
    await propose("fine");
    expect(machine.state).toEqual(["fine"]);
  });

  test("a read index is confirmed at once, and not by a node that stops", async () => {
    await leading();
    await propose("a");
    expect(await machine.node?.readIndex()).toBe(3);
    await machine.node?.stop();
    expect(await machine.node?.readIndex()).toBeUndefined();
  });

  test("memory stays flat: payloads go when they are applied, the core forgets by itself", async () => {
    cluster.options = { coreEntriesKept: 100 };
    await leading();
    const run = async (turns: number) => {
      for (let i = 0; i < turns; i++) await propose(...new Array(20).fill("x"));
      return machine.node?.memoryPages as number;
    };
    const pages = await run(100);
    expect(await run(500)).toBeLessThanOrEqual(pages + 12); // 10,000 entries that stayed would take twice as much
    expect(machine.node?.payloadBytes).toBe(0);
  });

  test("options are checked by name", async () => {
    await expect(machine.start({ tickMs: 0 })).rejects.toThrow("tickMs must be a positive integer, got 0");
    await expect(machine.start({ members: [1, 1] })).rejects.toThrow("members must be distinct");
    await expect(machine.start({ electionTicks: 1 })).rejects.toThrow("electionTicks must be more than heartbeatTicks");
    await expect(machine.start({ members: [] })).rejects.toThrow(RecoveryError);
  });
});

describe("starting again", () => {
  test("after a clean stop everything is delivered before open resolves, by slices", async () => {
    await leading();
    const values = Array.from({ length: 20 }, (_, i) => `v${i}`);
    await propose(...values);
    await machine.node?.stop();
    const calls: number[] = [];
    const seen: string[] = [];
    await machine.start({
      onCommitted: (entries) => {
        calls.push(entries.length);
        for (const { data } of entries) if (data.length > 0) seen.push(text(data));
      },
    });
    expect(seen).toEqual(values);
    expect(Math.max(...calls)).toBeLessThanOrEqual(3); // the test log's slices
  });

  test("after a power cut what was delivered is delivered again, at the same index", async () => {
    await leading();
    await propose("a", "b", "c");
    const before = machine.committed.filter(({ data }) => data.length > 0);
    machine.crash();
    await leading();
    await settled();
    expect(machine.committed.filter(({ data }) => data.length > 0)).toEqual(before);
    await propose("d");
    expect(machine.state).toEqual(["a", "b", "c", "d"]);
  });

  test("from a snapshot, only what is behind it is delivered", async () => {
    await leading();
    await propose("a", "b");
    await machine.snapshot();
    await propose("c");
    expect(machine.disk.firstIndex).toBeGreaterThan(2);
    machine.crash();
    await leading();
    expect(machine.state).toEqual(["a", "b", "c"]);
    expect(machine.committed.some(({ data }) => text(data) === "a")).toBe(false);
  });

  test("from a snapshot with nothing behind it", async () => {
    await leading();
    await propose("a");
    await machine.snapshot();
    await machine.node?.stop();
    await leading();
    await propose("b");
    expect(machine.state).toEqual(["a", "b"]);
  });

  test("a snapshot that was restored onto an empty log (a backup) is a start", async () => {
    await leading();
    await propose("a", "b");
    await machine.snapshot();
    const other = new Cluster([1]).machine(1);
    other.saved = machine.saved;
    await other.start();
    await other.cluster.clock.until(() => other.isLeader);
    other.node?.propose(bytes("c"));
    await settled();
    expect(other.state).toEqual(["a", "b", "c"]);
    other.crash();
    await other.start();
    await other.cluster.clock.until(() => other.isLeader);
    expect(other.state).toEqual(["a", "b", "c"]);
  });

  test("the founding members are in the log: what the options say later changes nothing", async () => {
    await leading();
    expect(machine.disk.entries[0]).toMatchObject({ index: 1, term: 1, type: foundingEntryType });
    machine.crash();
    await machine.start({ members: [1, 2, 3] });
    await cluster.clock.advance(1);
    expect(machine.isLeader).toBe(true);
    expect(decodeConf((machine.node as RaftNode).confState).voters).toEqual([1]);
  });

  test("a member that is alone refuses a log that ends before its own snapshot, or differs from it there", async () => {
    await leading();
    await propose("a", "b", "c", "d");
    machine.cut();
    await machine.node?.stop();
    const whole = structuredClone(machine.disk);
    machine.disk.entries.splice(-2);
    await expect(machine.start()).rejects.toThrow(/the log ends at index 4, and the newest snapshot was cut at index 6 .* lost entries that were committed/);
    expect(machine.disk.entries.at(-1)?.index).toBe(4); // nothing was touched
    machine.disk = structuredClone(whole);
    for (const entry of machine.disk.entries) if (entry.index === 6) entry.term = 9;
    await expect(machine.start()).rejects.toThrow(/entry 6 is of term 9, and the newest snapshot was cut at index 6/);
    machine.disk = emptyDisk(); // a restored backup: a snapshot and an empty log
    await machine.start();
    expect(machine.state).toEqual(["a", "b", "c", "d"]);
  });

  test("a log that starts behind its snapshot, or without one, or shorter than its commit index, is refused", async () => {
    await leading();
    await propose("a", "b", "c", "d");
    const old = structuredClone(machine.cut());
    await propose("e", "f", "g");
    await machine.snapshot();
    await machine.node?.stop();
    machine.saved = { meta: { ...old, index: old.index - 1 }, state: [] };
    await expect(machine.start()).rejects.toThrow(/the log starts at index \d+ and the newest snapshot ends at \d+/);
    machine.saved = undefined;
    await expect(machine.start()).rejects.toThrow("no snapshot covers what is before it");

    const short = new Cluster([1]).machine(1);
    await short.start();
    await short.cluster.clock.until(() => short.isLeader);
    short.node?.propose(bytes("x"));
    await settled();
    await short.node?.stop();
    short.disk.entries.pop();
    await expect(short.start()).rejects.toThrow("although entries up to 3 were committed");
  });

  test("membership changes behind the snapshot are known at the start", async () => {
    await leading();
    await propose("a");
    await machine.snapshot();
    expect(machine.node?.changeMembers([{ type: 3, id: 7 }])).toMatchObject({ accepted: true });
    await settled();
    await propose("b");
    expect(machine.node?.members.learners).toEqual([7]);
    await machine.node?.stop();
    await leading();
    expect(machine.node?.members).toMatchObject({ voters: [1], learners: [7] });
    expect(machine.state).toEqual(["a", "b"]);
  });
});

describe("fail-stop", () => {
  test("a failed append is fatal, once: nothing is delivered or taken any more", async () => {
    let fatal = 0;
    await machine.start({
      onFatal: (error) => {
        fatal++;
        machine.fatal = error;
      },
    });
    await cluster.clock.until(() => machine.isLeader);
    await propose("a");
    cluster.latency = () => {};
    machine.log?.fail(new Error("EIO"));
    for (const value of ["b", "c"]) machine.node?.propose(bytes(value));
    await settled();
    expect([fatal, machine.fatal?.message]).toEqual([1, "EIO"]);
    expect(machine.state).toEqual(["a"]);
    expect(machine.node?.propose(bytes("d"))).toBeUndefined();
    expect(machine.node?.role).toBe("follower");
    await machine.node?.stop();
  });

  test("a throw in onCommitted is fatal", async () => {
    await machine.start({
      onCommitted: ([{ data }]) => {
        if (data.length > 0) throw new Error("a broken invariant");
      },
    });
    await cluster.clock.until(() => machine.isLeader);
    await propose("a");
    expect(machine.fatal?.message).toBe("a broken invariant");
    expect(machine.node?.propose(bytes("b"))).toBeUndefined();
  });

  test("a change that would leave no voter is refused before anybody has to apply it", async () => {
    await leading();
    expect(() => machine.node?.changeMembers([{ type: 1, id: 1 }])).toThrow("a group needs at least one voter");
    expect(() => machine.node?.changeMembers([{ type: 0, id: 0 }])).toThrow("a member's id is a positive integer");
  });

  test("compaction ahead of what is applied is refused", async () => {
    await leading();
    await expect(machine.node?.compact(99)).rejects.toThrow("index 99 is not applied");
  });
});
