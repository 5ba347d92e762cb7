import { addToCount, countOf } from "./budget-keys.js";
import type { Command } from "./command.js";
import { auditRowsMax, auditRowsOfNamespaceMax } from "./limits.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const nothing = new Uint8Array(0);
/** Settings that count rows: of one namespace (before its number), and of all beside `default`. */
const ofOneCount = "audit rows of ";
const ofOthersCount = "audit rows of others than default";

/**
 * Adds a row to the audit log, as the leader wrote it; the oldest goes when there are too many. First number: log time. Who makes many
 * rows in another namespace drives out rows of that namespace, then of others like it, and none of `default`.
 */
export function audit(s: State, c: Command): void {
  const { entities } = s;
  const owner = entities.adding;
  if (owner === 0) {
    while (entities.count(EntityKind.audit) - countOf(s, ofOthersCount) >= auditRowsMax) removeOldest(s, (of) => of === 0);
  } else {
    while (countOf(s, ofOneCount + owner) >= auditRowsOfNamespaceMax) removeOldest(s, (of) => of === owner);
    while (countOf(s, ofOthersCount) >= auditRowsMax) removeOldest(s, (of) => of !== 0);
    countRow(s, owner, 1);
    entities.adding = owner;
  }
  const row = entities.add(EntityKind.audit, nothing, 0, 0, c.buf, c.start, c.end);
  entities.setNum(row, 0, s.logTimeMs);
}

function removeOldest(s: State, ofOwner: (owner: number) => boolean): void {
  const { entities } = s;
  let row = entities.first(EntityKind.audit);
  while (!ofOwner(entities.owner(row))) row = entities.following(row);
  const owner = entities.owner(row);
  entities.remove(row);
  if (owner !== 0) countRow(s, owner, -1);
}

/** The counts are nobody's. */
function countRow(s: State, owner: number, by: number): void {
  s.entities.adding = 0;
  addToCount(s, ofOneCount + owner, by);
  addToCount(s, ofOthersCount, by);
}
