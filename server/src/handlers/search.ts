import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  RebuildViewResponseSchema,
  type SearchFilter,
  SearchFulltextRequestSchema,
  type SearchJobsRequest,
  SearchJobsRequestSchema,
} from "@corvo/gen/corvo/v1/search_pb.js";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { BadCondition, type JobFilter, TooSlow, type View, ViewOverloaded, ViewUnavailable } from "@corvo/view";
import { mayKnowQueue } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import type { HandlerContext } from "./context.js";
import { decoded } from "./job.js";
import { behind, minIndexOf, saySeen, waitMsMax } from "./reads.js";

/** A search may take this long; a caller's own deadline is kept when it is earlier. */
const searchMsMax = 5_000;
/** A search waits this long for what was written before it. */
const freshMsMax = 1_000;

export function searchJobsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(call, request) {
      const wish = decoded(() => fromBinary(SearchJobsRequestSchema, request));
      const { sort, order, limit, cursor } = wish;
      const filter = { ...filterOf(wish), ...within(context, call) };
      return ask(context, call, minIndexOf(request), (view, timeMs) => view.page({ filter, sort, order, limit, cursor }, timeMs));
    },
  };
}

export function searchFulltextHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(call, request) {
      const { q, limit } = decoded(() => fromBinary(SearchFulltextRequestSchema, request));
      if (q === "") throw new RpcError("invalid_argument", "REQUIRED", "q is required", { field: "q" });
      const wanted = /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
      return ask(context, call, minIndexOf(request), (view, timeMs) =>
        view.fulltext(q, wanted >= 1 && wanted <= 500 ? wanted : 50, within(context, call).onlyQueues, timeMs),
      );
    },
  };
}

export function rebuildViewHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle() {
      const view = viewOf(context);
      const { durationMs } = await view.rebuild();
      const answer = { status: "ok", rebuilt: true, durationMs: BigInt(durationMs), logIndex: BigInt(view.index) };
      return toBinary(RebuildViewResponseSchema, create(RebuildViewResponseSchema, answer));
    },
  };
}

/** Waits until the view has seen enough, asks it, and says in words why there is no answer. */
export async function ask(
  context: HandlerContext,
  call: Call,
  minIndex: number,
  run: (view: View, timeMs: number) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const view = await fresh(context, minIndex);
  const leftMs = (call.deadlineMs ?? Number.POSITIVE_INFINITY) - performance.now();
  saySeen(call, view.index);
  try {
    return await run(view, Math.max(1, Math.min(searchMsMax, leftMs)));
  } catch (cause) {
    throw refusal(cause);
  }
}

/** The view, once it has seen what was written before; an index that is asked for must be seen. */
export async function fresh(context: HandlerContext, minIndex: number): Promise<View> {
  const view = viewOf(context);
  const { engine } = context.replica;
  const seen = await view.whenSeen(Math.max(minIndex, engine.appliedIndex), minIndex > view.index || view.opening ? waitMsMax : freshMsMax);
  if (!seen && view.index < minIndex) throw behind(view.index, minIndex);
  return view;
}

export function viewOf(context: HandlerContext): View {
  if (context.view === undefined)
    throw new RpcError("unimplemented", "UNSUPPORTED", "searches need the read view, and this server runs with --read-view=false");
  return context.view;
}

export function refusal(cause: unknown): unknown {
  if (cause instanceof BadCondition) return new RpcError("invalid_argument", "INVALID_VALUE", `build search query: ${cause.message}`, { field: "payload_jq" });
  if (cause instanceof TooSlow)
    return new RpcError("deadline_exceeded", "DEADLINE", "the search took too long: add conditions that narrow it, such as queue, state or a time", {
      restStatus: 504,
    });
  if (cause instanceof ViewOverloaded) return new RpcError("resource_exhausted", "OVERLOADED", cause.message, { retryAfterMs: 100 });
  if (cause instanceof ViewUnavailable) return new RpcError("unavailable", "VIEW_UNAVAILABLE", cause.message, { retryAfterMs: 500 });
  return cause;
}

/** Keeps a search to the queues that the caller may know of. */
export function within(context: HandlerContext, call: Call): { onlyQueues?: string[] } {
  const principal = principalOf(call);
  if (principal === undefined) return {};
  const names = [...context.replica.engine.queueNames()];
  const onlyQueues = names.filter((name) => mayKnowQueue(principal, name));
  return onlyQueues.length === names.length ? {} : { onlyQueues };
}

/** The conditions of a search or of a filter: they have the same fields. */
export function filterOf(f: SearchFilter | SearchJobsRequest): JobFilter {
  return {
    queue: f.queue,
    queuePrefix: f.queuePrefix,
    states: f.state,
    priority: f.priority,
    tags: Object.entries(f.tags),
    payloadContains: f.payloadContains,
    payloadJq: f.payloadJq,
    createdAfter: ms(f.createdAfter),
    createdBefore: ms(f.createdBefore),
    scheduledAfter: ms(f.scheduledAfter),
    scheduledBefore: ms(f.scheduledBefore),
    startedAfter: ms(f.startedAfter),
    startedBefore: ms(f.startedBefore),
    completedAfter: ms(f.completedAfter),
    completedBefore: ms(f.completedBefore),
    expiresAfter: ms(f.expireAfter),
    expiresBefore: ms(f.expireBefore),
    attemptMin: f.attemptMin,
    attemptMax: f.attemptMax,
    uniqueKey: f.uniqueKey,
    batch: f.batchId,
    worker: f.workerId,
    parent: f.parentId,
    chain: f.chainId,
    hasErrors: f.hasErrors,
    errorContains: f.errorContains,
    idPrefix: f.jobIdPrefix,
    cause: f.errorGroup,
  };
}

function ms(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) * 1000 + Math.floor(time.nanos / 1_000_000);
}
