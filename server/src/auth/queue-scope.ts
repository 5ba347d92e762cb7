/** Patterns of queues, separated by commas; `*` stands for any text. Undefined: all queues. */
export function readQueueScope(scope: string): ((queue: string) => boolean) | undefined {
  const patterns = patternsOf(scope);
  if (patterns.length === 0) return undefined;
  const whole = new RegExp(`^(?:${patterns.map((one) => one.split("*").map(escaped).join(".*")).join("|")})$`, "su");
  return (queue) => whole.test(queue);
}

/** Whether every queue of the inner scope is in the outer one: each inner pattern is one of the outer ones, or falls under one. */
export function scopeWithin(inner: string, outer: string): boolean {
  const outside = readQueueScope(outer);
  if (outside === undefined) return true;
  const patterns = patternsOf(inner);
  // A pattern matches as text what its own `*` would stand for only if the outer pattern is at least as wide.
  return patterns.length > 0 && patterns.every((one) => outside(one));
}

function patternsOf(scope: string): string[] {
  return scope
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
