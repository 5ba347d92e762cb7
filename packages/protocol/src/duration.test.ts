import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.js";

// The grammar of spec/jobs.md §0; values as Go's time.ParseDuration gives them, rounded up to milliseconds.
test.each<[string, number]>([
  ["0", 0],
  ["+0", 0],
  ["0s", 0],
  ["5s", 5000],
  ["1m30s", 90_000],
  ["1h0m0.5s", 3_600_500],
  ["1.5h", 5_400_000],
  ["0.1s", 100],
  ["0.29s", 290],
  [".5s", 500],
  ["1.s", 1000],
  ["250ms", 250],
  ["-1.5s", -1500],
  ["1ns", 1],
  ["999us", 1],
  ["1000us", 1],
  ["1001µs", 2],
  ["1001μs", 2],
  ["-1500us", -1],
  ["500us500us", 1],
  ["0.0000001ms", 0],
  ["2562047h47m16.854s", 9_223_372_036_854],
])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "+", "-", "90", "1", "s", ".s", "1d", "5 s", " 5s", "5s ", "1h2", "1m-30s", "∞", "1e3s", "2562048h", "99999999999999999999h", "1µ", "0x5s"])(
  "%j is none",
  (text) => expect(parseDuration(text)).toBeNaN(),
);

test.each<[number, string]>([
  [0, "0s"],
  [1, "1ms"],
  [999, "999ms"],
  [1500, "1.5s"],
  [90_000, "1m30s"],
  [600_000, "10m0s"],
  [86_400_000, "24h0m0s"],
  [-5000, "-5s"],
])("%d ms is written %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

test("what is written is read back", () => {
  fc.assert(fc.property(fc.integer({ min: -9e12, max: 9e12 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});
