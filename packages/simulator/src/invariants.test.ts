import { expect, test } from "vitest";
import { Invariants } from "./invariants.js";
import { Model } from "./model/model.js";
import { Player } from "./player.js";
import { randomProgram } from "./program.js";

/** The model itself must keep the invariants, or it proves nothing. */
test("the reference model keeps J3 to J13, J15 and P6", () => {
  const seed = Number(process.env.CORVO_SEED ?? process.env.CORVO_FROM_SEED ?? 1);
  const kinds = new Map<string, number>();
  for (let s = seed; s < seed + 60; s++) {
    const player = new Player(new Model());
    const invariants = new Invariants();
    const known = new Set<string>();
    for (const step of randomProgram(s, 120)) {
      const entry = player.entry(step);
      const outcomes = player.run(entry);
      invariants.begin(entry.clockMs, player.pausedMs);
      // Here no events tell what schedules did: their jobs do, and those that were added by hand and are gone again.
      const jobs = player.model.jobs().filter(({ scheduleId }) => scheduleId !== "");
      const byHand = outcomes.flatMap((one) => (one?.kind === "scheduleRun" && !one.duplicate ? [one.jobId] : []));
      const ids = new Set([...jobs.map(({ id }) => id), ...byHand].filter((id) => !known.has(id)));
      for (const id of ids) known.add(id);
      const added = [...ids].map((id) => ({ id, job: player.model.job(id) }));
      const cancelled = jobs.filter(({ state }) => state === "cancelled").map(({ id }) => id);
      invariants.bySchedules(added, cancelled);
      entry.commands.forEach((command, i) => {
        const outcome = outcomes[i]!;
        const kind = `${command.verb} ${outcome.kind}`;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        try {
          invariants.saw(command, outcome);
        } catch (cause) {
          throw new Error(`CORVO_SEED=${s}, entry ${entry.index}, ${JSON.stringify(command)}`, { cause });
        }
      });
    }
  }
  // Programs that never reach a verb's success prove nothing about it.
  for (const verb of ["retry", "cancel", "hold", "approve", "reject", "delete", "move"]) expect(kinds.get(`${verb} done`), verb).toBeGreaterThan(20);
  expect(kinds.get("ack acked")).toBeGreaterThan(50);
  expect(kinds.get("fail failed")).toBeGreaterThan(50);
});
