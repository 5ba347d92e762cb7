import type { Engine } from "@corvo/engine";
import type { Clock, Refusal } from "@corvo/protocol";
import { commandFlags, EntryWriter, failpoint, isRefusal, limits, refuse, Verb } from "@corvo/protocol";
import type { CommittedEntry, RaftNode } from "@corvo/raft";
import { FairShare } from "./fair-share.js";
import { FetchPermits } from "./fetch-permits.js";
import { type FinishedJobs, finishedCommand, finishedFacts } from "./finished.js";
import { leadershipBody, ownCommand, purgeBody, stateHashBody } from "./own-commands.js";
import { type Calendar, SlotKeeper } from "./slot-keeper.js";
import { Ticker } from "./ticker.js";
import type { CommandInput, Reply } from "./turn.js";
import { Batch, notLeader, outcomeUnknown, overloaded, shuttingDown } from "./turn.js";
import type { Sleeper } from "./waiters.js";
import { Waiters } from "./waiters.js";

export interface ReplicaOptions {
  clock: Clock;
  /** Commands that may wait to be applied; more are refused as OVERLOADED. Default 16,384, as Corvo's `--raft-max-pending`. */
  pendingMax: number;
  /**
   * Entries on their way through log and raft at a time. Two: the second gathers on the disk's queue while the first is applied,
   * more only make entries smaller.
   */
  entriesInFlightMax: number;
  /** Bytes of tables and documents of live jobs above which new work is refused as MEMORY_FULL. */
  memoryBytesMax: number;
  /** Entries between two hash commands. 100, as design/architecture.md §6 has it. */
  stateHashEntries: number;
  /** Fetches of one queue that may be on their way through the log at a time; more are refused as OVERLOADED. 0: any number. */
  fetchesInFlightMax?: number;
  /** Tells that the disk has no room beyond the reserve: then new work is refused, ack, delete and cancel go on. */
  diskPressure: () => boolean;
  /** Finds the slots of cron expressions. Without it, schedules with one do not run. */
  calendar?: Calendar;
  /** A broken promise of disk, core or engine: the process must end without answering anybody. */
  onFatal: (cause: unknown) => void;
}

/** Counters for metrics and status; all since start. */
export interface ReplicaCounters {
  appliedCommands: number;
  appliedEntries: number;
  overloaded: number;
  ticks: number;
  lastTickMs: number;
  purges: number;
  lastPurgeMs: number;
}

/**
 * Where meaning and order meet: stamps, proposes, applies, answers, wakes sleeping fetches.
 *
 * Commands of one turn of the event loop become one entry. While `entriesInFlightMax` entries are on their way the next batch
 * gathers. Watermarks: engine.appliedIndex ≤ raft's commit index ≤ last index.
 */
export class Replica {
  readonly counters: ReplicaCounters = {
    appliedCommands: 0,
    appliedEntries: 0,
    overloaded: 0,
    ticks: 0,
    lastTickMs: 0,
    purges: 0,
    lastPurgeMs: 0,
  };
  /** Called after each entry with its index; the server publishes events and metrics from it. */
  onApplied: ((index: number, commands: number, waitedMs: number, applyMs: number) => void) | undefined;
  readonly waiters: Waiters;
  private readonly ticker: Ticker;
  private readonly fair = new FairShare();
  /** Undefined: fetches need none. */
  private readonly permits: FetchPermits | undefined;
  private readonly slots: SlotKeeper | undefined;
  private gathering: Batch | undefined;
  /** Holds the commands of `gathering`. */
  private readonly entry = new EntryWriter();
  private gatheringSinceMs = 0;
  /** Proposed and not yet applied, oldest first. Invariant: empty on a node that does not lead. */
  private inFlight: { index: number; batch: Batch; term: number; sinceMs: number }[] = [];
  private waitingCommands = 0;
  private measuredIndex = -1;
  private measuredBytes = 0;
  /** Queues that somebody sleeps on and whose throttle ends at a known time. */
  private readonly throttled = new Map<string, { untilMs: number; cancel: () => void }>();
  private flushPlanned = false;
  private leading = false;
  private ready = false;
  private stopping = false;
  private closed: Refusal | undefined;
  private waitingEnded = false;
  private dead = false;
  private entriesSinceHash = 0;
  private raft: RaftNode | undefined;
  private readyCallbacks: (() => void)[] = [];

