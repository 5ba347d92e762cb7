import { EntryWriter, formatJobId } from "@corvo/protocol";
import { expect, test } from "vitest";
import { Engine, InvariantBroken } from "../src/index.js";
import { Commands, Dice } from "./fuzz.js";
import { Bench, type CommandGiven, MemoryArchive, stream } from "./kit.js";

const seeds = process.env.SEED === undefined ? [1, 2, 3, 4, 5, 6] : [Number(process.env.SEED)];
const rerun = (seed: number): string => `again: SEED=${seed} npx vitest run packages/engine/test/fuzz.test.ts`;

/** Applies the same bytes to an engine that nobody listens to. */
function follow(engine: Engine, entry: Uint8Array, index: number): void {
  engine.apply(entry, index, 1);
}

for (const seed of seeds) {
  test(`random commands keep the invariants, and replicas and snapshots agree (seed ${seed})`, async () => {
    try {
      await run(seed);
    } catch (cause) {
      throw new Error(rerun(seed), { cause });
    }
  });
}

async function run(seed: number): Promise<void> {
  const dice = new Dice(seed);
  // Long texts fill segments of the arena, so that some are emptied and moved.
  const long = seed % 3 === 0;
  const commands = new Commands(dice, long ? 30_000 : 60);
  const small = { archiveSegmentBytesMax: 20_000, requestIdsMax: 50, workersMax: 4 };
  const bench = new Bench(small);
  bench.keepLog = true;
  const { engine } = bench;
  const followerArchive = new MemoryArchive();
  const follower = new Engine({ ...bench.options, archive: followerArchive, hashSeed: 12345 });
  let restored: { engine: Engine; archive: MemoryArchive } | undefined;
  let cut: ReturnType<Engine["cut"]> | undefined;
  let chunks: Uint8Array[] = [];
  let tail: { entry: Uint8Array; index: number }[] = [];
  let cutDigest = "";

  const promises = new Promises(bench);
  for (let step = 0; step < (long ? 600 : 1500); step++) {
    bench.nowMs += dice.chance(70) ? 0 : dice.below(1500);
    const given: CommandGiven[] = [];
    for (let n = 1 + dice.below(3); n > 0; n--) {
      const one = commands.any();
      given.push(dice.chance(95) ? bench.looked(one) : one);
    }
    bench.applyAll(given);
    commands.learn(engine, bench.nowMs);
    promises.check();
    const last = bench.log[bench.log.length - 1];
    follow(follower, last.entry, last.index);
    if (restored !== undefined) follow(restored.engine, last.entry, last.index);
    expect(follower.stateHash).toEqual(engine.stateHash);
    if (restored !== undefined) expect(restored.engine.stateHash).toEqual(engine.stateHash);

    // A cut is taken chunk by chunk while the state goes on.
    if (cut === undefined && dice.chance(long ? 1 : 4)) {
      cut = engine.cut();
      cutDigest = engine.contentDigest();
      chunks = [];
      tail = [];
    } else if (cut !== undefined) {
      tail.push(last);
      const chunk = cut.next();
      if (chunk !== undefined) chunks.push(chunk);
      else {
        cut.release();
        cut = undefined;
        const archive = new MemoryArchive();
        const made = await Engine.restore({ ...bench.options, archive, hashSeed: seed }, stream(chunks));
        made.checkInvariants();
        expect(made.contentDigest()).toBe(cutDigest);
        for (const one of tail) follow(made, one.entry, one.index);
        expect(made.stateHash).toEqual(engine.stateHash);
        expect(made.contentDigest()).toBe(engine.contentDigest());
        made.checkInvariants();
        restored = { engine: made, archive };
      }
    }
    if (step % (long ? 200 : 50) === 0) {
      engine.checkInvariants();
      restored?.engine.checkInvariants();
      expect(follower.contentDigest()).toBe(engine.contentDigest());
    }
  }
  engine.checkInvariants();
  expect(follower.contentDigest()).toBe(engine.contentDigest());
  expect(followerArchive.placed.size).toBe(bench.archive.placed.size);
  for (const [place, bytes] of bench.archive.placed) expect(Buffer.compare(bytes, followerArchive.placed.get(place)!)).toBe(0);
  cut?.release();

  // The whole log again, in one go.
  const again = new Engine({ ...bench.options, archive: new MemoryArchive() });
  for (const { entry, index } of bench.log) again.apply(entry, index, 1);
  expect(again.contentDigest()).toBe(engine.contentDigest());
}

test("damaged requests are refused, never thrown", () => {
  for (const seed of seeds) {
    const dice = new Dice(seed * 7919);
    const commands = new Commands(dice);
    const bench = new Bench();
    for (let step = 0; step < 1500; step++) {
      const one = commands.any();
      const body = (one.body ?? new Uint8Array(0)).slice();
      if (dice.chance(60) && body.length > 0 && one.verb < 64) {
        for (let n = 1 + dice.below(4); n > 0; n--) body[dice.below(body.length)] = dice.below(256);
      }
      const flags = dice.chance(10) ? dice.below(4) : one.flags;
      const verb = dice.chance(2) ? dice.below(63) : one.verb;
      try {
        bench.applyAll([{ ...one, verb, flags, body: dice.chance(5) ? body.subarray(0, dice.below(body.length + 1)) : body }]);
        if (step % 100 === 0) bench.engine.checkInvariants();
      } catch (cause) {
        throw new Error(`step ${step}, verb ${verb}; ${rerun(seed)}`, { cause });
      }
      commands.learn(bench.engine, bench.nowMs);
    }
    bench.engine.checkInvariants();
  }
});

test("an entry of another version, or out of order, stops the replica", () => {
  const bench = new Bench();
  bench.applyAll([]);
  const entry = new EntryWriter().start(1).finish();
  expect(() => bench.engine.apply(entry, 1, 1)).toThrow(InvariantBroken);
  expect(() => bench.engine.apply(new Uint8Array([8, 9]), 2, 1)).toThrow(InvariantBroken);
  expect(() => bench.engine.apply(new Uint8Array([255]), 2, 1)).toThrow(InvariantBroken);
});

/** What an onlooker may rely on, told by events alone. */
class Promises {
  private seen = 0;
  private readonly completed = new Set<string>();
  private readonly batches = new Set<string>();
  private readonly callbacks = new Set<string>();

  constructor(private readonly bench: Bench) {}

  check(): void {
    const { engine } = this.bench;
    for (const event of engine.eventsSince(this.seen, 10_000)) {
      const id = formatJobId(event.jobCreatedMs, event.jobSeq);
      if (event.type === "completed") this.completed.add(id);
      // A job is handed out only after all those that it depends on were completed (J13).
      if (event.type === "started")
        for (const other of this.bench.job(id)?.dependsOn ?? []) expect([id, other, this.completed.has(other)]).toEqual([id, other, true]);
      if (event.type !== "batch_completed") continue;
      // A batch completes once, when none of its members is left to end, and its callback is there (J12).
      const told = JSON.parse(new TextDecoder().decode(event.data)) as { batch_id: string } & Record<string, number>;
      expect(this.batches.has(told.batch_id)).toBe(false);
      this.batches.add(told.batch_id);
      expect(told.total).toBe(told.succeeded + told.failed + told.cancelled + told.deleted);
      const batch = engine.batch(told.batch_id);
      if (batch === undefined || batch.callbackQueue === "") continue;
      expect([batch.callbackJobId, this.callbacks.has(batch.callbackJobId)]).toEqual([expect.stringMatching(/^job_/), false]);
      this.callbacks.add(batch.callbackJobId);
    }
    this.seen = engine.lastEventSeq;
  }
}
