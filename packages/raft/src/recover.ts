import type { HardState, LoggedEntry } from "@corvo/storage";
import { type ConfState, type CoreHardState, confOf, type EntryHead } from "./contract.js";
import { WasmRaftCore } from "./core.js";
import { decodeConf, encodeConf } from "./layout.js";
import { isAlone, type ResolvedOptions } from "./options.js";

/** The entry at index 1 holds the founding members, in place of a snapshot. It is the driver's: the core and the state machine never see it. */
export const foundingEntryType = 3;
const foundingIndex = 1;
const foundingTerm = 1;

/** What a core starts from. Everything up to `applied` has been delivered. */
export interface Recovered {
  hardState: CoreHardState;
  applied: number;
  /** As of `applied`. */
  conf: ConfState;
  /** Index and term in front of the first head. */
  floor: { index: number; term: number };
  /** Entries behind the floor up to `applied`, for slow followers. */
  heads: EntryHead[];
}

interface Base {
  index: number;
  term: number;
  conf: ConfState;
}

/** The log and the snapshot do not fit together: the node must not serve. */
export class RecoveryError extends Error {
  override name = "RecoveryError";
}

/**
 * Brings log and snapshot together and streams the committed entries behind the snapshot to `onCommitted`, slice by slice: the core
 * has no part in it, and no more than a slice is in memory.
 */
export async function recover(options: ResolvedOptions): Promise<Recovered> {
  const { log, onCommitted } = options;
  if (log.lastIndex === 0 && log.found.hardState === undefined && options.snapshot === undefined) await found(options);
  const base = await baseOf(options);
  const hardState = hardStateOver(base, log.found.hardState ?? foundingHardState, log.lastIndex);

  const members = new Membership(options, base.conf);
  const tail = new Tail(options.coreEntriesKept, base);
  const firstHead = isAlone(base.conf, options.id) ? base.index + 1 : Math.max(log.firstIndex, base.index + 1 - options.coreEntriesKept);
  if (firstHead <= hardState.commit)
    for await (const slice of log.read(firstHead, hardState.commit)) {
      for (const entry of slice) tail.push(entry);
      const fresh = slice.filter((entry) => entry.index > base.index);
      for (const entry of fresh) if (entry.type !== 0) members.apply(entry);
      if (fresh.length > 0) onCommitted(fresh);
    }
  if (tail.last !== hardState.commit) throw new RecoveryError(`the log ends at ${tail.last} where entries up to ${hardState.commit} were committed`);

  const kept = isAlone(members.conf, options.id) ? { floor: tail.end, heads: [] } : { floor: tail.floor, heads: tail.heads };
  return { hardState, applied: hardState.commit, conf: members.conf, ...kept };
}

const foundingHardState: HardState = { term: foundingTerm, vote: 0, commit: foundingIndex };

/** An empty log: the founding members agree, without a word, on their membership at index 1. */
async function found({ log, members }: ResolvedOptions): Promise<void> {
  if (members.length === 0) throw new RecoveryError("the log is empty and no founding members are given");
  const data = encodeConf(confOf(...[...members].sort((a, b) => a - b)));
  await log.append({ entries: [{ index: foundingIndex, term: foundingTerm, type: foundingEntryType, data }], hardState: foundingHardState });
}