  constructor(
    readonly engine: Engine,
    private readonly finished: FinishedJobs,
    private readonly options: ReplicaOptions,
  ) {
    this.waiters = new Waiters(options.clock);
    this.ticker = new Ticker(options.clock, () => this.tick());
    if (options.fetchesInFlightMax) this.permits = new FetchPermits(options.fetchesInFlightMax);
    if (options.calendar) {
      this.slots = new SlotKeeper(engine, options.calendar, options.clock, (command, reply) => {
        if (this.serving) this.add(command, reply);
        else reply.refused(notLeader());
      });
    }
  }

  /** Told once, right after the raft node is made. */
  attach(raft: RaftNode): void {
    this.raft = raft;
    if (this.gathering) this.planFlush();
  }

  /** True once this node leads and its first command is applied. */
  get serving(): boolean {
    return this.ready && !this.stopping && !this.dead;
  }
  get pending(): number {
    return this.waitingCommands;
  }

  /** Resolves when this node serves. */
  whenServing(): Promise<void> {
    return this.serving ? Promise.resolve() : new Promise((resolve) => this.readyCallbacks.push(resolve));
  }

  /** Why new work (enqueue in any form) cannot be taken now, or undefined. */
  refusesNewWork(): Refusal | undefined {
    if (this.options.diskPressure()) {
      return refuse("resource_exhausted", "DISK_FULL", "the data disk is full: new jobs are refused until there is room", { retryAfterMs: 1000 });
    }
    // Adding up the tables costs a microsecond; they change only when an entry is applied.
    if (this.measuredIndex !== this.engine.appliedIndex) {
      this.measuredIndex = this.engine.appliedIndex;
      this.measuredBytes = this.engine.stateBytes;
    }
    if (this.measuredBytes > this.options.memoryBytesMax) {
      return refuse("resource_exhausted", "MEMORY_FULL", "the memory budget for live jobs is spent: new jobs are refused until some finish", {
        retryAfterMs: 1000,
      });
    }
    return undefined;
  }

  /** Hands in one command. `reply` is called exactly once, later. */
  submit(command: CommandInput, reply: Reply): void {
    if (!this.serving) return reply.refused(this.stopping ? shuttingDown() : notLeader());
    if (this.closed) return reply.refused(this.closed);
    if (this.waitingCommands >= this.options.pendingMax) {
      this.counters.overloaded++;
      return reply.refused(overloaded(this.waitingCommands, this.options.pendingMax));
    }
    if (this.fair.waitingOf(command.client) >= this.options.pendingMax / 2) {
      this.counters.overloaded++;
      return reply.refused(overloaded(this.fair.waitingOf(command.client), this.options.pendingMax / 2));
    }
    const others = this.engine.dependencies(command.verb, command.body);
    if (others !== undefined) return this.submitDependent({ ...command, body: command.body.slice() }, reply, others, 0);
    const seq = this.engine.needsArchive(command.verb, command.body);
    if (seq !== undefined) return this.submitFinished({ ...command, body: command.body.slice() }, reply, seq, 0);
    this.add(command, this.engine.mayNeedArchive(command.verb) ? this.orLookAgain({ ...command, body: command.body.slice() }, reply, 0) : reply);
  }

  /** Why this command would be refused now, or undefined. It is not proposed, and nothing changes. `body` is the caller's to keep. */
  async validate(command: CommandInput): Promise<Refusal | undefined> {
    for (let tries = 0; ; tries++) {
      if (!this.serving) return this.stopping ? shuttingDown() : notLeader();
      const others = this.engine.dependencies(command.verb, command.body);
      const seq = others === undefined ? this.engine.needsArchive(command.verb, command.body) : undefined;
      try {
        const looked = others !== undefined ? await this.withFacts(command, others) : seq !== undefined ? await this.withRecord(command, seq) : command;
        const refusal = this.engine.validate(looked, this.options.clock.nowMs());
        if (refusal === undefined || !this.engine.wantsArchiveAgain(refusal) || tries >= 5) return refusal;
      } catch (cause) {
        this.die(cause);
        return outcomeUnknown();
      }
    }
  }

  /** The answer's bytes, copied; rejects never: a refusal is a value. */
  call(command: CommandInput): Promise<Uint8Array | Refusal> {
    return new Promise((resolve) => this.submit(command, { answer: (bytes) => resolve(bytes.slice()), refused: resolve }));
  }

