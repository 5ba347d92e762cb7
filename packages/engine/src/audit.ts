import type { Command } from "./command.js";
import { auditRowsMax } from "./limits.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const nothing = new Uint8Array(0);

/** Adds a row to the audit log, as the leader wrote it; the oldest goes when there are too many. First number: log time. */
export function audit(s: State, c: Command): void {
  const { entities } = s;
  while (entities.count(EntityKind.audit) >= auditRowsMax) entities.remove(entities.first(EntityKind.audit));
  const row = entities.add(EntityKind.audit, nothing, 0, 0, c.buf, c.start, c.end);
  entities.setNum(row, 0, s.logTimeMs);
}
