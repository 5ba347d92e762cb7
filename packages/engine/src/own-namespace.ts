import { type Refusal, refuse } from "@corvo/protocol";

/**
 * Webhooks and policies have a namespace of their own: empty for all namespaces, `default` for queues without one, or its name. Callers
 * have one too: empty for admins over everything.
 */
export const defaultNamespace = "default";

/** Whether a caller may know of a thing. Those of all namespaces are for `default` to know. */
export function mayKnow(caller: string, thing: string): boolean {
  return caller === "" || caller === thing || (caller === defaultNamespace && thing === "");
}

/** Which queues a namespace has; undefined: all, and what has no queue. */
export function queuesOf(namespace: string): ((queue: string) => boolean) | undefined {
  if (namespace === "") return undefined;
  if (namespace === defaultNamespace) return (queue) => queue !== "" && !queue.includes("::");
  const prefix = `${namespace}::`;
  return (queue) => queue.startsWith(prefix);
}

/** Refuses one more of what a namespace and the whole server may have so many of: one namespace's many are not to cost the others theirs. */
export function noRoomFor(what: string, total: number, totalMax: number, own: number, ownMax: number): Refusal | undefined {
  if (own >= ownMax) return refuse("resource_exhausted", "TOO_LARGE", `there are ${ownMax} ${what} already`);
  if (total >= totalMax) return refuse("resource_exhausted", "TOO_LARGE", `all namespaces together have ${totalMax} ${what} already`);
  return undefined;
}
