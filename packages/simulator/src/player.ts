import type { Command, Entry, Outcome } from "./model/command.js";
import type { Model } from "./model/model.js";
import { resolve, type Step } from "./program.js";

/** An entry together with what the model said to it. */
export interface PlayedEntry extends Entry {
  outcomes: Outcome[];
}

/** Where log time starts: some day in 2026. */
export const startMs = 1_790_000_000_000;

/** Plays a program's steps on a model, one entry a step, and keeps what the steps need to find their jobs. */
export class Player {
  #clockMs = startMs;
  #index = 1;
  #pausedMs = 0;
  /** Ids of all jobs that ever were, in the order of creation. */
  readonly seen: string[] = [];
  readonly sent: Command[] = [];
  readonly #known = new Set<string>();

  constructor(readonly model: Model) {}

  play(step: Step, then: (entry: PlayedEntry) => void): void {
    const { model } = this;
    const timerMs = model.nextTickMs();
    if ("byMs" in step.move) this.#clockMs += step.move.byMs;
    else if (timerMs !== Infinity) this.#clockMs = timerMs + step.move.toTimerAndMs;
    const entry: PlayedEntry = { index: ++this.#index, clockMs: this.#clockMs, commands: [], outcomes: [] };
    this.#pausedMs = model.state.pausedMs;
    model.begin(entry.index, entry.clockMs);
    for (const wish of step.wishes) {
      const command = resolve(wish, this);
      const outcome = model.run(command);
      entry.commands.push(command);
      entry.outcomes.push(outcome);
      if (command.requestId && wish.do !== "again") this.sent.push(command);
      for (const id of model.state.jobs.keys()) {
        if (this.#known.has(id)) continue;
        this.#known.add(id);
        this.seen.push(id);
      }
    }
    then(entry);
  }

  /** How long nobody served before the last entry. */
  pausedMs(_entry: PlayedEntry): number {
    return this.model.state.pausedMs - this.#pausedMs;
  }
}
