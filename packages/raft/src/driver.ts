import type { LoggedEntry } from "@corvo/storage";
import { AppendQueue } from "./append-queue.js";
import { type CoreHardState, type CoreSnapshot, type Entry, ProposalDropped, type Ready, Rejected, Role } from "./contract.js";
import type { WasmRaftCore } from "./core.js";
import type { Frame } from "./message.js";
import type { ResolvedOptions, RoleName, SnapshotWanted } from "./options.js";
import { Outbox } from "./outbox.js";
import type { PayloadCache } from "./payloads.js";

/** What the host is told, in the order in which it happened. */
export type Event =
  | { kind: "role"; role: RoleName; term: number; leaderId: number }
  | { kind: "committed"; entries: readonly Entry[] }
  | { kind: "reads"; reads: Ready["readStates"] }
  | { kind: "wanted"; wanted: SnapshotWanted };

export interface DriverHost {
  /** Never called inside itself. */
  tell(event: Event): void;
  /** What to do before and behind the log's part when a received snapshot takes the log's place. */
  installation(snapshot: CoreSnapshot): { first: () => Promise<void>; last: () => Promise<void> };
  /** The first failure. Nothing is called afterwards. */
  failed(error: Error): void;
}

export const roleNames: Record<Role, RoleName> = {
  [Role.Follower]: "follower",
  [Role.Candidate]: "candidate",
  [Role.Leader]: "leader",
  [Role.PreCandidate]: "preCandidate",
};
const noPayloads: ReadonlyMap<number, { term: number; data: Uint8Array }> = new Map();

/**
 * The Ready loop. Whatever changes the core comes in here; what the core then wants done is taken in the same turn and queued where its
 * order is kept: writes to the log, frames to peers, events to the host. Nothing in the loop waits.
 */
export class Driver {
  readonly #appends: AppendQueue;
  readonly #outbox: Outbox;
  readonly #events: Event[] = [];
  /** Payloads of the message or the proposal that the core is looking at: what it keeps of them moves to the cache. */
  #staged = noPayloads;
  #proposal: Uint8Array | undefined;
  #delivering = false;
  #pumpQueued = false;
  #ended = false;
  #onDrained: (() => void) | undefined;

  constructor(
    readonly options: ResolvedOptions,
    readonly core: WasmRaftCore,
    readonly payloads: PayloadCache,
    hardState: CoreHardState,
    readonly host: DriverHost,
  ) {
    const failed = (error: unknown) => this.fail(error);
    this.#appends = new AppendQueue(options.log, hardState, () => this.#pumpSoon(), failed);
    this.#outbox = new Outbox(options, payloads, {
      wanted: (wanted) => this.#events.push({ kind: "wanted", wanted }),
      unreachable: (id) => this.input(() => core.reportUnreachable(id)),
      failed,
    });
  }

  /** Failed or drained: the core is not asked any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Changes the core, takes what it wants done, and tells the host. */
  input(change: () => void): void {
    if (this.#ended) return;
    try {
      change();
      this.#pump();
      this.#deliver();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Proposes and takes the Ready at once: the one entry in it is the one proposed. The host is told later, in a microtask. Undefined: dropped. */
  ask(data: Uint8Array | undefined, propose: () => void): Entry | undefined {
    if (this.#ended || this.core.role !== Role.Leader) return undefined;
    try {
      propose();
      this.#proposal = data;
      const ready = this.core.ready();
      if (ready?.entries.length !== 1) throw new Error("the core took one proposal and did not make one entry of it");
      this.#take(ready);
      this.#proposal = undefined;
      this.#pump();
      if (this.#events.length > 0) this.#pumpSoon();
      return ready.entries[0];
    } catch (error) {
      if (!(error instanceof ProposalDropped)) this.fail(error);
      return undefined;
    }
  }

  /** A peer's message. What the core does not want changes nothing. */
  step(frame: Frame): void {
    this.input(() => {
      if (frame.payloads.length > 0) this.#staged = new Map(frame.payloads.map((payload) => [payload.index, payload]));
      try {
        this.core.step(frame.message);
        this.#pump();
      } catch (error) {
        if (!(error instanceof Rejected || error instanceof ProposalDropped)) throw error;
      } finally {
        this.#staged = noPayloads;
      }
    });
  }

  /** Waits until everything on its way to the log is there and acknowledged, writes the commit index, and ends. */
  async drain(): Promise<void> {
    if (this.#appends.length > 0 && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    if (this.#ended) return;
    await this.#appends.settle();
    this.#ended = true;
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.length = 0;
    this.#onDrained?.();
    this.host.failed(error instanceof Error ? error : new Error(String(error)));
  }

  /** All that became durable in this turn of the event loop is acknowledged together. */
  #pumpSoon(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      this.input(() => {});
      if (this.#appends.length === 0) this.#onDrained?.();
    });
  }

  #pump(): void {
    for (;;) {
      const ready = this.core.hasReady ? this.core.ready() : undefined;
      if (ready !== undefined) this.#take(ready);
      else {
        const promises = this.#appends.takeDurable();
        if (promises === undefined) return;
        this.core.appended();
        this.#outbox.send(promises);
      }
    }
  }

  #take(ready: Ready): void {
    const { softState, hardState, snapshot, entries, committed } = ready;
    if (softState !== undefined) this.#events.push({ kind: "role", role: roleNames[softState.role], term: this.core.term, leaderId: softState.lead });
    if (hardState !== undefined) this.#appends.hardState = hardState;
    const logged = entries.length === 0 ? [] : entries.map((entry) => this.#keep(entry));
    this.#outbox.send(ready.messages);
    if (ready.hasAppend) {
      const write = ready.mustSync || snapshot !== undefined;
      this.#appends.push({ entries: logged, write, promises: ready.afterAppend, around: snapshot && this.host.installation(snapshot) });
    }
    if (committed.length > 0) this.#events.push({ kind: "committed", entries: committed });
    if (ready.readStates.length > 0) this.#events.push({ kind: "reads", reads: ready.readStates });
  }

  /** Joins a new entry with its payload and remembers it. */
  #keep(entry: Entry): LoggedEntry {
    const { index, term, type, size } = entry;
    const data = entry.data ?? this.#arrived(entry) ?? this.payloads.get(index, term);
    if (data === undefined || data.length !== size) throw new Error(`the payload of entry ${index} (term ${term}, ${size} B) is not here`);
    if (entry.data === undefined) this.payloads.put(index, term, data);
    return { index, term, type, data };
  }

  #arrived({ index, term }: Entry): Uint8Array | undefined {
    if (this.#proposal !== undefined) return this.#proposal;
    const staged = this.#staged.get(index);
    return staged?.term === term ? staged.data : undefined;
  }

  /** Tells the host, one event after the other, never inside each other, whatever it calls. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let event = this.#events.shift(); event !== undefined && !this.#ended; event = this.#events.shift()) {
        this.host.tell(event);
        if (!this.#ended) this.#pump();
      }
    } finally {
      this.#delivering = false;
    }
  }
}
