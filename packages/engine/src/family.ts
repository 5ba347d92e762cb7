import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { JobFlag, JobState } from "./tables/job-table.js";

/**
 * Numbers of a family: what has become of the jobs that name the same parent. The parent need not exist.
 * Invariant: total = pending + succeeded + failed + cancelled + deleted.
 */
export const FamilyNumber = { total: 0, pending: 1, succeeded: 2, failed: 3, cancelled: 4, deleted: 5, endedMs: 6 } as const;

/** A new job has a parent. */
export function joinFamily(s: State, row: number, buf: Uint8Array, start: number, end: number): void {
  let family = s.entities.find(EntityKind.child, buf, start, end);
  if (family === -1) family = s.entities.add(EntityKind.child, buf, start, end, buf, 0, 0);
  s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.hasParent);
  count(s, family, FamilyNumber.total, 1);
  count(s, family, FamilyNumber.pending, 1);
}

/** A job with a parent ends; `state` 0: it is deleted. */
export function childEnded(s: State, buf: Uint8Array, start: number, end: number, state: number): void {
  const family = s.entities.find(EntityKind.child, buf, start, end);
  if (family === -1) return;
  count(s, family, FamilyNumber.pending, -1);
  count(s, family, numberOf(state), 1);
  s.entities.setNum(family, FamilyNumber.endedMs, s.logTimeMs);
}

/** A job with a parent that had ended in this state runs again. */
export function childRevived(s: State, row: number, buf: Uint8Array, start: number, end: number, state: number): void {
  const family = s.entities.find(EntityKind.child, buf, start, end);
  if (family === -1 || s.entities.num(family, numberOf(state)) === 0) return;
  s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.hasParent);
  count(s, family, numberOf(state), -1);
  count(s, family, FamilyNumber.pending, 1);
}

/** All children have ended, the last one before this time. */
export function familyIsOver(s: State, family: number, endedBeforeMs: number): boolean {
  return s.entities.num(family, FamilyNumber.pending) === 0 && s.entities.num(family, FamilyNumber.endedMs) < endedBeforeMs;
}

function numberOf(state: number): number {
  if (state === JobState.completed) return FamilyNumber.succeeded;
  if (state === JobState.dead) return FamilyNumber.failed;
  return state === JobState.cancelled ? FamilyNumber.cancelled : FamilyNumber.deleted;
}

function count(s: State, family: number, number: number, by: number): void {
  s.entities.setNum(family, number, s.entities.num(family, number) + by);
}
