import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { BulkState, type BulkTaskRecord, bulkOutcomeNames, bulkStateNames, jobStateNames } from "@corvo/engine";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { BulkStartedReader, encodeBulkStartCommand } from "@corvo/gen/corvo/internal/v1/bulk_fast.js";
import * as pb from "@corvo/gen/corvo/v1/bulk_pb.js";
import { SearchFilterSchema } from "@corvo/gen/corvo/v1/search_pb.js";
import { bulkActions, bulkBlockJobs, bulkFits, failpoint, formatJobId, isRefusal, packBulkBlock, readBulkBlock, requestHash, Verb } from "@corvo/protocol";
import { type Call, RpcError, type ServerStreamHandler, type UnaryHandler } from "@corvo/transport";
import { principalOf } from "../auth/principal.js";
import { type Chosen, chosenByIds } from "../bulk/by-ids.js";
import { Outcome, runChunk } from "../bulk/chunks.js";
import { type Previews, previewMs } from "../bulk/previews.js";
import type { BulkRunner } from "../bulk/runner.js";
import { type HandlerContext, namespaceName, principalName, toRpcError } from "./context.js";
import { decoded } from "./job.js";
import { minIndexOf, saySeen } from "./reads.js";
import { filterOf, fresh, refusal, within } from "./search.js";

/** More are done in the background. */
const atOnceMax = 10_000;
/** Of one operation. */
export const bulkJobsMax = 2_000_000;
/** A filter over everything may take this long. */
const selectMsMax = 30_000;
const sampleMax = 20;

export interface BulkContext extends HandlerContext {
  previews: Previews;
  runner: BulkRunner;
}

export function bulkHandler(context: BulkContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(call, request) {
      const startMs = performance.now();
      const hashed = request.slice();
      const wish = decoded(() => fromBinary(pb.BulkRequestSchema, request));
      checkAction(wish.action, wish.moveToQueue, wish.priority, wish.jobIds.length > 0 || wish.filter !== undefined || wish.token !== "");
      const chosen = await choose(context, call, wish);
      const total = chosen.seqs.length + chosen.unknown;
      if (wish.expectedCount > 0n && Number(wish.expectedCount) !== total) throw scopeChanged(`there are ${total} jobs, not ${wish.expectedCount}`);
      if (wish.validateOnly) {
        call.addHeader("corvo-validate-only", "true");
        return toBinary(pb.BulkResponseSchema, create(pb.BulkResponseSchema));
      }
      const hash = wish.requestId === "" ? undefined : requestHash(pb.BulkRequestSchema, hashed);
      if (wish.async || total > atOnceMax) return begin(context, call, wish, chosen, hash);
      const skipped: Record<string, bigint> = {};
      let affected = 0;
      const count = (outcome: number, by = 1): void => {
        if (outcome === Outcome.done) affected += by;
        else skipped[bulkOutcomeNames[outcome]] = (skipped[bulkOutcomeNames[outcome]] ?? 0n) + BigInt(by);
      };
      if (chosen.unknown > 0) count(Outcome.notFound, chosen.unknown);
      for (let from = 0; from < chosen.seqs.length; from += bulkBlockJobs) {
        const places = Array.from({ length: Math.min(bulkBlockJobs, chosen.seqs.length - from) }, (_, i) => from + i);
        const work = { verb: bulkActions[wish.action], more: moreOf(wish), ...chosen, places, task: 0, block: 0, principal: principalName(call) };
        for (const outcome of (await runChunk(context.replica, context.archive, work)).values()) count(outcome);
      }
      const { appliedIndex } = context.replica.engine;
      const answer = { affected: BigInt(affected), durationMs: BigInt(Math.round(performance.now() - startMs)), skipped, logIndex: BigInt(appliedIndex) };
      saySeen(call, appliedIndex);
      return toBinary(pb.BulkResponseSchema, create(pb.BulkResponseSchema, answer));
    },
  };
}

export function previewBulkHandler(context: BulkContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(call, request) {
      const { action, filter } = decoded(() => fromBinary(pb.PreviewBulkRequestSchema, request));
      const minIndex = minIndexOf(request);
      if (action === "") throw required("action is required", "action");
      if (!Object.hasOwn(bulkActions, action)) throw unknownAction(action);
      const selection = await select(context, call, filter ?? create(SearchFilterSchema), minIndex);
      const nowMs = Date.now();
      let eligible = 0;
      for (const [, state, count] of selection.groups) if (bulkFits[action].includes(state)) eligible += count;
      const answer = {
        count: BigInt(selection.seqs.length),
        eligible: BigInt(eligible),
        token: context.previews.keep(selection, whoSeesThis(call), nowMs),
        expiresAt: timestamp(nowMs + previewMs),
        groups: selection.groups.map(([queue, state, count]) => ({ queue, state: jobStateNames[state], count: BigInt(count) })),
        sample: Array.from(selection.seqs.subarray(0, sampleMax), (seq, i) => formatJobId(selection.created[i], seq)),
        logIndex: BigInt(selection.index),
      };
      saySeen(call, selection.index);
      return toBinary(pb.PreviewBulkResponseSchema, create(pb.PreviewBulkResponseSchema, answer));
    },
  };
}

