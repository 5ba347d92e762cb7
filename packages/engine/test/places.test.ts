import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeCancelJobRequest } from "@corvo/gen/corvo/v1/job_fast.js";
import { encodeEnqueueBatchRequest, encodeFetchBatchRequest, encodeReleaseRequest } from "@corvo/gen/corvo/v1/worker_fast.js";
import { formatJobId, parseJobId, Verb } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Dice } from "./fuzz.js";
import { Bench } from "./kit.js";

function body(write: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  write(w);
  return w.copy();
}

test("places stay exact in a long line from which many leave in the middle, and over a restore", async () => {
  const bench = new Bench({ eventsKept: 1024 });
  const dice = new Dice(7);
  const line: number[] = [];
  let newest = 0;
  const id = (seq: number): string => formatJobId(bench.nowMs, seq);
  const add = (count: number): void => {
    bench.apply({ verb: Verb.ENQUEUE_BATCH, body: body((w) => encodeEnqueueBatchRequest(w, { jobs: Array.from({ length: count }, () => ({ queue: "q" })) })) });
    for (let i = 0; i < count; i++) line.push(++newest);
  };
  for (let round = 0; round < 60; round++) {
    add(500);
    for (let i = 0; i < 150; i++) {
      const [seq] = line.splice(dice.below(line.length), 1);
      bench.apply({ verb: Verb.CANCEL, body: body((w) => encodeCancelJobRequest(w, { jobId: id(seq) })) });
    }
    const count = dice.below(300);
    bench.apply({ verb: Verb.FETCH_BATCH, body: body((w) => encodeFetchBatchRequest(w, { queues: ["q"], workerId: "w", count: Math.max(1, count) })) });
    const taken = line.splice(0, Math.max(1, count));
    // Some are given back: they are next in turn again.
    for (const seq of taken.slice(0, 3)) {
      bench.apply({ verb: Verb.RELEASE, body: body((w) => encodeReleaseRequest(w, { jobId: id(seq) })) });
      line.unshift(seq);
    }
  }
  const check = (engine: typeof bench.engine): void => {
    for (let i = 0; i < 200; i++) {
      const n = dice.below(line.length);
      expect(engine.explain(parseJobId(id(line[n]))!, bench.nowMs, () => true)!.place).toBe(n + 1);
    }
  };
  check(bench.engine);
  const startMs = performance.now();
  const last = parseJobId(id(line.at(-1)!))!;
  for (let i = 0; i < 1000; i++) bench.engine.explain(last, bench.nowMs, () => true);
  const us = performance.now() - startMs;
  console.log(`  explain in a line of ${line.length}: ${us.toFixed(1)} µs`);
  bench.engine.checkInvariants();
  const restored = await bench.restored();
  check(restored);
  restored.checkInvariants();
});
