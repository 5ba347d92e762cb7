import { type DiskFault, type DiskOperation, SimulatedDisk } from "@corvo/storage";
import { checkHistory } from "./checkers.js";
import { Clients } from "./clients.js";
import type { JobRecord } from "./model/command.js";
import { Model } from "./model/model.js";
import { same, tolerated } from "./model-check.js";
import { type LogRecord, SimulatedNode } from "./node.js";
import { plainQueue } from "./plain.js";
import { startMs } from "./player.js";
import { digestOf, Subject } from "./subject.js";
import { decodeEntry } from "./wire/entry.js";
import { World } from "./world.js";

export interface PowerCutOptions {
  seed: number;
  core: WebAssembly.Module;
  /** Calls to be answered before the world is healed and everything is worked off. */
  calls: number;
  /** What happens to the n-th change of the disk, counted over all lives. */
  faults?: ReadonlyMap<number, DiskFault>;
  /** From this change of the disk on it has no room, until the world is healed or the node has ended. */
  fullFrom?: number;
  /** False: a planted mistake, nothing is synced. */
  durable?: boolean;
  /** Another disk than an honest one: to plant mistakes. */
  makeDisk?: (random: () => number) => SimulatedDisk;
  /** Milliseconds that a disk operation takes at most. */
  delayMsMax?: number;
}

export interface PowerCutReport {
  /** Changes of the disk until the world was healed, over all lives. */
  changes: number;
  lives: number;
  /** Jobs whose enqueue was acknowledged. */
  acknowledged: number;
  /** Acks that were accepted, and enqueues that were refused, while the disk was full. */
  whileFull: { acked: number; refused: number };
  /** Torn ends of the log that were cut at a start. */
  torn: number;
  /** Lives that began from a snapshot. */
  restored: number;
  /** Entries that the log has let go. */
  dropped: number;
  /** Two runs of the same options give the same. */
  trace: string;
}

/** From one start of the process to its end. */
interface Life {
  node?: SimulatedNode;
  /** Why the process ended. Nothing reaches a client after that. */
  ended?: unknown;
  powerLost: boolean;
  /** Faults that happened in this life. */
  faults: number;
}

/**
 * One node with its clients on a disk that fails at given moments. After each failure it starts again from what the disk has, and
 * must hold what it had promised; in the end everything is worked off, and the history is judged.
 */
