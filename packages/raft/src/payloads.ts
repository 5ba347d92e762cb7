/**
 * The payloads that the core's entries stand for: everything that is not yet durable, committed and applied, and as much of the
 * recent past as followers may still want and the limit allows. Keyed by index; the term tells a stale one from the current one.
 */
export class PayloadCache {
  readonly #entries = new Map<number, { term: number; data: Uint8Array }>();
  #bytes = 0;
  /** No entry below this index is here. */
  #first = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): number {
    return this.#bytes;
  }
  get size(): number {
    return this.#entries.size;
  }

  put(index: number, term: number, data: Uint8Array): void {
    const old = this.#entries.get(index);
    if (old !== undefined) this.#bytes -= old.data.length;
    if (this.#entries.size === 0 || index < this.#first) this.#first = index;
    this.#entries.set(index, { term, data });
    this.#bytes += data.length;
  }

  get(index: number, term: number): Uint8Array | undefined {
    const entry = this.#entries.get(index);
    return entry !== undefined && entry.term === term ? entry.data : undefined;
  }

  /** Forgets from the oldest on, up to and including `index`, until no more than `bytesKept` are left. */
  trim(index: number, bytesKept = this.bytesMax): void {
    while (this.#first <= index && this.#entries.size > 0 && (this.#bytes > bytesKept || bytesKept === 0)) {
      const entry = this.#entries.get(this.#first);
      if (entry !== undefined) {
        this.#bytes -= entry.data.length;
        this.#entries.delete(this.#first);
      }
      this.#first++;
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
