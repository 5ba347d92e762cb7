import { eventTypes } from "@corvo/engine";

const budgetExceeded = eventTypes.indexOf("budget_exceeded");
const decoder = new TextDecoder();

/** A daily limit of the whole server is reached: how high it is and what all namespaces spent is not for one of them to know. */
export function tellsOfAll(type: number | string, data: Uint8Array): boolean {
  if (data.length === 0 || (type !== budgetExceeded && type !== eventTypes[budgetExceeded])) return false;
  const { namespace, scope, limit } = JSON.parse(decoder.decode(data)) as { namespace?: string; scope: string; limit: string };
  return namespace === undefined && scope !== "queue" && limit === "daily";
}
