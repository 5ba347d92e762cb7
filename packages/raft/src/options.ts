import type { Clock, Random } from "@corvo/protocol";
import type { LogStore, SnapshotMeta } from "@corvo/storage";
import type { ConfState } from "./contract.js";
import type { Network } from "./network.js";

export interface RaftNodeOptions {
  /** This member: 1 to 2^53 − 1, never given to another one. */
  id: number;
  /** core.wasm, compiled. */
  core: WebAssembly.Module;
  /** This member's log, open. The node appends, reads and drops; whoever opened it closes it, after `stop`. */
  log: LogStore;
  /** The newest durable snapshot; absent when there is none yet. The state machine has been restored from it. */
  snapshot?: SnapshotMeta;
  /** The group's founding voters, for an empty log. Read from the log afterwards, whatever is given here. */
  members: readonly number[];
  clock: Clock;
  random: Random;
  /** Absent: the member can only be alone. */
  network?: Network;

  /** Committed entries in log order, each once; may call `propose`. Those known to be committed at the start come before `open` resolves. Membership changes (type 1, 2) and empty entries come too and mean nothing to the state machine. A throw is fatal. */
  onCommitted: (entries: readonly CommittedEntry[]) => void;
  /** This member's role or the leader it knows changed. `leaderId` is 0 when none is known. May call `propose`. */
  onRole?: (role: RoleName, term: number, leaderId: number) => void;
  /** Called once: the log failed, the core died or `onCommitted` threw. Nothing is acknowledged, sent or delivered any more. */
  onFatal: (error: Error) => void;
  /** A follower needs a snapshot. Absent: such followers never catch up. */
  onSnapshotWanted?: (wanted: SnapshotWanted) => void;
  /** The log now starts behind this received snapshot: replace the state machine by it. Nothing is delivered until it resolves. */
  onSnapshotInstalled?: (meta: SnapshotMeta) => Promise<void>;
  /** What the core's library says. Levels: 1 info, 2 warning, 3 error. */
  onLog?: (level: number, text: string) => void;

  /** One unit of the core's time. Default 100 ms. */
  tickMs?: number;
  /** Ticks without a leader before a follower campaigns (up to twice as many, by chance). Default 10: a second without noise, two at most. */
  electionTicks?: number;
  /** Ticks between two heartbeats. Default 1. */
  heartbeatTicks?: number;
  /** Payload bytes in one append message; a larger entry goes alone. Default 1 MiB. */
  messageBytesMax?: number;
  /** Payload bytes under way to one follower. Default 64 MiB. */
  inflightBytesMax?: number;
  /** Payload bytes proposed and not yet committed; beyond it `propose` gives undefined. Default 128 MiB: four of the largest entries. */
  uncommittedBytesMax?: number;
  /** Payloads kept in memory for followers after they were applied. Default 64 MiB; older ones are read from the log. Alone: none. */
  payloadCacheBytesMax?: number;
  /** Applied entries that the core remembers for slow followers, 150 B each; they are dropped when twice as many are there. Default 5,000. */
  coreEntriesKept?: number;
}

export type ResolvedOptions = Required<Omit<RaftNodeOptions, "snapshot" | "network" | "onSnapshotWanted" | "onSnapshotInstalled">> & RaftNodeOptions;

export interface CommittedEntry {
  index: number;
  term: number;
  /** 0 normal; 1 and 2 membership changes. */
  type: number;
  /** Empty for a new leader's first entry and for a refused membership change. */
  data: Uint8Array;
}

/** preCandidate asks whether an election could be won before it raises the term. */
export type RoleName = "follower" | "candidate" | "leader" | "preCandidate";

export interface SnapshotWanted {
  to: number;
  /** The snapshot that is sent covers at least this index, which is at most what is applied here. */
  index: number;
  /** The frame that goes with the snapshot's data: the other side gives it to `installSnapshot`. Then call `reportSnapshot`. */
  frame: (snapshot: SnapshotMeta) => Uint8Array;
}

const safeId = (id: number): boolean => Number.isSafeInteger(id) && id > 0;

export function resolveOptions(given: RaftNodeOptions): ResolvedOptions {
  const options = {
    onRole: () => {},
    onLog: () => {},
    tickMs: 100,
    electionTicks: 10,
    heartbeatTicks: 1,
    messageBytesMax: 1024 * 1024,
    inflightBytesMax: 64 * 1024 * 1024,
    uncommittedBytesMax: 128 * 1024 * 1024,
    payloadCacheBytesMax: 64 * 1024 * 1024,
    coreEntriesKept: 5000,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as unknown as ResolvedOptions;
  if (!safeId(options.id)) throw new RangeError(`id must be a positive integer, got ${options.id}`);
  if (!options.members.every(safeId) || new Set(options.members).size !== options.members.length)
    throw new RangeError(`members must be distinct positive integers, got ${options.members.join(", ")}`);
  for (const name of ["tickMs", "electionTicks", "heartbeatTicks", "messageBytesMax", "inflightBytesMax", "uncommittedBytesMax", "coreEntriesKept"] as const)
    if (!Number.isSafeInteger(options[name]) || options[name] < 1) throw new RangeError(`${name} must be a positive integer, got ${options[name]}`);
  if (options.electionTicks <= options.heartbeatTicks) throw new RangeError("electionTicks must be more than heartbeatTicks");
  if (options.inflightBytesMax < options.messageBytesMax) throw new RangeError("inflightBytesMax must be at least messageBytesMax");
  return options;
}

/** Alone: nobody else votes or learns, so nothing has to be kept for others and nobody has to be waited for. */
export function isAlone(conf: ConfState, id: number): boolean {
  return conf.voters.length === 1 && conf.voters[0] === id && conf.learners.length + conf.votersOutgoing.length + conf.learnersNext.length === 0;
}
