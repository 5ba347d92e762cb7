import { WebhookTextReader } from "@corvo/gen/corvo/internal/v1/webhook_fast.js";
import { textOf } from "./command.js";
import { countNamespaces, mayKnow } from "./own-namespace.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

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
  return row !== -1 && mayKnow(textOf(r.buf, r.namespaceStart, r.namespaceEnd), webhookNamespace(s, row)) ? row : -1;
}

export function webhookNamespace({ entities }: State, row: number): string {
  const t = text.read(entities.textMemory(row), entities.textStart(row), entities.textEnd(row));
  return textOf(t.buf, t.namespaceStart, t.namespaceEnd);
}

/** How many webhooks a namespace has, and how many those that share a limit. */
export function countWebhooks(s: State, namespace: string): { own: number; ofOthers: number } {
  return countNamespaces(namespaces(s), namespace);
}

function* namespaces(s: State): Iterable<string> {
  for (let row = s.entities.first(EntityKind.webhook); row !== -1; row = s.entities.following(row)) yield webhookNamespace(s, row);
}