/** The state to start from: the snapshot, or the founding members. Afterwards the log continues it without a gap. */
async function baseOf({ id, log, snapshot, onLog }: ResolvedOptions): Promise<Base> {
  if (snapshot === undefined) {
    const entry = log.firstIndex === foundingIndex ? await readOne(log, foundingIndex) : undefined;
    if (entry === undefined || entry.type !== foundingEntryType)
      throw new RecoveryError(`the log starts at index ${log.firstIndex} and no snapshot covers what is before it`);
    return { index: foundingIndex, term: foundingTerm, conf: decodeConf(entry.data) };
  }
  const { index, term } = snapshot;
  const base = { index, term, conf: decodeConf(snapshot.conf) };
  const held = index >= log.firstIndex && index <= log.lastIndex ? await readOne(log, index) : undefined;
  if (index > log.lastIndex || (held !== undefined && held.term !== term)) {
    const isEmpty = log.lastIndex < log.firstIndex;
    const what = held === undefined ? `the log ends at index ${log.lastIndex}` : `the log's entry ${index} is of term ${held.term}`;
    const why = `${what}, and the newest snapshot was cut at index ${index} of term ${term}`;
    // Nobody sends a snapshot to a member that is alone: it cut this one itself, from entries that its log does not have any more.
    if (!isEmpty && isAlone(base.conf, id)) throw new RecoveryError(`${why}: the log lost entries that were committed`);
    // A received snapshot became durable, and the log behind it was not reset before the crash.
    if (!isEmpty) onLog(2, `${why}: it was received, and takes the place of the log`);
    await log.resetTo(index, term);
    return base;
  }
  if (log.firstIndex > index + 1) throw new RecoveryError(`the log starts at index ${log.firstIndex} and the newest snapshot ends at ${index}`);
  return base;
}

function hardStateOver(base: Base, saved: HardState, lastIndex: number): CoreHardState {
  if (saved.commit > Math.max(lastIndex, base.index))
    throw new RecoveryError(`the log ends at index ${lastIndex} although entries up to ${saved.commit} were committed`);
  const commit = Math.max(saved.commit, base.index);
  return saved.term >= base.term ? { term: saved.term, vote: saved.vote, commit } : { term: base.term, vote: 0, commit };
}

async function readOne(log: ResolvedOptions["log"], index: number): Promise<LoggedEntry | undefined> {
  for await (const slice of log.read(index, index)) return slice[0];
  return undefined;
}

/** Membership as entries change it. What a change results in is known to the core alone: a scratch one is made when the first change comes. */
class Membership {
  #scratch: WasmRaftCore | undefined;

  constructor(
    readonly options: ResolvedOptions,
    public conf: ConfState,
  ) {}

  apply(entry: LoggedEntry): void {
    this.#scratch ??= this.#start();
    this.conf = this.#scratch.applyConf({ ...entry, size: entry.data.length });
  }

  #start(): WasmRaftCore {
    const { options, conf } = this;
    const core = new WasmRaftCore(options.core, { random: (bytes) => options.random.fill(bytes) });
    const hardState = { ...foundingHardState };
    core.create({ ...coreLimits(options), applied: foundingIndex, conf, hardState, snapshot: { index: foundingIndex, term: foundingTerm, conf } });
    core.start();
    return core;
  }
}

/** The last heads that went by. */
class Tail {
  heads: EntryHead[] = [];
  floor: { index: number; term: number };

  constructor(
    readonly headsMax: number,
    base: Base,
  ) {
    this.floor = { index: base.index, term: base.term };
  }

  get end(): { index: number; term: number } {
    const last = this.heads.at(-1);
    return last === undefined ? this.floor : { index: last.index, term: last.term };
  }
  get last(): number {
    return this.end.index;
  }

  push(entry: LoggedEntry): void {
    if (entry.index <= this.floor.index && this.heads.length === 0) {
      this.floor = { index: entry.index, term: entry.term }; // the first one read lies in front of the base: its term is all that is needed
      return;
    }
    this.heads.push(headOf(entry));
    if (this.heads.length < 2 * this.headsMax) return;
    const { index, term } = this.heads[this.headsMax - 1];
    this.floor = { index, term };
    this.heads = this.heads.slice(this.headsMax);
  }
}

/** An entry as the core sees it: membership changes with their bytes, everything else as a size. */
export function headOf({ index, term, type, data }: LoggedEntry): EntryHead {
  const inside = type !== 0 || data.length === 0;
  return { index, term, type, size: data.length, data: inside ? data : undefined };
}

export function coreLimits(options: ResolvedOptions) {
  return {
    id: options.id,
    electionTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    inflightMessagesMax: 256,
    messageBytesMax: options.messageBytesMax,
    inflightBytesMax: options.inflightBytesMax,
    uncommittedBytesMax: options.uncommittedBytesMax,
    committedBytesMax: 32 * 1024 * 1024,
  };
}
