import { HashIndex, hashNumber } from "./hash-index.js";
import { Pages } from "./pages.js";

/** Sequences of one row: a bit each. */
const span = 512;
const words = span / 32;
const bitsAt = 4;

enum F {
  block = 0,
}
enum I {
  segment = 2,
  next = 3,
}

/**
 * Jobs that were deleted, one by one, with others of a cleared queue, or with their queue: a bit per creation sequence, so a million
 * neighbours take 160 KB. Without it a deleted job could not be told from a finished one. A row goes when retention has dropped the
 * archive segment that was running when its last bit was set. Invariant: `segment` 0 means that the row is free.
 */
export class DeletedJobs extends Pages {
  private readonly index = new HashIndex();

  constructor(private readonly seed: number) {
    super(16 + span / 8, I.next);
  }

  override get bytes(): number {
    return super.bytes + this.index.bytes;
  }

  has(seq: number): boolean {
    if (this.used === 0) return false;
    const block = Math.floor(seq / span);
    const row = this.find(block);
    const bit = seq - block * span;
    return row !== -1 && (this.int(row, bitsAt + (bit >>> 5)) & (1 << (bit & 31))) !== 0;
  }

  add(seq: number, segment: number): void {
    const block = Math.floor(seq / span);
    let row = this.find(block);
    if (row === -1) {
      row = this.allocate();
      this.setNum(row, F.block, block);
      for (let i = 0; i < words; i++) this.setInt(row, bitsAt + i, 0);
      this.index.add(hashNumber(this.seed, block), row);
    } else this.touch(row);
    const bit = seq - block * span;
    this.setInt(row, I.segment, segment);
    this.setInt(row, bitsAt + (bit >>> 5), this.int(row, bitsAt + (bit >>> 5)) | (1 << (bit & 31)));
  }

  /** Forgets what was deleted while this archive segment, or an older one, was running. */
  dropThrough(segment: number): void {
    for (let row = 0; row < this.rows; row++) {
      if (this.isFree(row) || this.segment(row) > segment) continue;
      this.touch(row);
      this.index.remove(hashNumber(this.seed, this.block(row)), row);
      this.setInt(row, I.segment, 0);
      this.release(row);
    }
  }

  private find(block: number): number {
    for (let row = this.index.first(hashNumber(this.seed, block)); row !== -1; row = this.index.next()) if (this.block(row) === block) return row;
    return -1;
  }

  block(row: number): number {
    return this.num(row, F.block);
  }
  segment(row: number): number {
    return this.int(row, I.segment);
  }
  isFree(row: number): boolean {
    return this.segment(row) === 0;
  }
  /** The bits of a row, for digests. */
  bits(row: number): number[] {
    return Array.from({ length: words }, (_, i) => this.int(row, bitsAt + i) >>> 0);
  }

  restored(rows: number): void {
    this.finishRestore(rows, (row) => this.isFree(row));
    for (let row = 0; row < rows; row++) if (!this.isFree(row)) this.index.add(hashNumber(this.seed, this.block(row)), row);
  }

  freeRows(): number {
    return this.countFree((row) => this.isFree(row));
  }
}
