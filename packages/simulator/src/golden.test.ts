import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { LogEntrySchema } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import { expect, test } from "vitest";
import { type GoldenLog, recordGolden, replayGolden } from "./golden.js";
import { wireVerbs } from "./wire/entry.js";

/**
 * Logs of engine level 2, of random programs with every verb. They must lead where they led, for ever: when this fails, the change needs a new
 * level and logs of its own beside these, and apply must look at the entry's level. Anew, while the level is not released: `npm run record:golden`.
 */
const folder = new URL("../testdata/", import.meta.url);
/** Those that are recorded anew. The others stay as they were, with what random programs could do then. */
const recorded = "level-2-bulk.json";
const programs = 3;
const steps = 120;
const firstSeed = 2_101;

function golden(): GoldenLog[] {
  if (process.env.RECORD_GOLDEN === "2") {
    const logs = Array.from({ length: programs }, (_, i) => recordGolden(firstSeed + i, steps));
    writeFileSync(new URL(recorded, folder), `${JSON.stringify(logs)}\n`);
  }
  return readdirSync(folder).flatMap((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as GoldenLog[]);
}

test("logs of level 2 lead where they led", () => {
  for (const log of golden()) {
    const { stateHash, contentDigest } = log;
    expect({ seed: log.seed, ...replayGolden(log) }).toEqual({ seed: log.seed, stateHash, contentDigest });
  }
});

test("they hold every verb that random programs have", () => {
  const seen = new Set(golden().flatMap(({ entries }) => entries.flatMap(([, entry]) => verbsIn(Buffer.from(entry, "base64")))));
  const absent = Object.entries(wireVerbs).filter(([, verb]) => !seen.has(verb));
  expect(absent.map(([name]) => name)).toEqual([]);
});

function verbsIn(entry: Uint8Array): number[] {
  return fromBinary(LogEntrySchema, entry).commands.map(({ verb }) => verb);
}
