import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Engine } from "@corvo/engine";
import { AckBatchRequestSchema, EnqueueBatchRequestSchema, LifecycleStreamRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { Verb } from "@corvo/protocol";
import type { Call } from "@corvo/transport";
import { isTraceparent } from "./context.js";
import type { JobSpans, SomeSpans } from "./job-spans.js";

/** Trace contexts of calls that have a span here; empty while tracing is off. */
export const spanOf = new WeakMap<Call, string>();
export const tracing: {
  on: boolean;
  /** Spans of single jobs in batches and frames; undefined while tracing is off. */
  jobs?: JobSpans;
} = { on: false };
/** Of the jobs of a batch that is being added or completed, until its call is answered. */
export const spansOfJobs = new WeakMap<Call, SomeSpans>();

export function traceparentOf(call: Call): string | undefined {
  const own = tracing.on ? spanOf.get(call) : undefined;
  if (own !== undefined) return own;
  const given = call.header("traceparent");
  return isTraceparent(given) ? given : undefined;
}

/** Tag of `string traceparent = 128`, and the length of one. */
const head = Buffer.from([0x82, 0x08, 55]);

/** The command with the trace context of its call, for jobs that have none of their own. Costs a look at a header when there is none. */
export function withTrace(call: Call, verb: number, body: Uint8Array): Uint8Array {
  const traceparent = traceparentOf(call);
  if (tracing.jobs !== undefined && verb === Verb.ENQUEUE_BATCH) return withSpans(tracing.jobs, call, traceparent, body);
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

/** The same for a frame of a stream that came with a context. */
export function frameWithTrace(traceparent: string, body: Uint8Array): Uint8Array {
  const frame = fromBinary(LifecycleStreamRequestSchema, body);
  for (const job of frame.enqueues) job.traceparent ||= traceparent;
  return toBinary(LifecycleStreamRequestSchema, frame);
}

/** Begins the spans of the jobs of a batch that is completed. */
export function traceAcks(spans: JobSpans, call: Call, engine: Engine, body: Uint8Array): void {
  spansOfJobs.set(call, spans.acks("AckBatch", traceparentOf(call), fromBinary(AckBatchRequestSchema, body).items, engine));
}

/** A batch whose jobs carry each the context of its own enqueue. */
function withSpans(spans: JobSpans, call: Call, traceparent: string | undefined, body: Uint8Array): Uint8Array {
  const batch = fromBinary(EnqueueBatchRequestSchema, body);
  spansOfJobs.set(call, spans.enqueues("EnqueueBatch", traceparent, batch.jobs));
  return toBinary(EnqueueBatchRequestSchema, batch);
}
