import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { memberEnded } from "./batch.js";
import { stepEnded } from "./chain.js";
import { forgetOthers } from "./dependencies.js";
import type { DocumentEdit } from "./document.js";
import { childEnded } from "./family.js";
import type { State } from "./state.js";
import { type FinishedState, JobFlag, JobState } from "./tables/job-table.js";

const request = new EnqueueRequestReader();
const related = JobFlag.chained | JobFlag.awaited | JobFlag.hasParent;

/**
 * A job ends: called once, whatever ended it, while its row and document are still there and before its archive record is written.
 * Here hangs whatever waits for jobs to end. `state` 0: it is deleted, alone or with its queue; `change` is what the ending verb says
 * about its document.
 */
export function ended(s: State, row: number, state: FinishedState | 0, change: DocumentEdit | undefined): void {
  s.change(); // what is only looked at must not call for jobs
  const { jobs } = s;
  const flags = jobs.flags(row);
  const batch = jobs.batch(row);
  if (s.endedNow !== undefined) s.endedNow.set(jobs.seq(row), { state, createdMs: jobs.createdMs(row) });
  if ((flags & related) === 0 && batch === 0 && jobs.waits(row) === 0) return;
  if (batch !== 0) memberEnded(s, batch, state);
  if ((flags & JobFlag.chained) !== 0) stepEnded(s, row, state, change);
  if (jobs.waits(row) !== 0) forgetOthers(s, row);
  if ((flags & JobFlag.hasParent) !== 0) {
    const address = jobs.request(row);
    const start = s.arena.start(address);
    const r = request.read(s.arena.memory(address), start, start + s.arena.length(address));
    childEnded(s, r.buf, r.parentIdStart, r.parentIdEnd, state);
  }
  if ((flags & JobFlag.awaited) !== 0 && state === JobState.completed) s.follow.completed(jobs.seq(row), jobs.createdMs(row));
}
