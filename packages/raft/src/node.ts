import { type ConfChange, ConfChangeType, type ConfState, type CoreSnapshot, type CoreStatus, type Entry, MessageType, Transition } from "./contract.js";
import { WasmRaftCore } from "./core.js";
import { Driver, type Event, roleNames } from "./driver.js";
import { encodeConf } from "./layout.js";
import { decodeFrame, MalformedFrame } from "./message.js";
import { type CommittedEntry, isAlone, type RaftNodeOptions, type ResolvedOptions, type RoleName, resolveOptions } from "./options.js";
import { PayloadCache } from "./payloads.js";
import { Reads } from "./reads.js";
import { coreLimits, headOf, type Recovered, recover } from "./recover.js";

const noBytes = new Uint8Array();
/** The core refuses larger ones; a replica's entries are at most half of it. */
const entryBytesMax = 64 * 1024 * 1024;
const ticksAfterStallMax = 2;
/** Applied entries that a core which needs none of them collects before it forgets them. */
const aloneEntriesMax = 1000;

/**
 * One member of a raft group. It persists before it promises, delivers what is committed in order, and stops for good at the first
 * failure.
 *
 * Watermarks: appliedIndex ≤ commitIndex ≤ lastIndex.
 */
export class RaftNode {
  readonly #options: ResolvedOptions;
  readonly #core: WasmRaftCore;
  readonly #payloads: PayloadCache;
  readonly #driver: Driver;
  readonly #reads: Reads;

  #conf: ConfState;
  #alone: boolean;
  #applied: number;
  /** What the core was told is applied. Invariant: coreFloor ≤ coreApplied ≤ applied. */
  #coreApplied: number;
  /** The core has forgotten the entries up to here. Invariant: the log keeps everything behind it. */
  #coreFloor: number;
  #stopping = false;
  #installing: { done: Promise<void>; finish: () => void } | undefined;
  #lastTickMs: number;
  #cancelTick: () => void = () => {};

