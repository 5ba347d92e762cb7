/**
 * Two of the four seams through which everything below floor 4 touches the world (the others are `Disk` in storage and
 * `Network` in raft). Each has one real and one simulated implementation.
 */
export interface Clock {
  /** Wall clock in unix milliseconds, an integer. May jump in both directions. */
  nowMs(): number;
  /** Monotonic milliseconds with fractions; only differences mean anything. */
  monotonicMs(): number;
  /** Calls `run` once, not before `delayMs`. The returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
  /** Calls `run` at the end of the current turn of the event loop, after the I/O that is already there. */
  soon(run: () => void): void;
}

export interface Random {
  /** Fills with random bytes: never used in apply, only for election jitter and names. */
  fill(bytes: Uint8Array): void;
}
