import { slotJitterMs } from "@corvo/engine";
import type { Command, Entry, Outcome } from "./model/command.js";
import type { Model } from "./model/model.js";
import { resolve } from "./resolve.js";
import type { Step } from "./wish.js";

/** Where log time starts: some day in 2026. */
export const startMs = 1_790_000_000_000;

/**
 * Makes entries out of a program's steps and runs them on the model. A step's commands are settled against the state before the
 * step, as those of real clients are: none of them knows what the others in the same entry bring about.
 */
export class Player {
  #clockMs = startMs;
  #index = 1;
  /** Ids of all jobs that ever were, in the order of creation. */
  readonly seen: string[] = [];
  readonly sent: Command[] = [];
  readonly #known = new Set<string>();
  /** How long nobody served before the last entry. */
  pausedMs = 0;

  constructor(readonly model: Model) {
    model.state.jitterMs = slotJitterMs;
  }

  /** Log time of the next entry, as far as the clock tells. */
  get nowMs(): number {
    return Math.max(this.#clockMs, this.model.state.nowMs);
  }

  entry({ move, wishes }: Step): Entry {
    const timerMs = this.model.nextTickMs();
    if ("byMs" in move) this.#clockMs += move.byMs;
    else if (timerMs !== Infinity) this.#clockMs = timerMs + move.toTimerAndMs;
    const commands = wishes.map((wish) => resolve(wish, this));
    commands.forEach((command, i) => {
      if (command.requestId && wishes[i].do !== "again") this.sent.push(command);
    });
    return { index: ++this.#index, clockMs: this.#clockMs, commands };
  }

  /** The entry that brings some commands of the last one once more. */
  again(commands: Command[]): Entry {
    return { index: ++this.#index, clockMs: this.#clockMs, commands };
  }

  /** Runs the entry without those commands; theirs is `undefined` in the result. */
  run(entry: Entry, without?: ReadonlySet<number>): (Outcome | undefined)[] {
    const { state } = this.model;
    const pausedBeforeMs = state.pausedMs;
    this.model.begin(entry.index, entry.clockMs);
    const outcomes = entry.commands.map((command, i) => (without?.has(i) ? undefined : this.model.run(command)));
    this.model.end();
    this.pausedMs = state.pausedMs - pausedBeforeMs;
    for (const id of state.jobs.keys()) {
      if (this.#known.has(id)) continue;
      this.#known.add(id);
      this.seen.push(id);
    }
    return outcomes;
  }
}
