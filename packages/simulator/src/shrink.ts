import type { Step } from "./program.js";

/**
 * Delta debugging (Zeller and Hildebrandt, 2002) on a program's steps, then on the wishes inside each step, then on the clock:
 * the smallest program found that still fails within `runsMax` runs.
 */
export function shrink(program: readonly Step[], fails: (program: readonly Step[]) => boolean, runsMax = 3_000): Step[] {
  let runs = 0;
  const still = (candidate: readonly Step[]): boolean => runs++ < runsMax && fails(candidate);
  let best = fewer([...program], still);
  for (let i = 0; i < best.length; i++) {
    const withWishes = (wishes: Step["wishes"]) => best.map((step, at) => (at === i ? { ...step, wishes } : step));
    best = withWishes(fewer(best[i].wishes, (wishes) => still(withWishes([...wishes]))));
  }
  for (let i = 0; i < best.length; i++) {
    const calm = best.map((step, at) => (at === i ? { ...step, move: { byMs: 0 } } : step));
    if (still(calm)) best = calm;
    const merged = i > 0 ? merge(best, i) : undefined;
    if (merged && still(merged)) best = merged;
  }
  return fewer(best, still);
}

/** One step out of two, when the second does not move the clock. */
function merge(steps: readonly Step[], i: number): Step[] | undefined {
  const { move } = steps[i];
  if (!("byMs" in move) || move.byMs !== 0) return undefined;
  return [...steps.slice(0, i - 1), { ...steps[i - 1], wishes: [...steps[i - 1].wishes, ...steps[i].wishes] }, ...steps.slice(i + 1)];
}

/** Leaves out ever smaller runs of items for as long as the rest still fails. */
function fewer<T>(items: readonly T[], fails: (items: readonly T[]) => boolean): T[] {
  let best = [...items];
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length; ) {
      const candidate = [...best.slice(0, at), ...best.slice(at + size)];
      if (candidate.length < best.length && fails(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}
