import { budgetDue, releaseDue } from "./budgets.js";
import { forgetTask } from "./bulk.js";
import { usageDue } from "./ledger.js";
import { scheduleDue } from "./schedule.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** The time of an entity has come (see `EntityTable.setDue`). Each kind says what that means; it has no time any more when this is called. */
export function due(s: State, row: number): void {
  const kind = s.entities.kind(row);
  s.entities.setDue(row, 0);
  switch (kind) {
    case EntityKind.budget:
      return budgetDue(s, row);
    case EntityKind.usage:
      return usageDue(s, row);
    case EntityKind.setting:
      releaseDue(s, row);
      return;
    case EntityKind.schedule:
      return scheduleDue(s, row);
    case EntityKind.workerOrder:
      return s.entities.remove(row);
    case EntityKind.bulkTask:
      return forgetTask(s, row);
    default:
      return;
  }
}
