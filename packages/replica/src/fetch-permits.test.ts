import { isRefusal } from "@corvo/protocol";
import { expect, test } from "vitest";
import { FetchPermits } from "./fetch-permits.js";
import type { Reply } from "./turn.js";

const silent: Reply = { answer() {}, refused() {} };

test("a queue has so many permits, whichever way they are given back, and queues do not share them", () => {
  const permits = new FetchPermits(2);
  const said: string[] = [];
  const reply: Reply = { answer: (_bytes, granted) => said.push(`granted ${granted}`), refused: ({ reason }) => said.push(reason) };
  const first = permits.take("q", reply) as Reply;
  const second = permits.take("q", reply) as Reply;
  expect(permits.take("q", silent)).toMatchObject({ code: "resource_exhausted", reason: "OVERLOADED", message: 'raft apply overloaded for fetch queue "q"' });
  expect(isRefusal(permits.take("r", silent))).toBe(false);
  first.answer(new Uint8Array(0), 1);
  const third = permits.take("q", reply);
  expect(isRefusal(third)).toBe(false);
  expect(isRefusal(permits.take("q", silent))).toBe(true);
  second.refused({ code: "unavailable", reason: "NOT_LEADER", message: "" });
  (third as Reply).answer(new Uint8Array(0), 0);
  expect(said).toEqual(["granted 1", "NOT_LEADER", "granted 0"]);
  for (let i = 0; i < 2; i++) expect(isRefusal(permits.take("q", silent))).toBe(false);
});

test("a permit may be taken again while it is given back, and hints are 2 to 7 ms", () => {
  const permits = new FetchPermits(1);
  let again: unknown;
  const reply = permits.take("q", {
    answer: () => {
      again = permits.take("q", silent);
    },
    refused() {},
  }) as Reply;
  const hints = Array.from({ length: 12 }, () => (permits.take("q", silent) as { retryAfterMs: number }).retryAfterMs);
  expect([...new Set(hints)].sort()).toEqual([2, 3, 4, 5, 6, 7]);
  reply.answer(new Uint8Array(0), 0);
  expect(isRefusal(again as Reply)).toBe(false);
});
