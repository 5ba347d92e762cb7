/** The name that was probably meant: at most two slips away, and closer than half of its length. */
export function closest(given: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestSlips = Math.min(2, Math.floor(given.length / 2)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - given.length) >= bestSlips) continue;
    const slips = slipsBetween(given.toLowerCase(), name.toLowerCase());
    if (slips < bestSlips) {
      best = name;
      bestSlips = slips;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min(old[j] + 1, row[j - 1] + 1, old[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) slips = Math.min(slips, older[j - 2] + 1);
      row.push(slips);
    }
    older = old;
    old = row;
  }
  return old[b.length];
}
