/** A growing buffer that is written from the front. What was written is taken out once; then it starts anew. */
export class Slab {
  buf: Buffer;
  pos = 0;

  /** `bytes`: capacity to start with and to return to. */
  constructor(private readonly bytes: number) {
    this.buf = Buffer.allocUnsafeSlow(bytes);
  }

  /** Makes room for `more` bytes. */
  ensure(more: number): void {
    if (this.pos + more <= this.buf.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buf.length * 2, this.pos + more));
    this.buf.copy(grown, 0, 0, this.pos);
    this.buf = grown;
  }

  /** Copies a range of other bytes to the end. */
  put(from: Uint8Array, start: number, end: number): void {
    this.ensure(end - start);
    const { buf } = this;
    let { pos } = this;
    if (end - start > 64) {
      buf.set(from.subarray(start, end), pos);
      this.pos = pos + end - start;
      return;
    }
    for (let i = start; i < end; i++) buf[pos++] = from[i];
    this.pos = pos;
  }

  /** What was written, as bytes that nobody else writes to: copied when short, handed over when long. */
  take(): Buffer {
    const { buf, pos } = this;
    this.pos = 0;
    if (pos <= 16_384) {
      const copy = Buffer.allocUnsafe(pos);
      buf.copy(copy, 0, 0, pos);
      return copy;
    }
    this.buf = Buffer.allocUnsafeSlow(this.bytes);
    return buf.subarray(0, pos);
  }
}
