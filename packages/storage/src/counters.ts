/** Upper bounds of the buckets of sync durations, in milliseconds; one more bucket counts what is longer. */
export const syncMsBuckets: readonly number[] = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** What a log did since it was opened; read it whenever a metric is scraped. */
export class LogCounters {
  /** Calls of `append`. */
  appends = 0;
  /** Records: group commits. */
  batches = 0;
  entries = 0;
  /** Bytes of records, headers included. */
  bytes = 0;
  syncs = 0;
  syncMsSum = 0;
  syncMsLast = 0;
  syncMsLongest = 0;
  readonly syncMsCounts: number[] = new Array(syncMsBuckets.length + 1).fill(0);

  synced(durationMs: number): void {
    this.syncs++;
    this.syncMsSum += durationMs;
    this.syncMsLast = durationMs;
    if (durationMs > this.syncMsLongest) this.syncMsLongest = durationMs;
    let bucket = 0;
    while (bucket < syncMsBuckets.length && durationMs > syncMsBuckets[bucket]) bucket++;
    this.syncMsCounts[bucket]++;
  }
}
