import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { BatchRecord, ChainRecord, ChainStepRecord, Engine, JobRecord } from "@corvo/engine";
import * as pb from "@corvo/gen/corvo/v1/batch_pb.js";
import type { JobDependencySchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { checkCreateBatch, limits, Verb } from "@corvo/protocol";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { ownerNumber } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import { commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { decoded, findJob, stateName, timestamp } from "./job.js";

const text = new TextDecoder();

/** Open batches of a namespace are limited: one that nobody seals stays. The command carries the limit. */
export function createBatchHandler(context: HandlerContext): UnaryHandler {
  const plain = commandHandler(context, { verb: Verb.CREATE_BATCH, check: checkCreateBatch, schema: pb.CreateBatchRequestSchema, newWork: true });
  const { openBatchesMax: openMax } = limits;
  // The last value of a field counts.
  const limit = toBinary(pb.CreateBatchRequestSchema, create(pb.CreateBatchRequestSchema, { openMax }));
  return { kind: "unary", handle: (call, request) => plain.handle(call, Buffer.concat([request, limit])) };
}

/** One batch with its counters. */
export function getBatchHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const { batchId } = decoded(() => fromBinary(pb.GetBatchRequestSchema, request));
      const batch = replica.engine.batch(batchId);
      if (!batch) throw new RpcError("not_found", "NOT_FOUND", `batch "${batchId}" not found`, { field: "batch_id" });
      return toBinary(pb.GetBatchResponseSchema, create(pb.GetBatchResponseSchema, { batch: batchMessage(batch) }));
    },
  };
}

export function listBatchesHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const given = decoded(() => fromBinary(pb.ListBatchesRequestSchema, request));
      const state = knownState(given.state, ["open", "running", "completed"]);
      const { found, cursor } = page(given, (below, max) => replica.engine.batches(below, max, state, ownerOf(replica.engine, call)));
      return toBinary(pb.ListBatchesResponseSchema, create(pb.ListBatchesResponseSchema, { batches: found.map(batchMessage), cursor }));
    },
  };
}

/** One chain with the jobs that it made. */
export function getChainHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const { chainId } = decoded(() => fromBinary(pb.GetChainRequestSchema, request));
      const chain = replica.engine.chain(chainId);
      if (!chain) throw new RpcError("not_found", "NOT_FOUND", `chain "${chainId}" not found`, { field: "chain_id" });
      return toBinary(pb.GetChainResponseSchema, create(pb.GetChainResponseSchema, { chain: chainMessage(chain) }));
    },
  };
}

export function listChainsHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const given = decoded(() => fromBinary(pb.ListChainsRequestSchema, request));
      const state = knownState(given.state, ["running", "completed", "exited", "failed", "cancelled"]);
      const { found, cursor } = page(given, (below, max) => replica.engine.chains(below, max, state, ownerOf(replica.engine, call)));
      return toBinary(pb.ListChainsResponseSchema, create(pb.ListChainsResponseSchema, { chains: found.map(chainMessage), cursor }));
    },
  };
}

/** What a job waits for, and who waits for it. */
export function getDependenciesHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(_call, request) {
      const { jobId } = decoded(() => fromBinary(pb.GetDependenciesRequestSchema, request));
      const record = await findJob(context, jobId);
      if (!record) throw new RpcError("not_found", "NOT_FOUND", `job "${jobId}" not found`, { field: "job_id" });
      const dependsOn = await dependencies(context, record);
      const waiting = dependsOn.filter(({ met }) => !met).length;
      const dependents = context.replica.engine.waitingFor(jobId, 1000);
      return toBinary(pb.GetDependenciesResponseSchema, create(pb.GetDependenciesResponseSchema, { dependsOn, waiting, dependents }));
    },
  };
}

type Dependency = MessageInitShape<typeof JobDependencySchema> & { met: boolean };

/** The dependencies of a job with what keeps each from being met. Of a job that has ended nothing is waited for. */
export async function dependencies(context: HandlerContext, record: JobRecord): Promise<Dependency[]> {
  const { engine } = context.replica;
  const one = async (jobId: string): Promise<Dependency> => {
    const other = await findJob(context, jobId);
    const state = other === undefined ? "missing" : stateName(other.state);
    const met = record.waits === 0 || !engine.stillWaits(record, jobId);
    return { jobId, state, met, reason: met ? "" : reasonOf(jobId, state) };
  };
  return await Promise.all(record.dependsOn.map(one));
}

function reasonOf(jobId: string, state: string): string {
  switch (state) {
    case "missing":
      return `there is no job ${jobId}, or no more: cancel or delete the job that waits for it`;
    case "dead":
    case "cancelled":
      return `${jobId} is ${state}: retry it, or cancel the job that waits for it`;
    case "held":
      return `${jobId} is held: approve it`;
    default:
      return `${jobId} is ${state}`;
  }
}

function batchMessage(b: BatchRecord): MessageInitShape<typeof pb.BatchSchema> {
  return {
    id: b.id,
    state: b.state,
    total: BigInt(b.total),
    pending: BigInt(b.pending),
    succeeded: BigInt(b.succeeded),
    failed: BigInt(b.failed),
    cancelled: BigInt(b.cancelled),
    deleted: BigInt(b.deleted),
    callbackQueue: b.callbackQueue,
    callbackPayloadJson: text.decode(b.callbackPayload),
    callbackJobId: b.callbackJobId,
    createdAt: timestamp(b.createdMs),
    completedAt: timestamp(b.completedMs),
  };
}

function chainMessage(c: ChainRecord): MessageInitShape<typeof pb.ChainInfoSchema> {
  const step = ({ queue, jobId }: ChainStepRecord) => ({ queue, jobId });
  return {
    id: c.id,
    state: c.state,
    step: c.step,
    steps: c.steps.map(step),
    onFailure: c.onFailure && step(c.onFailure),
    onExit: c.onExit && step(c.onExit),
    createdAt: timestamp(c.createdMs),
    endedAt: timestamp(c.endedMs),
  };
}

function knownState(given: string, known: readonly string[]): string {
  if (given === "" || known.includes(given)) return given;
  throw new RpcError("invalid_argument", "INVALID_VALUE", `state must be one of: ${known.join(", ")}`, { field: "state" });
}

/** Whose rows the caller may know of; undefined: everybody's. Others are left out before the page is counted. */
function ownerOf(engine: Engine, call: Call): number | undefined {
  const who = principalOf(call);
  return who === undefined || who.seesAll ? undefined : ownerNumber(engine, who);
}

/** A page of a list that is newest first. The cursor is the serial of its last row. */
function page<R extends { serial: number }>(
  given: { limit: number; cursor: string },
  list: (below: number, max: number) => R[],
): { found: R[]; cursor: string } {
  const limit = given.limit >= 1 && given.limit <= 1000 ? given.limit : 50;
  if (!/^[0-9]{0,15}$/.test(given.cursor)) throw new RpcError("invalid_argument", "INVALID_VALUE", "invalid cursor", { field: "cursor" });
  const found = list(Number(given.cursor), limit + 1);
  if (found.length <= limit) return { found, cursor: "" };
  found.pop();
  return { found, cursor: `${found[found.length - 1].serial}` };
}
