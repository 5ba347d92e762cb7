import { ensure } from "../invariant.js";
import type { State } from "../state.js";
import type { Queue } from "../tables/queues.js";

/** Place of a pending job in its queue, exact: 1 is next. Costs a walk over at most 1,024 jobs, and one number per 1,024 of the rest. */
export function placeOf(s: State, row: number, queue: Queue): number {
  const { jobs, tickets } = s;
  const priority = jobs.priority(row);
  let ahead = 0;
  for (let higher = 0; higher < priority; higher++) ahead += queue.count[higher];
  const order = queue.orders[priority]!;
  const ticket = tickets.of(row);
  ahead += order.before(ticket);
  for (let before = jobs.prev(row); before !== -1 && order.sameBlock(ticket, tickets.of(before)); before = jobs.prev(before)) ahead++;
  return ahead + 1;
}

/** Says that a place is what a walk along the line would give, for some of the jobs of a list. */
export function checkPlaces(s: State, queue: Queue, list: number): void {
  let ahead = 0;
  for (let higher = 0; higher < list; higher++) ahead += queue.count[higher];
  let before = Number.NEGATIVE_INFINITY;
  for (let row = queue.head[list]; row !== -1; row = s.jobs.next(row)) {
    const ticket = s.tickets.of(row);
    ensure(ticket > before, `row ${row} has an older ticket than the one before it`);
    before = ticket;
    ahead++;
    if (ahead % 97 === 1 || row === queue.tail[list]) ensure(placeOf(s, row, queue) === ahead, `row ${row} is number ${ahead} and believes to be another`);
  }
  ensure((queue.orders[list]?.jobs ?? 0) === queue.count[list], `queue ${queue.name}, list ${list}: tickets do not add up`);
}