export class PowerCutRun {
  readonly #world: World;
  readonly #disk: SimulatedDisk;
  readonly #clients: Clients;
  /** The log as it was written: what the model reads. */
  readonly #record: LogRecord = new Map();
  readonly #report: PowerCutReport = {
    changes: 0,
    lives: 0,
    acknowledged: 0,
    whileFull: { acked: 0, refused: 0 },
    torn: 0,
    restored: 0,
    dropped: 0,
    trace: "",
  };
  #life: Life = { powerLost: false, faults: 0 };
  /** Everything up to this entry was applied, so clients may have been told of it. */
  #promisedIndex = 0;
  #trace = 0;
  #fullSinceMs = Infinity;

  constructor(readonly options: PowerCutOptions) {
    this.#world = new World(options.seed, startMs);
    const random = (): number => this.#world.rng.bits();
    this.#disk = options.makeDisk?.(random) ?? new SimulatedDisk({ random });
    this.#clients = new Clients(this.#world, 2, 2);
    const { delayMsMax = 3 } = options;
    this.#disk.delay = ({ kind }) => (kind === "read" ? undefined : this.#world.sleep(this.#world.rng.below(delayMsMax + 1)));
    this.#disk.fault = (operation) => this.#fault(operation);
  }

  async run(): Promise<PowerCutReport> {
    const faultsMax = this.options.faults?.size ?? 0;
    while (!(await this.#live()) || !(await this.#heal())) {
      if (this.#report.lives > faultsMax + 1) throw new Error(`the node has ended ${this.#report.lives} times, over ${faultsMax} faults`);
    }
    const listing = await this.#compare();
    const breaches = checkHistory(this.#clients.history, listing);
    if (breaches.length > 0) throw new Error(breaches.join("\n"));
    this.#report.acknowledged = this.#clients.history.filter(({ action, outcome }) => action.do === "enqueue" && outcome === "ok").length;
    this.#report.trace = `${this.#trace.toString(16)} ${this.#node.opened.replica.engine.contentDigest()}`;
    await this.#world.await(this.#node.stop());
    return this.#report;
  }

  get #node(): SimulatedNode {
    if (!this.#life.node) throw new Error("the node is not up");
    return this.#life.node;
  }

  /** One life. True: it got through all calls. */
  async #live(): Promise<boolean> {
    const life: Life = { powerLost: false, faults: 0 };
    this.#life = life;
    this.#report.lives++;
    const end = (cause: unknown): void => {
      life.ended ??= cause ?? new Error("ended without a cause");
    };
    const { core, durable } = this.options;
    SimulatedNode.boot({ world: this.#world, disk: this.#disk, core, record: this.#record, durable, onFatal: end }).then((node) => {
      life.node = node;
    }, end);
    const done = (): boolean => this.#clients.answered >= this.options.calls;
    await this.#world.run(() => life.node !== undefined || life.ended !== undefined, 600_000);
    if (life.node && !life.ended) {
      await this.#compare();
      const call = async (command: Parameters<SimulatedNode["call"]>[0]) => {
        const outcome = await this.#node.call(command);
        return life.ended ? never() : outcome;
      };
      this.#clients.start((command) => (life.ended ? never() : call(command)));
      void this.#keepHouse(life.node);
      await this.#world.run(() => done() || life.ended !== undefined, 600_000);
    }
    this.#note(life);
    if (!life.ended) {
      if (!done()) throw new Error(`the node ${life.node ? "answers nobody" : "does not start"} and does not end`);
      return true;
    }
    if (life.faults === 0) throw new Error("the node has ended, and nothing was wrong with its disk", { cause: life.ended });
    await this.#bury(life);
    return false;
  }

  async #bury(life: Life): Promise<void> {
    this.#makeRoom();
    this.#world.cut();
    await this.#world.run(() => true);
    if (life.powerLost) this.#disk.crash();
  }

  /**
   * What the server does every now and then: fills up the disk's reserve. And snapshots, as the node's own rule would wait until
   * its log outweighs its tables.
   */
  async #keepHouse({ opened, storage }: SimulatedNode): Promise<void> {
    for (;;) {
      await this.#world.sleep(this.#world.rng.pick([20, 60, 200]) * (this.#clients.draining ? 100 : 1));
      await storage.space.refill();
      await opened.snapshotter.cut();
    }
  }

  #note({ node }: Life): void {
    if (!node) return;
    this.#promisedIndex = Math.max(this.#promisedIndex, node.appliedIndex);
    if (node.storage.found.log.cut) this.#report.torn++;
    if (node.opened.restoredFrom) this.#report.restored++;
    this.#report.dropped = Math.max(this.#report.dropped, node.storage.log.firstIndex - 1);
  }

  #fault(operation: DiskOperation): DiskFault | undefined {
    const life = this.#life;
    if (operation.kind === "read" || life.ended) return undefined;
    this.#report.changes++;
    if (this.#report.changes === this.options.fullFrom) {
      this.#disk.capacityBytes = this.#disk.usedBytes;
      this.#fullSinceMs = this.#world.nowMs;
    }
    if (this.#full) life.faults++;
    for (const value of [operation.kind.length, operation.path.length, operation.position, operation.bytes]) {
      this.#trace = Math.imul(this.#trace ^ value, 0x01000193) >>> 0;
    }
    const fault = this.options.faults?.get(this.#report.changes);
    if (!fault) return undefined;
    life.faults++;
    if (fault.error === "POWER") {
      life.powerLost = true;
      life.ended = new Error("the power is gone");
    }
    return fault;
  }

  get #full(): boolean {
    return this.#disk.capacityBytes !== Infinity;
  }

  #makeRoom(): void {
    if (!this.#full) return;
    this.#disk.capacityBytes = Infinity;
    for (const { action, outcome, invokedMs } of this.#clients.history) {
      if (invokedMs < this.#fullSinceMs) continue;
      if (action.do === "ack" && outcome === "ok") this.#report.whileFull.acked++;
      if (action.do === "enqueue" && outcome === "failed") this.#report.whileFull.refused++;
    }
  }

  /** Nothing fails any more: everything must be worked off within ten minutes (J25). False: the last fault had yet to end the node. */
  async #heal(): Promise<boolean> {
    const life = this.#life;
    this.#makeRoom();
    this.#disk.fault = undefined;
    this.#clients.draining = true;
    const { engine } = this.#node.opened.replica;
    const left = (): number => engine.queues().reduce((sum, queue) => sum + queue.pending + queue.active + queue.retrying + queue.scheduled, 0);
    const worked = (): boolean => left() === 0 && !this.#clients.unsettled;
    await this.#world.run(() => worked() || (life.ended !== undefined && life.faults > 0), 600_000);
    if (worked()) return true;
    if (life.ended !== undefined && life.faults > 0) {
      await this.#bury(life);
      return false;
    }
    throw new Error(`J25: ten minutes after the last fault ${left()} jobs are not worked off: ${JSON.stringify(engine.queues())}`, { cause: this.#life.ended });
  }

  /**
   * The model and a second engine read the log from its beginning. What they answer, and what the node says about every job and
   * queue, must be the same; the node may have started from a snapshot and must have come to the same state (J17, J18).
   */
  async #compare(): Promise<JobRecord[]> {
    const node = this.#node;
    const { engine } = node.opened.replica;
    if (engine.appliedIndex < this.#promisedIndex) {
      throw new Error(`J1: entry ${this.#promisedIndex} was applied and answered, and now the log ends at ${engine.appliedIndex}`);
    }
    const { model, shadow } = replayed(this.#record, engine.appliedIndex);
    same("J18: state", digestOf(engine), { ...shadow.digest(), records: undefined });
    same("J2: jobs made", engine.lastSeq, model.state.jobsCreated);
    same("queues", engine.queues().map(plainQueue), model.queues());
    engine.checkInvariants();
    const listing: JobRecord[] = [];
    for (const id of new Set([...model.jobs().map((job) => job.id), ...this.#clients.known])) {
      const record = await this.#world.await(node.job(id));
      same(`job ${id}`, record, model.job(id));
      if (record) listing.push(record);
    }
    return listing;
  }
}

function replayed(record: LogRecord, lastIndex: number): { model: Model; shadow: Subject } {
  const model = new Model();
  const shadow = new Subject();
  for (let index = Math.min(...record.keys()); index <= lastIndex; index++) {
    const logged = record.get(index);
    if (!logged) throw new Error(`J20: entry ${index} is applied and was never appended`);
    if (logged.type !== 0 || logged.data.length === 0) {
      shadow.skip(index, logged.term);
      continue;
    }
    const entry = decodeEntry(index, logged.data);
    const answers = shadow.applyBytes(entry, logged.data, logged.term);
    model.begin(index, entry.clockMs);
    for (const [i, command] of entry.commands.entries()) {
      const answer = answers[i];
      if (answer === "again") continue;
      const expected = model.run(command);
      model.adopt(expected, answer);
      same(`answer to command ${i} of entry ${index}, ${JSON.stringify(command)}`, tolerated(answer, expected), expected);
    }
    model.end();
  }
  return { model, shadow };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
