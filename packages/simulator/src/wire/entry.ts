import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ArchivedJobSchema } from "@corvo/gen/corvo/internal/v1/job_pb.js";
import {
  CommandSchema,
  FinishedJobCommandSchema,
  LogEntrySchema,
  PurgeCommandSchema,
  StateHashCommandSchema,
  Verb as WireVerb,
} from "@corvo/gen/corvo/internal/v1/log_pb.js";
import type { Command, Entry, Verb } from "../model/command.js";
import { decodeBulk, decodeBulkStart, encodeBulk, encodeBulkStart } from "./bulk.js";
import { bodies, flagKeepAbsentResult } from "./command.js";

export const wireVerbs: Record<Verb, WireVerb> = {
  enqueue: WireVerb.ENQUEUE,
  enqueueBatch: WireVerb.ENQUEUE_BATCH,
  createBatch: WireVerb.CREATE_BATCH,
  sealBatch: WireVerb.SEAL_BATCH,
  fetch: WireVerb.FETCH,
  fetchBatch: WireVerb.FETCH_BATCH,
  ack: WireVerb.ACK,
  ackBatch: WireVerb.ACK_BATCH,
  fail: WireVerb.FAIL,
  step: WireVerb.STEP,
  release: WireVerb.RELEASE,
  heartbeat: WireVerb.HEARTBEAT,
  lifecycle: WireVerb.LIFECYCLE,
  revise: WireVerb.REJECT,
  replay: WireVerb.REPLAY,
  setBudget: WireVerb.SET_BUDGET,
  deleteBudget: WireVerb.DELETE_BUDGET,
  setPolicy: WireVerb.SET_POLICY,
  retry: WireVerb.RETRY,
  requeue: WireVerb.REQUEUE,
  cancel: WireVerb.CANCEL,
  hold: WireVerb.HOLD,
  approve: WireVerb.APPROVE,
  reject: WireVerb.REJECT,
  move: WireVerb.MOVE,
  changePriority: WireVerb.CHANGE_PRIORITY,
  delete: WireVerb.DELETE,
  pauseQueue: WireVerb.PAUSE_QUEUE,
  resumeQueue: WireVerb.RESUME_QUEUE,
  drainQueue: WireVerb.DRAIN_QUEUE,
  clearQueue: WireVerb.CLEAR_QUEUE,
  destroyQueue: WireVerb.DESTROY_QUEUE,
  setConcurrency: WireVerb.SET_CONCURRENCY,
  setDepthLimit: WireVerb.SET_DEPTH_LIMIT,
  setThrottle: WireVerb.SET_THROTTLE,
  removeThrottle: WireVerb.REMOVE_THROTTLE,
  bulk: WireVerb.BULK_CHUNK,
  bulkStart: WireVerb.BULK_START,
  cancelBulkTask: WireVerb.BULK_CANCEL,
  putSchedule: WireVerb.PUT_SCHEDULE,
  deleteSchedule: WireVerb.DELETE_SCHEDULE,
  pauseSchedule: WireVerb.PAUSE_SCHEDULE,
  resumeSchedule: WireVerb.RESUME_SCHEDULE,
  runSchedule: WireVerb.RUN_SCHEDULE,
  scheduleSlots: WireVerb.SCHEDULE_SLOTS,
  tick: WireVerb.TICK,
  leadership: WireVerb.LEADERSHIP,
};

export const plainVerbs = new Map(Object.entries(wireVerbs).map(([plain, wire]) => [wire, plain as Verb]));

/** Bit of `Command.flags`: the body is a FinishedJobCommand. */
export const flagFinishedJob = 2;
/** Bit of `Command.flags`: some job in it depends on others. */
export const flagDependent = 4;

/** One command, as the log has it. */
export interface WireCommand {
  verb: WireVerb;
  flags: number;
  requestHash: Uint8Array;
  body: Uint8Array;
  /** Empty or absent: `default`. */
  namespace?: string;
}

export function encodeCommand(command: Command): WireCommand {
  const { namespace } = command;
  const requestHash = hashOf(command.requestId?.hash);
  if (command.verb === "bulk") return { ...encodeBulk(command), namespace };
  if (command.verb === "bulkStart") return { ...encodeBulkStart(command), requestHash, namespace };
  const flags = "keepAbsentResult" in command && command.keepAbsentResult ? flagKeepAbsentResult : 0;
  const body = command.verb === "tick" ? new Uint8Array(0) : bodies[command.verb].encode(command, command.requestId?.id ?? "");
  return { verb: wireVerbs[command.verb], flags, requestHash, body, namespace };
}

