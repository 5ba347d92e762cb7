import { usageFailure } from "./failure.js";

const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration like `90s`, `1m30s` or `0` in ms, undefined when it is none. The grammar is the server's (Go's); there is no unit for days. */
export function parseDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number, , unit] of text.matchAll(/([0-9]+(\.[0-9]*)?)(ns|us|µs|ms|s|m|h)/g)) total += Number(number) * unitMs[unit];
  return total;
}

/** The value of a duration flag in ms. */
export function durationFlagMs(flag: string, text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  const bare = /^[0-9]+$/.test(text);
  const days = /^([0-9]+)d$/.exec(text);
  throw usageFailure(
    `${flag} "${text}" is not a duration`,
    bare ? `add a unit: ${text}s or ${text}ms` : days ? `there is no unit for days: ${Number(days[1]) * 24}h` : "for example 500ms, 30s, 1m30s or 2h",
  );
}

/** A duration for people: `850ms`, `5s`, `3m20s`, `2h`, `4d`. At most two units, the second only where it matters. */
export function shortDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 10_000 && ms % 1000 >= 100) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  const s = Math.floor(ms / 1000);
  if (s < 120) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 10) return s % 60 ? `${m}m${s % 60}s` : `${m}m`;
  if (m < 120) return `${m}m`;
  const h = Math.floor(m / 60);
  if (h < 10) return m % 60 ? `${h}h${m % 60}m` : `${h}h`;
  if (h < 48) return `${h}h`;
  return `${Math.floor(h / 24)}d`;
}

/** A time as a terminal shows it: its age, or `in 5s` when it lies ahead. Text that is no time stays as it is. */
export function age(time: string, nowMs: number): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  return at > nowMs + 500 ? `in ${shortDuration(at - nowMs)}` : shortDuration(Math.max(0, nowMs - at));
}

/** The value of a time flag: RFC 3339 with seconds and an offset. Returned as it was given. */
export function timeFlag(flag: string, text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw usageFailure(`${flag} "${text}" is not a time`, "write it as in 2026-05-01T09:30:00Z or 2026-05-01T11:30:00+02:00");
  }
  return text;
}