  /**
   * A fetch that waits: proposes only when something can be granted, else sleeps until a job comes, `waitMs` passed or `onSleep`'s
   * sleeper is cancelled. Answers `none()` when nothing came.
   */
  fetch(command: CommandInput, queues: readonly string[], waitMs: number, reply: Reply & { none(): void }, onSleep: (sleeper: Sleeper) => void): void {
    const untilMs = this.options.clock.monotonicMs() + waitMs;
    const body = command.body.slice();
    // A repeated fetch gets what it was granted the first time, whether there is more or not: ask the log once, if it may know of it.
    const onItsWay = this.inFlight.length > 0 || this.gathering !== undefined;
    let mayBeRemembered = command.requestHash !== undefined && (onItsWay || this.engine.remembers(command.verb, command.namespace, body));
    const attempt = (last: boolean): void => {
      if (!this.serving) return reply.refused(this.stopping ? shuttingDown() : notLeader());
      if (mayBeRemembered || this.engine.fetchable(queues, this.options.clock.nowMs()) > 0) {
        mayBeRemembered = false;
        const mine: Reply = { answer: (bytes, granted) => (granted > 0 ? reply.answer(bytes, granted) : sleep(last)), refused: reply.refused };
        const permitted = this.permits === undefined ? mine : this.permits.take(queues[0], mine);
        if (isRefusal(permitted)) {
          this.counters.overloaded++;
          return reply.refused(permitted);
        }
        return this.submit({ ...command, body }, permitted);
      }
      const refusal = this.engine.refusesFetch(queues, this.options.clock.nowMs());
      if (refusal) return reply.refused(refusal);
      sleep(last);
    };
    const sleep = (last: boolean): void => {
      const leftMs = untilMs - this.options.clock.monotonicMs();
      if (last || leftMs <= 0 || this.waitingEnded) return reply.none();
      this.wakeWhenThrottleEnds(queues);
      onSleep(this.waiters.sleep(queues, leftMs, attempt));
    };
    attempt(waitMs <= 0);
  }

  /** Raft committed entries: apply them in order, answer those who wait. */
  committed(entries: readonly CommittedEntry[]): void {
    if (this.dead) return;
    try {
      for (const entry of entries) this.applyEntry(entry);
    } catch (cause) {
      return this.die(cause);
    }
    this.wakeFetchers();
    if (this.leading) this.ticker.aim(this.engine.nextTimerMs());
    if (this.serving) this.slots?.look();
    if (this.gathering) this.planFlush();
  }

  /** Raft changed its mind about who leads. */
  roleChanged(leads: boolean): void {
    if (leads === this.leading) return;
    this.leading = leads;
    if (!leads) return this.stopServing();
    const pauseMs = this.engine.logTimeMs === 0 ? 0 : Math.max(0, this.options.clock.nowMs() - this.engine.logTimeMs);
    const done = (): void => {
      this.ready = true;
      for (const run of this.readyCallbacks.splice(0)) run();
      this.slots?.start();
      this.ticker.aim(this.engine.nextTimerMs());
    };
    this.add(ownCommand(Verb.LEADERSHIP, leadershipBody(pauseMs)), { answer: done, refused: () => {} });
  }

  /** Fetches that sleep are answered with nothing, and none sleeps any more: the node is going, its callers should ask another one. */
  endWaiting(): void {
    this.waitingEnded = true;
    this.waiters.wakeAll();
    for (const { cancel } of this.throttled.values()) cancel();
    this.throttled.clear();
  }

  /** Takes no more commands, answers those that are on their way, then resolves. */
  async drain(): Promise<void> {
    this.stopping = true;
    this.ticker.stop();
    this.endWaiting();
    while ((this.inFlight.length > 0 || this.gathering) && !this.dead && this.leading) {
      await new Promise<void>((resolve) => this.options.clock.after(1, resolve));
    }
  }

  /** From now on clients' commands are refused with this; undefined: no more. Resolves when those that came before are through. */
  async close(refusal: Refusal | undefined): Promise<void> {
    this.closed = refusal;
    while (refusal !== undefined && (this.inFlight.length > 0 || this.gathering) && this.serving) {
      await new Promise<void>((resolve) => this.options.clock.after(1, resolve));
    }
  }

  /** Ends everything now: nobody is answered any more. */
  die(cause: unknown): void {
    if (this.dead) return;
    this.dead = true;
    this.ticker.stop();
    this.options.onFatal(cause);
  }

  /** Into the entry that is being gathered, or, when its client has had its share of that, into a line. */
  private add(command: CommandInput, reply: Reply | undefined): void {
    this.waitingCommands++;
    if (this.fair.admit(command, reply, this.options.clock.monotonicMs())) this.gather(command, reply);
  }

