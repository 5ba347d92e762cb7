import { create, toBinary } from "@bufbuild/protobuf";
import { SetApprovalPolicyRequestSchema } from "@corvo/gen/corvo/v1/agent_pb.js";
import { DeleteBudgetRequestSchema, SetBudgetRequestSchema } from "@corvo/gen/corvo/v1/budget_pb.js";
import { SetWebhookRequestSchema } from "@corvo/gen/corvo/v1/webhook_pb.js";
import { limits, Verb } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Bench } from "../test/kit.js";
import { noRoomFor } from "./own-namespace.js";

const webhook = (namespace: string) => ({
  verb: Verb.SET_WEBHOOK,
  body: toBinary(SetWebhookRequestSchema, create(SetWebhookRequestSchema, { url: "http://h", namespace })),
});
const policy = (namespace: string) => ({
  verb: Verb.SET_POLICY,
  body: toBinary(SetApprovalPolicyRequestSchema, create(SetApprovalPolicyRequestSchema, { name: "p", namespace })),
});
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

const budget = (namespace: string, target: string) => ({
  verb: Verb.SET_BUDGET,
  body: toBinary(SetBudgetRequestSchema, create(SetBudgetRequestSchema, { scope: "tag", target, dailyUsd: 1, namespace })),
});
const told = (bench: Bench, commands: readonly { verb: Verb; body: Uint8Array }[]) =>
  bench.applyAll([...commands]).flatMap(({ refusal }) => refusal?.message ?? []);

test("a namespace that has all its webhooks takes none from others, and many namespaces take none from default", () => {
  const bench = new Bench();
  for (const namespace of ["a", "b0"]) {
    expect(told(bench, many(limits.webhooksMax + 1, webhook(namespace)))).toEqual([`there are ${limits.webhooksMax} webhooks already`]);
  }
  for (let i = 1; i < 9; i++) expect(told(bench, many(limits.webhooksMax, webhook(`b${i}`)))).toEqual([]);
  expect(told(bench, [webhook("c")])).toEqual([`all namespaces together have ${limits.webhooksTotalMax} webhooks already`]);
  for (const namespace of ["", "default"]) {
    expect(told(bench, many(limits.webhooksMax + 1, webhook(namespace)))).toEqual([`there are ${limits.webhooksMax} webhooks already`]);
  }
});

test("a namespace that has all its approval policies takes none from others", () => {
  const bench = new Bench();
  expect(told(bench, many(1001, policy("a")))).toEqual(["there are 1000 policies already"]);
  expect(told(bench, [policy("")])).toEqual([]);
});

test("a namespace that has all its budgets takes none from others, and many namespaces take none from default", () => {
  const bench = new Bench();
  const all = (namespace: string, count: number) => Array.from({ length: count }, (_, i) => budget(namespace, `n:${i}`));
  expect(told(bench, all("a", 1001))).toEqual(["there are 1000 budgets already"]);
  for (let i = 0; i < 9; i++) expect(told(bench, all(`b${i}`, 1000))).toEqual([]);
  expect(told(bench, [budget("c", "n:1")])).toEqual(["all namespaces together have 10000 budgets already"]);
  expect(told(bench, [budget("a", "n:1")])).toEqual([]);
  expect(told(bench, all("default", 1001))).toEqual(["there are 1000 budgets already"]);
  expect(told(bench, all("", 1001))).toEqual([]);
  const remove = {
    verb: Verb.DELETE_BUDGET,
    body: toBinary(DeleteBudgetRequestSchema, create(DeleteBudgetRequestSchema, { scope: "tag", target: "n:1", namespace: "a" })),
  };
  expect(told(bench, [remove, remove, budget("b1", "x:1"), budget("c", "n:1"), budget("c", "n:2")])).toEqual([
    "there are 1000 budgets already",
    "all namespaces together have 10000 budgets already",
  ]);
});

test("the own share is told of first, and default does not count what others have", () => {
  expect(noRoomFor("things", "a", 5, 5, 10, 10)?.message).toBe("there are 5 things already");
  expect(noRoomFor("things", "a", 4, 5, 10, 10)?.message).toBe("all namespaces together have 10 things already");
  expect(noRoomFor("things", "a", 4, 5, 9, 10)).toBeUndefined();
  for (const namespace of ["", "default"]) expect(noRoomFor("things", namespace, 4, 5, 10, 10)).toBeUndefined();
});
