import { ensure } from "../invariant.js";
import type { Pages } from "./pages.js";

const shift = 12;
const inChunk = (1 << shift) - 1;

/**
 * Rows in the order of (time, tie): a binary heap that also knows where each row is, so that any row can leave. It grows in chunks
 * that never move. Invariant: `pages.int(row, field)` is one more than the row's place; 0 means that it is not here.
 */
export class TimerHeap {
  size = 0;
  private readonly times: Float64Array[] = [];
  private readonly ties: Float64Array[] = [];
  private readonly rows: Int32Array[] = [];

  constructor(
    private readonly pages: Pages,
    private readonly field: number,
  ) {}

  get bytes(): number {
    return this.rows.length * (inChunk + 1) * 20;
  }

  /** Time of the row that is next; Infinity: none. */
  get nextMs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.times[0][0];
  }

  /** The row that is next; -1: none. */
  get next(): number {
    return this.size === 0 ? -1 : this.rows[0][0];
  }

  /** Is the row that is next before this? There must be one. */
  nextIsBefore(timeMs: number, tie: number): boolean {
    return this.after(timeMs, tie, 0);
  }

  has(row: number): boolean {
    return this.pages.int(row, this.field) !== 0;
  }

  /** Puts a row in, which must not be in. Rows with the same time come in the order of `tie`. */
  add(row: number, timeMs: number, tie: number): void {
    const at = this.size++;
    if (at >>> shift === this.rows.length) {
      this.times.push(new Float64Array(inChunk + 1));
      this.ties.push(new Float64Array(inChunk + 1));
      this.rows.push(new Int32Array(inChunk + 1));
    }
    this.rise(at, row, timeMs, tie);
  }

  /** Takes a row out, if it is in. */
  remove(row: number): void {
    const place = this.pages.int(row, this.field);
    if (place === 0) return;
    this.pages.setInt(row, this.field, 0);
    const at = place - 1;
    const last = --this.size;
    if (at === last) return;
    const c = last >>> shift;
    const i = last & inChunk;
    const lastRow = this.rows[c][i];
    const timeMs = this.times[c][i];
    const tie = this.ties[c][i];
    const parent = (at - 1) >>> 1;
    if (at > 0 && this.before(timeMs, tie, parent)) this.rise(at, lastRow, timeMs, tie);
    else this.sink(at, lastRow, timeMs, tie);
  }

  /** Changes a row's time; the row must be in. */
  move(row: number, timeMs: number, tie: number): void {
    this.remove(row);
    this.add(row, timeMs, tie);
  }

  /** For restores, which build in one go: as `add`, but order comes with `order()`. */
  addUnordered(row: number, timeMs: number, tie: number): void {
    const at = this.size;
    this.size++;
    if (at >>> shift === this.rows.length) {
      this.times.push(new Float64Array(inChunk + 1));
      this.ties.push(new Float64Array(inChunk + 1));
      this.rows.push(new Int32Array(inChunk + 1));
    }
    this.put(at, row, timeMs, tie);
  }

  order(): void {
    for (let at = (this.size >>> 1) - 1; at >= 0; at--) {
      const c = at >>> shift;
      const i = at & inChunk;
      this.sink(at, this.rows[c][i], this.times[c][i], this.ties[c][i]);
    }
  }

  private rise(from: number, row: number, timeMs: number, tie: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.before(timeMs, tie, parent)) break;
      this.copy(parent, at);
      at = parent;
    }
    this.put(at, row, timeMs, tie);
  }

  private sink(from: number, row: number, timeMs: number, tie: number): void {
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.size) break;
      const right = child + 1;
      if (right < this.size && this.before(this.times[right >>> shift][right & inChunk], this.ties[right >>> shift][right & inChunk], child)) child = right;
      if (!this.after(timeMs, tie, child)) break;
      this.copy(child, at);
      at = child;
    }
    this.put(at, row, timeMs, tie);
  }

  private before(timeMs: number, tie: number, at: number): boolean {
    const other = this.times[at >>> shift][at & inChunk];
    return timeMs < other || (timeMs === other && tie < this.ties[at >>> shift][at & inChunk]);
  }

  private after(timeMs: number, tie: number, at: number): boolean {
    const other = this.times[at >>> shift][at & inChunk];
    return timeMs > other || (timeMs === other && tie > this.ties[at >>> shift][at & inChunk]);
  }

  private copy(from: number, to: number): void {
    this.put(to, this.rows[from >>> shift][from & inChunk], this.times[from >>> shift][from & inChunk], this.ties[from >>> shift][from & inChunk]);
  }

  private put(at: number, row: number, timeMs: number, tie: number): void {
    const c = at >>> shift;
    const i = at & inChunk;
    this.rows[c][i] = row;
    this.times[c][i] = timeMs;
    this.ties[c][i] = tie;
    this.pages.setInt(row, this.field, at + 1);
  }

  /** Walks everything; `timeOf` says what a row's time should be. */
  check(name: string, timeOf: (row: number) => number): void {
    for (let at = 0; at < this.size; at++) {
      const row = this.rows[at >>> shift][at & inChunk];
      const timeMs = this.times[at >>> shift][at & inChunk];
      ensure(this.pages.int(row, this.field) === at + 1, `${name}: row ${row} does not know its place ${at}`);
      ensure(timeOf(row) === timeMs, `${name}: row ${row} has time ${timeOf(row)} but lies at ${timeMs}`);
      if (at > 0) ensure(!this.before(timeMs, this.ties[at >>> shift][at & inChunk], (at - 1) >>> 1), `${name}: place ${at} is before its parent`);
    }
  }
}
