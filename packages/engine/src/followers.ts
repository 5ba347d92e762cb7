import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { announceBatch, callbackAdded } from "./batch.js";
import { release } from "./dependencies.js";
import { insert, inserted } from "./enqueue.js";
import type { State } from "./state.js";

const reader = new EnqueueRequestReader();

/** Does what was called for (see `Follow`). */
export function addFollowers(s: State): void {
  if (s.follow.wanted.length > 0) add(s);
}

/** After a sweep: in the order in which the batches were made, whatever the order of the rows was. */
export function addFollowersOfSweep(s: State): void {
  if (s.follow.wanted.length === 0) return;
  s.follow.wanted.sort((a, b) => a.batch - b.batch);
  add(s);
}

function add(s: State): void {
  const { w, wanted } = s.follow;
  for (const { start, end, batch, completedSeq, completedCreatedMs } of wanted.splice(0)) {
    if (completedSeq !== 0) {
      release(s, completedSeq, completedCreatedMs);
      continue;
    }
    if (batch !== 0) announceBatch(s, batch);
    if (end === start) continue;
    const r = reader.read(w.buf, start, end);
    // Nobody is there to hear a refusal: a new queue is made even when there are too many.
    s.queueOf(r.buf, r.queueStart, r.queueEnd, true);
    insert(s, r);
    if (batch !== 0) callbackAdded(s, batch, inserted.seq, inserted.createdMs);
  }
  w.reset();
}
