import type { Clock, Random } from "@corvo/protocol";
import { getU64, setU64 } from "./layout.js";

const contextBytes = 24;

interface PendingRead {
  /** Known once a majority has confirmed the leader. */
  index?: number;
  resolve: (index: number | undefined) => void;
  cancel: () => void;
}

/**
 * Linearizable reads under way. A context is never used twice, over restarts too: node id, random bytes of this start, a counter.
 * The core drops reads in silence when there is no leader, so each has its own time limit.
 */
export class Reads {
  readonly #pending = new Map<number, PendingRead>();
  readonly #prefix = new Uint8Array(contextBytes);
  #counter = 0;

  constructor(
    id: number,
    random: Random,
    readonly clock: Clock,
  ) {
    setU64(new DataView(this.#prefix.buffer), 0, id);
    random.fill(this.#prefix.subarray(8, 16));
  }

  /** Asks with a new context; resolves by `confirmed` and `advance`, or with undefined after `timeoutMs`. */
  start(timeoutMs: number, ask: (context: Uint8Array) => void): Promise<number | undefined> {
    const number = ++this.#counter;
    const context = this.#prefix.slice();
    setU64(new DataView(context.buffer), 16, number);
    return new Promise((resolve) => {
      const cancel = this.clock.after(timeoutMs, () => this.#end(number, undefined));
      this.#pending.set(number, { resolve, cancel });
      ask(context);
    });
  }

  confirmed(context: Uint8Array, index: number): void {
    if (context.length !== contextBytes) return;
    const pending = this.#pending.get(getU64(new DataView(context.buffer, context.byteOffset), 16));
    if (pending !== undefined) pending.index = index;
  }

  /** Everything up to `applied` is applied. */
  advance(applied: number): void {
    for (const [number, { index }] of this.#pending) if (index !== undefined && index <= applied) this.#end(number, index);
  }

  stop(): void {
    for (const number of [...this.#pending.keys()]) this.#end(number, undefined);
  }

  #end(number: number, index: number | undefined): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    this.#pending.delete(number);
    pending.cancel();
    pending.resolve(index);
  }
}
