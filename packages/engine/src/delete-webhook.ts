import { putText } from "@corvo/gen/corvo/fast/runtime.js";
import { DeleteWebhookRequestReader, DeleteWebhookResponseTag } from "@corvo/gen/corvo/v1/webhook_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { webhookRow } from "./webhook-namespace.js";
import { DeliveryNum } from "./webhooks.js";

const reader = new DeleteWebhookRequestReader();

/** Deletes a webhook with all that it has still to deliver. One that is not there is deleted too. */
export function deleteWebhook(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.idEnd === r.idStart) return refuse("invalid_argument", "REQUIRED", "id is required", { field: "id" });
  const { entities } = s;
  const row = webhookRow(s, r);
  if (row !== -1) {
    const serial = entities.serial(row);
    for (let delivery = entities.first(EntityKind.webhookDelivery); delivery !== -1; ) {
      const next = entities.following(delivery);
      if (entities.num(delivery, DeliveryNum.webhook) === serial) entities.remove(delivery);
      delivery = next;
    }
    entities.remove(row);
    s.outbox.refresh();
  }
  if (!s.answering) return undefined;
  putText(s.out, DeleteWebhookResponseTag.status, "deleted");
  putText(s.out, DeleteWebhookResponseTag.id, textOf(r.buf, r.idStart, r.idEnd));
  return undefined;
}
