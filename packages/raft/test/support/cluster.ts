import type { SnapshotMeta } from "@corvo/storage";
import { type CommittedEntry, RaftNode, type RaftNodeOptions, type RoleName, type SnapshotWanted } from "../../src/index.js";
import { VirtualClock } from "./clock.js";
import { coreModule } from "./core.js";
import { emptyDisk, type Latency, type MemoryDisk, MemoryLog } from "./memory-log.js";
import { SimulatedNetwork } from "./network.js";
import { SeededRandom } from "./random.js";

const decoder = new TextDecoder();
export const text = (data: Uint8Array): string => decoder.decode(data);
export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A machine: its disk outlives its process. The state machine is the list of the texts it was given. */
export class Machine {
  disk: MemoryDisk = emptyDisk();
  /** The newest durable snapshot: what `state` was at `meta.index`. */
  saved: { meta: SnapshotMeta; state: string[] } | undefined;

  log: MemoryLog | undefined;
  node: RaftNode | undefined;
  state: string[] = [];
  committed: CommittedEntry[] = [];
  roles: { role: RoleName; term: number; leaderId: number }[] = [];
  fatal: Error | undefined;
  starts = 0;

  constructor(
    readonly id: number,
    readonly cluster: Cluster,
  ) {}

  async start(over: Partial<RaftNodeOptions> = {}): Promise<RaftNode> {
    const { cluster, id } = this;
    this.starts++;
    this.state = this.saved?.state.slice() ?? [];
    this.committed = [];
    this.roles = [];
    this.fatal = undefined;
    const start = this.starts;
    const isCurrent = () => this.starts === start;
    this.log = new MemoryLog(this.disk, (done) => cluster.latency(done));
    const node = await RaftNode.open({
      id,
      core: await coreModule(),
      log: this.log,
      snapshot: this.saved?.meta,
      members: cluster.founders,
      clock: cluster.clock,
      random: new SeededRandom(cluster.seed * 1000 + id * 31 + start),
      network: cluster.founders.length === 1 ? undefined : cluster.network.of(id),
      onCommitted: (entries) => {
        if (!isCurrent()) throw new Error("a dead process was given entries");
        this.committed.push(...entries);
        for (const { type, data } of entries) if (type === 0 && data.length > 0) this.state.push(text(data));
        cluster.onCommitted(this, entries);
      },
      onRole: (role, term, leaderId) => {
        this.roles.push({ role, term, leaderId });
        cluster.onRole(this, role, term);
      },
      onFatal: (error) => {
        this.fatal = error;
      },
      onSnapshotWanted: (wanted) => cluster.sendSnapshot(this, wanted),
      onSnapshotInstalled: async () => {
        this.state = this.saved?.state.slice() ?? [];
      },
      ...cluster.options,
      ...over,
    });
    if (isCurrent()) this.node = node;
    return node;
  }

  /** A durable snapshot of what is applied now; then the log behind it may go. */
  async snapshot(): Promise<void> {
    this.cut();
    await this.node?.compact(this.saved?.meta.index as number);
  }
  cut(): SnapshotMeta {
    const node = this.node as RaftNode;
    const index = node.appliedIndex;
    const term = this.committed.find((entry) => entry.index === index)?.term ?? this.saved?.meta.term ?? 1;
    this.saved = { meta: { index, term, conf: node.confState }, state: this.state.slice() };
    return this.saved.meta;
  }

  /** Power cut: some of the writes under way still reach the disk. */
  crash(reaching = 0): void {
    this.starts++;
    this.cluster.network.unplug(this.id);
    this.log?.crash(reaching);
    this.node = undefined;
  }

  get isLeader(): boolean {
    return this.node?.role === "leader";
  }
}

/** Machines, links and a clock that exist in memory alone. Same seed, same run. */
export class Cluster {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly machines: Machine[];
  latency: Latency = (done) => done();
  options: Partial<RaftNodeOptions> = {};
  onCommitted: (machine: Machine, entries: readonly CommittedEntry[]) => void = () => {};
  onRole: (machine: Machine, role: RoleName, term: number) => void = () => {};

  constructor(
    readonly founders: readonly number[],
    readonly seed = 1,
  ) {
    this.random = new SeededRandom(seed);
    this.network = new SimulatedNetwork(this.clock, this.random);
    this.machines = founders.map((id) => new Machine(id, this));
  }

  static async started(founders: readonly number[], over: Partial<RaftNodeOptions> = {}): Promise<Cluster> {
    const cluster = new Cluster(founders);
    cluster.options = over;
    for (const machine of cluster.machines) await machine.start();
    return cluster;
  }

  machine(id: number): Machine {
    const found = this.machines.find((machine) => machine.id === id);
    if (found === undefined) throw new Error(`there is no machine ${id}`);
    return found;
  }
  add(id: number): Machine {
    const machine = new Machine(id, this);
    this.machines.push(machine);
    return machine;
  }

  async leader(among: readonly number[] = this.machines.map(({ id }) => id)): Promise<Machine> {
    const leading = () => this.machines.filter((machine) => among.includes(machine.id) && machine.isLeader);
    await this.clock.until(() => leading().length > 0);
    return leading().sort((a, b) => (b.node?.term ?? 0) - (a.node?.term ?? 0))[0];
  }

  /** Copies the sender's state to the receiver's disk, and lets it install it. */
  sendSnapshot(from: Machine, wanted: SnapshotWanted): void {
    const meta = from.cut();
    if (meta.index < wanted.index) throw new Error(`the snapshot covers ${meta.index}, ${wanted.index} was asked for`);
    const state = from.state.slice();
    const frame = wanted.frame(meta);
    this.clock.after(20, async () => {
      const to = this.machines.find(({ id }) => id === wanted.to);
      if (to?.node === undefined || this.network.isCut(from.id, wanted.to)) return from.node?.reportSnapshot(wanted.to, false);
      const before = to.saved;
      to.saved = { meta, state };
      const node = to.node;
      const taken = await node.installSnapshot(frame);
      if (!taken && to.node === node) to.saved = before;
      from.node?.reportSnapshot(wanted.to, taken);
    });
  }
}
