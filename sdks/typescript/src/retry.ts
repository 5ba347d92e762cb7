/** Full jitter: a random wait between 0 and the doubling bound ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
export interface Backoff {
  /** Bound of the first wait in ms. Default 50: a restart on the same machine is over by then. */
  baseMs: number;
  /** Largest bound in ms. Default 5,000: a fleet comes back within seconds, not at once. */
  capMs: number;
}

export const defaultBackoff: Backoff = { baseMs: 50, capMs: 5_000 };

/** Wait before try number `attempt`, from 0. */
export function jitteredMs(attempt: number, backoff: Backoff = defaultBackoff, random: () => number = Math.random): number {
  return random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30));
}

/** Waits, or ends early when the signal fires. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}
