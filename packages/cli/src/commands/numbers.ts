import { usageFailure } from "../failure.js";

/** The value of a flag that takes a whole number. */
export function wholeNumber(flag: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < min || value > max) throw usageFailure(`${flag} "${given}" is not a whole number from ${min} to ${max}`);
  return value;
}
