import { beforeAll, describe, expect, test } from "vitest";
import { coreModule } from "../test/support/core.js";
import { CoreNet, Peer, stepQuietly } from "../test/support/core-net.js";
import { ConfChangeType, CorePanic, confOf, type Message, MessageType, ProposalDropped, Rejected, Role, Transition } from "./contract.js";
import type { WasmRaftCore } from "./core.js";

// What a server relies on, one check each. They run on every build of the core, whatever the toolchain.

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await coreModule();
}, 120_000);

const net = (ids: number[], over = {}) => new CoreNet(module, ids, over);
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const noContext = new Uint8Array();

describe("commit", () => {
  test("three members commit", () => {
    const n = net([1, 2, 3]).elected(1);
    n.propose(1, 10, 20);
    n.tick(2);
    expect(n.commits()).toEqual([4, 4, 4]);
  });

  test("a follower drops a proposal", () => {
    expect(() => net([1, 2, 3]).elected(1).core(2).proposeSizes([1])).toThrow(ProposalDropped);
  });

  test("nothing counts before it is durable: no leader without appended()", () => {
    const { core } = new Peer(module, 1, [1]);
    core.campaign();
    for (let i = 0; i < 10; i++) core.ready();
    expect(core.role).not.toBe(Role.Leader);
  });

  test("proposals are taken while appends are in flight, and commit one by one", () => {
    const { core } = net([1]).elected(1).peer(1);
    const before = core.commit;
    for (let i = 0; i < 5; i++) {
      core.proposeSizes([10]);
      expect(core.ready()?.hasAppend).toBe(true);
    }
    core.appended();
    core.ready();
    expect(core.commit).toBe(before + 1);
    for (let i = 0; i < 4; i++) core.appended();
    core.ready();
    expect(core.commit).toBe(before + 5);
  });

  test("the quota of uncommitted bytes drops proposals", () => {
    const n = net([1, 2, 3], { uncommittedBytesMax: 1000, messageBytesMax: 500 }).elected(1);
    n.cut = new Set([2, 3]);
    n.core(1).proposeSizes([900]);
    expect(() => n.core(1).proposeSizes([900])).toThrow(ProposalDropped);
  });

  test("the limit of a message counts payloads that stay outside", () => {
    const n = net([1, 2, 3]).elected(1);
    n.cut.add(3);
    for (let i = 0; i < 40; i++) n.propose(1, 4000);
    n.cut.clear();
    n.sent = [];
    n.tick(6);
    const entries = n.sent
      .filter(({ type, to }) => type === MessageType.Append && to === 3)
      .map(({ bytes: b }) => new DataView(b.buffer, b.byteOffset).getUint32(72, true));
    expect(Math.max(...entries)).toBeGreaterThan(1);
    expect(Math.max(...entries)).toBeLessThanOrEqual(5); // 16 KiB of 4,000 B each, and the one that crosses
  });
});

describe("election", () => {
  test("pre-vote: no term inflation after a partition heals", () => {
    const n = net([1, 2, 3]).elected(1);
    const { term } = n.core(1);
    n.cut.add(3);
    n.tick(200);
    expect(n.core(3).term).toBe(term);
    n.cut.clear();
    n.tick(30);
    expect([n.core(1).term, n.core(1).role]).toEqual([term, Role.Leader]);
  });

  test("check-quorum: an isolated leader steps down", () => {
    const n = net([1, 2, 3]).elected(1);
    n.cut.add(1);
    n.tick(40, [1]);
    expect(n.core(1).role).not.toBe(Role.Leader);
  });

  test("leadership is transferred", () => {
    const n = net([1, 2, 3]).elected(1);
    n.core(1).transferLeader(2);
    n.settle();
    n.tick(2);
    expect([n.core(2).role, n.core(1).lead]).toEqual([Role.Leader, 2]);
  });

  test("proposals are dropped during a transfer", () => {
    const n = net([1, 2, 3]).elected(1);
    n.cut.add(2);
    n.core(1).transferLeader(2);
    expect(() => n.core(1).proposeSizes([1])).toThrow(ProposalDropped);
  });
});

