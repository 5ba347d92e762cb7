/** Records of one sorted run. 4096: sorting one takes about 0.2 ms, so that no append waits longer. */
const runRecords = 4096;
/** Creation sequences of one run differ by less than this, so that (difference, place in the run) fits a float's 53 bits. */
const runRange = 2 ** 40;

interface Run {
  seqs: Float64Array;
  offsets: Uint32Array;
}

/**
 * Creation sequence → offset of the records of one archive segment, while it is open and until its footer is written. Sorted runs of
 * typed arrays (12 bytes a record) plus an unsorted rest: cheap to append to, cheap to merge into the footer in small steps, and
 * a search costs a few microseconds. A sequence may occur several times; the latest counts.
 */
export class ArchiveIndex {
  count = 0;
  minSeq = Number.POSITIVE_INFINITY;
  maxSeq = Number.NEGATIVE_INFINITY;
  #runs: Run[] = [];
  #seqs = new Float64Array(runRecords);
  #offsets = new Uint32Array(runRecords);
  #used = 0;
  #low = 0;
  #high = 0;

  /** Offsets must rise. */
  add(seq: number, offset: number): void {
    if (this.#used > 0 && (seq >= this.#low + runRange || seq <= this.#high - runRange)) this.#closeRun();
    if (this.#used === 0) this.#low = this.#high = seq;
    else if (seq < this.#low) this.#low = seq;
    else if (seq > this.#high) this.#high = seq;
    this.#seqs[this.#used] = seq;
    this.#offsets[this.#used++] = offset;
    this.count++;
    if (seq < this.minSeq) this.minSeq = seq;
    if (seq > this.maxSeq) this.maxSeq = seq;
    if (this.#used === runRecords) this.#closeRun();
  }

  /** Offset of the latest record of this sequence, or −1. */
  find(seq: number): number {
    if (seq < this.minSeq || seq > this.maxSeq) return -1;
    if (seq >= this.#low && seq <= this.#high) for (let at = this.#used - 1; at >= 0; at--) if (this.#seqs[at] === seq) return this.#offsets[at];
    for (let run = this.#runs.length - 1; run >= 0; run--) {
      const { seqs, offsets } = this.#runs[run];
      if (seq < seqs[0] || seq > seqs[seqs.length - 1]) continue;
      const at = lastAtMost(seqs, seqs.length, seq);
      if (at >= 0 && seqs[at] === seq) return offsets[at];
    }
    return -1;
  }

  /** All records, by sequence and within a sequence by offset. Call `next` until it is false; nothing may be added meanwhile. */
  merge(): { next(): boolean; seq: number; offset: number } {
    if (this.#used > 0) this.#closeRun();
    const runs = this.#runs;
    const places = new Uint32Array(runs.length);
    const seqAt = (run: number): number => runs[run].seqs[places[run]];
    // A heap of runs by (their next sequence, age): runs of one sequence are taken oldest first, so offsets rise.
    const before = (a: number, b: number): boolean => seqAt(a) < seqAt(b) || (seqAt(a) === seqAt(b) && a < b);
    const heap = runs.map((_, run) => run);
    let size = heap.length;
    const sink = (start: number): void => {
      let at = start;
      const run = heap[at];
      for (;;) {
        let child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && before(heap[child + 1], heap[child])) child++;
        if (!before(heap[child], run)) break;
        heap[at] = heap[child];
        at = child;
      }
      heap[at] = run;
    };
    for (let at = (size >>> 1) - 1; at >= 0; at--) sink(at);
    const cursor = {
      seq: 0,
      offset: 0,
      next: (): boolean => {
        if (size === 0) return false;
        const run = heap[0];
        cursor.seq = seqAt(run);
        cursor.offset = runs[run].offsets[places[run]++];
        if (places[run] === runs[run].seqs.length) heap[0] = heap[--size];
        if (size > 0) sink(0);
        return true;
      },
    };
    return cursor;
  }

  #closeRun(): void {
    const used = this.#used;
    const keys = new Float64Array(used);
    for (let at = 0; at < used; at++) keys[at] = (this.#seqs[at] - this.#low) * runRecords + at;
    keys.sort();
    const run = { seqs: new Float64Array(used), offsets: new Uint32Array(used) };
    for (let at = 0; at < used; at++) {
      const place = keys[at] % runRecords;
      run.seqs[at] = this.#seqs[place];
      run.offsets[at] = this.#offsets[place];
    }
    this.#runs.push(run);
    this.#used = 0;
  }
}

/** Place of the last of the first `count` sorted values that is at most `value`, or −1. */
export function lastAtMost(values: Float64Array | Uint32Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
