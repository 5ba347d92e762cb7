import type { State } from "./state.js";
import type { FinishedState } from "./tables/job-table.js";

/**
 * A job ends: called once, whatever ended it, while its row and document are still there and before its archive record is written.
 * Here hangs whatever waits for jobs to end.
 */
export function ended(s: State, row: number, _state: FinishedState): void {
  if (s.jobs.flags(row) === 0 && s.jobs.batch(row) === 0) return;
}
