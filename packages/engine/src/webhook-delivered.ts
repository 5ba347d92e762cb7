import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import {
  encodeWebhookDeliveryText,
  encodeWebhookText,
  WebhookDeliveredCommandReader,
  WebhookDeliveryTextReader,
  WebhookOutcomeReader,
  WebhookTextReader,
} from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { type Command, textOf } from "./command.js";
import { webhookDeadMax } from "./limits.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { DeliveryNum, WebhookNum } from "./webhooks.js";

const reader = new WebhookDeliveredCommandReader();
const outcome = new WebhookOutcomeReader();
const hookText = new WebhookTextReader();
const text = new WebhookDeliveryTextReader();
const w = new Writer(1024);

/** What became of deliveries. Those that are not there any more (the webhook was deleted) are passed over. */
export function webhookDelivered(s: State, c: Command): void {
  const r = reader.read(c.buf, c.start, c.end);
  for (let i = 0; i < r.outcomesCount; i++) settle(s, outcome.read(r.buf, r.outcomesStart[i], r.outcomesEnd[i]));
}

function settle(s: State, o: WebhookOutcomeReader): void {
  const { entities } = s;
  const delivery = entities.bySerial(o.delivery);
  if (delivery === -1 || entities.kind(delivery) !== EntityKind.webhookDelivery || entities.flag(delivery) !== 0) return;
  const hook = entities.bySerial(entities.num(delivery, DeliveryNum.webhook));
  if (hook === -1) return entities.remove(delivery);
  const error = textOf(o.buf, o.errorStart, o.errorEnd);
  entities.setInt4(hook, 0, o.statusCode);
  entities.setNum(hook, WebhookNum.lastMs, o.atMs);
  noteError(s, hook, error);
  const count = (i: number, by: number): void => entities.setNum(hook, i, entities.num(hook, i) + by);
  if (error === "") {
    entities.remove(delivery);
    count(WebhookNum.pending, -1);
    count(WebhookNum.delivered, 1);
    return;
  }
  entities.setInt4(delivery, 0, o.attempts);
  entities.setInt4(delivery, 1, o.statusCode);
  addError(s, delivery, error);
  if (!o.dead) return;
  entities.setFlag(delivery, 1);
  entities.setNum(delivery, DeliveryNum.deadMs, o.atMs);
  count(WebhookNum.pending, -1);
  if (entities.num(hook, WebhookNum.dead) >= webhookDeadMax) forgetOldest(s, entities.serial(hook));
  else count(WebhookNum.dead, 1);
}

/** The oldest dead letter of a webhook goes. */
function forgetOldest(s: State, hook: number): void {
  const { entities } = s;
  for (let row = entities.first(EntityKind.webhookDelivery); row !== -1; row = entities.following(row)) {
    if (entities.flag(row) === 1 && entities.num(row, DeliveryNum.webhook) === hook) return entities.remove(row);
  }
}

/** Writes a webhook's text only when the error is another one. */
function noteError(s: State, hook: number, error: string): void {
  const { entities } = s;
  const t = hookText.read(entities.textMemory(hook), entities.textStart(hook), entities.textEnd(hook));
  if (textOf(t.buf, t.lastErrorStart, t.lastErrorEnd) === error) return;
  const all = (count: number, starts: Int32Array, ends: Int32Array): string[] => Array.from({ length: count }, (_, i) => textOf(t.buf, starts[i], ends[i]));
  w.reset();
  encodeWebhookText(w, {
    url: textOf(t.buf, t.urlStart, t.urlEnd),
    events: all(t.eventsCount, t.eventsStart, t.eventsEnd),
    queues: all(t.queuesCount, t.queuesStart, t.queuesEnd),
    secret: textOf(t.buf, t.secretStart, t.secretEnd),
    retryLimit: t.retryLimit,
    createdMs: t.createdMs,
    lastError: error,
    namespace: textOf(t.buf, t.namespaceStart, t.namespaceEnd),
  });
  entities.setText(hook, w.buf, 0, w.pos);
}

function addError(s: State, delivery: number, error: string): void {
  const { entities } = s;
  const t = text.read(entities.textMemory(delivery), entities.textStart(delivery), entities.textEnd(delivery));
  if (textOf(t.buf, t.lastErrorStart, t.lastErrorEnd) === error) return;
  w.reset();
  encodeWebhookDeliveryText(w, {
    seq: t.seq,
    type: textOf(t.buf, t.typeStart, t.typeEnd),
    jobSeq: t.jobSeq,
    jobCreatedMs: t.jobCreatedMs,
    queue: textOf(t.buf, t.queueStart, t.queueEnd),
    atMs: t.atMs,
    index: t.index,
    actor: textOf(t.buf, t.actorStart, t.actorEnd),
    reason: textOf(t.buf, t.reasonStart, t.reasonEnd),
    dataJson: t.buf.slice(t.dataJsonStart, t.dataJsonEnd),
    attempt: t.attempt,
    workerId: textOf(t.buf, t.workerIdStart, t.workerIdEnd),
    lastError: error,
  });
  entities.setText(delivery, w.buf, 0, w.pos);
}
