import type { Calendar } from "@corvo/replica";
import { Cron } from "croner";

/** Expressions that are kept parsed; the least recently used one goes. Most schedules share few of them. */
const keptMax = 4096;

interface Known {
  cron: Cron;
  /** The last answer: `nextMs` is the first slot behind any moment from `fromMs` on. */
  fromMs: number;
  nextMs: number;
}

const known = new Map<string, Known>();

function parsed(expression: string, timezone: string): Known {
  const key = `${timezone} ${expression}`;
  const found = known.get(key);
  if (found) {
    known.delete(key);
    known.set(key, found);
    return found;
  }
  const made = { cron: new Cron(expression, { timezone: timezone || "UTC", paused: true }), fromMs: 0, nextMs: -1 };
  made.cron.nextRun(new Date(0)); // a time zone that does not exist shows only here
  known.set(key, made);
  if (known.size > keptMax) for (const oldest of known.keys()) if (known.delete(oldest)) break;
  return made;
}

/**
 * Cron expressions by croner. Where clocks are put forward, a fixed time in the gap runs when the gap ends; where they are put back, a
 * fixed hour runs once and `*` runs in both.
 */
export const calendar: Calendar = {
  next(expression, timezone, afterMs) {
    try {
      const one = parsed(expression, timezone);
      if (one.nextMs !== -1 && afterMs >= one.fromMs && (one.nextMs === 0 || afterMs < one.nextMs)) return one.nextMs;
      one.nextMs = one.cron.nextRun(new Date(afterMs))?.getTime() ?? 0;
      one.fromMs = afterMs;
      return one.nextMs;
    } catch {
      return 0; // it was good when it was put: another version of the library, or of the time zones
    }
  },
  past(expression, timezone, afterMs, untilMs, max) {
    try {
      const { cron } = parsed(expression, timezone);
      const slots = cron.previousRuns(max + 1, new Date(Math.floor(untilMs / 1000) * 1000 + 1000)).map((at) => at.getTime());
      return slots
        .filter((at) => at > afterMs && at <= untilMs)
        .slice(0, max)
        .reverse();
    } catch {
      return [];
    }
  },
};

/** Why this is no expression or no time zone, in a sentence; undefined: it is good. */
export function calendarFault(expression: string, timezone: string): { field: "cron" | "timezone"; text: string } | undefined {
  if (!knownTimezone(timezone || "UTC"))
    return { field: "timezone", text: `invalid timezone: ${JSON.stringify(timezone)} is not known, for example Europe/Madrid` };
  try {
    parsed(expression, timezone);
    return undefined;
  } catch (cause) {
    const text = (cause as Error).message.replace(/^Cron\w+: /, "").replace(/\.$/, "");
    return { field: "cron", text: `invalid cron: ${text}` };
  }
}

function knownTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
