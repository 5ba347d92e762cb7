/** Bytes that a held chunk costs beside its own: the object, its handle and its place in a list. Counted so that a flood of tiny chunks is seen as what it is. */
export const chunkOverheadBytes = 256;

/** Collects a body or message of unknown size. Grows with what really came, never with what was announced. */
export class Gather {
  #bytes: Uint8Array | undefined;
  #owned = false;
  length = 0;

  /** Memory in use. */
  get held(): number {
    return this.#bytes === undefined ? 0 : this.#bytes.length + chunkOverheadBytes;
  }

  /** `expected`: the size at the end if it is known; never allocated ahead by more than twice what is there. */
  add(chunk: Uint8Array, expected = Number.MAX_SAFE_INTEGER): void {
    if (this.#bytes === undefined) {
      this.#bytes = chunk;
      this.length = chunk.length;
      return;
    }
    const need = this.length + chunk.length;
    if (!this.#owned || need > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(need, Math.min(expected, need * 2)));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
      this.#owned = true;
    }
    this.#bytes.set(chunk, this.length);
    this.length = need;
  }

  /** What came, and empties the collection. */
  take(): Uint8Array {
    const bytes = this.#bytes?.subarray(0, this.length) ?? empty;
    this.#bytes = undefined;
    this.#owned = false;
    this.length = 0;
    return bytes;
  }
}

export const empty = new Uint8Array(0);

/** Memory that all unfinished messages of a listener share. */
export class Budget {
  used = 0;
  constructor(readonly bytesMax: number) {}
  /** Changes what one holder has from `before` to `now`; false when that is too much for all together. */
  change(before: number, now: number): boolean {
    this.used += now - before;
    return this.used <= this.bytesMax || now <= before;
  }
}