export function getBulkTaskHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const { id } = decoded(() => fromBinary(pb.GetBulkTaskRequestSchema, request));
      return toBinary(pb.GetBulkTaskResponseSchema, create(pb.GetBulkTaskResponseSchema, { task: taskMessage(taskOf(context, id)) }));
    },
  };
}

export function listBulkTasksHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const tasks = context.replica.engine.bulkTasks().map(taskMessage);
      return toBinary(pb.ListBulkTasksResponseSchema, create(pb.ListBulkTasksResponseSchema, { tasks }));
    },
  };
}

export function listBulkItemsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const wish = decoded(() => fromBinary(pb.ListBulkItemsRequestSchema, request));
      const task = taskOf(context, wish.id);
      const limit = wish.limit >= 1 && wish.limit <= 10_000 ? wish.limit : 1_000;
      const items: { jobId: string; outcome: string }[] = [];
      let cursor = "";
      let at = /^\d{1,9}$/.test(wish.cursor) ? Number(wish.cursor) : 0;
      for (let number = Math.floor(at / bulkBlockJobs); number < task.blocks && cursor === ""; number++) {
        const { seqs, times, outcomes } = readBulkBlock(context.replica.engine.bulkBlock(task.serial, number));
        for (let i = at - number * bulkBlockJobs; i < seqs.length; i++, at++) {
          const outcome = bulkOutcomeNames[outcomes[i]];
          if (wish.outcome !== "" && outcome !== wish.outcome) continue;
          if (items.length === limit) {
            cursor = String(at);
            break;
          }
          items.push({ jobId: formatJobId(times[i], seqs[i]), outcome });
        }
      }
      return toBinary(pb.ListBulkItemsResponseSchema, create(pb.ListBulkItemsResponseSchema, { items, cursor }));
    },
  };
}

/** Tells of a task until it has ended; each step at most ten times a second. */
export function watchBulkTaskHandler(context: HandlerContext): ServerStreamHandler {
  return {
    kind: "server_stream",
    async handle(call, request, out) {
      const { id } = decoded(() => fromBinary(pb.WatchBulkTaskRequestSchema, request));
      taskOf(context, id);
      await follow(context, id, call, (type, task) =>
        out.send(toBinary(pb.WatchBulkTaskResponseSchema, create(pb.WatchBulkTaskResponseSchema, { type, task: taskMessage(task) }))),
      );
    },
  };
}

const stepMs = 100;

