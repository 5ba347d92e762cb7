import { type Refusal, refuse } from "@corvo/protocol";

/**
 * Webhooks, policies and budgets have a namespace of their own: empty for all namespaces, `default` for queues without one, or its name. Callers
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

/**
 * Refuses one more of what a namespace and all namespaces may have so many of. Those of all namespaces together are those beside `default`
 * and the whole server's: many namespaces are not to cost these two theirs.
 */
export function noRoomFor(what: string, namespace: string, own: number, ownMax: number, ofOthers: number, ofOthersMax: number): Refusal | undefined {
  if (own >= ownMax) return refuse("resource_exhausted", "TOO_LARGE", `there are ${ownMax} ${what} already`);
  if (isOther(namespace) && ofOthers >= ofOthersMax)
    return refuse("resource_exhausted", "TOO_LARGE", `all namespaces together have ${ofOthersMax} ${what} already`);
  return undefined;
}

/** Neither the whole server's nor of `default`. */
export function isOther(namespace: string): boolean {
  return namespace !== "" && namespace !== defaultNamespace;
}

/** Of things whose namespaces these are: how many a namespace has, and how many those that share a limit. */
export function countNamespaces(namespaces: Iterable<string>, namespace: string): { own: number; ofOthers: number } {
  let own = 0;
  let ofOthers = 0;
  for (const one of namespaces) {
    if (one === namespace) own++;
    if (isOther(one)) ofOthers++;
  }
  return { own, ofOthers };
}
