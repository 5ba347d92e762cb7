import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { eventTypes } from "@corvo/engine";
import { ListEventsRequestSchema, ListEventsResponseSchema } from "@corvo/gen/corvo/v1/event_pb.js";
import type { SubscribeEventSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { formatJobId } from "@corvo/protocol";
import type { UnaryHandler } from "@corvo/transport";
import { eventViewOf } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import { tellsOfAll } from "../events/budget-data.js";
import { gapType } from "../events/encode.js";
import { EventFilter } from "../events/filter.js";
import type { HandlerContext } from "./context.js";
import { decoded } from "./job.js";

const limitDefault = 100;
const limitMax = 1000;
/** Events that one call looks at: with a filter that lets little through, the caller goes on from `next_after_seq`. */
const lookMax = 100_000;

/** Events after a position. A list with commas is several, as in the stream over REST. */
export function listEventsHandler(context: HandlerContext): UnaryHandler {
  const list = (given: string[]): string[] =>
    given
      .flatMap((text) => text.split(","))
      .map((text) => text.trim())
      .filter((text) => text !== "");
  return {
    kind: "unary",
    handle(call, request) {
      const wish = decoded(() => fromBinary(ListEventsRequestSchema, request));
      const filter = new EventFilter({ queues: list(wish.queues), jobIds: list(wish.jobIds), types: list(wish.types) });
      const who = principalOf(call);
      const view = who && eventViewOf(who);
      const log = context.replica.engine.events;
      const limit = wish.limit >= 1 && wish.limit <= limitMax ? wish.limit : limitDefault;
      const events: MessageInitShape<typeof SubscribeEventSchema>[] = [];
      let after = Math.min(Number(wish.afterSeq), log.lastSeq);
      if (after > 0 && after + 1 < log.firstSeq) {
        const [from, to] = [after + 1, log.firstSeq - 1];
        events.push({ seq: BigInt(to), type: gapType, dataJson: JSON.stringify({ from, missed: to - from + 1, to }) });
      }
      after = Math.max(after, log.firstSeq - 1);
      const last = Math.min(log.lastSeq, after + lookMax);
      for (; after < last && events.length < limit; after++) {
        const at = log.slot(after + 1);
        const queue = log.queueAt(at)?.name ?? "";
        if (!filter.passes(log.typeAt(at), log.jobSeqAt(at), queue) || view?.sees(queue) === false) continue;
        const event = log.record(after + 1);
        const data = view !== undefined && tellsOfAll(log.typeAt(at), event.data) ? "" : Buffer.from(event.data).toString();
        events.push({
          seq: BigInt(event.seq),
          type: eventTypes[log.typeAt(at)],
          jobId: event.jobSeq === 0 ? "" : formatJobId(event.jobCreatedMs, event.jobSeq),
          queue: event.queue,
          atNs: BigInt(event.atMs) * 1_000_000n,
          dataJson: data,
          index: BigInt(event.index),
          actor: event.actor,
          reason: event.reason,
          attempt: event.attempt,
          workerId: event.workerId,
        });
      }
      return toBinary(
        ListEventsResponseSchema,
        create(ListEventsResponseSchema, { events, nextAfterSeq: BigInt(after), firstSeq: BigInt(log.firstSeq), lastSeq: BigInt(log.lastSeq) }),
      );
    },
  };
}
