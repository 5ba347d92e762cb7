import type { BidiStream } from "@corvo/transport";

/** A stream each of whose frames is looked at before it goes on. */
export class GuardedStream implements BidiStream {
  constructor(
    private readonly inner: BidiStream,
    private readonly look: (request: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ) {}

  message(request: Uint8Array): void | Promise<void> {
    const inside = this.look(request);
    return inside instanceof Promise ? inside.then((bytes) => this.inner.message(bytes)) : this.inner.message(inside);
  }

  end(): void | Promise<void> {
    return this.inner.end();
  }
}
