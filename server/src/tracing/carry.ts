import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EnqueueBatchRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { Verb } from "@corvo/protocol";
import type { Call } from "@corvo/transport";

/** Trace contexts of calls that have a span here; empty while tracing is off. */
export const spanOf = new WeakMap<Call, string>();
export const tracing = { on: false };

/** `00-<trace id>-<parent id>-<flags>`; a later version may add to it, but nothing else is one. */
const wellFormed = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function traceparentOf(call: Call): string | undefined {
  const own = tracing.on ? spanOf.get(call) : undefined;
  if (own !== undefined) return own;
  const given = call.header("traceparent");
  return given !== undefined && wellFormed.test(given) ? given : undefined;
}

/** Tag of `string traceparent = 128`, and the length of one. */
const head = Buffer.from([0x82, 0x08, 55]);

/** The command with the trace context of its call, for jobs that have none of their own. Costs a look at a header when there is none. */
export function withTrace(call: Call, verb: number, body: Uint8Array): Uint8Array {
  const traceparent = traceparentOf(call);
  if (traceparent === undefined) return body;
  if (verb === Verb.ENQUEUE) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return bytes.includes(head) ? body : Buffer.concat([bytes, head, Buffer.from(traceparent, "latin1")]);
  }
  if (verb !== Verb.ENQUEUE_BATCH) return body;
  const batch = fromBinary(EnqueueBatchRequestSchema, body);
  for (const job of batch.jobs) if (job.traceparent === "") job.traceparent = traceparent;
  return toBinary(EnqueueBatchRequestSchema, create(EnqueueBatchRequestSchema, batch));
}
