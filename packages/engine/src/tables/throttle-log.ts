/**
 * A sliding log of fetch times: at most `rate` fetches in any trailing window. Only the newest `rate` times can matter, so they are
 * kept in a ring that grows up to that size.
 */
export class ThrottleLog {
  private times = new Float64Array(16);
  /** Place of the oldest time that is kept. */
  private from = 0;
  count = 0;

  constructor(
    /** Fetches at most per window. */
    public rate: number,
    public windowMs: number,
  ) {}

  get bytes(): number {
    return this.times.byteLength;
  }

  /** From when on a fetch is allowed, if none is recorded meanwhile. A fetch at time t counts up to t + window inclusive. */
  freeAtMs(nowMs: number): number {
    if (this.count < this.rate) return nowMs;
    return this.at(this.count - this.rate) + this.windowMs + 1;
  }

  /** Fetches that are allowed at this time. */
  room(nowMs: number): number {
    let low = 0;
    for (let high = this.count; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) + this.windowMs < nowMs) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, this.rate - (this.count - low));
  }

  record(nowMs: number): void {
    while (this.count > 0 && (this.count >= this.rate || this.at(0) + this.windowMs < nowMs)) {
      this.from = (this.from + 1) % this.times.length;
      this.count--;
    }
    this.restore(nowMs);
  }

  /** Adds a time, oldest first. */
  restore(timeMs: number): void {
    if (this.count === this.times.length) this.grow();
    this.times[(this.from + this.count) % this.times.length] = timeMs;
    this.count++;
  }

  /** The i-th oldest time. */
  at(i: number): number {
    return this.times[(this.from + i) % this.times.length];
  }

  private grow(): void {
    const bigger = new Float64Array(this.times.length * 2);
    for (let i = 0; i < this.count; i++) bigger[i] = this.at(i);
    this.times = bigger;
    this.from = 0;
  }
}
