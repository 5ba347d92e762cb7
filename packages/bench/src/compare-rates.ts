import { type Bed, median, type Result, rate, round } from "./bed.js";
import type { Measured } from "./loads.js";

/** Pairs of a comparison: a difference of a few per cent is smaller than what one pair differs from the next. One more comes before. */
const pairs = 7;

/**
 * What something costs of a rate, in per cent: the same load by turns without and with it, the second of a pair first in every other one,
 * so that a machine that gets slower or faster meanwhile harms both. The median of the pairs' ratios counts.
 */
export async function costOf(without: () => Promise<Measured>, having: () => Promise<Measured>): Promise<Result> {
  const ratios: number[] = [];
  const bare: number[] = [];
  const loaded: number[] = [];
  let errors = 0;
  await without();
  await having();
  for (let i = 0; i < pairs; i++) {
    const order = i % 2 === 0 ? [without, having] : [having, without];
    const results = [rate(await order[0]()), rate(await order[1]())];
    if (i % 2 === 1) results.reverse();
    bare.push(results[0].value);
    loaded.push(results[1].value);
    ratios.push(results[1].value / results[0].value);
    errors += results[0].errors + results[1].errors;
  }
  const spread = ratios.map((ratio) => `${round(100 - 100 * ratio)}`).join(", ");
  return {
    value: round(100 - 100 * median(ratios)),
    errors,
    note: `${Math.round(median(bare))} jobs/s without, ${Math.round(median(loaded))} with; pairs: ${spread} %`,
  };
}

/** Length of one half of a pair. */
export function halfMs(bed: Bed): number {
  return Math.max(1000, bed.ms / 4);
}
