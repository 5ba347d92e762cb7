/** Latencies in logarithmic buckets of 1 %: bounded memory, percentiles within 1 %. Unit: microseconds. */
export class Latencies {
  private readonly counts = new Float64Array(2400);
  count = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = 0;
  private sum = 0;
  private squares = 0;

  /** `weight` jobs took this long. */
  add(us: number, weight = 1): void {
    const bucket = us <= 1 ? 0 : Math.min(this.counts.length - 1, Math.floor(Math.log(us) / Math.log(1.01)));
    this.counts[bucket] += weight;
    this.count += weight;
    this.sum += us * weight;
    this.squares += us * us * weight;
    if (us < this.minUs) this.minUs = us;
    if (us > this.maxUs) this.maxUs = us;
  }

  /** Adds all of the other's. */
  merge(other: Latencies): void {
    for (let i = 0; i < this.counts.length; i++) this.counts[i] += other.counts[i];
    this.count += other.count;
    this.sum += other.sum;
    this.squares += other.squares;
    this.minUs = Math.min(this.minUs, other.minUs);
    this.maxUs = Math.max(this.maxUs, other.maxUs);
  }

  get avgUs(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  get stddevUs(): number {
    return this.count === 0 ? 0 : Math.sqrt(Math.max(0, this.squares / this.count - this.avgUs ** 2));
  }

  /** p between 0 and 100. */
  percentileUs(p: number): number {
    if (this.count === 0) return 0;
    const rank = Math.min(this.count - 1, Math.floor((this.count * p) / 100));
    let seen = 0;
    for (let i = 0; i < this.counts.length; i++) {
      seen += this.counts[i];
      if (seen > rank) return Math.min(this.maxUs, Math.max(this.minUs, 1.01 ** (i + 0.5)));
    }
    return this.maxUs;
  }
}
