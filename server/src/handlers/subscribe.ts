import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { EventRecord } from "@corvo/engine";
import { SubscribeEventSchema, SubscribeRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { formatJobId } from "@corvo/protocol";
import type { ServerStreamHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { decoded } from "./job.js";

/** Events read from the ring at a time. */
const batchMax = 256;
/** A sign of life after this silence, as v0.3 sends it. */
const keepaliveMs = 15_000;
const keepalive = toBinary(SubscribeEventSchema, create(SubscribeEventSchema));

/**
 * Events in log order from a position on. The event that wakes a sleeping subscriber is the next applied entry; a reader that is too
 * slow sees a gap in `seq` once the ring has moved on.
 */
export function subscribeHandler(context: HandlerContext): ServerStreamHandler {
  return {
    kind: "server_stream",
    async handle(call, request, out) {
      const wish = decoded(() => fromBinary(SubscribeRequestSchema, request));
      const queues = new Set(wish.queues);
      const jobIds = new Set(wish.jobIds);
      const types = new Set(wish.types);
      const { engine } = context.replica;
      let after = wish.lastEventId > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(wish.lastEventId);
      let wake: (() => void) | undefined;
      call.onAbort(() => wake?.());
      while (!call.aborted) {
        const events = engine.eventsSince(after, batchMax);
        for (const event of events) {
          after = event.seq;
          const jobId = event.jobSeq === 0 ? "" : formatJobId(event.jobCreatedMs, event.jobSeq);
          if ((queues.size > 0 && !queues.has(event.queue)) || (types.size > 0 && !types.has(event.type)) || (jobIds.size > 0 && !jobIds.has(jobId))) continue;
          await out.send(encode(event, jobId));
        }
        if (events.length > 0) continue;
        const woken = await new Promise<boolean>((resolve) => {
          const cancel = context.events.wait(() => resolve(true));
          const timer = setTimeout(() => {
            cancel();
            resolve(false);
          }, keepaliveMs);
          wake = () => {
            clearTimeout(timer);
            cancel();
            resolve(true);
          };
          if (call.aborted) wake();
        });
        if (!woken && !call.aborted) await out.send(keepalive);
      }
    },
  };
}

const text = new TextDecoder();

function encode(event: EventRecord, jobId: string): Uint8Array {
  return toBinary(
    SubscribeEventSchema,
    create(SubscribeEventSchema, {
      seq: BigInt(event.seq),
      type: event.type,
      jobId,
      queue: event.queue,
      atNs: BigInt(event.atMs) * 1_000_000n,
      dataJson: text.decode(event.data),
    }),
  );
}
