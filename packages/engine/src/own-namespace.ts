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
