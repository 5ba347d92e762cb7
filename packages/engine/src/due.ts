import type { State } from "./state.js";

/** The time of an entity has come (see `EntityTable.setDue`). Each kind says what that means; it has no time any more when this is called. */
export function due(s: State, row: number): void {
  const kind = s.entities.kind(row);
  s.entities.setDue(row, 0);
  switch (kind) {
    default:
      return;
  }
}
