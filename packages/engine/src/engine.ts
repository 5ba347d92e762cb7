import { EntryReader, type Refusal, Verb } from "@corvo/protocol";
import { badMessage } from "./enqueue.js";
import { addFollowers, addFollowersOfSweep } from "./followers.js";
import { ensure, InvariantBroken } from "./invariant.js";
import { idleFrame } from "./lifecycle.js";
import { compactBytesMax, forgetMax, sweepJobsMax } from "./limits.js";
import { Names } from "./names.js";
import { knownNamespaceNumber, namespaceNumber } from "./namespaces.js";
import { Reads } from "./reads.js";
import { RequestMemory, reused } from "./request-ids.js";
import { cutState, type SnapshotCut } from "./snapshot-cut.js";
import { restoreState } from "./snapshot-restore.js";
import type { EngineOptions } from "./state.js";
import { validate } from "./validate.js";
import { run } from "./verbs.js";

/** A cluster would have to lease a million jobs a second for an hour after its backup to get this far. */
const fencesSkipped = 2 ** 32;

/** Who wants the answers of an entry's commands. Called once per command at most, in order; nothing for commands without an answer. */
export interface OutcomeSink {
  /** `bytes`: the answer's protobuf, valid only during the call. `granted`: jobs leased by this command; 1 for a fetch that is answered as the first time. */
  answer(command: number, bytes: Uint8Array, granted: number): void;
  refused(command: number, refusal: Refusal): void;
}

/** Verbs whose answers, as far as they are remembered, tell of grants or of other changes: nobody needs to wait for more. */
function fetches(verb: Verb): boolean {
  return verb === Verb.FETCH || verb === Verb.FETCH_BATCH || verb === Verb.LIFECYCLE;
}

const encoder = new TextEncoder();

/**
 * Decides what happens to every job: a function of the state and the next log entry. It has no clock, no randomness, no promises and
 * no I/O; whatever two replicas apply in the same order, they agree on, byte for byte.
 */
export class Engine extends Reads {
  private readonly reader = new EntryReader();
  private readonly memory = new RequestMemory();
  private readonly actors = new Names();
  private term = 0;
  private cuts = 0;

  constructor(options: EngineOptions) {
    super(options);
  }

  /** Builds an engine from the chunks of a cut, in their order, exactly as they were given. */
  static async restore(options: EngineOptions, chunks: AsyncIterable<Uint8Array>): Promise<Engine> {
    const engine = new Engine(options);
    engine.term = await restoreState(engine.state, chunks);
    return engine;
  }

  /**
   * Applies the next entry. Throws only when an invariant is broken or the entry is not one of ours: then this replica must stop.
   * `index` rises with each entry; gaps are entries that are none of the engine's business.
   */
  apply(entry: Uint8Array, index: number, term: number, sink?: OutcomeSink): void {
    const s = this.state;
    ensure(index > s.appliedIndex, `entry ${index} comes after ${s.appliedIndex}`);
    const { reader } = this;
    try {
      reader.read(entry);
    } catch (cause) {
      throw new InvariantBroken(`entry ${index}: ${(cause as Error).message}`);
    }
    const servingBeforeMs = s.servingMs;
    s.level = reader.entry.engineLevel;
    s.appliedIndex = index;
    s.events.index = index;
    this.term = term;
    if (reader.logTimeMs > s.logTimeMs) s.logTimeMs = reader.logTimeMs;
    s.counters.advance(s.logTimeMs, s.queueBySerial);
    s.remembered.forget(s.logTimeMs, forgetMax);
    for (let i = 0; i < forgetMax && s.locks.expiries.nextMs <= s.logTimeMs; i++) s.locks.remove(s.locks.expiries.next);
    for (let i = 0; i < reader.count; i++) {
      this.applyCommand(i, servingBeforeMs, sink);
      s.outbox.flush();
    }
    s.counters.trim(s.queueBySerial);
    s.garbage.sweep(s, sweepJobsMax);
    addFollowersOfSweep(s);
    s.outbox.flush();
    s.arena.compact(s, compactBytesMax);
    s.hash.mix(98, index, s.logTimeMs);
    s.hash.keep(index);
  }

