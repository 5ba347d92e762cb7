import {
  type ConfState,
  type CoreConfig,
  type CoreHardState,
  confOf,
  type EntryHead,
  type Message,
  MessageType,
  ProposalDropped,
  type Ready,
  Rejected,
  Role,
} from "../../src/contract.js";
import { WasmRaftCore } from "../../src/core.js";
import { SeededRandom } from "./random.js";

const founding = { hardState: { term: 1, vote: 0, commit: 1 }, applied: 1 };

/** A core and everything it said, with a disk that is always done at once. */
export class Peer {
  readonly core: WasmRaftCore;
  applied: EntryHead[] = [];
  reads: { index: number; context: Uint8Array }[] = [];
  hardState: CoreHardState = founding.hardState;
  log: EntryHead[] = [];
  conf: ConfState;
  snapshots = 0;

  constructor(module: WebAssembly.Module, id: number, voters: readonly number[], over: Partial<CoreConfig> = {}, log: EntryHead[] = []) {
    this.core = new WasmRaftCore(module, { random: (out) => new SeededRandom(id).fill(out) });
    this.conf = over.conf ?? confOf(...voters);
    this.log = log.slice();
    this.core.create({
      id,
      electionTicks: 10,
      heartbeatTicks: 1,
      inflightMessagesMax: 64,
      messageBytesMax: 16384,
      inflightBytesMax: 0,
      uncommittedBytesMax: 0,
      committedBytesMax: 1 << 20,
      ...founding,
      conf: this.conf,
      snapshot: { index: 1, term: 1, conf: this.conf },
      ...over,
    });
    this.core.load(log);
    this.core.start();
  }
}

/** Cores that hand each other their messages until nothing moves. */
export class CoreNet {
  readonly peers = new Map<number, Peer>();
  cut = new Set<number>();
  sent: Message[] = [];
  filter: (message: Message, from: number) => boolean = () => true;

  constructor(
    readonly module: WebAssembly.Module,
    ids: readonly number[],
    over: Partial<CoreConfig> = {},
  ) {
    for (const id of ids) this.peers.set(id, new Peer(module, id, ids, over));
  }

  peer(id: number): Peer {
    return this.peers.get(id) as Peer;
  }
  core(id: number): WasmRaftCore {
    return this.peer(id).core;
  }
  commits(): number[] {
    return [...this.peers.values()].map(({ core }) => core.commit);
  }

  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [id, peer] of this.peers)
        for (let ready = peer.core.ready(); ready !== undefined; ready = peer.core.ready()) {
          moved = true;
          this.#handle(id, peer, ready);
        }
    }
  }

  #handle(id: number, peer: Peer, ready: Ready): void {
    this.#send(id, ready.messages);
    if (ready.hardState) peer.hardState = ready.hardState;
    if (ready.snapshot) {
      peer.snapshots++;
      peer.log = [];
      peer.conf = ready.snapshot.conf;
    }
    if (ready.entries.length > 0) peer.log = peer.log.filter(({ index }) => index < ready.entries[0].index).concat(ready.entries);
    if (ready.hasAppend) peer.core.appended();
    this.#send(id, ready.afterAppend);
    peer.reads.push(...ready.readStates);
    for (const entry of ready.committed) {
      peer.applied.push(entry);
      if (entry.type !== 0) peer.conf = peer.core.applyConf(entry);
    }
    if (ready.committed.length > 0) peer.core.applied();
  }

  #send(from: number, messages: readonly Message[]): void {
    for (const message of messages) {
      this.sent.push(message);
      const to = this.peers.get(message.to);
      const arrives = to !== undefined && !this.cut.has(from) && !this.cut.has(message.to) && this.filter(message, from);
      if (arrives) stepQuietly(to.core, message.bytes);
      if (message.type === MessageType.Snapshot) this.core(from).reportSnapshot(message.to, arrives);
    }
  }

  tick(times: number, ids: readonly number[] = [...this.peers.keys()]): void {
    for (let i = 0; i < times; i++)
      for (const id of ids) {
        this.core(id).tick();
        this.settle();
      }
  }

  /** Makes `id` the leader. */
  elected(id: number): this {
    this.core(id).campaign();
    this.settle();
    if (this.core(id).role !== Role.Leader) throw new Error(`${id} was not elected`);
    return this;
  }
  propose(id: number, ...sizes: number[]): void {
    this.core(id).proposeSizes(sizes);
    this.settle();
  }
}

export function stepQuietly(core: WasmRaftCore, message: Uint8Array): void {
  try {
    core.step(message);
  } catch (error) {
    if (!(error instanceof Rejected || error instanceof ProposalDropped)) throw error;
  }
}