  private gather(command: CommandInput, reply: Reply | undefined): void {
    if (this.gathering && this.entry.bytes + command.body.length > limits.entryBytesMax) this.flush(true);
    if (!this.gathering) {
      this.gathering = new Batch();
      this.gatheringSinceMs = this.options.clock.monotonicMs();
      this.entry.start(this.nowMs());
    }
    this.entry.add(command);
    this.gathering.replies.push(reply);
    this.planFlush();
  }

  private nowMs(): number {
    return Math.max(this.options.clock.nowMs(), this.engine.logTimeMs);
  }

  private planFlush(): void {
    if (this.flushPlanned || !this.raft || !this.mayPropose()) return;
    this.flushPlanned = true;
    this.options.clock.soon(() => {
      this.flushPlanned = false;
      this.flush(false);
    });
  }

  /** Beside an entry that is under way another one pays only when it is large: each costs a round of the core and a write of its own. */
  private mayPropose(): boolean {
    const under = this.inFlight.length;
    return under === 0 || (under < this.options.entriesInFlightMax && this.entry.bytes >= overlapBytesMin);
  }

  private flush(force: boolean): void {
    const batch = this.gathering;
    if (!batch || !this.raft || this.dead || (!force && !this.mayPropose())) return;
    this.gathering = undefined;
    if (this.entriesSinceHash++ >= this.options.stateHashEntries) this.addStateHash(batch);
    const data = this.entry.finish(this.nowMs());
    failpoint("propose-before");
    const place = this.raft.propose(data);
    failpoint("propose-after");
    if (!place) {
      this.waitingCommands -= batch.commands;
      return batch.refuseAll(notLeader());
    }
    this.inFlight.push({ index: place.index, batch, term: place.term, sinceMs: this.gatheringSinceMs });
    this.fair.next(this.options.clock.monotonicMs(), (command, reply) => this.gather(command, reply));
  }

  private applyEntry(entry: CommittedEntry): void {
    if (entry.data.length === 0 || entry.type !== 0) return this.engine.skip(entry.index, entry.term);
    const mine = this.inFlight.find((one) => one.index === entry.index);
    if (mine && mine.term === entry.term) {
      this.inFlight = this.inFlight.filter((one) => one !== mine);
      const replies = mine.batch.replies;
      failpoint("apply-before");
      const startMs = this.options.clock.monotonicMs();
      this.engine.apply(entry.data, entry.index, entry.term, {
        answer: (i, bytes, granted) => replies[i]?.answer(bytes, granted),
        refused: (i, refusal) => replies[i]?.refused(refusal),
      });
      failpoint("apply-after");
      this.waitingCommands -= replies.length;
      this.counters.appliedCommands += replies.length;
      this.counters.appliedEntries++;
      const nowMs = this.options.clock.monotonicMs();
      this.onApplied?.(entry.index, replies.length, nowMs - mine.sinceMs, nowMs - startMs);
      return;
    }
    this.engine.apply(entry.data, entry.index, entry.term);
    this.counters.appliedEntries++;
    this.onApplied?.(entry.index, 0, 0, 0);
  }

  private addStateHash(batch: Batch): void {
    this.entriesSinceHash = 0;
    const { low, high } = this.engine.stateHash;
    this.entry.add(ownCommand(Verb.STATE_HASH, stateHashBody(this.engine.appliedIndex, low, high)));
    batch.replies.push(undefined);
    this.waitingCommands++;
  }

  /** Wakes as many sleepers of each queue that gained something as it can serve. */
  private wakeFetchers(): void {
    if (this.waiters.size === 0) return void this.engine.takeReady();
    for (const queue of this.engine.takeReady()) {
      if (!this.waiters.has(queue)) continue;
      const grantable = this.engine.fetchable([queue], this.options.clock.nowMs());
      if (grantable > 0) this.waiters.wake(queue, grantable);
      else this.wakeWhenThrottleEnds([queue]);
    }
  }

