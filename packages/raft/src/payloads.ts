/**
 * The payloads that the core's entries stand for: everything that is not yet durable, committed and applied, and as much of the
 * recent past as followers may still want and the limit allows. Keyed by index; the term tells a stale one from the current one.
 */
export class PayloadCache {
  /**
   * Entry `#first + i` at place `#head + i`; holes where there is none. An array: a Map that is added to and deleted from all the time leaves
   * a chain of dead tables behind that carries every payload into the old generation.
   */
  #entries: ({ term: number; data: Uint8Array } | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  /** No entry below this index is here. */
  #first = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): number {
    return this.#bytes;
  }
  get size(): number {
    return this.#count;
  }

  put(index: number, term: number, data: Uint8Array): void {
    if (this.#count === 0) this.clear();
    if (this.#entries.length === this.#head) this.#first = index;
    if (index < this.#first) {
      this.#entries = [...new Array<undefined>(this.#first - index).fill(undefined), ...this.#entries.slice(this.#head)];
      this.#head = 0;
      this.#first = index;
    }
    const at = this.#head + index - this.#first;
    while (this.#entries.length < at) this.#entries.push(undefined);
    const old = this.#entries[at];
    if (old !== undefined) this.#bytes -= old.data.length;
    else this.#count++;
    this.#entries[at] = { term, data };
    this.#bytes += data.length;
  }

  get(index: number, term: number): Uint8Array | undefined {
    const entry = index < this.#first ? undefined : this.#entries[this.#head + index - this.#first];
    return entry !== undefined && entry.term === term ? entry.data : undefined;
  }

  /** Forgets from the oldest on, up to and including `index`, until no more than `bytesKept` are left. */
  trim(index: number, bytesKept = this.bytesMax): void {
    while (this.#first <= index && this.#count > 0 && (this.#bytes > bytesKept || bytesKept === 0)) {
      const entry = this.#entries[this.#head];
      if (entry !== undefined) {
        this.#bytes -= entry.data.length;
        this.#count--;
      }
      this.#entries[this.#head++] = undefined;
      this.#first++;
    }
    if (this.#count === 0) this.clear();
    else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#entries.length = 0;
    this.#head = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}
