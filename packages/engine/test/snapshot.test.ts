import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeStateHashCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import { encodePauseQueueRequest } from "@corvo/gen/corvo/v1/queue_fast.js";
import { encodeEnqueueBatchRequest } from "@corvo/gen/corvo/v1/worker_fast.js";
import { EntryWriter, Verb } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Engine, InvariantBroken } from "../src/index.js";
import { Bench, stream } from "./kit.js";

function filled(jobs: number): Bench {
  const bench = new Bench();
  const w = new Writer();
  encodeEnqueueBatchRequest(w, {
    jobs: Array.from({ length: 1000 }, (_, i) => ({ queue: `q${i % 3}`, payloadJson: `{"n":${i}}`, expireAfter: i % 2 === 0 ? "1h" : "" })),
  });
  const body = w.copy();
  for (let left = jobs; left > 0; left -= 1000) bench.applyAll([{ verb: Verb.ENQUEUE_BATCH, body }]);
  return bench;
}

function chunksOf(engine: Engine): Uint8Array[] {
  const cut = engine.cut();
  const chunks: Uint8Array[] = [];
  for (let chunk = cut.next(); chunk !== undefined; chunk = cut.next()) chunks.push(chunk);
  cut.release();
  return chunks;
}

test("chunks are at most 512 KiB and a little, and give the same state", async () => {
  const bench = filled(30_000);
  const chunks = chunksOf(bench.engine);
  for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(512 * 1024 + 64);
  const restored = await Engine.restore(bench.options, stream(chunks));
  restored.checkInvariants();
  expect(restored.contentDigest()).toBe(bench.engine.contentDigest());
  expect(restored.appliedIndex).toBe(bench.engine.appliedIndex);
  expect(restored.appliedTerm).toBe(1);
  expect(restored.takeReady().sort()).toEqual(["q0", "q1", "q2"]);
});

test("a snapshot that is not whole, or not one, is refused", async () => {
  const bench = filled(3000);
  const chunks = chunksOf(bench.engine);
  const restore = (given: Uint8Array[]) => Engine.restore(bench.options, stream(given));
  await expect(restore([])).rejects.toThrow(InvariantBroken);
  for (let missing = 0; missing < chunks.length; missing++) {
    await expect(restore(chunks.filter((_, i) => i !== missing))).rejects.toThrow(InvariantBroken);
    await expect(restore(chunks.slice(0, missing))).rejects.toThrow(InvariantBroken);
  }
  await expect(restore([...chunks, chunks[chunks.length - 1]])).rejects.toThrow(InvariantBroken);
  const other = chunks[0].slice();
  other[3] ^= 1; // the magic word has the version
  await expect(restore([other, ...chunks.slice(1)])).rejects.toThrow("not one of a snapshot of this version");
});

test("a cut that is given up leaves nothing behind; two at a time are not served", () => {
  const bench = filled(2000);
  const cut = bench.engine.cut();
  cut.next();
  expect(() => bench.engine.cut()).toThrow(InvariantBroken);
  cut.release();
  cut.release();
  expect(chunksOf(bench.engine).length).toBeGreaterThan(2);
});

test("clearing and destroying many jobs takes no entry long: at most 1,000 rows are swept by each", () => {
  const bench = filled(9000);
  const name = (queue: string): Uint8Array => {
    const w = new Writer();
    encodePauseQueueRequest(w, { name: queue });
    return w.copy();
  };
  bench.applyAll([{ verb: Verb.CLEAR_QUEUE, body: name("q0") }]);
  bench.applyAll([{ verb: Verb.DESTROY_QUEUE, body: name("q1") }]);
  expect(bench.engine.liveJobs).toBe(2997);
  let ticks = 0;
  for (; bench.engine.nextTimerMs() <= bench.nowMs; ticks++) {
    bench.applyAll([{ verb: Verb.TICK }]);
    bench.engine.checkInvariants();
  }
  expect(ticks).toBe(5); // 6,003 rows, of which the two commands swept 1,000 each
  expect(bench.engine.liveJobs).toBe(2997);
});

test("the hash of another state at a known index stops the replica; an unknown index does not", () => {
  const bench = filled(1000);
  const { low, high } = bench.engine.stateHash;
  const apply = (index: number, hashLow: number) => {
    const entry = new EntryWriter().start(bench.nowMs);
    entry.add({ verb: Verb.STATE_HASH, body: hashBody(index, hashLow, high) });
    bench.engine.apply(entry.finish(), ++bench.index, 1);
  };
  apply(1, low);
  apply(777, low + 1);
  expect(() => apply(1, low + 1)).toThrow(InvariantBroken);
});

function hashBody(index: number, hashLow: number, hashHigh: number): Uint8Array {
  const w = new Writer();
  encodeStateHashCommand(w, { index, hashLow, hashHigh });
  return w.copy();
}
