import { FetchBatchRequestReader, FetchRequestReader, type LifecycleStreamRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { FetchBatchRequestSchema, FetchRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults, type Fault, faulty } from "./door.js";
import { behindNamespace, nameFault, textFault } from "./fields.js";

/** `corvo.v1.FetchRequest`. */
export function checkFetch(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(one, FetchRequestSchema, bytes, options, lookAtOne);
}

/** `corvo.v1.FetchBatchRequest`. REST: a count above 512 is 512, and the bytes to log say so. */
export function checkFetchBatch(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(many, FetchBatchRequestSchema, bytes, options, lookAtMany, (message, { rest }) => {
    if (rest) message.count = Math.min(message.count, limits.restItemsMax);
  });
}

const one = new FetchRequestReader();
const many = new FetchBatchRequestReader();

function lookAtOne(r: FetchRequestReader): Fault | undefined {
  return whoFault(r, "queues is required") ?? textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
}

function lookAtMany(r: FetchBatchRequestReader, { rest }: DoorOptions): Fault | undefined {
  if (rest && r.count > limits.restItemsMax) r.hasUnknown = true;
  return whoFault(r, "queues is required") ?? textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
}

/** Who asks for jobs of which queues, and for how long. */
export function whoFault(r: FetchRequestReader | FetchBatchRequestReader | LifecycleStreamRequestReader, required: string): Fault | undefined {
  const { buf } = r;
  if (r.queuesCount === 0) return faulty("REQUIRED", "queues", required);
  if (r.queuesCount > limits.fetchQueuesMax) return faulty("TOO_LARGE", "queues", `too many queues: ${r.queuesCount} (max ${limits.fetchQueuesMax})`);
  for (let i = 0; i < r.queuesCount; i++) {
    const fault = nameFault(buf, r.queuesStart[i], r.queuesEnd[i], "queue");
    if (fault !== undefined) return { ...fault, field: `queues[${i}]`, text: fault.text.replace("queue", `queues[${i}]`) };
  }
  return (
    textFault(buf, r.workerIdStart, r.workerIdEnd, limits.workerIdBytesMax, "worker_id") ??
    textFault(buf, behindNamespace(buf, r.hostnameStart, r.hostnameEnd), r.hostnameEnd, limits.hostnameBytesMax, "hostname") ??
    leaseFault(r.leaseDuration)
  );
}

function leaseFault(seconds: number): Fault | undefined {
  const max = limits.leaseMsMax / 1000;
  return seconds > max ? faulty("TOO_LARGE", "lease_duration", `lease_duration too long: ${seconds} s (max ${max})`) : undefined;
}
