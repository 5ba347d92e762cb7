/** Upper bounds in seconds; one more bucket counts what is longer. */
export const jobSecondsBuckets: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600];
const boundsMs = Float64Array.from(jobSecondsBuckets, (seconds) => seconds * 1000);

/** Durations by bucket, for a scrape. */
export class Durations {
  readonly counts = new Float64Array(boundsMs.length + 1);
  sumMs = 0;

  add(ms: number): void {
    let bucket = 0;
    while (bucket < boundsMs.length && ms > boundsMs[bucket]) bucket++;
    this.counts[bucket]++;
    this.sumMs += ms;
  }
}

/**
 * What the engine measures for operators, in log time. Not state: it decides nothing, is in no snapshot and no hash, and what replay adds
 * is thrown away by `reset` when the node begins to serve.
 */
export class Measured {
  /** From becoming pending to the lease. */
  waiting = new Durations();
  /** From the lease to its end, whatever ended it. */
  running = new Durations();
  /** Acks, fails, heartbeats and releases under a fence that is not the lease's. */
  staleFences = 0;

  reset(): void {
    this.waiting = new Durations();
    this.running = new Durations();
    this.staleFences = 0;
  }
}
