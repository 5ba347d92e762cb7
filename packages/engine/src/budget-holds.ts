import { seqKey } from "./keys.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { JobFlag } from "./tables/job-table.js";

/** A job that a budget held is held no more, or is gone. The caller has touched the row. */
export function dropBudgetHold(s: State, row: number): void {
  s.jobs.setFlags(row, s.jobs.flags(row) & ~JobFlag.overBudget);
  const hold = s.entities.find(EntityKind.budgetHold, seqKey(s.jobs.seq(row)), 0, 8);
  if (hold !== -1) s.entities.remove(hold);
}
