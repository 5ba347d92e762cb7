import type { LoggedEntry, SnapshotMeta } from "@corvo/storage";
import { AppendQueue } from "./append-queue.js";
import {
  type ConfChange,
  ConfChangeType,
  type ConfState,
  type CoreSnapshot,
  type CoreStatus,
  type Entry,
  MessageType,
  ProposalDropped,
  type Ready,
  Rejected,
  Role,
  Transition,
} from "./contract.js";
import { WasmRaftCore } from "./core.js";
import { encodeConf } from "./layout.js";
import { decodeFrame, type Frame, MalformedFrame } from "./message.js";
import { type CommittedEntry, isAlone, type RaftNodeOptions, type ResolvedOptions, type RoleName, resolveOptions, type SnapshotWanted } from "./options.js";
import { Outbox } from "./outbox.js";
import { PayloadCache } from "./payloads.js";
import { Reads } from "./reads.js";
import { coreLimits, headOf, type Recovered, recover } from "./recover.js";

/** What the host is told, in the order in which it happened. */
type Event =
  | { kind: "role"; role: RoleName; term: number; leaderId: number }
  | { kind: "committed"; entries: readonly Entry[] }
  | { kind: "reads"; reads: Ready["readStates"] }
  | { kind: "wanted"; wanted: SnapshotWanted };

const roleNames: Record<Role, RoleName> = {
  [Role.Follower]: "follower",
  [Role.Candidate]: "candidate",
  [Role.Leader]: "leader",
  [Role.PreCandidate]: "preCandidate",
};
const noBytes = new Uint8Array();
const noPayloads: ReadonlyMap<number, { term: number; data: Uint8Array }> = new Map();
/** The core refuses larger ones; a replica's entries are at most half of it. */
const entryBytesMax = 64 * 1024 * 1024;
const ticksAfterStallMax = 2;

/**
 * One member of a raft group: drives the core through its Ready contract. It persists before it promises, delivers what is committed
 * in order, and stops for good at the first failure.
 *
 * Watermarks: appliedIndex ≤ commitIndex ≤ lastIndex.
 */
export class RaftNode {
  readonly #options: ResolvedOptions;
  readonly #core: WasmRaftCore;
  readonly #payloads: PayloadCache;
  readonly #appends: AppendQueue;
  readonly #outbox: Outbox;
  readonly #reads: Reads;
  readonly #events: Event[] = [];
  /** Payloads of the message or proposal that the core is looking at: what it keeps of them moves to the cache. */
  #staged: ReadonlyMap<number, { term: number; data: Uint8Array }> = noPayloads;
  #proposal: Uint8Array | undefined;

  #conf: ConfState;
  #alone: boolean;
  #applied: number;
  /** What the core was told is applied. Invariant: coreFloor ≤ coreApplied ≤ applied. */
  #coreApplied: number;
  /** The core has forgotten the entries up to here. Invariant: the log keeps everything behind it. */
  #coreFloor: number;
  #state: "open" | "stopping" | "ended" = "open";
  #delivering = false;
  #pumpQueued = false;
  #installing: { done: Promise<void>; finish: () => void } | undefined;
  #lastTickMs: number;
  #cancelTick: () => void = () => {};
  #onDrained: (() => void) | undefined;

  /** Recovers, delivers what is committed behind the snapshot, and takes part. Rejects when log and snapshot do not fit together. */
  static async open(given: RaftNodeOptions): Promise<RaftNode> {
    const options = resolveOptions(given);
    const recovered = await recover(options);
    const core = new WasmRaftCore(options.core, { random: (bytes) => options.random.fill(bytes), log: options.onLog });
    const payloads = new PayloadCache(options.payloadCacheBytesMax);
    const { applied, conf, hardState, floor } = recovered;
    core.create({ ...coreLimits(options), applied, conf, hardState, snapshot: { ...floor, conf } });
    core.load(recovered.heads);
    if (options.log.lastIndex > applied)
      for await (const slice of options.log.read(applied + 1, options.log.lastIndex)) {
        for (const { index, term, data } of slice) payloads.put(index, term, data);
        core.load(slice.map(headOf));
      }
    core.start();
    const node = new RaftNode(options, core, payloads, recovered);
    node.#begin();
    return node;
  }