  /** A throttled queue becomes fetchable by time alone: look again then. One timer per queue, and none outlives the node. */
  private wakeWhenThrottleEnds(queues: readonly string[]): void {
    const nowMs = this.options.clock.nowMs();
    for (const queue of queues) {
      const untilMs = this.engine.throttledUntilMs(queue, nowMs);
      if (untilMs <= nowMs) continue;
      const aimed = this.throttled.get(queue);
      if (aimed && aimed.untilMs <= untilMs) continue;
      aimed?.cancel();
      const cancel = this.options.clock.after(Math.min(untilMs - nowMs, 2_000_000_000), () => {
        this.throttled.delete(queue);
        if (!this.waiters.has(queue)) return;
        const grantable = this.engine.fetchable([queue], this.options.clock.nowMs());
        if (grantable > 0) this.waiters.wake(queue, grantable);
        else this.wakeWhenThrottleEnds([queue]);
      });
      this.throttled.set(queue, { untilMs, cancel });
    }
  }

  private tick(): void {
    if (!this.serving) return;
    this.counters.ticks++;
    this.counters.lastTickMs = this.options.clock.nowMs();
    this.add(ownCommand(Verb.TICK), undefined);
  }

  /** Puts a command of the leader itself into the log. Nobody is answered. */
  submitOwn(verb: Verb, body: Uint8Array): void {
    if (this.serving) this.add(ownCommand(verb, body), undefined);
  }

  /** Asks the engine to drop finished jobs that ended before this time. */
  purge(endedBeforeMs: number): void {
    if (!this.serving) return;
    this.counters.purges++;
    this.counters.lastPurgeMs = this.options.clock.nowMs();
    this.add(ownCommand(Verb.PURGE, purgeBody(endedBeforeMs)), undefined);
  }

  /** The request names a job that is not live: what the archive has of it travels in the command. `command` is the caller's to keep. */
  private submitFinished(command: CommandInput, reply: Reply, seq: number, tries: number): void {
    this.addLooked(this.withRecord(command, seq), command, reply, tries);
  }

  /** With what the archive has of a job, and of those that it depends on if it is to run again. */
  private async withRecord(command: CommandInput, seq: number): Promise<CommandInput> {
    const found = await this.finished.find(seq);
    const others = found && this.engine.runsAgain(command.verb) ? await finishedFacts(this.finished, this.engine.dependenciesOfRecord(found.bytes)) : [];
    return finishedCommand(command, found, others);
  }

  /** With what the archive has of jobs that others in the request depend on. */
  private async withFacts(command: CommandInput, seqs: readonly number[]): Promise<CommandInput> {
    return finishedCommand({ ...command, flags: command.flags | commandFlags.dependent }, undefined, await finishedFacts(this.finished, seqs));
  }

  /** Jobs in the request depend on others: what the archive has of those travels in the command. `command` is the caller's to keep. */
  private submitDependent(command: CommandInput, reply: Reply, seqs: readonly number[], tries: number): void {
    if (seqs.length > 0) return this.addLooked(this.withFacts(command, seqs), command, reply, tries);
    this.add({ ...command, flags: command.flags | commandFlags.dependent }, this.orLookAgain(command, reply, tries));
  }

  private addLooked(looking: Promise<CommandInput>, command: CommandInput, reply: Reply, tries: number): void {
    looking.then(
      (looked) => {
        if (!this.serving) return reply.refused(this.stopping ? shuttingDown() : notLeader());
        this.add(looked, this.orLookAgain(command, reply, tries));
      },
      (cause) => this.die(cause),
    );
  }

  /** A reply that looks once more when the job ended, or came back, between the leader's look and the entry. */
  private orLookAgain(command: CommandInput, reply: Reply, tries: number): Reply {
    return {
      answer: (bytes, granted) => reply.answer(bytes, granted),
      refused: (refusal) => {
        if (!this.engine.wantsArchiveAgain(refusal) || tries >= 5 || !this.serving) return reply.refused(refusal);
        const others = this.engine.dependencies(command.verb, command.body);
        if (others !== undefined) return this.submitDependent(command, reply, others, tries + 1);
        const seq = this.engine.needsArchive(command.verb, command.body);
        if (seq === undefined) this.add(command, this.orLookAgain(command, reply, tries + 1));
        else this.submitFinished(command, reply, seq, tries + 1);
      },
    };
  }

  private stopServing(): void {
    this.ready = false;
    this.ticker.stop();
    for (const { batch } of this.inFlight) batch.refuseAll(outcomeUnknown());
    this.inFlight = [];
    this.gathering?.refuseAll(notLeader());
    this.gathering = undefined;
    for (const reply of this.fair.takeAll()) reply?.refused(notLeader());
    this.waitingCommands = 0;
    this.waiters.wakeAll();
  }
}

/** 32 KiB: applying this much takes about as long as a sync, so the two overlap. */
const overlapBytesMin = 32 * 1024;
