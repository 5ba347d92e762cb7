import { expect, test } from "vitest";
import { closest } from "./similar.js";
import { age, durationFlagMs, parseDurationMs, shortDuration, timeFlag } from "./time.js";

test("reads durations as the server does", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["500ms", 500],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["2µs", 0.002],
    ["90", undefined],
    ["1d", undefined],
    ["", undefined],
    ["-5s", undefined],
    ["5 s", undefined],
  ];
  for (const [text, ms] of cases) expect([text, parseDurationMs(text)]).toEqual([text, ms]);
});

test("says how to write what was meant", () => {
  expect(() => durationFlagMs("--wait", "90")).toThrow('--wait "90" is not a duration');
  const hintOf = (text: string): string | undefined => {
    try {
      durationFlagMs("--wait", text);
    } catch (error) {
      return (error as { hint?: string }).hint;
    }
  };
  expect(hintOf("90")).toBe("add a unit: 90s or 90ms");
  expect(hintOf("7d")).toBe("there is no unit for days: 168h");
  expect(() => timeFlag("--scheduled-at", "2026-05-01")).toThrow("is not a time");
  expect(timeFlag("--scheduled-at", "2026-05-01T09:30:00+02:00")).toBe("2026-05-01T09:30:00+02:00");
});

test("shows durations and ages short", () => {
  const cases: [number, string][] = [
    [850, "850ms"],
    [1250, "1.2s"],
    [5000, "5s"],
    [119_000, "119s"],
    [200_000, "3m20s"],
    [18 * 60_000, "18m"],
    [3 * 3_600_000, "3h"],
    [200 * 60_000, "3h20m"],
    [30 * 3_600_000, "30h"],
    [96 * 3_600_000, "4d"],
  ];
  for (const [ms, text] of cases) expect(shortDuration(ms)).toBe(text);
  expect(age("2026-01-01T11:59:55Z", Date.parse("2026-01-01T12:00:00Z"))).toBe("5s");
  expect(age("2026-01-01T12:00:05Z", Date.parse("2026-01-01T12:00:00Z"))).toBe("in 5s");
  expect(age("soon", 0)).toBe("soon");
});

test("finds the name that was meant", () => {
  const names = ["emails.send", "emails.bulk", "reports", "a"];
  expect(closest("email.send", names)).toBe("emails.send");
  expect(closest("emials.send", names)).toBe("emails.send");
  expect(closest("invoices", names)).toBeUndefined();
  expect(closest("b", names)).toBeUndefined();
});
