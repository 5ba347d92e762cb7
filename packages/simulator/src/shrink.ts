import type { Step } from "./wish.js";

type Fails = (program: readonly Step[]) => Promise<boolean>;

/**
 * Delta debugging (Zeller and Hildebrandt, 2002) on a program's steps, then on the wishes inside each step, then on what each wish
 * says, then on the clock, again and again: the smallest program found that still fails within `runsMax` runs.
 */
export async function shrink(program: readonly Step[], fails: Fails, runsMax = 3_000): Promise<Step[]> {
  let runs = 0;
  const still: Fails = async (candidate) => runs++ < runsMax && (await fails(candidate));
  let best = [...program];
  for (let before = ""; before !== JSON.stringify(best) && runs < runsMax; ) {
    before = JSON.stringify(best);
    best = await fewer(best, still);
    for (let i = 0; i < best.length; i++) {
      best = withWishes(best, i, await fewer(best[i].wishes, (wishes) => still(withWishes(best, i, wishes))));
    }
    best = await plainer(best, still);
    for (let i = best.length - 1; i >= 0; i--) {
      const calm = best.map((step, at) => (at === i ? { ...step, move: { byMs: 0 } } : step));
      if (await still(calm)) best = calm;
      const merged = i > 0 ? merge(best, i) : undefined;
      if (merged && (await still(merged))) best = merged;
    }
  }
  return best;
}

function withWishes(steps: readonly Step[], i: number, wishes: readonly Step["wishes"][number][]): Step[] {
  return steps.map((step, at) => (at === i ? { ...step, wishes: [...wishes] } : step));
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

/** Fields of a job to add, or of a wish, without which it is still one. */
const optional = new Set(["payload", "priority", "uniqueKey", "uniquePeriodSeconds", "maxRetries", "backoff", "retryBaseDelay", "retryBaseDelayMs"]);
for (const name of [
  "retryMaxDelay",
  "retryMaxDelayMs",
  "expireAfter",
  "expireAfterMs",
  "tags",
  "checkpoint",
  "parentId",
  "agent",
  "scheduledInMs",
  "joins",
  "after",
  "childOf",
  "chain",
  "onFailure",
  "onExit",
  "batch",
  "stepStatus",
  "requestId",
  "namespace",
]) {
  optional.add(name);
}

/** Takes optional fields away, shortens lists, and lets references point to the first jobs. */
async function plainer(program: readonly Step[], fails: Fails): Promise<Step[]> {
  let best = structuredClone([...program]);
  const attempt = async (change: (copy: Step[]) => void): Promise<boolean> => {
    const copy = structuredClone(best);
    change(copy);
    if (JSON.stringify(copy) === JSON.stringify(best) || !(await fails(copy))) return false;
    best = copy;
    return true;
  };
  for (const path of paths(best)) {
    const name = path.at(-1)!;
    const parentOf = (copy: Step[]) => path.slice(0, -1).reduce((at, key) => at?.[key] as Tree | undefined, copy as unknown as Tree | undefined);
    if (optional.has(name)) {
      await attempt((copy) => {
        delete parentOf(copy)?.[name];
      });
    } else if (name === "n") {
      for (const n of [0, 1, 2, 3]) {
        const done = await attempt((copy) => {
          const parent = parentOf(copy);
          if (parent && (parent.n as unknown as number) > n) parent.n = n as unknown as Tree;
        });
        if (done) break;
      }
    } else if (["jobs", "acks", "items", "queues"].includes(name)) {
      for (let i = 9; i >= 0; i--) {
        await attempt((copy) => {
          const parent = parentOf(copy);
          const list = parent?.[name];
          const mayBeEmpty = (parent?.do as unknown) === "lifecycle";
          if (Array.isArray(list) && list.length > (mayBeEmpty ? 0 : 1)) list.splice(i, 1);
        });
      }
    }
  }
  return best;
}

interface Tree {
  [key: string]: Tree;
}

function paths(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [[...path, key], ...paths(child, [...path, key])]);
}