export async function follow(
  context: HandlerContext,
  id: string,
  call: { readonly aborted: boolean },
  tell: (type: string, task: BulkTaskRecord) => void | Promise<void>,
): Promise<void> {
  let told = -1;
  for (;;) {
    const task = context.replica.engine.bulkTask(id);
    if (task === undefined || call.aborted) return;
    if (task.state !== BulkState.running) return tell(`bulk.async.${bulkStateNames[task.state]}`, task);
    if (told === -1) await tell("bulk.async.started", task);
    else if (task.processed !== told) await tell("bulk.async.progress", task);
    told = task.processed;
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}

function taskOf(context: HandlerContext, id: string): BulkTaskRecord {
  const task = context.replica.engine.bulkTask(id);
  if (task === undefined) throw new RpcError("not_found", "NOT_FOUND", `bulk task "${id}" not found`, { field: "id" });
  return task;
}

export function taskMessage(task: BulkTaskRecord) {
  const skipped: Record<string, bigint> = {};
  for (const [name, count] of [
    ["not_found", task.notFound],
    ["wrong_state", task.wrongState],
    ["refused", task.refused],
  ] as const)
    if (count > 0) skipped[name] = BigInt(count);
  return {
    id: task.id,
    status: bulkStateNames[task.state],
    action: task.action,
    total: BigInt(task.total),
    processed: BigInt(task.processed),
    affected: BigInt(task.affected),
    createdAt: timestamp(task.createdMs),
    updatedAt: timestamp(task.stepMs),
    finishedAt: task.endedMs === 0 ? undefined : timestamp(task.endedMs),
    skipped,
    moveToQueue: task.queue,
    priority: task.priority,
    principal: task.principal,
  };
}

async function begin(context: BulkContext, call: Call, wish: pb.BulkRequest, chosen: Chosen, hash: Uint8Array | undefined): Promise<Uint8Array> {
  const w = new Writer(64 * 1024);
  const blocks: Uint8Array[] = [];
  for (let from = 0; from < chosen.seqs.length; from += bulkBlockJobs) {
    blocks.push(packBulkBlock(chosen.seqs, chosen.times, from, Math.min(from + bulkBlockJobs, chosen.seqs.length)));
  }
  const { action, moveToQueue: queue, priority, requestId } = wish;
  const principal = principalName(call);
  encodeBulkStartCommand(w, { action, queue, priority, total: chosen.seqs.length, blocks, principal, requestId });
  const command = { verb: Verb.BULK_START, flags: 0, namespace: namespaceName(call), principal, requestHash: hash, body: w.copy() };
  failpoint("bulk-begin-before");
  const said = await context.replica.call(command);
  failpoint("bulk-begin-after");
  if (isRefusal(said)) throw toRpcError(said);
  const r = new BulkStartedReader().read(said, 0, said.length);
  const id = Buffer.from(said.subarray(r.idStart, r.idEnd)).toString();
  context.runner.wake();
  const answer = {
    bulkOperationId: id,
    status: "queued",
    estimatedTotal: BigInt(chosen.seqs.length),
    progressUrl: `/api/v1/bulk/${id}/progress`,
    queued: true,
    logIndex: BigInt(r.logIndex),
  };
  saySeen(call, r.logIndex);
  return toBinary(pb.BulkResponseSchema, create(pb.BulkResponseSchema, answer));
}

/** Equal for callers who see the same jobs. */
function whoSeesThis(call: Call): string {
  const who = principalOf(call);
  return who === undefined || who.seesAll ? "" : JSON.stringify([who.namespace, who.identity.queueScope]);
}

async function choose(context: BulkContext, call: Call, wish: pb.BulkRequest): Promise<Chosen> {
  if (wish.jobIds.length > bulkJobsMax) throw new RpcError("invalid_argument", "TOO_LARGE", `more than ${bulkJobsMax} jobs`, { field: "job_ids" });
  if (wish.jobIds.length > 0) return chosenByIds(context.replica, context.archive, wish.jobIds);
  if (wish.token !== "") {
    const selection = context.previews.find(wish.token, whoSeesThis(call), Date.now());
    if (selection === undefined) throw scopeChanged("this preview is not known any more: look again");
    return { seqs: selection.seqs, times: selection.created, unknown: 0 };
  }
  if (wish.filter === undefined) return { seqs: [], times: [], unknown: 0 };
  const selection = await select(context, call, wish.filter);
  return { seqs: selection.seqs, times: selection.created, unknown: 0 };
}

async function select(context: BulkContext, call: Call, given: Parameters<typeof filterOf>[0], minIndex = 0) {
  const filter = filterOf(given);
  const conditions = Object.values(filter).filter(
    (value) => value !== undefined && value !== "" && value !== false && !(Array.isArray(value) && value.length === 0),
  );
  // A newer client's condition: without it more jobs would match than were meant.
  const stranger = given.$unknown?.[0];
  if (stranger !== undefined)
    throw new RpcError("invalid_argument", "INVALID_VALUE", `the filter has a condition that this server does not know: field ${stranger.no}`, {
      field: "filter",
    });
  if (conditions.length === 0) throw required("a bulk filter needs at least one condition", "filter");
  const view = await fresh(context, minIndex);
  try {
    const selection = await view.select({ ...filter, ...within(context, call) }, bulkJobsMax, selectMsMax);
    if (selection.cut) throw new RpcError("invalid_argument", "TOO_LARGE", `more than ${bulkJobsMax} jobs match: narrow the filter`, { field: "filter" });
    return selection;
  } catch (cause) {
    throw refusal(cause);
  }
}

function checkAction(action: string, queue: string, priority: string, given: boolean): void {
  if (action === "") throw required("action is required", "action");
  // Without any job Corvo answers that none was affected, whatever the action.
  if (!given) return;
  if (!Object.hasOwn(bulkActions, action)) throw unknownAction(action);
  if (action === "move" && queue === "") throw required("move_to_queue is required for move action", "move_to_queue", "BULK_ERROR");
  if (action === "change_priority" && priority === "") throw required("priority is required for change_priority action", "priority", "BULK_ERROR");
}

function moreOf(wish: pb.BulkRequest): string {
  return wish.action === "move" ? wish.moveToQueue : wish.action === "change_priority" ? wish.priority : "";
}

function required(message: string, field: string, restCode = "VALIDATION_ERROR"): RpcError {
  return new RpcError("invalid_argument", "REQUIRED", message, { field, restCode });
}
function unknownAction(action: string): RpcError {
  return new RpcError("invalid_argument", "INVALID_VALUE", `unknown bulk action: "${action}"`, { field: "action", restCode: "BULK_ERROR" });
}
function scopeChanged(message: string): RpcError {
  return new RpcError("failed_precondition", "SCOPE_CHANGED", message, { restStatus: 409, restCode: "SCOPE_CHANGED" });
}

function timestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}
