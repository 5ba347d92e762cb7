import { expect, test } from "vitest";
import { FakeClock } from "./fake-clock.js";
import { Ticker } from "./ticker.js";

function room() {
  const clock = new FakeClock(1_000_000);
  const ticks: number[] = [];
  const ticker = new Ticker(clock, () => ticks.push(clock.nowMs() - 1_000_000));
  return { clock, ticks, ticker };
}

test("never early, and at the deadline when nothing else happens", () => {
  const { clock, ticks, ticker } = room();
  ticker.aim(1_000_050);
  clock.advance(49);
  expect(ticks).toEqual([]);
  clock.advance(1);
  expect(ticks).toEqual([50]);
});

test("a nearer deadline replaces a farther one, and the other way round", () => {
  const { clock, ticks, ticker } = room();
  ticker.aim(1_000_500);
  ticker.aim(1_000_100);
  clock.advance(100);
  ticker.aim(1_000_500);
  ticker.aim(1_000_900);
  clock.advance(700);
  expect(ticks).toEqual([100]);
  clock.advance(100);
  expect(ticks).toEqual([100, 900]);
});

test("deadlines that lie close together share a tick: at least 5 ms lie between two", () => {
  const { clock, ticks, ticker } = room();
  ticker.aim(1_000_010);
  clock.advance(10);
  ticker.aim(1_000_011);
  clock.advance(4);
  expect(ticks).toEqual([10]);
  clock.advance(1);
  expect(ticks).toEqual([10, 15]);
});

test("a deadline in the past ticks at once; after stop nothing ticks", () => {
  const { clock, ticks, ticker } = room();
  ticker.aim(5);
  clock.advance(0);
  expect(ticks).toEqual([0]);
  ticker.aim(1_000_100);
  ticker.stop();
  clock.advance(1000);
  expect(ticks).toEqual([0]);
  expect(clock.pending).toBe(0);
});

test("a deadline beyond what a timer can hold is aimed at again and again", () => {
  const { clock, ticks, ticker } = room();
  ticker.aim(1_000_000 + 5_000_000_000);
  clock.advance(4_999_999_999);
  expect(ticks).toEqual([]);
  clock.advance(1);
  expect(ticks).toEqual([5_000_000_000]);
});