describe("read index", () => {
  test("a leader confirms after its own commit", () => {
    const n = net([1, 2, 3]).elected(1);
    n.propose(1, 10);
    n.core(1).readIndex(bytes("r1"));
    n.settle();
    expect(n.peer(1).reads.map(({ index, context }) => [index, text(context)])).toEqual([[3, "r1"]]);
  });

  test("an isolated leader confirms nothing", () => {
    const n = net([1, 2, 3]).elected(1);
    n.cut.add(1);
    n.core(1).readIndex(bytes("r"));
    n.settle();
    n.tick(5);
    expect(n.peer(1).reads).toEqual([]);
  });

  test("a follower's context goes to the leader and back", () => {
    const n = net([1, 2, 3]).elected(1);
    n.core(2).readIndex(bytes("from a follower"));
    n.settle();
    expect(n.peer(2).reads.map(({ context }) => text(context))).toEqual(["from a follower"]);
  });

  test("alone", () => {
    const n = net([1]).elected(1);
    n.core(1).readIndex(bytes("s"));
    n.settle();
    expect(n.peer(1).reads).toHaveLength(1);
  });

  test("answers that were delayed do not confirm a later read with the same context (etcd-io/etcd 20418)", () => {
    const n = net([1, 2, 3]).elected(1);
    n.propose(1, 10);
    const answers: Message[] = [];
    n.filter = (message) => {
      if (message.type === MessageType.HeartbeatResponse) answers.push(message);
      return true;
    };
    n.core(1).readIndex(bytes("A"));
    n.settle();
    expect(n.peer(1).reads).toHaveLength(1);
    n.filter = ({ type }) => type !== MessageType.HeartbeatResponse && type !== MessageType.Heartbeat;
    n.core(1).readIndex(bytes("A"));
    n.settle();
    expect(n.peer(1).reads).toHaveLength(1);
    for (const answer of answers) stepQuietly(n.core(1), answer.bytes);
    n.settle();
    expect(n.peer(1).reads).toHaveLength(1);
  });
});

describe("membership", () => {
  const withNewcomer = () => {
    const n = net([1, 2, 3]);
    n.peers.set(4, new Peer(module, 4, [1, 2, 3]));
    return n.elected(1);
  };
  const change = (core: WasmRaftCore, ...changes: [ConfChangeType, number][]) =>
    core.proposeConf(
      changes.map(([type, id]) => ({ type, id })),
      Transition.Auto,
      noContext,
    );

  test("a joint change replaces 3 by 4 and is left by itself", () => {
    const n = withNewcomer();
    change(n.core(1), [ConfChangeType.AddVoter, 4], [ConfChangeType.Remove, 3]);
    n.settle();
    n.tick(5);
    expect(n.core(1).status().conf).toEqual(confOf(1, 2, 4));
    n.propose(1, 5);
    n.tick(2);
    expect(n.core(4).commit).toBe(n.core(1).commit);
  });

  test("a learner follows, and becomes a voter", () => {
    const n = withNewcomer();
    change(n.core(1), [ConfChangeType.AddLearner, 4]);
    n.settle();
    n.tick(3);
    expect(n.core(1).status().conf.learners).toEqual([4]);
    expect(n.core(4).commit).toBe(n.core(1).commit);
    change(n.core(1), [ConfChangeType.AddVoter, 4]);
    n.settle();
    n.tick(3);
    expect(n.core(1).status().conf.voters).toEqual([1, 2, 3, 4]);
  });

  test("a second change while one is pending becomes an empty entry", () => {
    const n = net([1, 2, 3]).elected(1);
    n.cut = new Set([2, 3]);
    change(n.core(1), [ConfChangeType.AddLearner, 4]);
    change(n.core(1), [ConfChangeType.AddLearner, 5]);
    n.settle();
    const [first, second] = n.peer(1).log.slice(-2);
    expect([first.type, second.type, second.size]).toEqual([2, 0, 0]);
  });

  test("a removed leader steps down and the others elect one", () => {
    const n = net([1, 2, 3]).elected(1);
    change(n.core(1), [ConfChangeType.Remove, 1]);
    n.settle();
    n.tick(3, [1]);
    expect(n.core(1).role).not.toBe(Role.Leader);
    n.tick(60, [2, 3]);
    expect([2, 3].some((id) => n.core(id).role === Role.Leader)).toBe(true);
  });
});

