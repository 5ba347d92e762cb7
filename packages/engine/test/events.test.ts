import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeEnqueueRequest, encodeFailRequest, encodeFetchRequest } from "@corvo/gen/corvo/v1/worker_fast.js";
import { Verb } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Bench } from "./kit.js";

function body(write: (w: Writer) => void): Uint8Array {
  const w = new Writer();
  write(w);
  return w.copy();
}

test("a snapshot has the newest events, word for word", async () => {
  const bench = new Bench({ eventsKept: 5000 });
  const { engine } = bench;
  for (let i = 0; i < 2000; i++) {
    const queue = `q${i % 3}`;
    bench.apply({ verb: Verb.ENQUEUE, body: body((w) => encodeEnqueueRequest(w, { queue })) });
    if (i % 10 !== 0) continue;
    bench.apply({ verb: Verb.FETCH, body: body((w) => encodeFetchRequest(w, { queues: [queue], workerId: `w${i}`, hostname: "h" })) });
    const started = engine.eventsSince(engine.lastEventSeq - 1, 1)[0];
    expect(started).toMatchObject({ type: "started", attempt: 1, workerId: `w${i}`, index: engine.appliedIndex });
  }
  const failing = bench.apply({ verb: Verb.FETCH, body: body((w) => encodeFetchRequest(w, { queues: ["q0"], workerId: "last" })) });
  expect(failing.granted).toBe(1);
  const jobId = new TextDecoder().decode(failing.bytes!.subarray(4, 34));
  bench.apply({ verb: Verb.FAIL, body: body((w) => encodeFailRequest(w, { jobId, error: "SMTP 535" })) });
  expect(engine.eventsSince(engine.lastEventSeq - 2, 2)).toMatchObject([
    { type: "failed", attempt: 1, workerId: "last", reason: "SMTP 535" },
    { type: "retrying", attempt: 0, reason: "" },
  ]);
  const restored = await bench.restored();
  expect(restored.eventsSince(0, 10_000)).toEqual(engine.eventsSince(0, 10_000));
  expect([restored.firstEventSeq, restored.lastEventSeq]).toEqual([engine.firstEventSeq, engine.lastEventSeq]);
  expect(restored.eventsOf("enqueued")).toBe(0); // counted since this engine was made
  const less = await Bench.prototype.restored.call({ engine, options: { ...bench.options, eventsKept: 100 } } as Bench);
  expect(less.eventsSince(0, 10_000)).toEqual(engine.eventsSince(engine.lastEventSeq - 100, 100));
});
