import { expect, test } from "vitest";
import { calendar, calendarFault } from "./calendar.js";

function slots(cron: string, zone: string, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); found.length < count; ) {
    at = calendar.next(cron, zone, at);
    if (at === 0) break;
    found.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
  }
  return found;
}

test("a time that does not exist runs when the gap ends", () => {
  // 28 March 2027, 02:00 CET is followed by 03:00 CEST.
  expect(slots("30 2 * * *", "Europe/Madrid", "2027-03-26T12:00:00Z", 3)).toEqual(["2027-03-27T01:30Z", "2027-03-28T01:00Z", "2027-03-29T00:30Z"]);
  expect(slots("30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", 2)).toEqual(["2027-03-14T07:00Z", "2027-03-15T06:30Z"]);
});

test("a fixed hour that comes twice runs once, at its first time; every hour runs in both", () => {
  // 25 October 2026, 03:00 CEST is followed by 02:00 CET.
  expect(slots("30 2 * * *", "Europe/Madrid", "2026-10-24T12:00:00Z", 2)).toEqual(["2026-10-25T00:30Z", "2026-10-26T01:30Z"]);
  expect(slots("0 * * * *", "Europe/Madrid", "2026-10-24T23:30:00Z", 4)).toEqual([
    "2026-10-25T00:00Z",
    "2026-10-25T01:00Z",
    "2026-10-25T02:00Z",
    "2026-10-25T03:00Z",
  ]);
});

test("what passed, oldest first, bounded, and without the ends that are not meant", () => {
  const at = (text: string): number => Date.parse(text);
  expect(calendar.past("0 * * * *", "", at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z"), 10)).toEqual([
    at("2026-01-01T01:00:00Z"),
    at("2026-01-01T02:00:00Z"),
    at("2026-01-01T03:00:00Z"),
  ]);
  expect(calendar.past("* * * * * *", "", at("2026-01-01T00:00:00Z"), at("2026-01-01T00:10:00Z"), 3)).toHaveLength(3);
  expect(calendar.past("0 * * * *", "", at("2026-01-01T00:10:00Z"), at("2026-01-01T00:50:00Z"), 3)).toEqual([]);
});

test("the same answer from whatever moment, asked in whatever order", () => {
  const from = Date.parse("2026-05-01T00:00:00Z");
  const one = calendar.next("*/7 * * * *", "Asia/Tokyo", from);
  for (const at of [from + 1, one - 1, from]) expect(calendar.next("*/7 * * * *", "Asia/Tokyo", at)).toBe(one);
  expect(calendar.next("*/7 * * * *", "Asia/Tokyo", one)).toBeGreaterThan(one);
  expect(calendar.next("*/7 * * * *", "Asia/Tokyo", from - 86_400_000)).toBeLessThan(one);
});

test("never: a day that does not exist; nonsense says what is wrong", () => {
  expect(calendar.next("0 0 30 2 *", "", Date.now())).toBe(0);
  expect(calendar.next("nonsense", "", 0)).toBe(0);
  expect(calendarFault("0 25 * * *", "")).toMatchObject({ field: "cron" });
  expect(calendarFault("* * * * *", "Mars/Olympus")).toMatchObject({ field: "timezone" });
  expect(calendarFault("0 9 * * MON-FRI", "Europe/Madrid")).toBeUndefined();
});
