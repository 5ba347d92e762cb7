import { putInt32, putText } from "@corvo/gen/corvo/fast/runtime.js";
import { RedeliverWebhookRequestReader, RedeliverWebhookResponseTag } from "@corvo/gen/corvo/v1/webhook_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { webhookRow } from "./webhook-namespace.js";
import { DeliveryNum, WebhookNum } from "./webhooks.js";

const reader = new RedeliverWebhookRequestReader();

/** Dead letters are delivered again, behind what waits: those that are named, or all. Each keeps the id of its event. */
export function redeliverWebhook(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.idEnd === r.idStart) return refuse("invalid_argument", "REQUIRED", "id is required", { field: "id" });
  const { entities } = s;
  const row = webhookRow(s, r);
  if (row === -1) return noSuchWebhook(textOf(r.buf, r.idStart, r.idEnd));
  const serial = entities.serial(row);
  const dead: number[] = [];
  if (r.eventIdsCount > 0) {
    for (let i = 0; i < r.eventIdsCount; i++) {
      for (const delivery of entities.all(EntityKind.webhookDelivery, r.buf, r.eventIdsStart[i], r.eventIdsEnd[i])) {
        if (entities.num(delivery, DeliveryNum.webhook) === serial && entities.flag(delivery) === 1 && !dead.includes(delivery)) dead.push(delivery);
      }
    }
  } else {
    for (let delivery = entities.first(EntityKind.webhookDelivery); delivery !== -1; delivery = entities.following(delivery)) {
      if (entities.num(delivery, DeliveryNum.webhook) === serial && entities.flag(delivery) === 1) dead.push(delivery);
    }
  }
  for (const delivery of dead) again(s, delivery);
  entities.setNum(row, WebhookNum.dead, entities.num(row, WebhookNum.dead) - dead.length);
  entities.setNum(row, WebhookNum.pending, entities.num(row, WebhookNum.pending) + dead.length);
  if (dead.length > 0) s.outbox.version++;
  if (!s.answering) return undefined;
  putText(s.out, RedeliverWebhookResponseTag.status, "ok");
  putInt32(s.out, RedeliverWebhookResponseTag.redelivered, dead.length);
  return undefined;
}

/** A new entity, because their order is the order of delivery. */
function again(s: State, delivery: number): void {
  const { entities } = s;
  const key = entities.keyOf(delivery);
  const text = entities.textOf(delivery);
  const webhook = entities.num(delivery, DeliveryNum.webhook);
  const jobSeq = entities.num(delivery, DeliveryNum.jobSeq);
  entities.remove(delivery);
  const made = entities.add(EntityKind.webhookDelivery, key, 0, key.length, text, 0, text.length);
  entities.setNum(made, DeliveryNum.webhook, webhook);
  if (jobSeq !== 0) entities.setNum(made, DeliveryNum.jobSeq, jobSeq);
}

export function noSuchWebhook(id: string): Refusal {
  return refuse("not_found", "NOT_FOUND", `webhook "${id}" not found`);
}
