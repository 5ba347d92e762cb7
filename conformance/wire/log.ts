import { slotJitterMs } from "@corvo/engine";
import { archiveSegmentBytesMax } from "@corvo/protocol";
import { nodeDisk, openStorage } from "@corvo/storage";
import type { Command, Entry, Outcome } from "../../packages/simulator/src/model/command.js";
import { Model } from "../../packages/simulator/src/model/model.js";
import { same, tolerated } from "../../packages/simulator/src/model-check.js";
import { Subject } from "../../packages/simulator/src/subject.js";
import { decodeEntry } from "../../packages/simulator/src/wire/entry.js";

export interface Logged {
  entry: Entry;
  bytes: Uint8Array;
  term: number;
  /** Not the engine's. */
  foreign: boolean;
}

/** The log of a server that has stopped. */
export async function readLog(dir: string): Promise<Logged[]> {
  const random = { bytes: (length: number) => new Uint8Array(length) };
  const storage = await openStorage({ disk: nodeDisk(dir), random: random as never, monotonicMs: () => performance.now(), onFailure: () => {} });
  const entries: Logged[] = [];
  for await (const slice of storage.log.read(storage.log.firstIndex, storage.log.lastIndex)) {
    for (const { index, term, type, data } of slice) {
      const foreign = type !== 0 || data.length === 0;
      const bytes = data.slice();
      entries.push({ entry: foreign ? { index, clockMs: 0, commands: [] } : decodeEntry(index, bytes), bytes, term, foreign });
    }
  }
  await storage.close();
  return entries;
}

/** What no client asks for: time, leadership, slots of schedules, steps of bulk tasks. */
export function isServersOwn(command: Command): boolean {
  return ["tick", "leadership", "scheduleSlots"].includes(command.verb) || (command.verb === "bulk" && command.of !== undefined);
}

/** Jobs that a bulk command sent back. */
export function withLater(command: Command, answer: Outcome): Command {
  if (command.verb !== "bulk" || answer.kind !== "bulk") return command;
  return { ...command, later: [...answer.outcomes.keys()].filter((i) => answer.outcomes[i] === "again") };
}

/** Runs a log on engine and model side by side, and gives the model back; `each` looks at it behind every entry. */
export function replayLog(log: readonly Logged[], each: (model: Model, entry: Entry) => void = () => {}): Model {
  const engine = new Subject(undefined, undefined, { archiveSegmentBytesMax });
  const model = new Model();
  model.state.jitterMs = slotJitterMs;
  for (const { entry, bytes, term, foreign } of log) {
    if (foreign) {
      engine.skip(entry.index, term);
      continue;
    }
    const answers = engine.applyBytes(entry, bytes, term);
    model.begin(entry.index, entry.clockMs);
    for (const [i, logged] of entry.commands.entries()) {
      const answer = answers[i];
      if (answer === "again") continue;
      const expected = model.run(withLater(logged, answer));
      model.adopt(expected, answer);
      same(`engine's answer to command ${i} of entry ${entry.index}`, tolerated(answer, expected), expected);
    }
    model.end();
    each(model, entry);
  }
  return model;
}
