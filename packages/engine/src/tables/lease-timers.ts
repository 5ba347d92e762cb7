import { ensure } from "../invariant.js";
import type { Pages } from "./pages.js";
import { TimerHeap } from "./timer-heap.js";

/** Places of the line to begin with, and at most: 1.3 MB. A power of two. */
const placesMin = 1024;
const placesMax = 65_536;
/** Marks a place whose row has left. */
const left = -1;

/**
 * Rows in the order of (time, tie), for times that mostly come in their order, as the ends of leases do. Those stand in a line: entering and
 * leaving is a few writes, where a heap moves a dozen rows. Whoever comes out of order, or finds the line full, goes to a heap beside it.
 *
 * Invariant: `pages.int(row, field)` is 0 when the row is in neither, −1 − place when it stands in the line, its place + 1 in the heap.
 */
export class LeaseTimers {
  private times = new Float64Array(placesMin);
  private ties = new Float64Array(placesMin);
  private rows = new Int32Array(placesMin).fill(left);
  private first = 0;
  /** Places from the first to the last, with those that were left. */
  private length = 0;
  /** Rows that stand in the line. */
  private standing = 0;
  private readonly heap: TimerHeap;

  constructor(
    private readonly pages: Pages,
    private readonly field: number,
  ) {
    this.heap = new TimerHeap(pages, field);
  }

  get size(): number {
    return this.standing + this.heap.size;
  }

  get bytes(): number {
    return this.rows.length * 20 + this.heap.bytes;
  }

  /** Time of the row that is next; Infinity: none. */
  get nextMs(): number {
    const { nextMs } = this.heap;
    return this.standing === 0 ? nextMs : Math.min(this.times[this.first], nextMs);
  }

  /** The row that is next; -1: none. */
  get next(): number {
    const { heap, first } = this;
    if (this.standing === 0) return heap.next;
    return heap.size === 0 || !heap.nextIsBefore(this.times[first], this.ties[first]) ? this.rows[first] : heap.next;
  }

  has(row: number): boolean {
    return this.pages.int(row, this.field) !== 0;
  }

  /** Puts a row in, which must not be in. Rows with the same time come in the order of `tie`. */
  add(row: number, timeMs: number, tie: number): void {
    if (this.length === this.rows.length) this.makeRoom();
    const mask = this.rows.length - 1;
    const last = (this.first + this.length - 1) & mask;
    const inOrder = this.length === 0 || timeMs > this.times[last] || (timeMs === this.times[last] && tie > this.ties[last]);
    if (!inOrder || this.length === this.rows.length) return this.heap.add(row, timeMs, tie);
    const at = (this.first + this.length++) & mask;
    this.times[at] = timeMs;
    this.ties[at] = tie;
    this.rows[at] = row;
    this.standing++;
    this.pages.setInt(row, this.field, -1 - at);
  }

  /** Takes a row out, if it is in. */
  remove(row: number): void {
    const place = this.pages.int(row, this.field);
    if (place >= 0) return this.heap.remove(row);
    this.pages.setInt(row, this.field, 0);
    const at = -1 - place;
    this.rows[at] = left;
    this.standing--;
    if (at === this.first) this.skipLeft();
  }

  /** Changes a row's time; the row must be in. */
  move(row: number, timeMs: number, tie: number): void {
    this.remove(row);
    this.add(row, timeMs, tie);
  }

  /** For restores, which build in one go: as `add`, but order comes with `order()`. */
  addUnordered(row: number, timeMs: number, tie: number): void {
    this.heap.addUnordered(row, timeMs, tie);
  }

  order(): void {
    this.heap.order();
  }

  /** The first place of the line is one where a row stands. */
  private skipLeft(): void {
    if (this.standing === 0) this.length = 0;
    const mask = this.rows.length - 1;
    while (this.length > 0 && this.rows[this.first] === left) {
      this.first = (this.first + 1) & mask;
      this.length--;
    }
  }

  /** The line is full: those who stand close up, in a longer line when they are more than half of it. Not beyond `placesMax`. */
  private makeRoom(): void {
    const { times, ties, rows, first, length } = this;
    const crowded = this.standing > rows.length / 2;
    if (crowded && rows.length === placesMax) return;
    const places = crowded ? rows.length * 2 : rows.length;
    this.times = new Float64Array(places);
    this.ties = new Float64Array(places);
    this.rows = new Int32Array(places).fill(left);
    let to = 0;
    for (let i = 0; i < length; i++) {
      const at = (first + i) & (rows.length - 1);
      const row = rows[at];
      if (row === left) continue;
      this.times[to] = times[at];
      this.ties[to] = ties[at];
      this.rows[to] = row;
      this.pages.setInt(row, this.field, -1 - to++);
    }
    this.first = 0;
    this.length = to;
  }

  /** Walks everything; `timeOf` says what a row's time should be. */
  check(name: string, timeOf: (row: number) => number): void {
    let standing = 0;
    let before = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.length; i++) {
      const at = (this.first + i) & (this.rows.length - 1);
      const row = this.rows[at];
      ensure(this.times[at] >= before, `${name}: place ${at} of the line is out of order`);
      before = this.times[at];
      if (row === left) continue;
      standing++;
      ensure(this.pages.int(row, this.field) === -1 - at, `${name}: row ${row} does not know its place ${at} in the line`);
      ensure(timeOf(row) === this.times[at], `${name}: row ${row} has time ${timeOf(row)} but stands at ${this.times[at]}`);
    }
    ensure(standing === this.standing, `${name}: ${standing} stand in the line, ${this.standing} counted`);
    ensure(this.length === 0 || this.rows[this.first] !== left, `${name}: the line begins with a place that was left`);
    this.heap.check(name, timeOf);
  }
}
