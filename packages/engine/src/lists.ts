import { dropBudgetHold } from "./budget-holds.js";
import type { State } from "./state.js";
import { JobFlag, JobState } from "./tables/job-table.js";
import { listOf, priorities, type Queue } from "./tables/queues.js";

/**
 * Puts a job that is in no list at the tail of the list of its new state, and into the timers that belong to it. `dueMs`, `fence`,
 * `priority` and `waits` of the row must be right already. Invariant: a live row is in exactly one list, that of its queue and state.
 */
export function enter(s: State, row: number, queue: Queue, state: number): void {
  const { jobs } = s;
  s.touchQueue(queue);
  const list = listOf(state, jobs.priority(row), jobs.waits(row));
  const tail = queue.tail[list];
  jobs.setState(row, state);
  jobs.setQueue(row, queue.number);
  jobs.setEpoch(row, queue.epoch);
  jobs.setPrev(row, tail);
  jobs.setNext(row, -1);
  if (tail === -1) queue.head[list] = row;
  else {
    jobs.keep(tail);
    jobs.setNext(tail, row);
  }
  queue.tail[list] = row;
  queue.count[list]++;
  if (list < priorities) s.tickets.set(row, queue.order(list).draw());
  entered(s, row, queue, state);
}

/** The same for a job that becomes pending and is the next in turn of its priority. */
export function enterFirst(s: State, row: number, queue: Queue): void {
  const { jobs } = s;
  s.touchQueue(queue);
  const list = listOf(JobState.pending, jobs.priority(row), jobs.waits(row));
  const head = queue.head[list];
  jobs.setState(row, JobState.pending);
  jobs.setQueue(row, queue.number);
  jobs.setEpoch(row, queue.epoch);
  jobs.setPrev(row, -1);
  jobs.setNext(row, head);
  if (head === -1) queue.tail[list] = row;
  else {
    jobs.keep(head);
    jobs.setPrev(head, row);
  }
  queue.head[list] = row;
  queue.count[list]++;
  s.tickets.set(row, head === -1 ? queue.order(list).draw() : queue.order(list).drawBefore(s.tickets.of(head)));
  entered(s, row, queue, JobState.pending);
}

function entered(s: State, row: number, queue: Queue, state: number): void {
  const { jobs } = s;
  const seq = jobs.seq(row);
  // Since when it is pending, for the time that it waits.
  if (state === JobState.pending && s.level >= 2) jobs.setDueMs(row, s.logTimeMs);
  if (state === JobState.active) s.leases.add(row, jobs.dueMs(row), jobs.fence(row));
  else {
    if (state === JobState.scheduled || state === JobState.retrying) s.due.add(row, jobs.dueMs(row), seq);
    else if (state === JobState.pending && jobs.waits(row) === 0) s.wake(queue);
    if (jobs.expireMs(row) !== 0) s.expiries.add(row, jobs.expireMs(row), seq);
  }
  s.hash.mix(state, seq, queue.serial);
  s.hash.mix(jobs.attempt(row), jobs.fence(row), jobs.dueMs(row));
}

/** Takes a live job out of its list and its timers. Its state stays until it enters another list or is removed. */
export function leave(s: State, row: number): Queue {
  const { jobs } = s;
  jobs.touch(row);
  const queue = s.queues.of(jobs.queue(row));
  s.touchQueue(queue);
  const state = jobs.state(row);
  const list = listOf(state, jobs.priority(row), jobs.waits(row));
  const prev = jobs.prev(row);
  const next = jobs.next(row);
  if (prev === -1) queue.head[list] = next;
  else {
    jobs.keep(prev);
    jobs.setNext(prev, next);
  }
  if (next === -1) queue.tail[list] = prev;
  else {
    jobs.keep(next);
    jobs.setPrev(next, prev);
  }
  queue.count[list]--;
  if (list < priorities) queue.order(list).giveBack(s.tickets.of(row));
  if (state === JobState.active) {
    s.measured.running.add(s.logTimeMs - jobs.startedMs(row));
    s.leases.remove(row);
    if (queue.concurrencyMax !== 0 && queue.pending > 0) s.wake(queue);
  } else {
    if (state === JobState.scheduled || state === JobState.retrying) s.due.remove(row);
    if (jobs.expireMs(row) !== 0) s.expiries.remove(row);
    if (state === JobState.held && (jobs.flags(row) & JobFlag.overBudget) !== 0) dropBudgetHold(s, row);
  }
  return queue;
}

/** Says which worker holds a job; 0: none. */
export function assign(s: State, row: number, worker: number): void {
  const before = s.jobs.worker(row);
  if (before === worker) return;
  if (before !== 0) s.workers.byNumber[before]!.jobs--;
  if (worker !== 0) s.workers.byNumber[worker]!.jobs++;
  s.jobs.setWorker(row, worker);
}

/** From any live state back to the tail of its priority. */
export function makePending(s: State, row: number): Queue {
  const queue = leave(s, row);
  s.jobs.setDueMs(row, 0);
  assign(s, row, 0);
  enter(s, row, queue, JobState.pending);
  return queue;
}
