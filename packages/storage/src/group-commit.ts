import type { HardState, LoggedEntry } from "./log-store.js";

export interface Append {
  entries: readonly LoggedEntry[];
  hardState: HardState | undefined;
}

interface Waiting extends Append {
  resolve: () => void;
  reject: (error: unknown) => void;
  /** Set: not an append but something that must run alone, in its turn. */
  run?: () => Promise<void>;
}

/** Entries' bytes that one record gathers; a single append may be larger. */
const gatherBytesMax = 4 * 1024 * 1024;

/**
 * The queue before a log: one commit at a time, the next gathers meanwhile; promises resolve in order. After the first failure
 * nothing runs any more and every call rejects with that failure: a disk that failed once is not asked again.
 */
export class GroupCommit {
  failure: Error | undefined;
  #waiting: Waiting[] = [];
  #busy = false;

  /** `commit` makes the appends durable as one record; undefined when that is done already. */
  constructor(
    private readonly commit: (appends: readonly Append[]) => Promise<void> | undefined,
    private readonly onFailure?: (error: Error) => void,
  ) {}

  /** Everything that was added is done. */
  get idle(): boolean {
    return !this.#busy && this.#waiting.length === 0;
  }

  add(append: Append): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (!this.#busy && this.#waiting.length === 0) {
      // Nothing in flight: write at once, without a queue.
      let done: Promise<void> | undefined;
      try {
        done = this.commit([append]);
      } catch (error) {
        return Promise.reject(this.fail(error));
      }
      if (done === undefined) return Promise.resolve();
      this.#busy = true;
      const begun = done;
      return new Promise((resolve, reject) => {
        begun.then(
          () => {
            resolve();
            this.#next();
          },
          (error) => reject(this.fail(error)),
        );
      });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries: append.entries, hardState: append.hardState, resolve, reject });
    });
  }

  /** Runs something alone, behind everything that was added before. */
  alone(run: () => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries: [], hardState: undefined, resolve, reject, run });
      if (!this.#busy) this.#next();
    });
  }

  /** Ends everything: what waits and what comes rejects with the first failure, which is returned. */
  fail(error: unknown): Error {
    if (this.failure === undefined) {
      this.failure = error instanceof Error ? error : new Error(String(error));
      this.onFailure?.(this.failure);
    }
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.failure);
    return this.failure;
  }

  /** Later calls reject; nobody is alarmed. */
  close(): void {
    this.failure ??= new Error("the log is closed");
  }

  #next(): void {
    this.#busy = false;
    while (this.#waiting.length > 0 && this.failure === undefined) {
      const group = this.#gather();
      let done: Promise<void> | undefined;
      try {
        done = group[0].run !== undefined ? group[0].run() : this.commit(group);
      } catch (error) {
        this.#failGroup(group, error);
        return;
      }
      if (done === undefined) {
        for (const waiting of group) waiting.resolve();
        continue;
      }
      this.#busy = true;
      done.then(
        () => {
          for (const waiting of group) waiting.resolve();
          this.#next();
        },
        (error) => this.#failGroup(group, error),
      );
      return;
    }
  }

  #failGroup(group: readonly Waiting[], error: unknown): void {
    const failure = this.failure ?? (error instanceof Error ? error : new Error(String(error)));
    for (const waiting of group) waiting.reject(failure);
    this.fail(failure);
  }

  /** The next task alone, or as many appends as follow one another and fit a record. */
  #gather(): Waiting[] {
    let count = 0;
    let bytes = 0;
    let nextIndex = -1;
    for (const waiting of this.#waiting) {
      if (waiting.run !== undefined) break;
      let own = 0;
      for (const entry of waiting.entries) own += entry.data.length;
      const first = waiting.entries.length > 0 ? waiting.entries[0].index : nextIndex;
      if (count > 0 && (bytes + own > gatherBytesMax || (nextIndex >= 0 && first !== nextIndex))) break;
      if (waiting.entries.length > 0) nextIndex = first + waiting.entries.length;
      bytes += own;
      count++;
    }
    return this.#waiting.splice(0, Math.max(1, count));
  }
}
