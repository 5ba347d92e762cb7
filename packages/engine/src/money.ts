/**
 * Money is kept in whole billionths of a dollar: sums are exact up to nine million dollars and do not depend on their order, and the price
 * of one token still shows. The wire has doubles; they are rounded once, here.
 */
export const nanosPerUsd = 1e9;

/** Largest amount that one report, limit or job may name, in dollars. */
export const usdMax = 1_000_000;

/** Below 0 and what is no number: 0. */
export function nanosOf(usd: number): number {
  return usd > 0 ? Math.round(Math.min(usd, usdMax) * nanosPerUsd) : 0;
}

export function usdOf(nanos: number): number {
  return nanos / nanosPerUsd;
}

/** As spec/jobs.md §11 prints it. */
export function usdText(nanos: number): string {
  return usdOf(nanos).toFixed(4);
}
