import { ended } from "./ended.js";
import { forget, releaseKey } from "./finish.js";
import type { State } from "./state.js";
import { JobState } from "./tables/job-table.js";
import type { LeaseTimers } from "./tables/lease-timers.js";
import { priorities, type Queue } from "./tables/queues.js";
import type { TimerHeap } from "./tables/timer-heap.js";

/**
 * Rows of cleared lists and destroyed queues. Clearing only unhooks a list: nobody finds its rows any more (`State.visible`), and each
 * entry sweeps some of them away, so that clearing a million jobs takes no longer than clearing one.
 */
export class Garbage {
  /** First rows of unhooked lists; those before `at` are swept. */
  lists: number[] = [];
  private at = 0;
  /** Lists ever unhooked and swept. */
  unhooked = 0;
  swept = 0;
  /** Rows that wait. */
  rows = 0;
  /** Destroyed queues in that order; a number is free again when so many lists are swept. */
  dying: { queue: Queue; after: number }[] = [];

  /** Takes a whole list out of its queue. The caller has touched the queue. */
  unhook(queue: Queue, list: number): void {
    const head = queue.head[list];
    if (head === -1) return;
    this.lists.push(head);
    this.unhooked++;
    this.rows += queue.count[list];
    queue.head[list] = -1;
    queue.tail[list] = -1;
    queue.count[list] = 0;
    if (list < priorities) queue.order(list).reset();
  }

  /** Frees up to `max` rows, and the numbers of queues that have none left. */
  sweep(s: State, max: number): void {
    if (this.unhooked === this.swept && this.dying.length === 0) return;
    const { jobs } = s;
    for (let left = max; left > 0 && this.at < this.lists.length; left--) {
      const row = this.lists[this.at];
      this.lists[this.at] = jobs.next(row);
      jobs.keep(row);
      this.free(s, row);
      this.rows--;
      if (this.lists[this.at] !== -1) continue;
      this.at++;
      this.swept++;
      if (this.at < 1024) continue;
      this.lists = this.lists.slice(this.at);
      this.at = 0;
    }
    if (this.at === this.lists.length) {
      this.lists = [];
      this.at = 0;
    }
    while (this.dying.length > 0 && this.dying[0].after <= this.swept) s.queues.recycle(this.dying.shift()!.queue);
  }

  private free(s: State, row: number): void {
    const { jobs } = s;
    if (s.level >= 2) ended(s, row, 0, undefined);
    timerOf(s, row)?.remove(row);
    if (jobs.expireMs(row) !== 0) s.expiries.remove(row);
    const lock = jobs.lock(row);
    const queue = s.queues.of(jobs.queue(row));
    if (lock !== -1 && queue.destroyed && s.locks.queueSerial(lock) === queue.serial) releaseKey(s, row);
    // Rows that the view has seen last go with their queue, or with the list that was cleared; this one may not be what it saw.
    if (s.feed?.isChanged(row)) s.feed.deleted(jobs.seq(row));
    s.deleted.add(jobs.seq(row), s.archive.next.segment);
    forget(s, row);
  }

  /** First rows of the lists that wait. */
  waiting(): number[] {
    return this.lists.slice(this.at);
  }
}

function timerOf(s: State, row: number): LeaseTimers | TimerHeap | undefined {
  const state = s.jobs.state(row);
  if (state === JobState.active) return s.leases;
  return state === JobState.retrying || state === JobState.scheduled ? s.due : undefined;
}
