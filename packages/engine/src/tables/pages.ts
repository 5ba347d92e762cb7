import { InvariantBroken } from "../invariant.js";

export const pageShift = 10;
/** Rows of one page. A page of the job table is 112 KiB: small enough that copying it while a cut runs is not noticed. */
export const pageRows = 1 << pageShift;
export const inPage = pageRows - 1;

/**
 * Rows of fixed size in pages that never move, so that a table grows without copying and a snapshot can be cut while it changes.
 * A row is `strideBytes` long and is seen through three views: doubles, 32-bit integers, bytes. Which field lies where is the
 * subclass's business.
 *
 * While a cut runs, the first write to a page copies it. `touch(row)` does that; whoever changes a row calls it before. Fields that
 * a restore computes anew (places in heaps) may be written without it.
 */
export class Pages {
  readonly f64: Float64Array<ArrayBuffer>[] = [];
  readonly i32: Int32Array<ArrayBuffer>[] = [];
  readonly u8: Uint8Array<ArrayBuffer>[] = [];
  /** Rows below this number have been used at least once. */
  rows = 0;
  /** Rows that are in use now. */
  used = 0;
  private free = -1;
  private cutting: Pick<PagesCut, "keep"> | undefined;

  constructor(
    /** A multiple of 8. */
    readonly strideBytes: number,
    /** The integer field that links free rows. */
    private readonly linkField: number,
  ) {}

  get bytes(): number {
    return this.pages * this.strideBytes * pageRows;
  }

  get pages(): number {
    return this.u8.length;
  }

  int(row: number, field: number): number {
    return this.i32[row >>> pageShift][(row & inPage) * (this.strideBytes >>> 2) + field];
  }

  setInt(row: number, field: number, value: number): void {
    this.i32[row >>> pageShift][(row & inPage) * (this.strideBytes >>> 2) + field] = value;
  }

  num(row: number, field: number): number {
    return this.f64[row >>> pageShift][(row & inPage) * (this.strideBytes >>> 3) + field];
  }

  setNum(row: number, field: number, value: number): void {
    this.f64[row >>> pageShift][(row & inPage) * (this.strideBytes >>> 3) + field] = value;
  }

  byte(row: number, at: number): number {
    return this.u8[row >>> pageShift][(row & inPage) * this.strideBytes + at];
  }

  setByte(row: number, at: number, value: number): void {
    this.u8[row >>> pageShift][(row & inPage) * this.strideBytes + at] = value;
  }

  /** Call before changing a row. */
  touch(row: number): void {
    if (this.cutting !== undefined) this.cutting.keep(row >>> pageShift);
  }

  /** A row to fill. Its old content is still in it: set every field. */
  protected allocate(): number {
    const row = this.free;
    if (row !== -1) {
      this.touch(row);
      this.free = this.int(row, this.linkField);
      this.used++;
      return row;
    }
    const next = this.rows;
    this.touch(next);
    if (next >>> pageShift === this.pages) this.addPage(new ArrayBuffer(this.strideBytes * pageRows));
    this.rows++;
    this.used++;
    return next;
  }

  /** Gives a row back. The subclass has marked it as free (see `isFree`). */
  protected release(row: number): void {
    this.used--;
    this.setInt(row, this.linkField, this.free);
    this.free = row;
  }

  private addPage(buffer: ArrayBuffer): void {
    this.f64.push(new Float64Array(buffer));
    this.i32.push(new Int32Array(buffer));
    this.u8.push(new Uint8Array(buffer));
  }

  /** The rows as they are now, page by page, although they go on changing. */
  cut(): PagesCut {
    if (this.cutting !== undefined) throw new InvariantBroken("two cuts of one table at a time");
    const cut = new PagesCut(this, () => {
      this.cutting = undefined;
    });
    this.cutting = cut;
    return cut;
  }

  /** Until the function that comes back is called, the first change calls `guard`, which throws. A cut that runs does not see it. */
  guard(guard: () => never): () => void {
    const { cutting } = this;
    this.cutting = { keep: guard };
    return () => {
      this.cutting = cutting;
    };
  }

  /** Puts the next page of a cut in. Rows of an older format may be shorter: what they lack is 0. */
  restorePage(bytes: Uint8Array, strideBytes = this.strideBytes): void {
    if (bytes.length !== strideBytes * pageRows) throw new InvariantBroken(`a page of ${bytes.length} bytes, not ${strideBytes * pageRows}`);
    const page = new Uint8Array(this.strideBytes * pageRows);
    if (strideBytes === this.strideBytes) page.set(bytes);
    else for (let row = 0; row < pageRows; row++) page.set(bytes.subarray(row * strideBytes, (row + 1) * strideBytes), row * this.strideBytes);
    this.addPage(page.buffer);
  }

  /** After the last page: links the free rows. */
  protected finishRestore(rows: number, isFree: (row: number) => boolean): void {
    if (rows > this.pages * pageRows || rows <= (this.pages - 1) * pageRows) throw new InvariantBroken(`${rows} rows in ${this.pages} pages`);
    this.rows = rows;
    this.used = rows;
    this.free = -1;
    for (let row = rows - 1; row >= 0; row--) if (isFree(row)) this.release(row);
  }

  /** For checkInvariants: the number of rows on the free list, each of which must be free. */
  protected countFree(isFree: (row: number) => boolean): number {
    let count = 0;
    for (let row = this.free; row !== -1; row = this.int(row, this.linkField)) {
      if (!isFree(row) || count > this.rows) throw new InvariantBroken(`row ${row} is on the free list but in use, or the list is a ring`);
      count++;
    }
    return count;
  }
}

/** A cut of one table. Pages are handed out in order, each once. */
export class PagesCut {
  readonly rows: number;
  readonly pages: number;
  private readonly copies: (Uint8Array | undefined)[] = [];
  private next = 0;

  constructor(
    private readonly table: Pages,
    private readonly ended: () => void,
  ) {
    this.rows = table.rows;
    this.pages = table.pages;
  }

  /** The table is about to change this page. */
  keep(page: number): void {
    if (page < this.next || page >= this.pages || this.copies[page] !== undefined) return;
    this.copies[page] = this.table.u8[page].slice();
  }

  /** The next page: valid until the table changes. */
  take(): Uint8Array | undefined {
    if (this.next >= this.pages) return undefined;
    const page = this.next++;
    const kept = this.copies[page];
    this.copies[page] = undefined;
    return kept ?? this.table.u8[page];
  }

  end(): void {
    this.ended();
  }
}
