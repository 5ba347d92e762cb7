import { HashIndex, hashNumber } from "./hash-index.js";
import { Pages } from "./pages.js";

enum F {
  seq = 0,
}
enum I {
  segment = 2,
  offset = 3,
  kind = 4,
  next = 5,
}

/** What a mark says about the records of a job. */
export const MarkKind = {
  /** The job runs again: its records are void. */
  revived: 1,
  /** The record at the mark's place is the one that counts; older ones are void. */
  moved: 2,
} as const;

/**
 * What cannot be seen from the archive alone, for jobs that ran again, or were moved, after they were finished. A mark goes with the
 * segment that it names, when retention drops it. Invariant: `kind` 0 means that the row is free.
 */
export class ArchiveMarks extends Pages {
  private readonly index = new HashIndex();

  constructor(private readonly seed: number) {
    super(24, I.next);
  }

  override get bytes(): number {
    return super.bytes + this.index.bytes;
  }

  find(seq: number): number {
    for (let mark = this.index.first(hashNumber(this.seed, seq)); mark !== -1; mark = this.index.next()) if (this.seq(mark) === seq) return mark;
    return -1;
  }

  set(seq: number, kind: number, segment: number, offset: number): void {
    let mark = this.find(seq);
    if (mark === -1) {
      mark = this.allocate();
      this.setNum(mark, F.seq, seq);
      this.index.add(hashNumber(this.seed, seq), mark);
    } else this.touch(mark);
    this.setInt(mark, I.kind, kind);
    this.setInt(mark, I.segment, segment);
    this.setInt(mark, I.offset, offset);
  }

  remove(mark: number): void {
    this.touch(mark);
    this.index.remove(hashNumber(this.seed, this.seq(mark)), mark);
    this.setInt(mark, I.kind, 0);
    this.release(mark);
  }

  /** Drops the marks of segments up to this one. */
  dropThrough(segment: number): void {
    for (let mark = 0; mark < this.rows; mark++) if (this.kind(mark) !== 0 && this.segment(mark) <= segment) this.remove(mark);
  }

  seq(mark: number): number {
    return this.num(mark, F.seq);
  }
  kind(mark: number): number {
    return this.int(mark, I.kind);
  }
  segment(mark: number): number {
    return this.int(mark, I.segment);
  }
  offset(mark: number): number {
    return this.int(mark, I.offset);
  }

  restored(rows: number): void {
    this.finishRestore(rows, (mark) => this.kind(mark) === 0);
    for (let mark = 0; mark < rows; mark++) if (this.kind(mark) !== 0) this.index.add(hashNumber(this.seed, this.seq(mark)), mark);
  }

  freeRows(): number {
    return this.countFree((mark) => this.kind(mark) === 0);
  }
}
