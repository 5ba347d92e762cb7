import { create, toBinary } from "@bufbuild/protobuf";
import { SetApprovalPolicyRequestSchema } from "@corvo/gen/corvo/v1/agent_pb.js";
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

test("a namespace that has all its webhooks takes none from others, and all together have a limit", () => {
  const bench = new Bench();
  const add = (namespace: string, count: number) => bench.applyAll(many(count, webhook(namespace))).map(({ refusal }) => refusal?.message);
  expect(add("a", limits.webhooksMax + 1).filter(Boolean)).toEqual([`there are ${limits.webhooksMax} webhooks already`]);
  expect(add("", 1)).toEqual([undefined]);
  for (let i = 0; i < 9; i++) add(`b${i}`, limits.webhooksMax);
  expect(add("c", 1)).toEqual([`all namespaces together have ${limits.webhooksTotalMax} webhooks already`]);
});

test("a namespace that has all its approval policies takes none from others", () => {
  const bench = new Bench();
  const refused = bench.applyAll(many(1001, policy("a"))).flatMap(({ refusal }) => refusal?.message ?? []);
  expect(refused).toEqual(["there are 1000 policies already"]);
  expect(bench.applyAll([policy("")])[0].refusal).toBeUndefined();
});

test("the own share is told of first", () => {
  expect(noRoomFor("things", 10, 10, 5, 5)?.message).toBe("there are 5 things already");
  expect(noRoomFor("things", 10, 10, 4, 5)?.message).toBe("all namespaces together have 10 things already");
  expect(noRoomFor("things", 9, 10, 4, 5)).toBeUndefined();
});
