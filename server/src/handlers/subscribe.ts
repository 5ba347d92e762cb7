import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SubscribeEventSchema, SubscribeRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { MessageSink, ServerStreamHandler } from "@corvo/transport";
import { envelopeBytes } from "../events/encode.js";
import { EventFilter } from "../events/filter.js";
import type { HandlerContext } from "./context.js";
import { decoded } from "./job.js";
import { saySeen } from "./reads.js";

/** A sign of life, as v0.3 sends it. */
const keepalive = toBinary(SubscribeEventSchema, create(SubscribeEventSchema));

/** Events in log order from a position on. Who reads too slowly gets a `gap` once the events are gone; see EventHub. */
export function subscribeHandler(context: HandlerContext): ServerStreamHandler {
  return {
    kind: "server_stream",
    handle(call, request, out) {
      const wish = decoded(() => fromBinary(SubscribeRequestSchema, request));
      const after = wish.lastEventId > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(wish.lastEventId);
      saySeen(call, context.replica.engine.appliedIndex);
      return new Promise((resolve) => {
        let waiting = false;
        const wait = (room: void | Promise<void>): void => {
          if (room === undefined) return;
          waiting = true;
          void room.then(() => {
            waiting = false;
            subscription.resume();
          });
        };
        const subscription = context.events.subscribe(new EventFilter(wish), after === 0 && wish.fromNow ? undefined : after, {
          form: "rpc",
          ready: () => !waiting,
          write: (bytes) => wait(sendAll(out, bytes)),
          keepalive: () => wait(out.send(keepalive)),
          end: () => {
            // The transport tells its streams.
          },
          giveUp: resolve,
        });
        call.onAbort(() => {
          subscription.close();
          resolve();
        });
      });
    },
  };
}

/** Messages in envelopes, as they are where that is possible. */
function sendAll(out: MessageSink, envelopes: Buffer): void | Promise<void> {
  if (out.sendEnvelopes !== undefined) return out.sendEnvelopes(envelopes, 1);
  let last: Promise<void> | undefined;
  for (let at = 0; at < envelopes.length; ) {
    const end = at + envelopeBytes + envelopes.readUInt32BE(at + 1);
    const room = out.send(envelopes.subarray(at + envelopeBytes, end));
    if (room instanceof Promise) last = room;
    at = end;
  }
  return last;
}
