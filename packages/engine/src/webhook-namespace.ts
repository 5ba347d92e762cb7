import { WebhookTextReader } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** A webhook of this namespace gets the events of queues without a namespace; one of no namespace those of all. */
export const defaultNamespace = "default";

const text = new WebhookTextReader();

/** What a request says: its webhook, and the namespace of its caller (empty: any). */
interface Named {
  buf: Uint8Array;
  idStart: number;
  idEnd: number;
  namespaceStart: number;
  namespaceEnd: number;
}

/** The row of a request's webhook; -1: there is none that its caller may know of. */
export function webhookRow(s: State, r: Named): number {
  const row = s.entities.find(EntityKind.webhook, r.buf, r.idStart, r.idEnd);
  return row !== -1 && mayKnowWebhook(textOf(r.buf, r.namespaceStart, r.namespaceEnd), webhookNamespace(s, row)) ? row : -1;
}

/** Whether a caller of a namespace (empty: of all) may know of a webhook. Those of all namespaces are for `default` to know. */
export function mayKnowWebhook(caller: string, webhook: string): boolean {
  return caller === "" || caller === webhook || (caller === defaultNamespace && webhook === "");
}

export function webhookNamespace({ entities }: State, row: number): string {
  const t = text.read(entities.textMemory(row), entities.textStart(row), entities.textEnd(row));
  return textOf(t.buf, t.namespaceStart, t.namespaceEnd);
}

/** Which queues' events a webhook of a namespace gets; undefined: all, and those without a queue. */
export function queuesOf(namespace: string): ((queue: string) => boolean) | undefined {
  if (namespace === "") return undefined;
  if (namespace === defaultNamespace) return (queue) => queue !== "" && !queue.includes("::");
  const prefix = `${namespace}::`;
  return (queue) => queue.startsWith(prefix);
}

/** Webhooks that a caller of a namespace (empty: of all) counts as its own. */
export function webhooksOf(s: State, caller: string): number {
  if (caller === "") return s.entities.count(EntityKind.webhook);
  let count = 0;
  for (let row = s.entities.first(EntityKind.webhook); row !== -1; row = s.entities.following(row))
    if (mayKnowWebhook(caller, webhookNamespace(s, row))) count++;
  return count;
}
