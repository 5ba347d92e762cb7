import { fromBinary } from "@bufbuild/protobuf";
import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeEnqueueRequest, encodeFetchRequest, encodeHeartbeatRequest } from "@corvo/gen/corvo/v1/worker_fast.js";
import { FetchResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { Verb } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Bench } from "./kit.js";

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 2);

/** A job that reports what it used. */
function reporting(bench: Bench) {
  const body = (write: (w: Writer) => void): Uint8Array => {
    const w = new Writer();
    write(w);
    return w.copy();
  };
  bench.apply({ verb: Verb.ENQUEUE, body: body((w) => encodeEnqueueRequest(w, { queue: "acme::q" })) });
  const fetched = bench.apply({ verb: Verb.FETCH, body: body((w) => encodeFetchRequest(w, { queues: ["acme::q"], leaseDuration: 86_400 })) });
  const { jobId } = fromBinary(FetchResponseSchema, fetched.bytes!);
  return (model: string, inputTokens: number): void => {
    const said = bench.apply({
      verb: Verb.HEARTBEAT,
      body: body((w) => encodeHeartbeatRequest(w, { jobs: { [jobId]: { usage: { model, provider: "p", inputTokens, costUsd: inputTokens / 100 } } } })),
    });
    expect(said.refusal).toBeUndefined();
  };
}

/** All of it, a row at a time. */
function walked(bench: Bench, fromMs: number, by?: "queue" | "model" | "provider" | "namespace") {
  const walk = bench.engine.usageWalk(fromMs, by);
  let steps = 1;
  while (!walk.step(1)) steps++;
  return { walk, steps };
}

test("the ledger is summed part by part, as at once", () => {
  const bench = new Bench({}, startMs);
  const report = reporting(bench);
  for (let i = 0; i < 50; i++) {
    bench.nowMs = startMs + i * minuteMs;
    report(`m${i % 3}`, i);
  }
  const since = startMs + 10 * minuteMs;
  const records = bench.engine.usageSince(since);
  const { walk, steps } = walked(bench, since, "model");
  expect(steps).toBeGreaterThan(49);
  expect(walk.totals).toMatchObject({ count: records.length, inputTokens: records.reduce((sum, { inputTokens }) => sum + inputTokens, 0) });
  const ofModel = (name: string) => records.filter(({ model }) => model === name).reduce((sum, { costNanos }) => sum + costNanos, 0);
  expect([...walk.groups].map(([name, { costNanos }]) => [name, costNanos])).toEqual([...walk.groups.keys()].map((name) => [name, ofModel(name)]));
  for (const [by, name] of [
    ["queue", "acme::q"],
    ["namespace", "acme"],
    ["provider", "p"],
  ] as const)
    expect([...walked(bench, since, by).walk.groups]).toEqual([[name, walk.totals]]);
});

test("rows that go into coarser ones meanwhile are counted once", () => {
  const bench = new Bench({}, startMs);
  const report = reporting(bench);
  for (let i = 0; i < 30; i++) {
    bench.nowMs = startMs + i * minuteMs;
    report("m", 1);
  }
  const walk = bench.engine.usageWalk(0, "model");
  walk.step(20);
  bench.nowMs = startMs + 26 * 3_600_000; // minutes become hours
  bench.apply({ verb: Verb.TICK });
  while (!walk.step(1));
  expect([walk.restarts, walk.totals.count, walk.groups.get("m")?.inputTokens]).toEqual([1, 30, 30]);
});
