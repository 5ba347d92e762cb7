import type { AskingRecord, ToldSlots } from "./model/command.js";

/** What the cron expressions of programs mean: times that this divides. 0: it never comes. */
const everyMs: Record<string, number> = { "*/10 * * * * *": 10_000, "* * * * *": 60_000, "0 * * * *": 3_600_000, "0 0 30 2 *": 0 };
export const expressions = Object.keys(everyMs);

const pastMax = 100;
const countedMax = 200;

/** Is this a slot of the expression? */
export function isSlot(cron: string, atMs: number): boolean {
  return everyMs[cron] > 0 && atMs % everyMs[cron] === 0;
}

/** How a leader tells slots: as it should, or in a way that must do no harm. */
export const tellings = ["right", "twice", "older", "changed", "ahead", "none", "stranger"] as const;
export type Telling = (typeof tellings)[number];

/** What a leader tells those who ask. */
export function toldSlots(how: Telling, asking: readonly AskingRecord[], nowMs: number): ToldSlots[] {
  const told = asking.map((one) => rightly(one, nowMs));
  switch (how) {
    case "right":
      return told;
    case "twice":
      return [...told.map((one) => ({ ...one, past: one.past.flatMap((at) => [at, at, at - 10_000]) })), ...told];
    case "older":
      return told.map((one) => ({ ...one, afterMs: one.afterMs - 1 }));
    case "changed":
      return told.map((one) => ({ ...one, changes: one.changes + 1 }));
    case "ahead":
      return told.map((one) => ({ ...one, untilMs: one.untilMs + 1_000_000, past: [...one.past, nowMs + 1_000, nowMs + 2_000] }));
    case "none":
      return told.map((one) => ({ ...one, nextMs: 0 }));
    case "stranger":
      return told.map((one) => ({ ...one, serial: one.serial + 7 }));
  }
}

function rightly({ serial, changes, cron, afterMs, late }: AskingRecord, nowMs: number): ToldSlots {
  const periodMs = everyMs[cron];
  const untilMs = late ? Math.max(nowMs, afterMs) : afterMs;
  if (!(periodMs > 0)) return { serial, changes, afterMs, past: [], pastTotal: 0, untilMs, nextMs: 0 };
  const before = (ms: number): number => Math.floor(ms / periodMs);
  const passed = before(untilMs) - before(afterMs);
  const past = Array.from({ length: Math.min(passed, pastMax) }, (_, i) => (before(untilMs) - i) * periodMs).reverse();
  return { serial, changes, afterMs, past, pastTotal: Math.min(passed, countedMax), untilMs, nextMs: (before(untilMs) + 1) * periodMs };
}
