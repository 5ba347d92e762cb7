import { slotJitterMs } from "@corvo/engine";
import { expect, test } from "vitest";
import { Model } from "../model/model.js";
import { Player } from "../player.js";
import { randomProgram } from "../program.js";
import { decodeEntry, encodeCommand, encodeEntry } from "./entry.js";

/** A log that is read back must mean the same: the power-cut test relies on it. */
test("what is encoded for the log is read back as the same commands", () => {
  const seed = Number(process.env.CORVO_SEED ?? process.env.CORVO_FROM_SEED ?? 1);
  for (let s = seed; s < seed + 20; s++) {
    const played = new Player(new Model());
    const again = new Model();
    again.state.jitterMs = slotJitterMs;
    for (const step of randomProgram(s, 60)) {
      const entry = played.entry(step);
      const outcomes = played.run(entry);
      const read = decodeEntry(entry.index, encodeEntry(entry.clockMs, entry.commands.map(encodeCommand)));
      expect(again.apply(read), `CORVO_SEED=${s}`).toEqual(outcomes);
    }
    expect(again.jobs()).toEqual(played.model.jobs());
  }
});
