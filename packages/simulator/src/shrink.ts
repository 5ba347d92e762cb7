import type { Step } from "./program.js";

type Fails = (program: readonly Step[]) => Promise<boolean>;

/**
 * Delta debugging (Zeller and Hildebrandt, 2002) on a program's steps, then on the wishes inside each step, then on the clock:
 * the smallest program found that still fails within `runsMax` runs.
 */
export async function shrink(program: readonly Step[], fails: Fails, runsMax = 3_000): Promise<Step[]> {
  let runs = 0;
  const still: Fails = async (candidate) => runs++ < runsMax && (await fails(candidate));
  let best = await fewer([...program], still);
  for (let i = 0; i < best.length; i++) {
    const withWishes = (wishes: readonly Step["wishes"][number][]) => best.map((step, at) => (at === i ? { ...step, wishes: [...wishes] } : step));
    best = withWishes(await fewer(best[i].wishes, (wishes) => still(withWishes(wishes))));
  }
  for (let i = best.length - 1; i >= 0; i--) {
    const calm = best.map((step, at) => (at === i ? { ...step, move: { byMs: 0 } } : step));
    if (await still(calm)) best = calm;
    const merged = i > 0 ? merge(best, i) : undefined;
    if (merged && (await still(merged))) best = merged;
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
async function fewer<T>(items: readonly T[], fails: (items: readonly T[]) => Promise<boolean>): Promise<T[]> {
  let best = [...items];
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length; ) {
      const candidate = [...best.slice(0, at), ...best.slice(at + size)];
      if (candidate.length < best.length && (await fails(candidate))) best = candidate;
      else at += size;
    }
  }
  return best;
}
