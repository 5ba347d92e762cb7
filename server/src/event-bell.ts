/** Rings once for each applied entry; those who wait for events look then. */
export class EventBell {
  private waiting = new Set<() => void>();

  /** Calls `run` at the next ring; the returned function cancels. */
  wait(run: () => void): () => void {
    this.waiting.add(run);
    return () => void this.waiting.delete(run);
  }

  ring(): void {
    if (this.waiting.size === 0) return;
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const run of waiting) run();
  }
}
