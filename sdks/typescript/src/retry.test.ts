import { expect, test } from "vitest";
import { CorvoError } from "./errors.js";
import { checkedMs, jitteredMs, pause, type RepeatPolicy, repeat } from "./retry.js";

const policy = (more: Partial<RepeatPolicy> = {}): RepeatPolicy => ({
  timeoutMs: 60_000,
  tries: 10,
  backoff: { baseMs: 0.001, capMs: 0.001 },
  signal: undefined,
  closed: new AbortController().signal,
  ...more,
});
const broken = new CorvoError("broken", { code: "unavailable", reason: "UNAVAILABLE" });
const failing = (error: CorvoError, times: number): (() => Promise<number>) => {
  let calls = 0;
  return () => (++calls <= times ? Promise.reject(error) : Promise.resolve(calls));
};

test("full jitter: between 0 and a bound that doubles up to its cap", () => {
  const backoff = { baseMs: 50, capMs: 5_000 };
  expect([0, 1, 2, 6, 7, 100].map((attempt) => jitteredMs(attempt, backoff, () => 1))).toEqual([50, 100, 200, 3_200, 5_000, 5_000]);
  expect(jitteredMs(3, backoff, () => 0)).toBe(0);
});

test("repeats what is unknown or may work later, as often as allowed", async () => {
  expect(await repeat(failing(broken, 9), policy())).toBe(10);
  await expect(repeat(failing(broken, 10), policy())).rejects.toBe(broken);
  await expect(repeat(failing(broken, 1), policy({ tries: 1 }))).rejects.toBe(broken);
  const overloaded = new CorvoError("later", { code: "resource_exhausted", reason: "OVERLOADED", retryAfterMs: 2 });
  expect(await repeat(failing(overloaded, 2), policy())).toBe(3);
  const refused = new CorvoError("no", { code: "invalid_argument", reason: "REQUIRED" });
  await expect(repeat(failing(refused, 1), policy())).rejects.toBe(refused);
});

test("gives up instead of waiting beyond the time", async () => {
  const later = new CorvoError("later", { code: "resource_exhausted", reason: "OVERLOADED", retryAfterMs: 60_001 });
  await expect(repeat(failing(later, 1), policy())).rejects.toBe(later);
});

test("the caller's signal and the client's end stop it, before and between the calls", async () => {
  const controller = new AbortController();
  const call = (): Promise<never> => {
    controller.abort(new Error("enough"));
    return Promise.reject(new Error("aborted"));
  };
  await expect(repeat(call, policy({ signal: controller.signal }))).rejects.toMatchObject({ reason: "CANCELLED", message: "enough" });
  await expect(repeat(() => Promise.resolve(1), policy({ signal: controller.signal }))).rejects.toMatchObject({ reason: "CANCELLED" });
  await expect(repeat(() => Promise.resolve(1), policy({ closed: controller.signal }))).rejects.toMatchObject({ reason: "CANCELLED" });

  const closing = new AbortController();
  const slow = { baseMs: 1e9, capMs: 1e9 };
  const waiting = repeat(
    () => {
      setImmediate(() => closing.abort());
      return Promise.reject(broken);
    },
    policy({ closed: closing.signal, backoff: slow, timeoutMs: 2e9 }),
  );
  await expect(waiting).rejects.toMatchObject({ reason: "CANCELLED" });
});

test("a pause leaves nothing behind", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const controller = new AbortController();
  const paused = pause(1e6, controller.signal, undefined);
  expect(timers()).toBe(before + 1);
  controller.abort();
  await paused;
  await pause(1e6, AbortSignal.abort());
  await expect.poll(timers, { timeout: 20_000 }).toBeLessThanOrEqual(before); // the test runner has its own
});

test("durations out of range are named", () => {
  expect(checkedMs("timeoutMs", 1)).toBe(1);
  for (const ms of [0, Number.NaN, Number.POSITIVE_INFINITY, -1]) expect(() => checkedMs("timeoutMs", ms)).toThrow(/^timeoutMs must be/);
});
