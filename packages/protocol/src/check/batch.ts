import { CreateBatchRequestReader, SealBatchRequestReader } from "@corvo/gen/corvo/v1/batch_fast.js";
import { CreateBatchRequestSchema, SealBatchRequestSchema } from "@corvo/gen/corvo/v1/batch_pb.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults } from "./door.js";
import { unlessBlank } from "./enqueue.js";
import { nameFault, textFault } from "./fields.js";
import { callbackFault } from "./relations.js";

const creation = new CreateBatchRequestReader();
const seal = new SealBatchRequestReader();

/** `corvo.v1.CreateBatchRequest`. Its first fields are those of a BatchCallback. */
export function checkCreateBatch(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(
    creation,
    CreateBatchRequestSchema,
    bytes,
    options,
    (r) => {
      const unknown = r.hasUnknown;
      const fault = callbackFault(r, r.start, r.end, "", options);
      // The callback's reader does not know the fields of this request that it lacks.
      r.hasUnknown = unknown || (fault !== undefined && fault.reason === "INVALID_JSON" && unlessBlank(textAt(r)) === "");
      return fault ?? textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
    },
    (message) => {
      message.callbackPayloadJson = unlessBlank(message.callbackPayloadJson);
    },
  );
}

/** `corvo.v1.SealBatchRequest`. */
export function checkSealBatch(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(
    seal,
    SealBatchRequestSchema,
    bytes,
    options,
    (r) =>
      nameFault(r.buf, r.batchIdStart, r.batchIdEnd, "batch_id", "batch_id is required", limits.entityIdBytesMax) ??
      textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id"),
  );
}

function textAt(r: CreateBatchRequestReader): string {
  return new TextDecoder().decode(r.buf.subarray(r.callbackPayloadJsonStart, r.callbackPayloadJsonEnd));
}
