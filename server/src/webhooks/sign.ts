import { createHmac } from "node:crypto";
import type { WebhookDeliveryRecord, WebhookRecord } from "@corvo/engine";
import { tellsOfAll } from "../events/budget-data.js";
import { oneLine } from "../events/encode.js";

/** What is posted: Corvo's form, the event as in the stream of events with its id. */
export function bodyOf(hook: WebhookRecord, event: WebhookDeliveryRecord, nowMs: number): Buffer {
  const fields: [name: string, json: string][] = [["at_ns", event.atMs === 0 ? "0" : `${event.atMs}000000`]];
  const text = (name: string, value: string): void => {
    if (value !== "") fields.push([name, JSON.stringify(value)]);
  };
  text("job_id", event.jobId);
  text("queue", plainQueue(hook, event.queue));
  fields.push(["seq", String(event.seq)]);
  text("type", event.type);
  if (event.data.length > 0 && !(hook.namespace !== "" && tellsOfAll(event.type, event.data)))
    fields.push(["data", Buffer.from(oneLine(event.data)).toString()]);
  fields.push(["index", String(event.index)]);
  if (event.attempt !== 0) fields.push(["attempt", String(event.attempt)]);
  text("worker_id", event.workerId);
  text("actor", event.actor);
  text("reason", event.reason);
  text("id", event.eventId);
  const json = fields.map(([name, value]) => `"${name}":${value}`).join(",");
  return Buffer.from(`{"event":{${json}},"sent_at":"${new Date(nowMs).toISOString()}","webhook_id":${JSON.stringify(hook.id)}}`);
}

/** A queue as the webhook's namespace knows it. */
export function plainQueue({ namespace }: WebhookRecord, queue: string): string {
  const prefix = `${namespace}::`;
  return namespace !== "" && queue.startsWith(prefix) ? queue.slice(prefix.length) : queue;
}

/** Headers of a delivery: Corvo's, and with a secret those of Standard Webhooks, whose signature covers the time and so cannot be replayed. */
export function headersOf(hook: WebhookRecord, event: WebhookDeliveryRecord, body: Buffer, nowMs: number): Record<string, string> {
  const seconds = String(Math.floor(nowMs / 1000));
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "User-Agent": "Corvo-Webhooks",
    "X-Corvo-Webhook-ID": headerText(hook.id),
    "X-Corvo-Webhook-Event": event.type,
    "X-Corvo-Event-ID": event.eventId,
    "webhook-id": event.eventId,
    "webhook-timestamp": seconds,
  };
  if (hook.secret === "") return headers;
  headers["X-Corvo-Signature"] = `sha256=${createHmac("sha256", hook.secret).update(body).digest("hex")}`;
  headers["webhook-signature"] = `v1,${createHmac("sha256", standardKey(hook.secret)).update(`${event.eventId}.${seconds}.`).update(body).digest("base64")}`;
  return headers;
}

/** Standard Webhooks: behind `whsec_` is the key in base64, and its libraries read it so. Any other secret is the key as it stands. */
function standardKey(secret: string): Buffer | string {
  const base64 = /^whsec_([A-Za-z0-9+/_-]+={0,2})$/.exec(secret)?.[1];
  return base64 === undefined ? secret : Buffer.from(base64, "base64");
}

/** Ids may be any text; headers may not. */
function headerText(text: string): string {
  return encodeURIComponent(text);
}
