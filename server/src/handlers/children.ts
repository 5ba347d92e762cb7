import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GetChildrenRequestSchema, GetChildrenResponseSchema } from "@corvo/gen/corvo/v1/batch_pb.js";
import { SearchJobsResponseSchema } from "@corvo/gen/corvo/v1/search_pb.js";
import type { UnaryHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { decoded } from "./job.js";
import { applied, minIndexOf, saySeen } from "./reads.js";
import { ask, within } from "./search.js";

const nobody = { total: 0, pending: 0, succeeded: 0, failed: 0, cancelled: 0, deleted: 0 };

/** A job's children: the counters are the engine's, the list is the view's. Without a view there are only counters. */
export function getChildrenHandler(context: HandlerContext): UnaryHandler {
  const { engine } = context.replica;
  return {
    kind: "unary",
    async handle(call, request) {
      const { jobId, limit, cursor } = decoded(() => fromBinary(GetChildrenRequestSchema, request));
      const page = { filter: { parent: jobId, ...within(context, call) }, sort: "created_at", order: "desc", limit, cursor };
      const minIndex = minIndexOf(request);
      await applied(context, call, minIndex);
      const list = context.view !== undefined && jobId !== "" && (await ask(context, call, minIndex, (view, timeMs) => view.page(page, timeMs)));
      const { jobs, cursor: next, logIndex } = list ? fromBinary(SearchJobsResponseSchema, list) : { jobs: [], cursor: "", logIndex: engine.appliedIndex };
      if (!list) saySeen(call, engine.appliedIndex);
      const counts = Object.fromEntries(Object.entries(engine.family(jobId) ?? nobody).map(([name, n]) => [name, BigInt(n)]));
      const answer = { ...counts, jobs, cursor: next, logIndex: BigInt(logIndex) };
      return toBinary(GetChildrenResponseSchema, create(GetChildrenResponseSchema, answer));
    },
  };
}