describe("catching up and starting again", () => {
  test("a follower far behind gets a snapshot and then entries", () => {
    const n = net([1, 2, 3]).elected(1);
    n.cut.add(3);
    for (let i = 0; i < 100; i++) n.propose(1, 100);
    const { commit } = n.core(1);
    n.core(1).compact(commit, n.peer(1).conf, commit);
    n.cut.clear();
    n.tick(15);
    expect([n.peer(3).snapshots, n.core(3).commit]).toEqual([1, commit]);
    n.propose(1, 1);
    n.tick(2);
    expect(n.core(3).commit).toBe(commit + 1);
  });

  test("compaction ahead of what is applied is refused and changes nothing", () => {
    const n = net([1]).elected(1);
    expect(() => n.core(1).compact(n.core(1).commit + 1, confOf(1), 1)).toThrow(Rejected);
    n.propose(1, 1);
    expect(n.core(1).commit).toBe(3);
  });

  test("from hard state, snapshot and entries", () => {
    const n = net([1, 2, 3]).elected(1);
    for (let i = 0; i < 20; i++) n.propose(1, 100);
    n.tick(2);
    const { log, hardState, conf } = n.peer(2);
    const index = 10;
    const term = log.find((entry) => entry.index === index)?.term as number;
    const behind = log.filter((entry) => entry.index > index);
    n.peers.set(2, new Peer(module, 2, [1, 2, 3], { hardState, conf, applied: index, snapshot: { index, term, conf } }, behind));
    n.settle();
    expect([n.core(2).term, n.core(2).commit]).toEqual([n.core(1).term, n.core(1).commit]);
    expect(n.peer(2).applied[0].index).toBe(index + 1);
    n.propose(1, 1);
    n.tick(2);
    expect(n.core(2).commit).toBe(n.core(1).commit);
  });
});

describe("bad input and bad ends", () => {
  test("garbage is refused and does no harm", () => {
    const n = net([1, 2, 3]).elected(1);
    for (const length of [0, 1, 7, 50, 300]) expect(() => n.core(1).step(new Uint8Array(length).fill(255))).toThrow(Rejected);
    n.propose(1, 3);
    expect(n.core(1).commit).toBe(3);
  });

  test.each([
    [0, "a broken contract"],
    [1, "memory runs out"],
    [2, "the stack overflows"],
    [3, "a panic outside the guard"],
  ])("end %i (%s) is an exception, the instance stays dead, the process lives", (way) => {
    const { core } = new Peer(module, 1, [1, 2, 3]);
    expect(() => core.die(way)).toThrow(CorePanic);
    expect(() => core.tick()).toThrow(CorePanic);
    net([1]).elected(1);
  });

  test("time comes from a counter and chance from the host: the same input gives the same bytes", () => {
    const run = () => {
      const n = net([1, 2, 3]).elected(1);
      for (let i = 0; i < 50; i++) n.propose(1, i);
      n.tick(50);
      return n.sent.map(({ to, bytes: b }) => `${to}:${Buffer.from(b).toString("hex")}`);
    };
    expect(run()).toEqual(run());
  });

  test("the runtime's own timers pass in virtual time (poll_oneoff is real)", () => {
    const n = net([1]).elected(1);
    for (let i = 0; i < 600; i++) n.propose(1, ...new Array(10).fill(1000)); // the collector runs several times
    const { commit } = n.core(1);
    n.core(1).compact(commit, confOf(1), commit);
    n.propose(1, 1);
    expect(n.core(1).commit).toBe(commit + 1);
  });
});
