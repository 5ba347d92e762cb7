import { checkPlaces } from "./explain/place.js";
import { ensure } from "./invariant.js";
import { checkRelations } from "./relation-invariants.js";
import { Flag, Num } from "./schedule.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { JobState } from "./tables/job-table.js";
import { listOf, listsPerQueue, priorities, type Queue } from "./tables/queues.js";
import { nextTimerMs } from "./tick.js";
import { checkWebhooks } from "./webhooks.js";

/** Walks lists, counters, timers, indexes and texts and compares them with each other. Throws InvariantBroken. */
export function checkInvariants(s: State): void {
  const seen = new Set<number>();
  let waiting = 0;
  for (const queue of s.queues.bySerial.values()) {
    ensure(s.queues.byNumber[queue.number] === queue && !queue.destroyed, `queue ${queue.name} is not where its number says`);
    ensure(s.queues.find(queue.nameBytes, 0, queue.nameBytes.length) === queue, `queue ${queue.name} is not found by name`);
    for (let list = 0; list < listsPerQueue; list++) checkList(s, queue, list, seen);
    for (const counter of [queue.completed, queue.dead, queue.cancelled, queue.failed]) ensure(counter >= 0, `queue ${queue.name}: a counter below 0`);
  }
  for (const head of s.garbage.waiting()) {
    for (let row = head; row !== -1; row = s.jobs.next(row)) {
      ensure(!seen.has(row), `row ${row} is garbage and in a list`);
      ensure(s.jobs.state(row) !== 0 && !s.visible(row), `garbage row ${row} can be found`);
      seen.add(row);
      waiting++;
    }
  }
  ensure(waiting === s.garbage.rows, `${waiting} rows wait for the sweep, ${s.garbage.rows} counted`);
  ensure(seen.size === s.jobs.used, `${s.jobs.used} rows in use, ${seen.size} in lists`);
  ensure(s.jobs.freeRows() + s.jobs.used === s.jobs.rows, "job rows are neither free nor used");
  ensure(s.locks.freeRows() + s.locks.used === s.locks.rows, "lock rows are neither free nor used");
  ensure(s.remembered.freeRows() + s.remembered.used === s.remembered.rows, "request rows are neither free nor used");
  ensure(s.marks.freeRows() + s.marks.used === s.marks.rows, "mark rows are neither free nor used");
  ensure(s.deleted.freeRows() + s.deleted.used === s.deleted.rows, "rows of deleted jobs are neither free nor used");
  checkRows(s);
  s.leases.check("leases", (row) => s.jobs.dueMs(row));
  s.due.check("due", (row) => s.jobs.dueMs(row));
  s.expiries.check("expiries", (row) => s.jobs.expireMs(row));
  s.locks.expiries.check("locks", (lock) => s.locks.expiresMs(lock));
  ensure(s.locks.expiries.size === s.locks.used, "a lock has no timer");
  s.entities.check();
  checkSchedules(s);
  s.arena.check(s);
  checkCounts(s);
  checkWebhooks(s);
  checkRelations(s);
  nextTimerMs(s);
}

/** What follows from the schedules is what they say. */
function checkSchedules(s: State): void {
  const { entities: e } = s;
  let asking = 0;
  let awaited = 0;
  for (let row = e.first(EntityKind.schedule); row !== -1; row = e.following(row)) {
    const serial = e.serial(row);
    const asks = (e.flag(row) & Flag.asks) !== 0;
    if (asks) asking++;
    ensure(asks === s.asking.has(serial), `schedule ${serial} asks for slots, or does not, and nobody knows`);
    ensure(!asks || (e.flag(row) & Flag.paused) === 0, `schedule ${serial} is paused and asks for slots`);
    ensure(
      e.num(row, Num.lastSlotMs) <= Math.max(e.num(row, Num.settledMs), e.num(row, Num.bufferedMs)),
      `schedule ${serial}: a slot fired that is not settled`,
    );
    if (e.num(row, Num.bufferedMs) === 0) continue;
    awaited++;
    ensure(s.awaited.get(e.num(row, Num.lastSeq)) === serial, `schedule ${serial} waits for a job, and nobody knows`);
  }
  ensure(s.asking.size === asking && s.awaited.size === awaited, "a schedule that is gone asks or waits");
}

