import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AuditEntrySchema } from "@corvo/gen/corvo/internal/v1/auth_pb.js";
import { Verb } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Bench } from "../test/kit.js";
import { EntityKind } from "./tables/entities.js";

const row = (namespace: string, i: number) => ({
  verb: Verb.AUDIT,
  namespace: namespace === "default" ? undefined : namespace,
  body: toBinary(AuditEntrySchema, create(AuditEntrySchema, { namespace, path: `/${i}` })),
});

/** How many rows each namespace has, and its oldest. */
function kept(bench: Bench): Record<string, [count: number, oldest: string]> {
  const all: Record<string, [number, string]> = {};
  for (const { text } of bench.engine.entities(EntityKind.audit)) {
    const { namespace, path } = fromBinary(AuditEntrySchema, text);
    (all[namespace] ??= [0, path])[0]++;
  }
  return all;
}

test("a namespace that makes many rows drives out its own, and many namespaces none of default", () => {
  const bench = new Bench();
  const add = (namespace: string, count: number, from = 0): void => {
    for (let i = 0; i < count; i += 500) bench.applyAll(Array.from({ length: Math.min(500, count - i) }, (_, n) => row(namespace, from + i + n)));
  };
  add("default", 3);
  add("acme", 2500);
  expect(kept(bench)).toEqual({ default: [3, "/0"], acme: [1000, "/1500"] });
  for (let i = 0; i < 10; i++) add(`n${i}`, 1000);
  // The oldest of all others go, and default keeps what it had.
  expect(kept(bench)).toMatchObject({ default: [3, "/0"], n0: [1000, "/0"], n9: [1000, "/0"] });
  expect(kept(bench).acme).toBeUndefined();
  add("acme", 1);
  expect(kept(bench)).toMatchObject({ acme: [1, "/0"], n0: [999, "/1"] });
  add("default", 10_000, 3);
  expect(kept(bench).default).toEqual([10_000, "/3"]);
  expect(kept(bench).n9).toEqual([1000, "/0"]);
});
