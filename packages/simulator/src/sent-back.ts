import type { Command, Entry, Outcome } from "./model/command.js";

/** What the engine sent back: jobs of it had ended, and the leader must look them up. */
export interface SentBack {
  /** The entry as it took effect, for the model. */
  heard: Entry;
  /** Places of whole commands that did not. */
  places: ReadonlySet<number>;
  /** What is to be sent once more. */
  commands: Command[];
}

/** Whole commands come again, and of a bulk command those jobs that were sent back; a task's have another turn anyway. */
export function sentBack(entry: Entry, answers: readonly (Outcome | "again")[]): SentBack {
  const places = new Set<number>();
  const commands: Command[] = [];
  const heard = entry.commands.map((command, i) => {
    const answer = answers[i];
    if (answer === "again") {
      places.add(i);
      commands.push(command);
    } else if (command.verb === "bulk" && answer.kind === "bulk") {
      const later = [...answer.outcomes.keys()].filter((at) => answer.outcomes[at] === "again");
      if (later.length > 0 && !command.of) commands.push({ ...command, jobIds: later.map((at) => command.jobIds[at]) });
      return { ...command, later };
    }
    return command;
  });
  return { heard: { ...entry, commands: heard }, places, commands };
}
