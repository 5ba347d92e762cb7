import { putText } from "@corvo/gen/corvo/fast/runtime.js";
import { TestWebhookRequestReader, TestWebhookResponseTag } from "@corvo/gen/corvo/v1/webhook_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { webhookPendingMax } from "./limits.js";
import { noSuchWebhook } from "./redeliver-webhook.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { webhookRow } from "./webhook-namespace.js";
import { eventId, WebhookNum } from "./webhooks.js";

const reader = new TestWebhookRequestReader();
const nothing = new Uint8Array(0);

/** An event that only this webhook gets, whatever it wants; in the stream it is an event like others. */
export function testWebhook(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.idEnd === r.idStart) return refuse("invalid_argument", "REQUIRED", "id is required", { field: "id" });
  const { entities, events } = s;
  const row = webhookRow(s, r);
  if (row === -1) return noSuchWebhook(textOf(r.buf, r.idStart, r.idEnd));
  if (entities.num(row, WebhookNum.pending) >= webhookPendingMax) {
    return refuse("resource_exhausted", "OVERLOADED", `${webhookPendingMax} events wait for this webhook already`);
  }
  entities.touch(row);
  const { listener } = events;
  events.listener = undefined;
  events.add(EventType.webhookTest, 0, 0, undefined, s.logTimeMs);
  events.listener = listener;
  const type = "webhook_test";
  const { lastSeq: seq, actor } = events;
  s.outbox.put(row, { seq, type, jobSeq: 0, createdMs: 0, queue: "", atMs: s.logTimeMs, actor, attempt: 0, workerId: "", data: nothing, reason: nothing });
  if (!s.answering) return undefined;
  putText(s.out, TestWebhookResponseTag.status, "ok");
  putText(s.out, TestWebhookResponseTag.eventId, eventId(type, s.logTimeMs, seq));
  return undefined;
}
