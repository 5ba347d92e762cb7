import * as fast from "@corvo/gen/corvo/v1/webhook_fast.js";
import * as webhooks from "@corvo/gen/corvo/v1/webhook_pb.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { textOf } from "../utf8.js";
import { admit, doorDefaults, type Fault, faulty } from "./door.js";
import { nameFault, textFault } from "./fields.js";

const setReader = new fast.SetWebhookRequestReader();
const deleteReader = new fast.DeleteWebhookRequestReader();
const redeliverReader = new fast.RedeliverWebhookRequestReader();
const testReader = new fast.TestWebhookRequestReader();

/** Requests of WebhookService that change something. */
export function checkSetWebhook(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(setReader, webhooks.SetWebhookRequestSchema, bytes, doorDefaults, setFault);
}
export function checkDeleteWebhook(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(deleteReader, webhooks.DeleteWebhookRequestSchema, bytes, doorDefaults, namedFault);
}
export function checkRedeliverWebhook(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(redeliverReader, webhooks.RedeliverWebhookRequestSchema, bytes, doorDefaults, (r) => namedFault(r) ?? eventIdsFault(r));
}
export function checkTestWebhook(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(testReader, webhooks.TestWebhookRequestSchema, bytes, doorDefaults, namedFault);
}

interface Named {
  buf: Uint8Array;
  idStart: number;
  idEnd: number;
  requestIdStart: number;
  requestIdEnd: number;
}

function namedFault(r: Named): Fault | undefined {
  return (
    nameFault(r.buf, r.idStart, r.idEnd, "id", "id is required", limits.webhookIdBytesMax) ??
    textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id")
  );
}

function eventIdsFault(r: fast.RedeliverWebhookRequestReader): Fault | undefined {
  if (r.eventIdsCount > limits.redeliverEventsMax) return faulty("TOO_LARGE", "event_ids", `more than ${limits.redeliverEventsMax} event_ids`);
  for (let i = 0; i < r.eventIdsCount; i++) {
    const fault = textFault(r.buf, r.eventIdsStart[i], r.eventIdsEnd[i], limits.webhookIdBytesMax, `event_ids[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function setFault(r: fast.SetWebhookRequestReader): Fault | undefined {
  const fault =
    textFault(r.buf, r.idStart, r.idEnd, limits.webhookIdBytesMax, "id") ??
    (r.urlEnd === r.urlStart ? faulty("INVALID_WEBHOOK", "url", "url is required") : undefined) ??
    textFault(r.buf, r.urlStart, r.urlEnd, limits.webhookUrlBytesMax, "url") ??
    urlFault(textOf(r.buf, r.urlStart, r.urlEnd)) ??
    textFault(r.buf, r.secretStart, r.secretEnd, limits.webhookSecretBytesMax, "secret") ??
    textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
  if (fault !== undefined) return fault;
  if (r.retryLimit > limits.webhookAttemptsMax) {
    return faulty("TOO_LARGE", "retry_limit", `retry_limit too large: ${r.retryLimit} (max ${limits.webhookAttemptsMax})`);
  }
  if (r.eventsCount > limits.webhookEventsMax) return faulty("TOO_LARGE", "events", `more than ${limits.webhookEventsMax} events`);
  for (let i = 0; i < r.eventsCount; i++) {
    const long = textFault(r.buf, r.eventsStart[i], r.eventsEnd[i], 64, `events[${i}]`);
    if (long !== undefined) return long;
  }
  if (r.queuesCount > limits.webhookQueuesMax) return faulty("TOO_LARGE", "queues", `more than ${limits.webhookQueuesMax} queues`);
  for (let i = 0; i < r.queuesCount; i++) {
    const long = nameFault(r.buf, r.queuesStart[i], r.queuesEnd[i], `queues[${i}]`);
    if (long !== undefined) return long;
  }
  return undefined;
}

/** The texts are those of the specification (rest.md §6.5); an address with credentials in it would show them in lists and logs. */
function urlFault(text: string): Fault | undefined {
  if (!/^https?:\/\//i.test(text)) return faulty("INVALID_WEBHOOK", "url", "url must start with http:// or https://");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return faulty("INVALID_WEBHOOK", "url", `url is not an address: ${JSON.stringify(text)}`);
  }
  return url.username !== "" || url.password !== "" ? faulty("INVALID_WEBHOOK", "url", "url must not have a user name or password") : undefined;
}
