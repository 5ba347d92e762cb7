/**
 * A sliding log of fetch times: at most `rate` fetches in any trailing window. What is out of the window is forgotten at the next
 * fetch, so the ring never has more than `rate` times, or the highest rate that was set within a window.
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
    this.forget(nowMs);
    this.restore(nowMs);
  }

  /** Another cap. Fetches that the old one still looked back on count for the new one. */
  change(rate: number, windowMs: number, nowMs: number): void {
    this.forget(nowMs);
    this.rate = rate;
    this.windowMs = windowMs;
  }

  private forget(nowMs: number): void {
    while (this.count > 0 && this.at(0) + this.windowMs < nowMs) {
      this.from = (this.from + 1) % this.times.length;
      this.count--;
    }
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
