import type { HardState, LogFound, LoggedEntry, LogStore } from "@corvo/storage";

/** What one machine has on disk: it outlives the logs that are opened on it. */
export interface MemoryDisk {
  firstIndex: number;
  entries: LoggedEntry[];
  /** The term in front of the first entry. */
  hardState: HardState | undefined;
  sealed: boolean;
}
export const emptyDisk = (): MemoryDisk => ({ firstIndex: 1, entries: [], hardState: undefined, sealed: false });

/** Calls `done` when a write has reached the disk; a test or a simulation decides when that is. */
export type Latency = (done: () => void) => void;
export const immediately: Latency = (done) => done();

interface Work {
  write: () => void;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** A log in memory with a crash: writes reach the disk in order, one at a time, when `latency` says so. */
export class MemoryLog implements LogStore {
  readonly found: LogFound;
  readonly #queue: Work[] = [];
  #busy = false;
  #failure: Error | undefined;
  /** Includes what is not on disk yet. */
  #last: number;
  appends = 0;

  constructor(
    readonly disk: MemoryDisk,
    readonly latency: Latency = immediately,
    readonly sliceEntries = 3,
  ) {
    const { entries, firstIndex, hardState, sealed } = disk;
    this.#last = firstIndex - 1 + entries.length;
    this.found = { firstIndex, lastIndex: this.#last, lastTerm: entries.at(-1)?.term ?? 0, hardState, sealed };
  }

  get firstIndex(): number {
    return this.disk.firstIndex;
  }
  get lastIndex(): number {
    return this.#last;
  }
  get bytes(): number {
    return this.disk.entries.reduce((sum, { data }) => sum + data.length, 0);
  }

  append({ entries, hardState }: { entries: readonly LoggedEntry[]; hardState?: HardState }): Promise<void> {
    this.appends++;
    if (entries.length > 0) this.#last = entries[entries.length - 1].index;
    return this.#enqueue(() => {
      const { disk } = this;
      if (entries.length > 0) {
        const keep = entries[0].index - disk.firstIndex;
        if (keep < 0 || keep > disk.entries.length) throw new Error(`a gap in front of index ${entries[0].index}`);
        disk.entries.length = keep;
        disk.entries.push(...entries.map((entry) => ({ ...entry, data: entry.data.slice() })));
      }
      if (hardState !== undefined) disk.hardState = { ...hardState };
    });
  }

  async *read(from: number, to: number): AsyncIterable<LoggedEntry[]> {
    for (let at = from; at <= to; at += this.sliceEntries) {
      await this.#enqueue(() => {});
      const start = at - this.disk.firstIndex;
      if (start < 0) throw new Error(`index ${at} is dropped`);
      yield this.disk.entries.slice(start, Math.min(start + this.sliceEntries, to + 1 - this.disk.firstIndex));
    }
  }

  dropThrough(index: number): Promise<void> {
    return this.#enqueue(() => {
      const count = Math.min(index + 1 - this.disk.firstIndex, this.disk.entries.length);
      if (count <= 0) return;
      this.disk.entries.splice(0, count);
      this.disk.firstIndex += count;
    });
  }

  resetTo(index: number, _term: number): Promise<void> {
    this.#last = index;
    return this.#enqueue(() => {
      this.disk.entries = [];
      this.disk.firstIndex = index + 1;
    });
  }

  async close(): Promise<void> {
    await this.#enqueue(() => {
      this.disk.sealed = true;
    });
  }

  /** Power cut: the first `reaching` of the waiting writes still get to the disk; nothing ever resolves. */
  crash(reaching = 0): void {
    for (const work of this.#queue.slice(0, reaching)) work.write();
    this.#queue.length = 0;
    this.#failure = new Error("crashed");
  }
  get waiting(): number {
    return this.#queue.length;
  }

  /** Every write that is waiting, and every later one, fails. */
  fail(error: Error): void {
    this.#failure = error;
    for (const work of this.#queue.splice(0)) work.reject(error);
  }

  #enqueue(write: () => void): Promise<void> {
    if (this.#failure !== undefined) return this.#failure.message === "crashed" ? new Promise(() => {}) : Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    const work = this.#queue[0];
    if (this.#busy || work === undefined) return;
    this.#busy = true;
    this.latency(() => {
      this.#busy = false;
      if (this.#queue[0] !== work) return; // it crashed or failed meanwhile
      this.#queue.shift();
      work.write();
      work.resolve();
      this.#next();
    });
  }
}
