import { create, toBinary } from "@bufbuild/protobuf";
import { ListQueuesResponseSchema } from "@corvo/gen/corvo/v1/queue_pb.js";
import type { UnaryHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { timestamp } from "./job.js";

/** All queues; the counters are the engine's own. */
export function listQueuesHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const queues = context.replica.engine.queues().map((q) => ({
        name: q.name,
        paused: q.paused,
        maxConcurrency: q.maxConcurrency,
        maxDepth: q.maxDepth,
        rateLimit: q.rateLimit,
        rateWindowMs: q.rateWindowMs,
        createdAt: timestamp(q.createdMs),
        pending: BigInt(q.pending),
        active: BigInt(q.active),
        held: BigInt(q.held),
        completed: BigInt(q.completed),
        dead: BigInt(q.dead),
        scheduled: BigInt(q.scheduled),
        retrying: BigInt(q.retrying),
        cancelled: BigInt(q.cancelled),
        enqueued: BigInt(q.enqueued),
        failed: BigInt(q.failed),
        oldestPendingAt: timestamp(q.oldestPendingMs),
      }));
      return toBinary(ListQueuesResponseSchema, create(ListQueuesResponseSchema, { queues }));
    },
  };
}
