import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LifecycleStreamResponseReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { AckOutcome, EnqueueOutcome, LifecycleStreamResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { LifecycleDoor } from "@corvo/protocol";

/** The answer to a frame with which nothing happened. */
export function emptyAnswer(requestId: bigint): Uint8Array {
  return toBinary(LifecycleStreamResponseSchema, create(LifecycleStreamResponseSchema, { requestId }));
}

const reader = new LifecycleStreamResponseReader();

/** Nothing was completed by this frame. */
export function isIdleAnswer(answer: Uint8Array): boolean {
  return reader.read(answer, 0, answer.length).acked === 0;
}

/** Adds what the door refused: the error text, and an outcome at the place of each refused item. The rare path. */
export function patchAnswer(answer: Uint8Array, door: LifecycleDoor, error = door.error): Uint8Array {
  if (error === "" && door.refusedAcks.length === 0 && door.refusedEnqueues.length === 0) return answer.slice();
  const message = fromBinary(LifecycleStreamResponseSchema, answer);
  message.error = message.error === "" ? error : message.error;
  for (const at of door.refusedAcks) message.outcomes.splice(at, 0, AckOutcome.REFUSED);
  for (const at of door.refusedEnqueues) message.enqueueOutcomes.splice(at, 0, EnqueueOutcome.REFUSED);
  return toBinary(LifecycleStreamResponseSchema, message);
}
