/** What one client saw of one job. */
interface Seen {
  /** The payload's number. */
  n: number;
  /** Acknowledgements that were answered with success. */
  acks: number;
  /** An acknowledgement was sent and its answer never came. */
  ackUnknown: boolean;
  fences: bigint[];
}

/**
 * Everything the clients of one data directory saw, over all kills. Invariants (design/reliability.md §2): J1 no acknowledged job lost, J2 no
 * phantom and no altered payload, J3 one job per request id, J4 nothing comes back after an acknowledged completion, J5 fences rise.
 */
export class History {
  readonly jobs = new Map<string, Seen>();
  /** Request ids of calls that were sent and never answered, with the numbers of their jobs. */
  readonly unknown = new Map<string, number[]>();
  private readonly byRequest = new Map<string, string>();
  readonly faults: string[] = [];
  next = 1;
  /** Jobs whose completion nobody has acknowledged. */
  open = 0;
  private waiting: (() => void)[] = [];

  /** Job `n` of this request has this id. */
  enqueued(requestId: string, n: number, id: string): void {
    const key = `${requestId}/${n}`;
    const before = this.byRequest.get(key);
    if (before !== undefined && before !== id) this.faults.push(`J3: job ${n} of request ${requestId} is ${before} and ${id}`);
    this.byRequest.set(key, id);
    const seen = this.jobs.get(id);
    if (seen && seen.n !== n) this.faults.push(`J3: ${id} was answered for jobs ${seen.n} and ${n}`);
    if (seen) return;
    this.jobs.set(id, { n, acks: 0, ackUnknown: false, fences: [] });
    this.open++;
  }

  /** The call was answered. */
  answered(requestId: string): void {
    this.unknown.delete(requestId);
  }

  /** A job was delivered. It may be one whose enqueue was never answered. */
  fetched(id: string, n: number, fence: bigint, requestId: string): void {
    let seen = this.jobs.get(id);
    if (!seen) {
      if (!this.unknown.has(requestId)) this.faults.push(`J2: ${id} (job ${n}) was delivered and never sent`);
      this.enqueued(requestId, n, id);
      seen = this.jobs.get(id);
    }
    if (!seen) return;
    if (seen.n !== n) this.faults.push(`J2: the payload of ${id} was ${seen.n} and is ${n}`);
    if (seen.acks > 0) this.faults.push(`J4: ${id} was delivered after its acknowledged completion`);
    const last = seen.fences.at(-1);
    if (last !== undefined && fence <= last) this.faults.push(`J5: ${id} was delivered with fence ${fence} after ${last}`);
    seen.fences.push(fence);
  }

  acked(id: string): void {
    const seen = this.jobs.get(id);
    if (!seen) return;
    seen.acks++;
    if (seen.acks === 1) {
      this.open--;
      this.wake();
    }
    if (seen.acks > 1) this.faults.push(`J4: ${id} was accepted as completed ${seen.acks} times`);
  }

  /** Resolves when a completion was acknowledged, or `wake` is called. */
  lessOpen(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
