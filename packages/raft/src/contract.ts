/**
 * The contract between the driver and the consensus core: bytes in, bytes out. No clock, no I/O; randomness is given.
 * Every method is synchronous and may throw CorePanic: then the instance is dead.
 */
export interface RaftCore {
  /** In this order: create, load (entries behind the snapshot, by batches), start. */
  create(config: CoreConfig): void;
  load(entries: readonly EntryHead[]): void;
  start(): void;

  /** One unit of the core's time. After a stall at most two in a row. */
  tick(): void;
  /** One entry per size, all or none; throws ProposalDropped (no leader, a transfer, over quota). The host keeps the payloads. */
  proposeSizes(sizes: readonly number[]): void;
  /** A peer's message. Throws Rejected when it is malformed or from a stranger: ignore it. */
  step(message: Uint8Array): void;
  /** What has to be done now. Call it until it returns undefined, after any input. */
  ready(): Ready | undefined;
  /** The OLDEST Ready with hasAppend is durable. */
  appended(): void;
  /** The OLDEST Ready with committed entries is applied. */
  applied(): void;

  /** Throws ProposalDropped. A change refused for another reason arrives as a normal entry of size 0. */
  proposeConf(changes: readonly ConfChange[], transition: Transition, context: Uint8Array): void;
  /** For every committed entry with type 1 or 2, before applied(). */
  applyConf(entry: Entry): ConfState;
  /** Never the same context twice: node, boot and counter. Dropped in silence without a leader. */
  readIndex(context: Uint8Array): void;
  campaign(): void;
  /** Dropped in silence when `id` cannot take over. */
  transferLeader(id: number): void;
  forgetLeader(): void;
  reportUnreachable(id: number): void;
  /** After every snapshot message, or that follower gets nothing more. */
  reportSnapshot(id: number, ok: boolean): void;
  /** Slow followers are offered a snapshot at `index` from now on; entries up to and including `dropThrough` are forgotten. dropThrough ≤ index ≤ applied. */
  compact(index: number, conf: ConfState, dropThrough: number): void;
  status(): CoreStatus;

  /** As of the last ready(). */
  readonly term: number;
  readonly commit: number;
  /** 0 when no leader is known. */
  readonly lead: number;
  readonly role: Role;
  /** Last index of the log as the core sees it, durable or not. */
  readonly last: number;
  /** Linear memory in pages of 64 KiB; never falls. */
  readonly pages: number;
}

/** Pre-vote, check-quorum, asynchronous storage and stepping down on removal are always on; proposals are never forwarded. */
export interface CoreConfig {
  id: number;
  electionTicks: number;
  heartbeatTicks: number;
  /** Append messages to one follower without an answer; beyond it the leader waits. */
  inflightMessagesMax: number;
  /** Payload bytes in one append message; one entry is sent whatever its size. */
  messageBytesMax: number;
  inflightBytesMax: number;
  /** Payload bytes proposed and not committed; a proposal beyond it is dropped, unless nothing else is pending. */
  uncommittedBytesMax: number;
  /** Payload bytes handed out as committed and not yet applied. */
  committedBytesMax: number;
  /** What the state machine has applied. */
  applied: number;
  /** As of `applied`, not as of the snapshot. */
  conf: ConfState;
  /** Its commit is at least `applied`: what was applied was committed, whatever the disk says. */
  hardState: CoreHardState;
  /** Where the loaded entries begin: the index and term in front of the first one. */
  snapshot: CoreSnapshot;
}

export interface CoreStatus {
  conf: ConfState;
  /** On a leader, one per member; else empty. */
  progress: { id: number; match: number; next: number; state: number }[];
}

export interface Ready {
  softState?: { lead: number; role: Role };
  /** Send now, do not wait for the disk. */
  messages: readonly Message[];
  /** Call appended() once snapshot, hard state and entries are durable, in the order in which they came. */
  hasAppend: boolean;
  /** False: nothing in this append has to reach the disk (a moved commit index alone). */
  mustSync: boolean;
  hardState?: CoreHardState;
  snapshot?: CoreSnapshot;
  entries: readonly Entry[];
  /** Send only when the append is durable: votes and acknowledgements. */
  afterAppend: readonly Message[];
  /** Apply in order, then call applied(). */
  committed: readonly Entry[];
  /** Answer when applied ≥ index. */
  readStates: readonly { index: number; context: Uint8Array }[];
}

/** `data` is absent when the host has the payload. */
export interface EntryHead {
  index: number;
  term: number;
  type: number;
  size: number;
  data?: Uint8Array;
}
export type Entry = EntryHead;

/** In the core's layout, without the payloads that the host keeps. */
export interface Message {
  to: number;
  type: number;
  bytes: Uint8Array;
}

export interface ConfState {
  voters: number[];
  learners: number[];
  /** Not empty while a joint change is under way: both majorities are needed. */
  votersOutgoing: number[];
  learnersNext: number[];
  autoLeave: boolean;
}
export interface CoreHardState {
  term: number;
  vote: number;
  commit: number;
}
export interface CoreSnapshot {
  index: number;
  term: number;
  conf: ConfState;
}

export enum Role {
  Follower = 0,
  Candidate = 1,
  Leader = 2,
  PreCandidate = 3,
}

/** The kinds that peers exchange. Everything else is local to a core and refused at the door. */
export enum MessageType {
  Append = 3,
  AppendResponse = 4,
  Vote = 5,
  VoteResponse = 6,
  Snapshot = 7,
  Heartbeat = 8,
  HeartbeatResponse = 9,
  TimeoutNow = 14,
  ReadIndex = 15,
  ReadIndexResponse = 16,
  PreVote = 17,
  PreVoteResponse = 18,
}

export enum ConfChangeType {
  AddVoter = 0,
  Remove = 1,
  AddLearner = 3,
}
export interface ConfChange {
  type: ConfChangeType;
  id: number;
}

/** How a change passes: alone directly, several jointly (Auto); always jointly and left by itself; always jointly and left by an empty change. */
export enum Transition {
  Auto = 0,
  JointImplicit = 1,
  JointExplicit = 2,
}

/** No leader, a transfer under way, or the quota of uncommitted bytes is used up. */
export class ProposalDropped extends Error {
  override name = "ProposalDropped";
}
/** Input that the core refused and that changed nothing. */
export class Rejected extends Error {
  override name = "Rejected";
}
/** The core is dead: stop acknowledging, close the log, start a new instance from disk. */
export class CorePanic extends Error {
  override name = "CorePanic";
}

export const confOf = (...voters: number[]): ConfState => ({ voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false });
