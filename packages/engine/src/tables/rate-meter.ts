const spanMs = 60_000;

/** How often something happens, over about the last minute: what is longer ago weighs less and less. Each node measures for itself. */
export class RateMeter {
  private value = 0;
  private atMs = 0;
  private sinceMs = 0;

  add(nowMs: number): void {
    if (nowMs > this.atMs) this.fade(nowMs);
    this.value++;
  }

  /** Times per second; 0: never, or not measured for a second yet. */
  perSecond(nowMs: number): number {
    if (this.value === 0 || nowMs - this.sinceMs < 1000) return 0;
    if (nowMs > this.atMs) this.fade(nowMs);
    return (this.value / (spanMs * (1 - Math.exp((this.sinceMs - nowMs) / spanMs)))) * 1000;
  }

  private fade(nowMs: number): void {
    if (this.sinceMs === 0 || nowMs - this.atMs > spanMs * 20) {
      this.sinceMs = nowMs;
      this.value = 0;
    } else this.value *= Math.exp((this.atMs - nowMs) / spanMs);
    this.atMs = nowMs;
  }
}