function checkList(s: State, queue: Queue, list: number, seen: Set<number>): void {
  const { jobs } = s;
  let prev = -1;
  let count = 0;
  for (let row = queue.head[list]; row !== -1; row = jobs.next(row)) {
    ensure(!seen.has(row), `row ${row} is in two lists`);
    seen.add(row);
    ensure(jobs.prev(row) === prev, `row ${row} does not know its neighbour`);
    ensure(jobs.queue(row) === queue.number && listOf(jobs.state(row), jobs.priority(row), jobs.waits(row)) === list, `row ${row} is in the wrong list`);
    ensure(s.visible(row), `row ${row} is in a list but cannot be found`);
    prev = row;
    count++;
  }
  if (list < priorities) checkPlaces(s, queue, list);
  ensure(queue.tail[list] === prev && queue.count[list] === count, `queue ${queue.name}, list ${list}: ${count} rows, ${queue.count[list]} counted`);
}

function checkRows(s: State): void {
  const { jobs } = s;
  const held = new Map<number, number>();
  for (let row = 0; row < jobs.rows; row++) {
    const state = jobs.state(row);
    if (state === 0) continue;
    ensure(s.sequences.get(jobs.seq(row)) === row, `row ${row} is not found by its sequence`);
    ensure(jobs.seq(row) <= s.lastSeq && jobs.fence(row) <= s.lastFence, `row ${row} is from the future`);
    ensure(s.holds(0, row, jobs.request(row)), `row ${row} has no request`);
    const timer = state === JobState.active || state === JobState.scheduled || state === JobState.retrying;
    const heap = state === JobState.active ? s.leases : s.due;
    if (s.visible(row)) {
      ensure(heap.has(row) === timer, `row ${row} in state ${state} has the wrong timer`);
      ensure(s.expiries.has(row) === (jobs.expireMs(row) !== 0 && state !== JobState.active), `row ${row} in state ${state} has the wrong expiry`);
      ensure(state !== JobState.active || jobs.fence(row) !== 0, `row ${row} is active without a fence`);
      ensure(jobs.worker(row) === 0 || state === JobState.active, `row ${row} in state ${state} has a worker`);
    }
    const worker = jobs.worker(row);
    if (worker !== 0) held.set(worker, (held.get(worker) ?? 0) + 1);
  }
  for (const worker of s.workers.byNumber) {
    if (worker !== undefined) ensure(worker.jobs === (held.get(worker.number) ?? 0), `worker ${worker.number} counts ${worker.jobs} jobs`);
  }
}

/** Counters of finished jobs are the sums over archive segments. */
function checkCounts(s: State): void {
  const sums = new Map<number, number[]>();
  for (const segment of s.archive.segments) {
    for (const [serial, counts] of segment.counts) {
      const sum = sums.get(serial) ?? [0, 0, 0];
      sums.set(serial, [sum[0] + counts.completed, sum[1] + counts.dead, sum[2] + counts.cancelled]);
    }
  }
  for (const queue of s.queues.bySerial.values()) {
    const [completed, dead, cancelled] = sums.get(queue.serial) ?? [0, 0, 0];
    ensure(queue.completed === completed && queue.dead === dead && queue.cancelled === cancelled, `queue ${queue.name}: finished jobs are miscounted`);
  }
}

/** Every list of jobs ends after as many rows as it counts. */
export function checkLists(s: State): void {
  for (const queue of s.queues.bySerial.values()) {
    for (let list = 0; list < listsPerQueue; list++) {
      let row = queue.head[list];
      for (let left = queue.count[list]; left > 0 && row !== -1; left--) {
        ensure(row >= 0 && row < s.jobs.rows, `queue ${queue.name}: row ${row} is none`);
        row = s.jobs.next(row);
      }
      ensure(row === -1, `queue ${queue.name}: list ${list} does not end where it should`);
    }
  }
}
