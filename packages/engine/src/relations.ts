import { putInt32, putRange, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { type EnqueueRequestReader, EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { batchIsOver, batchRefusal, joinBatch, memberRevived } from "./batch.js";
import { chainIsOver, joinChain, joinedChain, readChain, stepRevived } from "./chain.js";
import { awaitedAgain, dependencyRefusal, waitForOthers } from "./dependencies.js";
import { childRevived, familyIsOver, joinFamily } from "./family.js";
import type { State } from "./state.js";
import { TextKind } from "./tables/arena.js";
import { EntityKind } from "./tables/entities.js";

const w = new Writer(4096);

/** Does this request join its job to others? */
export function hasRelations(s: State, r: EnqueueRequestReader): boolean {
  return r.hasChain || r.dependsOnCount > 0 || r.batchIdEnd > r.batchIdStart || r.parentIdEnd > r.parentIdStart || s.intoBatch !== 0;
}

/** Why it cannot. Refusals, in order: its chain has no steps; its batch is unknown or sealed; a dependency is none. */
export function relationsRefusal(s: State, r: EnqueueRequestReader): Refusal | undefined {
  if (r.hasChain && r.chainEnd === r.chainStart) return refuse("invalid_argument", "INVALID_VALUE", "a chain needs at least 2 steps", { field: "chain.steps" });
  if (r.hasChain) readChain(r);
  if (r.batchIdEnd > r.batchIdStart) {
    const refusal = batchRefusal(s, r.buf, r.batchIdStart, r.batchIdEnd);
    if (refusal !== undefined) return refusal;
  }
  return r.dependsOnCount > 0 ? dependencyRefusal(s, r) : undefined;
}

/**
 * Joins a new job to others and puts its request into the arena: as it came, with the ids of the batch and chain behind it that the
 * request does not name (of a field that is there twice the last one counts).
 */
export function joinOthers(s: State, row: number, r: EnqueueRequestReader): number {
  const { entities } = s;
  w.reset();
  w.ensure(r.end - r.start);
  w.buf.set(r.buf.subarray(r.start, r.end), 0);
  w.pos = r.end - r.start;
  if (r.parentIdEnd > r.parentIdStart) joinFamily(s, row, r.buf, r.parentIdStart, r.parentIdEnd);
  if (s.intoBatch !== 0) {
    const batch = entities.bySerial(s.intoBatch);
    joinBatch(s, row, batch);
    const id = entities.keyOf(batch);
    putRange(w, EnqueueRequestTag.batchId, id, 0, id.length);
  } else if (r.batchIdEnd > r.batchIdStart) joinBatch(s, row, entities.find(EntityKind.batch, r.buf, r.batchIdStart, r.batchIdEnd));
  if (r.hasChain && joinChain(s, row, r)) {
    putRange(w, EnqueueRequestTag.chainId, joinedChain, 0, joinedChain.length);
    // A caller that keeps its own steps may leave the name of the chain to us. Entries of an old level took its step away.
    putInt32(w, EnqueueRequestTag.chainStep, s.level >= 2 && r.hasChainStep ? r.chainStep : 0);
  }
  if (r.dependsOnCount > 0) waitForOthers(s, row, r);
  return s.arena.put(TextKind.request, row, w.buf, 0, w.pos);
}

/** A job that had ended in this state runs again. Its row is in no list yet. */
export function rejoinOthers(s: State, row: number, r: EnqueueRequestReader, state: number): void {
  if (r.batchIdEnd > r.batchIdStart) memberRevived(s, row, r.buf, r.batchIdStart, r.batchIdEnd, state);
  if (r.hasChain) stepRevived(s, row, r);
  if (r.parentIdEnd > r.parentIdStart) childRevived(s, row, r.buf, r.parentIdStart, r.parentIdEnd, state);
  // One that was handed out once had nobody left to wait for: what was met stays met.
  if (r.dependsOnCount > 0 && s.jobs.startedMs(row) === 0) waitForOthers(s, row, r);
  awaitedAgain(s, row);
}

/** At most so many go with one purge; the others with the next. */
const forgottenMax = 100_000;

/** Forgets batches, chains and families of which nothing is to come and whose end was before this time. */
export function forgetRelations(s: State, endedBeforeMs: number): void {
  let left = forgottenMax;
  for (const [kind, isOver] of [
    [EntityKind.batch, batchIsOver],
    [EntityKind.chain, chainIsOver],
    [EntityKind.child, familyIsOver],
  ] as const) {
    for (let entity = s.entities.first(kind); entity !== -1 && left > 0; ) {
      const next = s.entities.following(entity);
      if (isOver(s, entity, endedBeforeMs)) {
        s.entities.remove(entity);
        left--;
      }
      entity = next;
    }
  }
}
