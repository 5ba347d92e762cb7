import type { DescMessage } from "@bufbuild/protobuf";
import { QuietWorkerRequestReader } from "@corvo/gen/corvo/v1/cluster_fast.js";
import { QuietWorkerRequestSchema, ResumeWorkerRequestSchema, StopWorkerRequestSchema } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults } from "./door.js";
import { nameFault, textFault } from "./fields.js";

export const checkQuietWorker = ofWorker(QuietWorkerRequestSchema);
export const checkStopWorker = ofWorker(StopWorkerRequestSchema);
export const checkResumeWorker = ofWorker(ResumeWorkerRequestSchema);

/** Requests that name one worker have the same fields. */
const reader = new QuietWorkerRequestReader();

function ofWorker(schema: DescMessage): (bytes: Uint8Array, options?: DoorOptions) => Uint8Array | Refusal {
  return (bytes, options = doorDefaults) =>
    admit(
      reader,
      schema,
      bytes,
      options,
      (r) =>
        nameFault(r.buf, r.idStart, r.idEnd, "id", undefined, limits.workerIdBytesMax) ??
        textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id"),
    );
}
