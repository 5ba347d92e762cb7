import { createHash } from "node:crypto";
import { ConfChangeType } from "../../src/index.js";
import { bytes, Cluster, type Machine, text } from "./cluster.js";

/** What a run did: enough to see that the faults did happen. */
export interface Run {
  /** Over every frame sent and everything delivered, with its virtual time. */
  hash: string;
  proposed: number;
  delivered: number;
  elections: number;
  crashes: number;
  partitions: number;
  snapshots: number;
  transfers: number;
  membershipChanges: number;
  reads: number;
}

const ids = [1, 2, 3, 4, 5];

/**
 * Five members, a client and a nemesis for so many virtual seconds; then the world is healed and everything has to converge.
 * Throws when two lead in one term, when an index is delivered with two contents, when a machine skips or repeats an index, when a
 * read misses what was delivered before it, when something delivered is gone at the end, or when a node dies.
 */
export async function torment(seed: number, seconds: number): Promise<Run> {
  const cluster = new Cluster(ids, seed);
  const { clock, random, network } = cluster;
  const hash = createHash("sha256");
  const run: Omit<Run, "hash"> = {
    proposed: 0,
    delivered: 0,
    elections: 0,
    crashes: 0,
    partitions: 0,
    snapshots: 0,
    transfers: 0,
    membershipChanges: 0,
    reads: 0,
  };
  const chosen = new Map<number, string>();
  const leaders = new Map<number, number>();
  const nextIndex = new Map<Machine, number>();
  let highest = 0;
  let healed = false;

  cluster.options = { coreEntriesKept: 30, payloadCacheBytesMax: 4000, messageBytesMax: 3000, inflightBytesMax: 20_000, uncommittedBytesMax: 100_000 };
  network.delayMsMax = 15;
  network.lossRate = 0.02;
  network.repeatRate = 0.02;
  network.onFrame = (from, to, frame) => hash.update(`${clock.monotonicMs()}:${from}>${to}:`).update(frame);
  cluster.latency = (done) => clock.after(random.chance(0.02) ? 300 : 1 + random.below(6), done);
  cluster.onRole = (machine, role, term) => {
    if (role !== "leader") return;
    run.elections++;
    const other = leaders.get(term);
    if (other !== undefined && other !== machine.id) throw new Error(`${other} and ${machine.id} lead in term ${term}`);
    leaders.set(term, machine.id);
  };
  cluster.onCommitted = (machine, entries) => {
    for (const { index, term, type, data } of entries) {
      const content = `${term}/${type}/${text(data)}`;
      const known = chosen.get(index);
      if (known === undefined) run.delivered++;
      else if (known !== content) throw new Error(`index ${index} was delivered as ${known} and as ${content}`);
      chosen.set(index, content);
      const expected = nextIndex.get(machine);
      if (expected !== undefined && expected !== index) throw new Error(`member ${machine.id} was given ${index} after ${expected - 1}`);
      nextIndex.set(machine, index + 1);
      highest = Math.max(highest, index);
      hash.update(`${clock.monotonicMs()}:${machine.id}:${index}:${content}`);
    }
  };

  const start = async (machine: Machine) => {
    nextIndex.delete(machine);
    await machine.start({
      onSnapshotInstalled: async (meta) => {
        machine.state = machine.saved?.state.slice() ?? [];
        nextIndex.set(machine, meta.index + 1);
        run.snapshots++;
      },
    });
  };
  const crash = (machine: Machine) => {
    if (machine.node === undefined) return;
    run.crashes++;
    machine.crash(random.below(3));
    clock.after(200 + random.below(3000), () => start(machine));
  };
  const live = () => cluster.machines.filter(({ node }) => node !== undefined);
  const leading = () => cluster.machines.filter(({ isLeader }) => isLeader);

  const client = () => {
    if (!healed) clock.after(5 + random.below(15), client);
    const machine = random.pick(cluster.machines);
    const { node } = machine;
    if (node === undefined) return;
    for (let n = 1 + random.below(4); n > 0 && machine.isLeader; n--) {
      const value = `${run.proposed}-${"x".repeat(random.below(600))}`;
      if (node.propose(bytes(value)) !== undefined) run.proposed++;
    }
    if (random.chance(0.05)) {
      const floor = highest;
      node.readIndex(800).then((index) => {
        if (index === undefined) return;
        run.reads++;
        if (index < floor) throw new Error(`a read at ${index} misses ${floor}, which was delivered before it began`);
      });
    }
    if (random.chance(0.03) && node.appliedIndex > (machine.saved?.meta.index ?? 1)) machine.snapshot();
  };

  const nemesis = () => {
    if (healed) return;
    clock.after(800 + random.below(3000), nemesis);
    const kind = random.below(7);
    if (kind === 0 && live().length > 3) crash(random.pick(live()));
    else if (kind === 6)
      live().forEach(crash); // the power of the whole rack
    else if (kind === 1) cutFor(2000 + random.below(5000), () => network.isolate(random.pick(ids), ids));
    else if (kind === 2) cutFor(3000, () => network.cut(random.pick(ids), random.pick(ids)));
    else if (kind === 3) {
      const border = 1 + random.below(4);
      cutFor(2000 + random.below(4000), () => {
        for (const a of ids) for (const b of ids) if (a <= border !== b <= border) network.cut(a, b);
      });
    } else
      for (const { node } of leading()) {
        if (node === undefined) continue;
        if (kind === 4) {
          run.transfers++;
          node.transferLeader(random.pick(ids));
        } else {
          const { learners, voters } = node.members;
          const change =
            learners.length > 0
              ? learners.map((id) => ({ type: ConfChangeType.AddVoter, id }))
              : [{ type: ConfChangeType.AddLearner, id: random.pick(voters.filter((id) => id !== node.id)) }];
          if (node.changeMembers(change, 1)?.accepted) run.membershipChanges++;
        }
      }
  };
  const cutFor = (ms: number, cut: () => void) => {
    run.partitions++;
    cut();
    clock.after(ms, () => network.heal());
  };

  const opened = Promise.all(cluster.machines.map(start));
  await clock.advance(1000);
  await opened;
  clock.after(1, client);
  clock.after(3000, nemesis);
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1000);
    for (const { id, fatal } of cluster.machines) if (fatal !== undefined) throw new Error(`member ${id} died: ${fatal.message}`, { cause: fatal });
  }

  healed = true;
  network.heal();
  network.lossRate = 0;
  await clock.advance(10_000);
  const states = () => cluster.machines.map(({ node }) => node?.appliedIndex);
  await clock.until(() => new Set(states()).size === 1 && (states()[0] ?? 0) >= highest, 60_000);
  const [first, ...rest] = cluster.machines;
  for (const other of rest)
    if (JSON.stringify(other.state) !== JSON.stringify(first.state)) throw new Error(`members ${first.id} and ${other.id} differ at the end`);
  return { hash: hash.digest("hex"), ...run };
}
