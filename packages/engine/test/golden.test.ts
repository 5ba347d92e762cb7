import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Engine } from "../src/index.js";
import { Commands, Dice } from "./fuzz.js";
import { Bench, MemoryArchive } from "./kit.js";

/**
 * Logs of every engine level, with what they lead to. A log of a level must lead there for ever: when this fails, the change needs a new
 * level and a new log beside the old ones, and apply must look at the entry's level.
 */
interface Golden {
  level: number;
  stateHash: { low: number; high: number };
  contentDigest: string;
  /** Base64. */
  entries: string[];
}
const file = new URL("testdata/level-1.json", import.meta.url);
const options = { archive: new MemoryArchive(), archiveRecordOverheadBytes: 24, archiveSegmentBytesMax: 20_000 };

test("the log of level 1 leads to the state of level 1", () => {
  const golden = process.env.RECORD_GOLDEN === undefined ? (JSON.parse(readFileSync(file, "utf8")) as Golden) : record();
  const engine = new Engine(options);
  golden.entries.forEach((entry, i) => {
    engine.apply(Buffer.from(entry, "base64"), i + 1, 1);
  });
  expect(engine.stateHash).toEqual(golden.stateHash);
  expect(engine.contentDigest()).toBe(golden.contentDigest);
});

/** Only for a level that was never released. */
function record(): Golden {
  const dice = new Dice(20_260);
  const commands = new Commands(dice);
  const bench = new Bench({ ...options, archive: new MemoryArchive() });
  bench.keepLog = true;
  for (let step = 0; step < 600; step++) {
    bench.nowMs += dice.chance(70) ? 0 : dice.below(1500);
    const one = commands.any();
    const seq = bench.engine.needsArchive(one.verb, one.body ?? new Uint8Array(0));
    bench.applyAll([seq === undefined ? one : bench.wrap(one, seq)]);
    commands.learn(bench.engine, bench.nowMs);
  }
  const golden: Golden = {
    level: 1,
    stateHash: bench.engine.stateHash,
    contentDigest: bench.engine.contentDigest(),
    entries: bench.log.map(({ entry }) => Buffer.from(entry).toString("base64")),
  };
  writeFileSync(file, `${JSON.stringify(golden, null, 1)}\n`);
  return golden;
}
