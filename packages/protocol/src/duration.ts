const msPerUnit = { h: 3_600_000, m: 60_000, s: 1_000 } as const;
/** Longest duration that Go can hold: 2^63 - 1 nanoseconds. */
const durationMsMax = 9_223_372_036_854;

/**
 * Milliseconds of a Go duration like `1h30m`, `1.5s`, `250ms`, `0` (spec/jobs.md §0), rounded up to whole ones so that no timer is
 * early. NaN when the bytes are no duration; an empty range is none. Allocates nothing.
 */
export function durationMs(buf: Uint8Array, start: number, end: number): number {
  let pos = start;
  let negative = false;
  if (pos < end && (buf[pos] === 0x2b || buf[pos] === 0x2d)) negative = buf[pos++] === 0x2d;
  if (pos >= end) return Number.NaN;
  if (pos + 1 === end && buf[pos] === 0x30) return 0;
  let ms = 0;
  let ns = 0;
  while (pos < end) {
    let whole = 0;
    let fraction = 0;
    let scale = 1;
    let digits = 0;
    for (; pos < end && buf[pos] >= 0x30 && buf[pos] <= 0x39; pos++, digits++) whole = whole * 10 + buf[pos] - 0x30;
    if (pos < end && buf[pos] === 0x2e) {
      for (pos++; pos < end && buf[pos] >= 0x30 && buf[pos] <= 0x39; pos++, digits++) {
        if (scale >= 1e15) continue; // beyond what any unit shows
        fraction = fraction * 10 + buf[pos] - 0x30;
        scale *= 10;
      }
    }
    if (digits === 0 || whole > durationMsMax * 1e6) return Number.NaN;
    const c = pos < end ? buf[pos++] : 0;
    const next = pos < end ? buf[pos] : 0;
    let unitNs: number;
    if (c === 0x6d && next === 0x73) {
      unitNs = 1e6;
      pos++;
    } else if (c === 0x68) unitNs = msPerUnit.h * 1e6;
    else if (c === 0x6d) unitNs = msPerUnit.m * 1e6;
    else if (c === 0x73) unitNs = msPerUnit.s * 1e6;
    else if ((c === 0x6e || c === 0x75) && next === 0x73) {
      unitNs = c === 0x6e ? 1 : 1e3;
      pos++;
    } else if (((c === 0xc2 && next === 0xb5) || (c === 0xce && next === 0xbc)) && pos + 1 < end && buf[pos + 1] === 0x73) {
      unitNs = 1e3; // the micro sign and the Greek letter
      pos += 2;
    } else return Number.NaN;
    if (unitNs >= 1e6) ms += whole * (unitNs / 1e6);
    else {
      const perMs = 1e6 / unitNs;
      ms += Math.floor(whole / perMs);
      ns += (whole % perMs) * unitNs;
    }
    const part = Math.trunc(fraction * (unitNs / scale));
    ms += Math.floor(part / 1e6);
    ns += part % 1e6;
    if (ms > durationMsMax) return Number.NaN;
  }
  ms += negative ? Math.floor(ns / 1e6) : Math.ceil(ns / 1e6);
  return negative ? 0 - ms : ms;
}

/** The same for a string. */
export function parseDuration(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return durationMs(bytes, 0, bytes.length);
}

/** Whole milliseconds as Go writes them: `0s`, `250ms`, `1.5s`, `1m30s`, `24h0m0s`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms > 0 && ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / msPerUnit.h);
  const minutes = Math.floor((ms % msPerUnit.h) / msPerUnit.m);
  const seconds = `${(ms % msPerUnit.m) / msPerUnit.s}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
