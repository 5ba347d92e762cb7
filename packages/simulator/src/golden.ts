import { Model } from "./model/model.js";
import { Player } from "./player.js";
import { randomProgram } from "./program.js";
import { sentBack } from "./sent-back.js";
import { Subject } from "./subject.js";

/** The log of a random program, with what it leads to. */
export interface GoldenLog {
  seed: number;
  stateHash: { low: number; high: number };
  contentDigest: string;
  /** Index and bytes, in base64. */
  entries: [index: number, entry: string][];
}

/** Runs a program and keeps its log, a purge now and then included. Everything follows from the seed. */
export function recordGolden(seed: number, steps: number): GoldenLog {
  const player = new Player(new Model());
  const subject = new Subject();
  randomProgram(seed, steps).forEach((step, at) => {
    const entry = player.entry(step);
    const answers = subject.apply(entry);
    const { heard, places } = sentBack(entry, answers);
    const expected = player.run(heard, places);
    for (const [i, answer] of answers.entries()) if (answer !== "again") player.model.adopt(expected[i]!, answer);
    if (at % 40 !== 39) return;
    const { index, clockMs } = player.again([]);
    player.model.begin(index, clockMs);
    subject.purge(index, clockMs, player.model.state.nowMs - 60_000);
  });
  const { low, high, content } = subject.digest();
  const entries = subject.log.map(({ index, bytes }): [number, string] => [index, Buffer.from(bytes).toString("base64")]);
  return { seed, stateHash: { low, high }, contentDigest: String(content), entries };
}

/** What the log leads to now. */
export function replayGolden({ entries }: GoldenLog): Pick<GoldenLog, "stateHash" | "contentDigest"> {
  const subject = new Subject();
  for (const [index, entry] of entries) subject.applyBytes({ index, clockMs: 0, commands: [] }, Buffer.from(entry, "base64"), 1);
  const { low, high, content } = subject.digest();
  return { stateHash: { low, high }, contentDigest: String(content) };
}