export function encodeEntry(clockMs: number, commands: readonly WireCommand[]): Uint8Array {
  const init = { version: 1, engineLevel: 2, logTimeMs: BigInt(clockMs), commands: commands.map((command) => create(CommandSchema, command)) };
  return toBinary(LogEntrySchema, create(LogEntrySchema, init));
}

/** The hash that the leader puts into the log: what apply must have had behind `index`. */
export function stateHashCommand(index: number, low: number, high: number): WireCommand {
  const body = toBinary(StateHashCommandSchema, create(StateHashCommandSchema, { index: BigInt(index), hashLow: low, hashHigh: high }));
  return { verb: WireVerb.STATE_HASH, flags: 0, requestHash: new Uint8Array(0), body };
}

/** Retention. */
export function purgeCommand(endedBeforeMs: number): WireCommand {
  const body = toBinary(PurgeCommandSchema, create(PurgeCommandSchema, { endedBeforeMs: BigInt(endedBeforeMs), tells: true }));
  return { verb: WireVerb.PURGE, flags: 0, requestHash: new Uint8Array(0), body };
}

/** What the archive has of a job; without a place: nothing. */
export interface ArchivedFact {
  seq: number;
  bytes?: Uint8Array;
  segment?: number;
  offset?: number;
}

/** The same request, with what the archive has of its job, and of those that it depends on. */
export function withArchivedJob(command: WireCommand, found: ArchivedFact | undefined, others: readonly ArchivedFact[]): WireCommand {
  const { bytes: archivedJob, segment, offset } = found ?? {};
  const init = { request: command.body, archivedJob, segment, offset, others: others.map(factOf) };
  return { ...command, flags: command.flags | flagFinishedJob, body: toBinary(FinishedJobCommandSchema, create(FinishedJobCommandSchema, init)) };
}

function factOf({ seq, bytes, segment, offset }: ArchivedFact) {
  if (!bytes) return { seq: BigInt(seq) };
  const { state, createdMs, queue } = fromBinary(ArchivedJobSchema, bytes);
  return { seq: BigInt(seq), state, createdMs, queue, segment, offset };
}

/** Some job in the request depends on others: what the leader knows of those that are not live. */
export function withFacts(command: WireCommand, others: readonly ArchivedFact[]): WireCommand {
  const dependent = { ...command, flags: command.flags | flagDependent };
  return others.length === 0 ? dependent : withArchivedJob(dependent, undefined, others);
}

/** An entry of a real log for the model, without what is none of its business: state hashes, purges, rows of the audit log. */
export function decodeEntry(index: number, bytes: Uint8Array): Entry {
  const { logTimeMs, commands } = fromBinary(LogEntrySchema, bytes);
  const all = commands.map(decodeCommand);
  const places = [...all.keys()].filter((place) => all[place] !== undefined);
  return { index, clockMs: Number(logTimeMs), commands: places.map((place) => all[place]!), places };
}

function decodeCommand({ verb, flags, body, requestHash, namespace }: WireCommand): Command | undefined {
  const name = plainVerbs.get(verb);
  if (name === undefined) return undefined;
  const caller = namespace ? { namespace } : {};
  if (name === "tick") return { verb: "tick" };
  if (name === "bulk") return { ...decodeBulk(body), ...caller };
  if (name === "bulkStart") return { ...decodeBulkStart(body, requestHash.join()), ...caller };
  const request = flags & flagFinishedJob ? fromBinary(FinishedJobCommandSchema, body).request : body;
  const { command, requestId } = bodies[name].decode(request, flags);
  return { ...command, ...caller, ...(requestId && { requestId: { id: requestId, hash: requestHash.join() } }) };
}

/** 16 bytes that stand for the text: FNV-1a over it with four starting values. The real hash is made at the server's door. */
function hashOf(text: string | undefined): Uint8Array {
  if (text === undefined) return new Uint8Array(0);
  const words = new Uint32Array(4);
  for (let w = 0; w < 4; w++) {
    let hash = 0x811c9dc5 ^ (w * 0x9e3779b9);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    words[w] = hash;
  }
  return new Uint8Array(words.buffer);
}
