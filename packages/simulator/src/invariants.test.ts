import { expect, test } from "vitest";
import { Invariants } from "./invariants.js";
import type { Command } from "./model/command.js";
import { Model } from "./model/model.js";
import { Player } from "./player.js";
import { randomProgram } from "./program.js";

/** The model itself must keep the invariants, or it proves nothing. */
test("the reference model keeps J3 to J11 and J15", () => {
  const seed = Number(process.env.CORVO_SEED ?? 1);
  const verbs = new Map<string, number>();
  for (let s = seed; s < seed + 60; s++) {
    const player = new Player(new Model());
    const invariants = new Invariants();
    for (const step of randomProgram(s, 120)) {
      player.play(step, (entry) => {
        invariants.begin(entry.clockMs, player.pausedMs(entry));
        entry.commands.forEach((command: Command, i) => {
          const outcome = entry.outcomes[i];
          verbs.set(`${command.verb} ${outcome.kind}`, (verbs.get(`${command.verb} ${outcome.kind}`) ?? 0) + 1);
          try {
            invariants.saw(command, outcome);
          } catch (cause) {
            throw new Error(`CORVO_SEED=${s}, entry ${entry.index}, ${JSON.stringify(command)}`, { cause });
          }
        });
      });
    }
  }
  // Programs that never reach a verb's success prove nothing about it.
  for (const verb of ["retry", "cancel", "hold", "approve", "reject", "delete", "move"]) expect(verbs.get(`${verb} done`), verb).toBeGreaterThan(20);
  expect(verbs.get("ack acked")).toBeGreaterThan(50);
  expect(verbs.get("fail failed")).toBeGreaterThan(50);
});
