import { expect, test } from "vitest";
import { FakeClock } from "./fake-clock.js";
import { Waiters } from "./waiters.js";

function room() {
  const clock = new FakeClock();
  const waiters = new Waiters(clock);
  const woken: string[] = [];
  const sleep = (name: string, queues: string[], waitMs = 1000) => waiters.sleep(queues, waitMs, (byDeadline) => woken.push(byDeadline ? `${name}!` : name));
  return { clock, waiters, woken, sleep };
}

test("the oldest sleeper of a queue is woken first, and only as many as asked for", () => {
  const { waiters, woken, sleep } = room();
  sleep("a", ["q"]);
  sleep("b", ["q"]);
  sleep("c", ["q"]);
  waiters.wake("q", 2);
  expect(woken).toEqual(["a", "b"]);
  expect(waiters.size).toBe(1);
});

test("a sleeper on several queues is woken once", () => {
  const { waiters, woken, sleep } = room();
  sleep("a", ["q", "r", "q"]);
  waiters.wake("r", 1);
  waiters.wake("q", 1);
  expect(woken).toEqual(["a"]);
  expect(waiters.has("q")).toBe(false);
});

test("the deadline wakes who was not woken before, and nobody twice", () => {
  const { clock, waiters, woken, sleep } = room();
  sleep("a", ["q"], 100);
  sleep("b", ["q"], 200);
  waiters.wake("q", 1);
  clock.advance(300);
  expect(woken).toEqual(["a", "b!"]);
  expect(clock.pending).toBe(0);
});

test("who is cancelled is not woken", () => {
  const { clock, waiters, woken, sleep } = room();
  sleep("a", ["q"]).cancel();
  waiters.wake("q", 5);
  clock.advance(2000);
  expect(woken).toEqual([]);
  expect(waiters.size).toBe(0);
});

test("a queue that nobody feeds does not gather those who gave up", () => {
  const { clock, waiters, sleep } = room();
  sleep("stays", ["q"], 1_000_000);
  for (let i = 0; i < 10_000; i++) sleep(`s${i}`, ["q"]).cancel();
  expect(waiters.size).toBe(1);
  expect(clock.pending).toBe(1);
  expect(JSON.stringify([...(waiters as unknown as { lines: Map<string, { entries: unknown[] }> }).lines.values()].map((l) => l.entries.length))).toBe("[1]");
});

test("who sleeps again while being woken is not woken in the same breath", () => {
  const { waiters, woken, sleep } = room();
  waiters.sleep(["q"], 1000, () => {
    woken.push("first");
    sleep("again", ["q"]);
  });
  waiters.wake("q", 10);
  expect(woken).toEqual(["first"]);
  expect(waiters.size).toBe(1);
});