  /** The answer to this request is remembered: apply would give it again, or say that the id was used for another request. */
  remembers(verb: number, namespace: string, body: Uint8Array): boolean {
    const { memory } = this;
    const bytes = encoder.encode(namespace);
    return memory.begin(verb, bytes, 0, bytes.length, 0, body.length, body) && memory.find(this.state) !== -1;
  }

  /**
   * What apply would refuse this command with now, or undefined; nothing changes. The body is what would be in the log (see
   * `needsArchive`); `nowMs` is the leader's clock. Verbs with one outcome per item are accepted as soon as one item would change
   * something.
   */
  validate(
    given: { verb: number; flags: number; namespace: string; requestHash: Uint8Array | undefined; body: Uint8Array },
    nowMs: number,
  ): Refusal | undefined {
    const s = this.state;
    const { memory } = this;
    const c = s.command;
    try {
      c.set(given.verb, given.flags, given.body, 0, given.body.length);
      const namespace = encoder.encode(given.namespace);
      s.entities.adding = knownNamespaceNumber(s, namespace);
      if (given.requestHash !== undefined && memory.begin(given.verb, namespace, 0, namespace.length, c.start, c.end, c.buf)) {
        const known = memory.find(s);
        if (known !== -1) return s.remembered.sameHash(known, given.requestHash, 0) ? undefined : reused();
      }
      return validate(s, nowMs, () => run(s, c, s.servingMs));
    } catch (cause) {
      return badMessage(cause);
    }
  }

  /** An entry that is not for the engine: membership, or the empty one of a new leader. */
  skip(index: number, term: number): void {
    ensure(index > this.state.appliedIndex, `entry ${index} comes after ${this.state.appliedIndex}`);
    this.state.appliedIndex = index;
    this.term = term;
    this.state.hash.keep(index);
  }

  private applyCommand(i: number, servingBeforeMs: number, sink: OutcomeSink | undefined): void {
    const s = this.state;
    const one = this.reader.command(i);
    const { memory } = this;
    const c = s.command;
    s.out.reset();
    s.granted = 0;
    s.events.actor = one.principalEnd === one.principalStart ? "" : this.actors.of(one.buf, one.principalStart, one.principalEnd);
    s.entities.adding = one.namespaceEnd === one.namespaceStart ? 0 : namespaceNumber(s, one.buf, one.namespaceStart, one.namespaceEnd);
    let refusal: Refusal | undefined;
    let remember = false;
    try {
      c.set(one.verb, one.flags, one.buf, one.bodyStart, one.bodyEnd);
      remember = one.requestHashEnd - one.requestHashStart === 16 && memory.begin(one.verb, one.buf, one.namespaceStart, one.namespaceEnd, c.start, c.end);
      if (remember) {
        const known = memory.find(s);
        if (known !== -1) {
          if (s.remembered.sameHash(known, one.buf, one.requestHashStart)) return sink?.answer(i, s.remembered.answer(known), fetches(one.verb) ? 1 : 0);
          return sink?.refused(i, reused());
        }
      }
      s.answering = sink !== undefined || remember;
      refusal = run(s, c, servingBeforeMs);
      addFollowers(s);
    } catch (cause) {
      refusal = badMessage(cause);
    }
    s.endedNow = undefined;
    if (refusal !== undefined) return sink?.refused(i, refusal);
    const empty = s.granted === 0 && fetches(one.verb) && (one.verb !== Verb.LIFECYCLE || idleFrame());
    if (remember && !empty) memory.keep(s, one.buf, one.requestHashStart);
    sink?.answer(i, s.out.view(), s.granted);
  }

  get appliedTerm(): number {
    return this.term;
  }

  /** The state as of this moment, chunk by chunk, while apply goes on. One at a time; `release` it. */
  cut(): SnapshotCut {
    return cutState(this.state, this.term, ++this.cuts);
  }

  /**
   * To be called once on a state that was restored from a backup, before it serves. The cluster that the backup was taken from may have
   * gone on, and its workers may still hold fences that this one has not given yet: numbers go on far behind them.
   */
  restoredFromBackup(): void {
    const s = this.state;
    s.lastFence += fencesSkipped;
    s.hash.mix(97, s.lastFence, s.lastSeq);
    s.hash.keep(s.appliedIndex);
  }
}
