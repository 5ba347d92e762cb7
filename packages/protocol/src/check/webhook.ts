import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EnqueueRequestSchema, EnqueueWebhookRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { checkJson } from "../json.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { type DoorOptions, doorDefaults, faulty, malformed, refusalOf } from "./door.js";
import { checkEnqueue, unlessBlank } from "./enqueue.js";

/** `corvo.v1.EnqueueWebhookRequest`: the bytes of the EnqueueRequest that it stands for, checked, or why not. */
export function checkEnqueueWebhook(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  try {
    const webhook = fromBinary(EnqueueWebhookRequestSchema, bytes, { readUnknownFields: false });
    const max = options.payloadBytesMax;
    const given = Buffer.byteLength(webhook.payloadJson);
    if (max > 0 && given > max) return refusalOf(faulty("PAYLOAD_TOO_LARGE", "payload_json", `payload too large: ${given} bytes (max ${max})`));
    const { queue, priority, uniqueKey, maxRetries, scheduledAt, requestId, validateOnly } = webhook;
    const job = create(EnqueueRequestSchema, { queue, priority, uniqueKey, maxRetries, scheduledAt, requestId, validateOnly });
    job.payloadJson = asJson(webhook.payloadJson);
    job.tagsJson = tagsJson(webhook.tags);
    return checkEnqueue(toBinary(EnqueueRequestSchema, job), options);
  } catch (error) {
    return malformed(EnqueueWebhookRequestSchema, error);
  }
}

/** JSON as it is; other text as a JSON string; nothing stays nothing. */
function asJson(body: string): string {
  const text = unlessBlank(body);
  if (text === "") return "";
  const bytes = Buffer.from(text);
  const fault = checkJson(bytes, 0, bytes.length);
  // JSON that nests too deep is refused as such, not quietly made a string.
  return fault === undefined || fault.expected === `at most ${limits.jsonDepthMax} levels` ? text : JSON.stringify(text);
}

/** `key:value,key2:value2` as a JSON object; parts without a colon or without a key are left out. */
function tagsJson(tags: string): string {
  const labels: Record<string, string> = Object.create(null);
  for (const part of tags.split(",")) {
    const colon = part.indexOf(":");
    const key = part.slice(0, Math.max(colon, 0)).trim();
    if (key !== "") labels[key] = part.slice(colon + 1).trim();
  }
  return Object.keys(labels).length === 0 ? "" : JSON.stringify(labels);
}
