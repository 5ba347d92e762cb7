import type { LoggedEntry, LogStore } from "@corvo/storage";
import type { CoreHardState, Message } from "./contract.js";

/** One Ready on its way to the disk. */
interface Append {
  durable: boolean;
  /** Promises that hold only once this append, and every earlier one, is durable. */
  promises: readonly Message[];
}

/** A batch that takes more than an append: a snapshot takes the log's place. */
interface Around {
  first: () => Promise<void>;
  last: () => Promise<void>;
}

/**
 * Everything that is on its way to the log, oldest first. An append that only moves the commit index is never written by itself: it is
 * durable as soon as those before it are, and its hard state goes along with the next batch. So one entry costs one sync.
 */
export class AppendQueue {
  readonly #queue: Append[] = [];
  /** Set while something slower than an append (a snapshot taking the log's place) holds up the writes behind it. */
  #held: Promise<void> | undefined;
  #holds = 0;
  #lastWrite: Promise<void> = Promise.resolve();
  #commitWritten: number;

  constructor(
    readonly log: LogStore,
    /** As of the newest Ready. */
    public hardState: CoreHardState,
    /** Something became durable: `takeDurable` may give more. Never called in the turn of `push`. */
    readonly onDurable: () => void,
    readonly onFailed: (error: unknown) => void,
  ) {
    this.#commitWritten = hardState.commit;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Queues an append. `write` is false when nothing in it has to reach the disk. `around`: what runs in front of the batch and behind it. */
  push(append: { entries: readonly LoggedEntry[]; write: boolean; promises: readonly Message[]; around?: Around }): void {
    const item: Append = { durable: !append.write, promises: append.promises };
    this.#queue.push(item);
    if (!append.write) return;
    const written = append.around ? this.#holding(append.entries, append.around) : this.#write(append.entries);
    this.#lastWrite = written;
    written.then(() => {
      item.durable = true;
      this.onDurable();
    }, this.onFailed);
  }

  /** The promises of the oldest append if it is durable, and drops it. */
  takeDurable(): readonly Message[] | undefined {
    if (this.#queue.length === 0 || !this.#queue[0].durable) return undefined;
    return this.#queue.shift()?.promises;
  }

  /** Writes the commit index that no batch has carried yet, so that a restart finds everything committed. Call it when the queue is empty. */
  async settle(): Promise<void> {
    await this.#lastWrite;
    if (this.hardState.commit > this.#commitWritten) await this.#write([]);
  }

  #write(entries: readonly LoggedEntry[]): Promise<void> {
    if (this.#held !== undefined) return this.#behind(() => this.#append(entries));
    return this.#append(entries);
  }

  #append(entries: readonly LoggedEntry[]): Promise<void> {
    this.#commitWritten = this.hardState.commit;
    return this.log.append({ entries, hardState: this.hardState });
  }

  #holding(entries: readonly LoggedEntry[], { first, last }: Around): Promise<void> {
    this.#held ??= this.#lastWrite;
    return this.#behind(async () => {
      await first();
      await this.#append(entries);
      await last();
    });
  }

  /** Runs `work` when everything queued before it has ended. Writes go straight to the log again when nobody waits any more. */
  #behind(work: () => Promise<void>): Promise<void> {
    this.#holds++;
    const done = (this.#held as Promise<void>).then(work);
    this.#held = done;
    return done.then(() => {
      if (--this.#holds === 0) this.#held = undefined;
    });
  }
}
