import { durationMs } from "./duration.js";
import { rangeIs } from "./utf8.js";

const prefix = "@every ";

/**
 * Milliseconds of a fixed interval like `@every 5m`. 0: the text is none (it is a cron expression); below 0: it is one that cannot be,
 * because it is no duration, or not between a second and a year.
 */
export function everyMs(buf: Uint8Array, start: number, end: number): number {
  if (end - start < prefix.length || !rangeIs(buf, start, start + prefix.length, prefix)) {
    return end - start >= 6 && rangeIs(buf, start, start + 6, "@every") ? -1 : 0;
  }
  let from = start + prefix.length;
  let to = end;
  while (from < to && buf[from] === 0x20) from++;
  while (to > from && buf[to - 1] === 0x20) to--;
  const ms = durationMs(buf, from, to);
  return ms >= 1000 && ms <= 366 * 86_400_000 ? ms : -1;
}