  private constructor(options: ResolvedOptions, core: WasmRaftCore, payloads: PayloadCache, recovered: Recovered) {
    this.#options = options;
    this.#core = core;
    this.#payloads = payloads;
    this.#conf = recovered.conf;
    this.#alone = isAlone(recovered.conf, options.id);
    this.#applied = recovered.applied;
    this.#coreApplied = recovered.applied;
    this.#coreFloor = recovered.floor.index;
    this.#lastTickMs = options.clock.monotonicMs();
    const failed = (error: unknown) => this.#fail(error);
    this.#appends = new AppendQueue(options.log, recovered.hardState, () => this.#pumpSoon(), failed);
    this.#reads = new Reads(options.id, options.random, options.clock);
    this.#outbox = new Outbox(options, payloads, {
      wanted: (wanted) => this.#events.push({ kind: "wanted", wanted }),
      unreachable: (id) => this.#input(() => core.reportUnreachable(id)),
      failed,
    });
  }

  #begin(): void {
    const { clock, network, tickMs, onSnapshotWanted } = this.#options;
    const tick = () => {
      this.#cancelTick = clock.after(tickMs, tick);
      this.#tick();
    };
    this.#cancelTick = clock.after(tickMs, tick);
    network?.onMessage((from, frame) => this.#receive(from, frame));
    if (network !== undefined && onSnapshotWanted === undefined) this.#options.onLog(2, "no way to send snapshots: members that fall far behind stay behind");
    // Alone, nobody else can win: there is nothing to wait for. Not before `open` has resolved, though.
    clock.soon(() => {
      if (this.#alone && this.#isOpen()) this.#input(() => this.#core.campaign());
    });
  }

  get id(): number {
    return this.#options.id;
  }
  get role(): RoleName {
    return this.#state === "ended" ? "follower" : roleNames[this.#core.role];
  }
  get term(): number {
    return this.#core.term;
  }
  /** 0 when none is known. */
  get leaderId(): number {
    return this.#state === "ended" ? 0 : this.#core.lead;
  }
  get appliedIndex(): number {
    return this.#applied;
  }
  get commitIndex(): number {
    return this.#core.commit;
  }
  get lastIndex(): number {
    return this.#core.last;
  }
  /** Membership as of `appliedIndex`, and inside `onCommitted` as of the last entry given: for SnapshotMeta.conf. */
  get confState(): Uint8Array {
    return encodeConf(this.#conf);
  }
  get members(): Readonly<ConfState> {
    return this.#conf;
  }
  /** The core's linear memory, 64 KiB each. It never falls: replace the node above a limit. */
  get memoryPages(): number {
    return this.#core.pages;
  }
  /** Payload bytes in memory: not yet applied, or kept for followers. */
  get payloadBytes(): number {
    return this.#payloads.bytes;
  }
  /** The members' progress, on a leader. */
  status(): CoreStatus {
    return this.#core.status();
  }

  /**
   * Proposes one entry, which must not be empty or changed afterwards. Undefined: this is not the leader, leadership is being
   * transferred, or too much is uncommitted. Otherwise it is committed if and only if `onCommitted` gives an entry with this index and
   * term; when another term's entry comes at this index it never will be; when leadership is lost before either, nobody knows yet.
   */
  propose(data: Uint8Array): { index: number; term: number } | undefined {
    if (data.length === 0 || data.length > entryBytesMax) throw new RangeError(`an entry has 1 to ${entryBytesMax} bytes, this one has ${data.length}`);
    const entry = this.#ask(data, () => this.#core.proposeSizes([data.length]));
    return entry && { index: entry.index, term: entry.term };
  }

  /**
   * Proposes a membership change. Undefined as for `propose`; not accepted: another change is still under way, and an empty entry took
   * its place. It counts when `onCommitted` has given it; a joint change leaves its joint state by a second entry.
   */
  changeMembers(
    changes: readonly ConfChange[],
    transition: Transition = Transition.Auto,
    context: Uint8Array = noBytes,
  ): { index: number; term: number; accepted: boolean } | undefined {
    this.#mustLeaveVoters(changes);
    const entry = this.#ask(undefined, () => this.#core.proposeConf(changes, transition, context));
    return entry && { index: entry.index, term: entry.term, accepted: entry.type !== 0 };
  }

  /** A leader hands over to `to`. Nothing tells when it does not come to that: watch `onRole`; proposals are dropped for an election timeout at most. */
  transferLeader(to: number): void {
    if (this.role === "leader") this.#input(() => this.#core.transferLeader(to));
  }

  /** Resolves with the index that a linearizable read has to see, once it is applied here; undefined when nobody confirmed it in time. Works on followers. */
  readIndex(timeoutMs = this.#options.electionTicks * this.#options.tickMs): Promise<number | undefined> {
    if (this.#state !== "open") return Promise.resolve(undefined);
    return this.#reads.start(timeoutMs, (context) => this.#input(() => this.#core.readIndex(context)));
  }

  /**
   * The state up to `index` is in a durable snapshot: forgets the entries behind it, in the core first and then in the log, but keeps
   * some for slow followers.
   */
  async compact(index: number): Promise<void> {
    if (index > this.#applied) throw new RangeError(`index ${index} is not applied, ${this.#applied} is`);
    if (this.#isEnded()) return;
    const dropThrough = this.#alone ? index : index - this.#options.coreEntriesKept;
    if (dropThrough <= 0) return;
    this.#input(() => this.#forget(dropThrough));
    await this.#options.log.dropThrough(Math.min(dropThrough, this.#coreFloor));
  }

  /** The snapshot that `onSnapshotWanted` asked for has arrived, or not. */
  reportSnapshot(to: number, ok: boolean): void {
    this.#input(() => this.#core.reportSnapshot(to, ok));
  }

  /**
   * Takes a snapshot whose data is durable here, given the frame that came with it. Resolves when it is the start of the log and
   * `onSnapshotInstalled` has resolved; false when it is of no use (older than what is here, or from a leader of the past).
   */
  async installSnapshot(frame: Uint8Array): Promise<boolean> {
    const decoded = decodeFrame(frame);
    if (decoded.type !== MessageType.Snapshot || decoded.to !== this.id) throw new MalformedFrame("not a snapshot for this member");
    if (this.#isInstalling() || !this.#isOpen()) return false;
    this.#step(decoded);
    if (!this.#isInstalling()) return false;
    await this.#installing?.done;
    return this.#isOpen();
  }

  /** Finishes what is under way, writes the commit index and leaves the log to its owner. The next start is then quick. */
  async stop(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "stopping";
    this.#cancelTick();
    this.#options.network?.onMessage(undefined);
    this.#reads.stop();
    if (this.#appends.length > 0)
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    if (!this.#isEnded()) await this.#appends.settle();
    this.#state = "ended";
  }

  /** A change that leaves no voter would be accepted and then kill every member that applies it. */
  #mustLeaveVoters(changes: readonly ConfChange[]): void {
    const voters = new Set(this.#conf.voters);
    for (const { type, id } of changes) {
      if (!Number.isSafeInteger(id) || id < 1) throw new RangeError(`a member's id is a positive integer, got ${id}`);
      if (type === ConfChangeType.AddVoter) voters.add(id);
      else voters.delete(id);
    }
    if (voters.size === 0) throw new RangeError("a group needs at least one voter");
  }

  // ---- Input: everything that changes the core goes through here, and what it wants done is taken at once.

  #input(change: () => void): void {
    if (this.#state === "ended") return;
    try {
      change();
      this.#pump();
      this.#deliver();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Proposes and takes the Ready at once: the one entry in it is the one proposed. Callbacks run in a later microtask. */
  #ask(data: Uint8Array | undefined, propose: () => void): Entry | undefined {
    if (this.#state !== "open" || this.#core.role !== Role.Leader) return undefined;
    try {
      propose();
      this.#proposal = data;
      const ready = this.#core.ready();
      if (ready?.entries.length !== 1) throw new Error("the core took one proposal and did not make one entry of it");
      this.#take(ready);
      this.#proposal = undefined;
      this.#pump();
      if (this.#events.length > 0) this.#pumpSoon();
      return ready.entries[0];
    } catch (error) {
      if (error instanceof ProposalDropped) return undefined;
      this.#fail(error);
      return undefined;
    }
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = Math.floor((nowMs - this.#lastTickMs) / this.#options.tickMs);
    this.#lastTickMs = nowMs;
    this.#input(() => {
      for (let n = Math.min(Math.max(due, 1), ticksAfterStallMax); n > 0; n--) this.#core.tick();
    });
  }

  #receive(from: number, bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    try {
      const frame = decodeFrame(bytes);
      // A snapshot comes with its data, through installSnapshot; everything else that peers do not say is a forgery.
      if (frame.from === from && frame.to === this.id && frame.type in MessageType && frame.type !== MessageType.Snapshot) this.#step(frame);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#options.onLog(2, `dropped a frame from member ${from}: ${error.message}`);
    }
  }

  #step(frame: Frame): void {
    this.#input(() => {
      if (frame.payloads.length > 0) this.#staged = new Map(frame.payloads.map((payload) => [payload.index, payload]));
      try {
        this.#core.step(frame.message);
        this.#pump();
      } catch (error) {
        if (!(error instanceof Rejected || error instanceof ProposalDropped)) throw error;
      } finally {
        this.#staged = noPayloads;
      }
    });
  }

  /** All that became durable in this turn of the event loop is acknowledged together. */
  #pumpSoon(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      this.#input(() => {});
      if (this.#appends.length === 0) this.#onDrained?.();
    });
  }

  // ---- The Ready loop. Nothing in it waits: every part is queued where its order is kept.

  #pump(): void {
    for (;;) {
      const ready = this.#core.hasReady ? this.#core.ready() : undefined;
      if (ready !== undefined) this.#take(ready);
      else {
        const promises = this.#appends.takeDurable();
        if (promises === undefined) return;
        this.#core.appended();
        this.#outbox.send(promises);
      }
    }
  }

  #take(ready: Ready): void {
    const { softState, hardState, snapshot, entries, committed } = ready;
    if (softState !== undefined) this.#events.push({ kind: "role", role: roleNames[softState.role], term: this.#core.term, leaderId: softState.lead });
    if (hardState !== undefined) this.#appends.hardState = hardState;
    const logged = entries.length === 0 ? [] : entries.map((entry) => this.#keep(entry));
    this.#outbox.send(ready.messages);
    if (ready.hasAppend) {
      const write = ready.mustSync || snapshot !== undefined;
      this.#appends.push({ entries: logged, write, promises: ready.afterAppend, ...(snapshot && this.#installation(snapshot)) });
    }
    if (committed.length > 0) this.#events.push({ kind: "committed", entries: committed });
    if (ready.readStates.length > 0) this.#events.push({ kind: "reads", reads: ready.readStates });
  }

  /** Joins a new entry with its payload and remembers it. */
  #keep(entry: Entry): LoggedEntry {
    const { index, term, type, size } = entry;
    const data = entry.data ?? this.#arrived(entry) ?? this.#payloads.get(index, term);
    if (data === undefined || data.length !== size) throw new Error(`the payload of entry ${index} (term ${term}, ${size} B) is not here`);
    if (entry.data === undefined) this.#payloads.put(index, term, data);
    return { index, term, type, data };
  }

  #arrived({ index, term }: Entry): Uint8Array | undefined {
    if (this.#proposal !== undefined) return this.#proposal;
    const staged = this.#staged.get(index);
    return staged?.term === term ? staged.data : undefined;
  }

  // ---- Output: callbacks run one after the other, never inside each other, whatever they call.

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let event = this.#events.shift(); event !== undefined && !this.#isEnded(); event = this.#events.shift()) {
        this.#tell(event);
        this.#pump();
      }
    } finally {
      this.#delivering = false;
    }
  }

  #tell(event: Event): void {
    const { onRole, onSnapshotWanted } = this.#options;
    if (event.kind === "role") onRole(event.role, event.term, event.leaderId);
    else if (event.kind === "committed") this.#apply(event.entries);
    else if (event.kind === "wanted") {
      if (onSnapshotWanted !== undefined) onSnapshotWanted(event.wanted);
      else this.#core.reportSnapshot(event.wanted.to, false);
    } else {
      for (const { index, context } of event.reads) this.#reads.confirmed(context, index);
      this.#reads.advance(this.#applied);
    }
  }

  #apply(entries: readonly Entry[]): void {
    let batch: CommittedEntry[] = [];
    const flush = () => {
      if (batch.length === 0 || this.#isEnded()) return;
      this.#options.onCommitted(batch);
      this.#applied = batch[batch.length - 1].index;
      batch = [];
    };
    for (const entry of entries) {
      const { index, term, type } = entry;
      const data = entry.data ?? this.#payloads.get(index, term);
      if (data === undefined) throw new Error(`the payload of committed entry ${index} (term ${term}) is not here`);
      if (type === 0) batch.push({ index, term, type, data });
      else {
        // Alone in its batch: whoever cuts a snapshot in onCommitted then finds the membership that belongs to its index.
        flush();
        this.#conf = this.#core.applyConf(entry);
        this.#alone = isAlone(this.#conf, this.id);
        batch.push({ index, term, type, data });
        flush();
      }
    }
    flush();
    if (this.#isEnded()) return;
    this.#core.applied();
    this.#coreApplied = this.#applied;
    this.#payloads.trim(this.#applied, this.#alone ? 0 : undefined);
    this.#reads.advance(this.#applied);
    const kept = this.#options.coreEntriesKept;
    if (this.#applied - this.#coreFloor >= 2 * kept) this.#forget(this.#alone ? this.#applied : this.#applied - kept);
  }

  /**
   * Makes the core forget entries. It may be ahead of the host's snapshots: whoever then needs older entries is offered a snapshot
   * of at least the applied index, which the host cuts when it is asked.
   */
  #forget(through: number): void {
    const floor = Math.min(through, this.#coreApplied);
    if (floor <= this.#coreFloor) return;
    this.#core.compact(this.#coreApplied, this.#conf, floor);
    this.#coreFloor = floor;
  }

  #installation(snapshot: CoreSnapshot): { first: () => Promise<void>; last: () => Promise<void> } {
    const { index, term, conf } = snapshot;
    let finish: () => void = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    this.#installing = { done, finish };
    return {
      first: () => this.#options.log.resetTo(index, term),
      last: async () => {
        const meta: SnapshotMeta = { index, term, conf: encodeConf(conf) };
        await this.#options.onSnapshotInstalled?.(meta);
        this.#payloads.trim(index, 0);
        this.#conf = conf;
        this.#alone = isAlone(conf, this.id);
        this.#applied = index;
        this.#coreApplied = index;
        this.#coreFloor = index;
        this.#installing?.finish();
        this.#installing = undefined;
      },
    };
  }

  #isInstalling(): boolean {
    return this.#installing !== undefined;
  }
  #isEnded(): boolean {
    return this.#state === "ended";
  }
  #isOpen(): boolean {
    return this.#state === "open";
  }

  #fail(error: unknown): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#cancelTick();
    this.#options.network?.onMessage(undefined);
    this.#reads.stop();
    this.#events.length = 0;
    this.#onDrained?.();
    this.#installing?.finish();
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }
}
