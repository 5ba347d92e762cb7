import type { BulkCommand, BulkWord, Command, Outcome } from "./command.js";

/** `jobs.md` §17: each job is treated as by the single action, with the guard of the single action. */
export function bulk(command: BulkCommand, run: (single: Command) => Outcome): Outcome {
  const outcomes = command.jobIds.map((jobId, i): BulkWord => (command.later?.includes(i) ? "again" : wordOf(run(single(command, jobId)))));
  return { kind: "bulk", outcomes };
}

export function single({ action, queue, priority }: BulkCommand, jobId: string): Command {
  if (action === "move") return { verb: "move", jobId, queue };
  return action === "changePriority" ? { verb: "changePriority", jobId, priority } : { verb: action, jobId };
}

function wordOf(outcome: Outcome): BulkWord {
  if (outcome.kind !== "refused") return "done";
  return outcome.reason === "NOT_FOUND" ? "not_found" : outcome.reason === "WRONG_STATE" ? "wrong_state" : "refused";
}