  /** Recovers, delivers what is committed behind the snapshot, and takes part. Rejects when log and snapshot do not fit together. */
  static async open(given: RaftNodeOptions): Promise<RaftNode> {
    const options = resolveOptions(given);
    const recovered = await recover(options);
    const { applied, conf, hardState, floor, heads } = recovered;
    const core = new WasmRaftCore(options.core, { random: (bytes) => options.random.fill(bytes), log: options.onLog });
    const payloads = new PayloadCache(options.payloadCacheBytesMax);
    core.create({ ...coreLimits(options), applied, conf, hardState, snapshot: { ...floor, conf } });
    core.load(heads);
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
    this.#reads = new Reads(options.id, options.random, options.clock);
    this.#driver = new Driver(options, core, payloads, recovered.hardState, {
      tell: (event) => this.#tell(event),
      installation: (snapshot) => this.#installation(snapshot),
      failed: (error) => this.#failed(error),
    });
  }

  #begin(): void {
    const { clock, network, tickMs, onSnapshotWanted, onLog } = this.#options;
    const tick = () => {
      this.#cancelTick = clock.after(tickMs, tick);
      this.#tick();
    };
    this.#cancelTick = clock.after(tickMs, tick);
    network?.onMessage((from, frame) => this.#receive(from, frame));
    if (network !== undefined && onSnapshotWanted === undefined) onLog(2, "no way to send snapshots: members that fall far behind stay behind");
    // Alone, nobody else can win: there is nothing to wait for. Not before `open` has resolved, though.
    clock.soon(() => {
      if (this.#alone && !this.#stopping) this.#driver.input(() => this.#core.campaign());
    });
  }

  get id(): number {
    return this.#options.id;
  }
  get role(): RoleName {
    return this.#driver.ended ? "follower" : roleNames[this.#core.role];
  }
  get term(): number {
    return this.#core.term;
  }
  /** 0 when none is known. */
  get leaderId(): number {
    return this.#driver.ended ? 0 : this.#core.lead;
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
    if (this.#stopping) return undefined;
    const entry = this.#driver.ask(data, () => this.#core.proposeSizes([data.length]));
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
    if (this.#stopping) return undefined;
    const entry = this.#driver.ask(undefined, () => this.#core.proposeConf(changes, transition, context));
    return entry && { index: entry.index, term: entry.term, accepted: entry.type !== 0 };
  }

  /** A leader hands over to `to`. Nothing tells when it does not come to that: watch `onRole`; proposals are dropped for an election timeout at most. */
  transferLeader(to: number): void {
    if (this.role === "leader") this.#driver.input(() => this.#core.transferLeader(to));
  }

  /** Resolves with the index that a linearizable read has to see, once it is applied here; undefined when nobody confirmed it in time. Works on followers. */
  readIndex(timeoutMs = this.#options.electionTicks * this.#options.tickMs): Promise<number | undefined> {
    if (this.#stopping || this.#driver.ended) return Promise.resolve(undefined);
    return this.#reads.start(timeoutMs, (context) => this.#driver.input(() => this.#core.readIndex(context)));
  }

  /**
   * The state up to `index` is in a durable snapshot: forgets the entries behind it, in the core first and then in the log, but keeps
   * some for slow followers.
   */
  async compact(index: number): Promise<void> {
    if (index > this.#applied) throw new RangeError(`index ${index} is not applied, ${this.#applied} is`);
    if (this.#driver.ended) return;
    const dropThrough = this.#alone ? index : index - this.#options.coreEntriesKept;
    if (dropThrough <= 0) return;
    this.#driver.input(() => this.#forget(dropThrough));
    await this.#options.log.dropThrough(Math.min(dropThrough, this.#coreFloor));
  }

  /** The snapshot that `onSnapshotWanted` asked for has arrived, or not. */
  reportSnapshot(to: number, ok: boolean): void {
    this.#driver.input(() => this.#core.reportSnapshot(to, ok));
  }

  /**
   * Takes a snapshot whose data is durable here, given the frame that came with it. Resolves when it is the start of the log and
   * `onSnapshotInstalled` has resolved; false when it is of no use (older than what is here, or from a leader of the past).
   */
  async installSnapshot(frame: Uint8Array): Promise<boolean> {
    const decoded = decodeFrame(frame);
    if (decoded.type !== MessageType.Snapshot || decoded.to !== this.id) throw new MalformedFrame("not a snapshot for this member");
    if (this.#isInstalling() || this.#stopping) return false;
    this.#driver.step(decoded);
    if (!this.#isInstalling()) return false;
    await this.#installing?.done;
    return !this.#driver.ended;
  }

  /** Finishes what is under way, writes the commit index and leaves the log to its owner. The next start is then quick. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#end();
    await this.#driver.drain();
  }

  #end(): void {
    this.#stopping = true;
    this.#cancelTick();
    this.#options.network?.onMessage(undefined);
    this.#reads.stop();
  }

  #failed(error: Error): void {
    this.#end();
    this.#installing?.finish();
    this.#options.onFatal(error);
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = Math.floor((nowMs - this.#lastTickMs) / this.#options.tickMs);
    this.#lastTickMs = nowMs;
    this.#driver.input(() => {
      for (let n = Math.min(Math.max(due, 1), ticksAfterStallMax); n > 0; n--) this.#core.tick();
    });
  }

  #receive(from: number, bytes: Uint8Array): void {
    if (this.#stopping) return;
    try {
      const frame = decodeFrame(bytes);
      // A snapshot comes with its data, through installSnapshot; everything else that peers do not say is a forgery.
      if (frame.from === from && frame.to === this.id && frame.type in MessageType && frame.type !== MessageType.Snapshot) this.#driver.step(frame);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#options.onLog(2, `dropped a frame from member ${from}: ${error.message}`);
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
      if (batch.length === 0 || this.#driver.ended) return;
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
    if (this.#driver.ended) return;
    this.#core.applied();
    this.#coreApplied = this.#applied;
    this.#payloads.trim(this.#applied, this.#alone ? 0 : undefined);
    this.#reads.advance(this.#applied);
    const { coreEntriesKept } = this.#options;
    const entriesMax = this.#alone ? aloneEntriesMax : 2 * coreEntriesKept;
    if (this.#applied - this.#coreFloor >= entriesMax) this.#forget(this.#alone ? this.#applied : this.#applied - coreEntriesKept);
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
        await this.#options.onSnapshotInstalled?.({ index, term, conf: encodeConf(conf) });
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
}
