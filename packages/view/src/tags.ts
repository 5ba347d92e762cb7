/** Between a tag's path and its value. */
export const pairSeparator = "\u001f";
const pairsMax = 64;

/** Tags as the index has them: path and value as text. A member of a member has its path with dots. */
export function pairsOf(tags: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(tags);
  } catch {
    return []; // the door lets none through
  }
  const pairs: string[] = [];
  gather(pairs, "", value);
  return pairs;
}

function gather(pairs: string[], path: string, value: unknown): void {
  if (pairs.length >= pairsMax) return;
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return;
    for (const [key, member] of Object.entries(value)) gather(pairs, path === "" ? key : `${path}.${key}`, member);
  } else if (path !== "" && value !== null) pairs.push(`${path}${pairSeparator}${String(value)}`);
}
