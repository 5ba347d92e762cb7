/** Between a handler that sends when it likes and a generator that is asked. One reader. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: { item: T; weight: number }[] = [];
  #weight = 0;
  #ended = false;
  #error: { thrown: unknown } | undefined;
  #wake: (() => void) | undefined;
  #rooms: (() => void)[] = [];

  constructor(readonly weightMax: number) {}

  get over(): boolean {
    return this.#ended || this.#error !== undefined;
  }
  push(item: T, weight: number): void | Promise<void> {
    if (this.over) return;
    this.#items.push({ item, weight });
    this.#weight += weight;
    this.#wake?.();
    return this.room();
  }
  /** Undefined when there is room now, else a promise of it. */
  room(): void | Promise<void> {
    if (this.#weight <= this.weightMax || this.over) return;
    return new Promise((resolve) => {
      this.#rooms.push(resolve);
    });
  }
  /** What was pushed before is still delivered. */
  end(): void {
    this.#ended = true;
    this.#release();
  }
  fail(thrown: unknown): void {
    if (!this.over) this.#error = { thrown };
    this.#release();
  }
  #release(): void {
    this.#wake?.();
    for (const room of this.#rooms.splice(0)) room();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#items.shift();
      if (next !== undefined) {
        this.#weight -= next.weight;
        if (this.#weight <= this.weightMax) for (const room of this.#rooms.splice(0)) room();
        yield next.item;
      } else if (this.#error !== undefined) {
        throw this.#error.thrown;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
