import { CancelBulkTaskRequestReader } from "@corvo/gen/corvo/v1/bulk_fast.js";
import { CancelBulkTaskRequestSchema } from "@corvo/gen/corvo/v1/bulk_pb.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults, faulty } from "./door.js";
import { textFault } from "./fields.js";

const cancellation = new CancelBulkTaskRequestReader();
const idBytesMax = 64;

export function checkCancelBulkTask(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(cancellation, CancelBulkTaskRequestSchema, bytes, options, (r) => {
    if (r.idEnd === r.idStart) return faulty("REQUIRED", "id", "id is required");
    return textFault(r.buf, r.idStart, r.idEnd, idBytesMax, "id") ?? textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
  });
}
