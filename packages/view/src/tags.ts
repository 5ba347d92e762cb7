/** Between a tag's path and its value. */
export const pairSeparator = "\u001f";
const pairsMax = 64;

/** What few jobs have, and never changes. */
export interface Rare {
  unique_key: string | null;
  parent: string | null;
  chain: string | null;
  batch: string | null;
  tags: string | null;
}

/** A value of a rare column among the tags. A tag that looks the same does no harm: the column is asked as well. */
export function rarePair(column: keyof Rare, value: string): string {
  return `${pairSeparator}${column}${pairSeparator}${value}`;
}

/** Everything under which a job is entered in `tags`. */
export function pairsOfJob(job: Rare): string[] {
  const pairs = job.tags === null ? [] : pairsOf(job.tags);
  if (job.unique_key !== null) pairs.push(rarePair("unique_key", job.unique_key));
  if (job.parent !== null) pairs.push(rarePair("parent", job.parent));
  if (job.chain !== null) pairs.push(rarePair("chain", job.chain));
  if (job.batch !== null) pairs.push(rarePair("batch", job.batch));
  return pairs;
}

/** Tags as the index has them: path and value as text. A member of a member has its path with dots. */
function pairsOf(tags: string): string[] {
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
