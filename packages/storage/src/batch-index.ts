/**
 * Where each batch of a log lies: index of its first entry, segment, offset, length. Typed arrays, about 28 bytes a batch. Invariant:
 * first indexes rise strictly; batch b holds entries firstOf(b) … firstOf(b + 1) − 1, whatever else its record still says.
 */
export class BatchIndex {
  #first = new Float64Array(64);
  #segment = new Uint32Array(64);
  #offset = new Float64Array(64);
  #length = new Uint32Array(64);
  #start = 0;
  #end = 0;

  get count(): number {
    return this.#end - this.#start;
  }

  /** A batch that begins at `first`: what was at or behind that index is overwritten. */
  push(first: number, segment: number, offset: number, length: number): void {
    while (this.#end > this.#start && this.#first[this.#end - 1] >= first) this.#end--;
    if (this.#end === this.#first.length) this.#grow();
    const at = this.#end++;
    this.#first[at] = first;
    this.#segment[at] = segment;
    this.#offset[at] = offset;
    this.#length[at] = length;
  }

  /** Forgets all batches of segments before this one. */
  dropBefore(segment: number): void {
    this.#start += this.findSegment(segment);
  }

  clear(): void {
    this.#start = 0;
    this.#end = 0;
  }

  /** The batch that holds this entry, counted from the oldest; −1 when none does. */
  find(index: number): number {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#first[middle] <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1 - this.#start;
  }

  /** The first batch that lies in this segment or a later one; `count` when none does. */
  findSegment(segment: number): number {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segment[middle] < segment) low = middle + 1;
      else high = middle;
    }
    return low - this.#start;
  }

  firstOf(batch: number): number {
    return this.#first[this.#start + batch];
  }

  segmentOf(batch: number): number {
    return this.#segment[this.#start + batch];
  }

  offsetOf(batch: number): number {
    return this.#offset[this.#start + batch];
  }

  lengthOf(batch: number): number {
    return this.#length[this.#start + batch];
  }

  #grow(): void {
    const kept = this.count;
    const room = Math.max(64, kept * 2);
    const move = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      to.set(from.subarray(this.#start, this.#end));
      return to;
    };
    this.#first = move(this.#first, new Float64Array(room));
    this.#segment = move(this.#segment, new Uint32Array(room));
    this.#offset = move(this.#offset, new Float64Array(room));
    this.#length = move(this.#length, new Uint32Array(room));
    this.#start = 0;
    this.#end = kept;
  }
}
