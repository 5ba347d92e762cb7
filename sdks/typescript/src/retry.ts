import { cancelled, toCorvoError } from "./errors.js";

/** Full jitter: a random wait between 0 and the doubling bound ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
export interface Backoff {
  /** Bound of the first wait in ms. Default 50: a broken connection to a living server is back by then. */
  baseMs: number;
  /** Largest bound in ms. Default 5,000: a fleet comes back within seconds, not at once. */
  capMs: number;
}

export const defaultBackoff: Backoff = { baseMs: 50, capMs: 5_000 };

/** Wait before try number `attempt`, from 0. */
export function jitteredMs(attempt: number, backoff: Backoff = defaultBackoff, random: () => number = Math.random): number {
  return random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30));
}

export interface RepeatPolicy {
  /** All tries and waits together, in ms. */
  timeoutMs: number;
  tries: number;
  backoff: Backoff;
  /** The caller's. */
  signal: AbortSignal | undefined;
  /** Fires when the client is closed. */
  closed: AbortSignal;
}

/** Repeats a call that is safe to repeat: it reads, or it carries a request id or a fence. */
export async function repeat<T>(call: (options: { timeoutMs: number; signal?: AbortSignal }) => Promise<T>, policy: RepeatPolicy): Promise<T> {
  const { signal, closed } = policy;
  const untilMs = performance.now() + policy.timeoutMs;
  for (let attempt = 0; ; attempt++) {
    for (const ended of [signal, closed]) if (ended?.aborted) throw cancelled(ended.reason);
    try {
      return await call({ timeoutMs: Math.max(1, Math.ceil(untilMs - performance.now())), signal });
    } catch (thrown) {
      const error = toCorvoError(thrown, signal?.aborted ? signal : closed);
      const again = error.reason !== "CANCELLED" && (error.retryable || error.outcomeUnknown);
      const waitMs = Math.max(error.retryAfterMs ?? 0, jitteredMs(attempt, policy.backoff));
      if (!again || attempt + 1 >= policy.tries || performance.now() + waitMs >= untilMs) throw error;
      await pause(waitMs, signal, closed);
    }
  }
}

/** Waits, or ends early when one of the signals fires. Leaves neither timer nor listener behind. */
export function pause(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const signal of signals) {
      if (signal?.aborted) return done();
      signal?.addEventListener("abort", done);
    }
  });
}

/** A duration option: throws with the option's name when it is out of range. */
export function checkedMs(name: string, ms: number, min = 1): number {
  if (ms >= min && ms <= timerMsMax) return ms;
  throw new RangeError(`${name} must be ${min} to ${timerMsMax} ms, not ${ms}`);
}

/** Longest time of a timer; a longer one would fire at once. */
const timerMsMax = 2_147_483_647;
