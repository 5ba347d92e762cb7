import type { Selection } from "@corvo/view";
import { expect, test } from "vitest";
import { Previews } from "./previews.js";

const selection = (jobs: number): Selection => ({ seqs: { length: jobs } }) as unknown as Selection;

test("a token is for its owner, for fifteen minutes", () => {
  const previews = new Previews();
  const one = selection(3);
  const token = previews.keep(one, "a", 1000);
  expect([previews.find(token, "a", 1001), previews.find(token, "b", 1001), previews.find(token, "a", 1000 + 900_000)]).toEqual([one, undefined, undefined]);
});

test("who keeps many loses its own, and others keep theirs", () => {
  for (const jobs of [1, 500_000]) {
    const previews = new Previews();
    const token = previews.keep(selection(jobs), "quiet", 0);
    const many = Array.from({ length: 300 }, () => previews.keep(selection(jobs), "busy", 0));
    expect(previews.find(token, "quiet", 1)).toBeDefined();
    expect(many.filter((one) => previews.find(one, "busy", 1))).toEqual(many.slice(jobs === 1 ? -99 : -7));
  }
});

test("the newest stays, however large", () => {
  const previews = new Previews();
  for (let i = 0; i < 8; i++) previews.keep(selection(500_000), `owner ${i}`, 0);
  const token = previews.keep(selection(2_000_000), "late", 0);
  expect(previews.find(token, "late", 1)).toBeDefined();
});
