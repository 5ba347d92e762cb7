import { series, wait } from "./bed.js";
import type { ServerProcess } from "./server-process.js";

const sampleMs = 100;
/** How far the view may be behind. */
export const lagMsMax = 1000;

/**
 * How far the read view is behind while something runs, in milliseconds: the age of the oldest entry that it has not seen. The server says
 * how many entries were applied and how many of them the view lacks; when an entry was applied is known to 100 ms from the samples before.
 */
export class Lag {
  worstMs = 0;
  /** Samples with more than `lagMsMax`. */
  late = 0;
  samples = 0;
  private readonly past: { atMs: number; applied: number }[] = [];

  /** One sample. */
  take(atMs: number, applied: number, lag: number): void {
    this.past.push({ atMs, applied });
    this.samples++;
    const lagMs = lag === 0 ? 0 : atMs - this.appliedAt(applied - lag + 1);
    this.worstMs = Math.max(this.worstMs, lagMs);
    if (lagMs > lagMsMax) this.late++;
  }

  private appliedAt(index: number): number {
    const { past } = this;
    const after = past.findIndex((one) => one.applied >= index);
    if (after <= 0) return past[0].atMs;
    const [a, b] = [past[after - 1], past[after]];
    return a.atMs + ((b.atMs - a.atMs) * (index - a.applied)) / (b.applied - a.applied);
  }
}

/** Takes samples from a server until it is stopped. */
export class LagWatch {
  readonly lag = new Lag();
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(private readonly server: ServerProcess) {
    this.running = this.watch();
  }

  async stop(): Promise<Lag> {
    this.stopped = true;
    await this.running;
    return this.lag;
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      const [applied, lag] = await series(this.server.url, "corvo_raft_applied_index", "corvo_view_lag_entries");
      this.lag.take(performance.now(), applied, lag);
      await wait(sampleMs);
    }
  }
}

/** Resolves when the view has seen everything. */
export async function viewCalm(server: ServerProcess): Promise<void> {
  while ((await series(server.url, "corvo_view_lag_entries"))[0] > 0) await wait(50);
}
