import type { Clock } from "@corvo/protocol";

/**
 * Calls `run` when the engine's next deadline has come: never early, and at most a few milliseconds late. Deadlines that lie
 * close together share a tick: two ticks are at least `spacingMs` apart, so a million leases cannot turn into a million entries.
 */
export class Ticker {
  private cancel: (() => void) | undefined;
  private aimedAtMs = Number.POSITIVE_INFINITY;
  private notBeforeMs = 0;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly run: () => void,
    /** 5 ms: well inside the promise of 20 ms (P5). */
    private readonly spacingMs = 5,
  ) {}

  /** The next deadline, in the clock's unix milliseconds; Infinity: none. */
  aim(deadlineMs: number): void {
    if (deadlineMs === this.aimedAtMs && this.cancel) return;
    this.cancel?.();
    this.cancel = undefined;
    this.aimedAtMs = deadlineMs;
    this.stopped = false;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const nowMs = this.clock.nowMs();
    const waitMs = Math.max(deadlineMs - nowMs, this.notBeforeMs - this.clock.monotonicMs(), 0);
    // A timer cannot be set further than 2^31 - 1 ms: wake in between and aim again.
    this.cancel = this.clock.after(Math.min(waitMs, 2_000_000_000), () => this.fired());
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
    this.cancel = undefined;
    this.aimedAtMs = Number.POSITIVE_INFINITY;
  }

  private fired(): void {
    this.cancel = undefined;
    if (this.stopped) return;
    const deadlineMs = this.aimedAtMs;
    if (this.clock.nowMs() < deadlineMs) {
      this.aimedAtMs = Number.NaN;
      return this.aim(deadlineMs);
    }
    this.notBeforeMs = this.clock.monotonicMs() + this.spacingMs;
    this.aimedAtMs = Number.NaN;
    this.run();
  }
}
