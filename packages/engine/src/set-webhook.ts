import { putText, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeWebhookText, WebhookTextReader } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { SetWebhookRequestReader, SetWebhookResponseTag } from "@corvo/gen/corvo/v1/webhook_fast.js";
import { entityId, limits, type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { defaultNamespace, noRoomFor } from "./own-namespace.js";
import { noSuchWebhook } from "./redeliver-webhook.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { countWebhooks, webhookRow } from "./webhook-namespace.js";

const reader = new SetWebhookRequestReader();
const known = new WebhookTextReader();
const retryLimitDefault = 3;
const encoder = new TextEncoder();
const w = new Writer(1024);

/** Adds a webhook or changes one. What it has to deliver stays. */
export function setWebhook(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.urlEnd === r.urlStart) return refuse("invalid_argument", "REQUIRED", "url is required", { field: "url" });
  const { entities } = s;
  let row = r.idEnd === r.idStart ? -1 : webhookRow(s, r);
  const caller = textOf(r.buf, r.namespaceStart, r.namespaceEnd);
  // Ids are everybody's: a namespace must not find out whether one is taken.
  const strange = row === -1 && r.idEnd !== r.idStart && (entities.find(EntityKind.webhook, r.buf, r.idStart, r.idEnd) !== -1 || !mayChooseIds(caller));
  if (strange) return noSuchWebhook(textOf(r.buf, r.idStart, r.idEnd));
  const full = row === -1 ? noRoom(s, caller) : undefined;
  if (full !== undefined) return full;
  let createdMs = s.logTimeMs;
  let secret = r.hasSecret ? textOf(r.buf, r.secretStart, r.secretEnd) : "";
  let lastError = "";
  let namespace = caller;
  if (row !== -1) {
    known.read(entities.textMemory(row), entities.textStart(row), entities.textEnd(row));
    createdMs = known.createdMs;
    namespace = textOf(known.buf, known.namespaceStart, known.namespaceEnd);
    lastError = textOf(known.buf, known.lastErrorStart, known.lastErrorEnd);
    if (!r.hasSecret) secret = textOf(known.buf, known.secretStart, known.secretEnd);
  }
  const events: string[] = [];
  for (let i = 0; i < r.eventsCount; i++) {
    const type = textOf(r.buf, r.eventsStart[i], r.eventsEnd[i]).trim().toLowerCase();
    if (type !== "" && !events.includes(type)) events.push(type);
  }
  const queues: string[] = [];
  for (let i = 0; i < r.queuesCount; i++) queues.push(textOf(r.buf, r.queuesStart[i], r.queuesEnd[i]));
  w.reset();
  encodeWebhookText(w, {
    url: textOf(r.buf, r.urlStart, r.urlEnd),
    events: events.length === 0 ? ["*"] : events,
    queues,
    secret,
    retryLimit: r.retryLimit <= 0 ? retryLimitDefault : Math.min(r.retryLimit, limits.webhookAttemptsMax),
    createdMs,
    lastError,
    namespace,
  });
  if (row === -1) {
    const id = r.idEnd === r.idStart ? encoder.encode(entityId("wh_", s.logTimeMs, entities.lastSerial + 1)) : r.buf.slice(r.idStart, r.idEnd);
    row = entities.add(EntityKind.webhook, id, 0, id.length, w.buf, 0, w.pos);
  } else entities.setText(row, w.buf, 0, w.pos);
  entities.setFlag(row, r.enabled ? 1 : 0);
  s.outbox.refresh();
  if (!s.answering) return undefined;
  putText(s.out, SetWebhookResponseTag.status, "ok");
  putText(s.out, SetWebhookResponseTag.id, new TextDecoder().decode(entities.keyOf(row)));
  return undefined;
}

function noRoom(s: State, namespace: string): Refusal | undefined {
  const { own, ofOthers } = countWebhooks(s, namespace);
  return noRoomFor("webhooks", namespace, own, limits.webhooksMax, ofOthers, limits.webhooksTotalMax);
}

function mayChooseIds(caller: string): boolean {
  return caller === "" || caller === defaultNamespace;
}
