import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeRetryJobRequest } from "@corvo/gen/corvo/v1/job_fast.js";
import { encodeEnqueueRequest } from "@corvo/gen/corvo/v1/worker_fast.js";
import { commandFlags, formatJobId, Verb } from "@corvo/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { JobState } from "../src/tables/job-table.js";
import { Commands, Dice } from "./fuzz.js";
import { Bench } from "./kit.js";

test("a command that is only looked at leaves no trace, and the verdict is what apply then says", () => {
  const seen = new Map<number, { accepted: number; refused: number }>();
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const dice = new Dice(seed);
      const commands = new Commands(dice);
      const bench = new Bench({ queuesMax: 5, workersMax: 3, archiveSegmentBytesMax: 20_000 });
      const { engine } = bench;
      for (let step = 0; step < 100; step++) {
        bench.nowMs += dice.chance(70) ? 0 : dice.below(1500);
        const one = commands.any();
        const seq = engine.needsArchive(one.verb, one.body ?? new Uint8Array(0));
        const given = seq === undefined ? one : bench.wrap(one, seq);
        // A cut that runs must neither see the look nor be disturbed by it.
        const cut = dice.chance(5) ? engine.cut() : undefined;
        if (cut) cut.next();
        const before = trace(engine);
        const verdict =
          given.verb < 64 ? engine.validate({ namespace: "", flags: 0, requestHash: given.hash, body: new Uint8Array(0), ...given }, bench.nowMs) : undefined;
        expect(trace(engine)).toEqual(before);
        if (step % 10 === 0) engine.checkInvariants();
        while (cut?.next()) {
          // to its end
        }
        cut?.release();
        const answer = bench.applyAll([given])[0];
        commands.learn(engine, bench.nowMs);
        if (given.verb >= 64) continue;
        expect(verdict, `verb ${given.verb}, flags ${(given.flags ?? 0) & commandFlags.finishedJob}`).toEqual(answer.refusal);
        const counts = seen.get(given.verb) ?? { accepted: 0, refused: 0 };
        counts[verdict ? "refused" : "accepted"]++;
        seen.set(given.verb, counts);
      }
    }),
    { numRuns: 25, seed: Number(process.env.SEED ?? 7) },
  );
  const never = [...seen].filter(([, { accepted }]) => accepted === 0).map(([verb]) => verb);
  expect(seen.size - never.length, `never accepted: ${never}`).toBeGreaterThan(20);
  expect([...seen.values()].filter(({ refused }) => refused > 0).length).toBeGreaterThan(12);
});

test("looking does nothing, as often as one looks", () => {
  const bench = new Bench();
  const body = (write: (w: Writer) => void): Uint8Array => {
    const w = new Writer();
    write(w);
    return w.copy();
  };
  const jobId = formatJobId(bench.nowMs, 1);
  bench.apply({ verb: Verb.ENQUEUE, body: body((w) => encodeEnqueueRequest(w, { queue: "q" })) });
  const ofJob = body((w) => encodeRetryJobRequest(w, { jobId }));
  const look = (verb: Verb): string =>
    bench.engine.validate({ verb, flags: 0, namespace: "", requestHash: undefined, body: ofJob }, bench.nowMs)?.reason ?? "yes";
  expect([Verb.HOLD, Verb.HOLD, Verb.APPROVE, Verb.REJECT, Verb.CANCEL, Verb.DELETE].map(look)).toEqual([
    "yes",
    "yes",
    "WRONG_STATE",
    "WRONG_STATE",
    "yes",
    "yes",
  ]);
  bench.apply({ verb: Verb.HOLD, body: ofJob });
  expect([Verb.HOLD, Verb.APPROVE, Verb.APPROVE, Verb.REJECT, Verb.CANCEL].map(look)).toEqual(["WRONG_STATE", "yes", "yes", "yes", "WRONG_STATE"]);
  expect(bench.job(jobId)?.state).toBe(JobState.held);
});

function trace(engine: Bench["engine"]) {
  return {
    hash: engine.stateHash,
    digest: engine.contentDigest(),
    seq: engine.lastSeq,
    fence: engine.lastFence,
    events: engine.lastEventSeq,
    index: engine.appliedIndex,
    timeMs: engine.logTimeMs,
    timer: engine.nextTimerMs(),
    queues: engine.queues(),
    workers: engine.workers(),
    archive: engine.archiveEnd,
  };
}
