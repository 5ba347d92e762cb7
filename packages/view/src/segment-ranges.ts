import type BetterSqlite3 from "better-sqlite3";
import type { Db } from "./schema.js";

interface Range {
  low: number;
  high: number;
}

/**
 * Which sequences the jobs of each archive segment have, from the lowest to the highest: enough to find them when the segment goes, at the
 * cost of two comparisons a job. An index would take a microsecond. Ranges of two segments may overlap.
 */
export class SegmentRanges {
  private readonly ranges = new Map<number, Range>();
  private readonly changed = new Set<number>();
  private readonly put: BetterSqlite3.Statement;
  private readonly drop: BetterSqlite3.Statement;

  constructor(db: Db) {
    this.put = db.prepare("INSERT OR REPLACE INTO segments VALUES(?, ?, ?)");
    this.drop = db.prepare("DELETE FROM segments WHERE number <= ?");
    for (const { number, low, high } of db.prepare("SELECT number, low, high FROM segments").all() as (Range & { number: number })[])
      this.ranges.set(number, { low, high });
  }

  add(segment: number, seq: number): void {
    const range = this.ranges.get(segment);
    if (range === undefined) this.ranges.set(segment, { low: seq, high: seq });
    else if (seq < range.low) range.low = seq;
    else if (seq > range.high) range.high = seq;
    else return;
    this.changed.add(segment);
  }

  /** Writes down what changed, within the caller's transaction. */
  save(): void {
    for (const segment of this.changed) {
      const range = this.ranges.get(segment);
      if (range !== undefined) this.put.run(segment, range.low, range.high);
    }
    this.changed.clear();
  }

  /** The range of all segments up to this one, which are forgotten; undefined: there were none. */
  take(segment: number): Range | undefined {
    let found: Range | undefined;
    for (const [number, range] of this.ranges) {
      if (number > segment) continue;
      found = found === undefined ? range : { low: Math.min(found.low, range.low), high: Math.max(found.high, range.high) };
      this.ranges.delete(number);
    }
    this.drop.run(segment);
    return found;
  }
}
