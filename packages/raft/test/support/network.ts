import type { Clock } from "@corvo/protocol";
import type { Network } from "../../src/index.js";
import type { SeededRandom } from "./random.js";

/** Links between members that delay, reorder, lose, repeat and cut. */
export class SimulatedNetwork {
  readonly #receivers = new Map<number, (from: number, frame: Uint8Array) => void>();
  readonly #cut = new Set<string>();
  lossRate = 0;
  repeatRate = 0;
  delayMsMax = 1;
  frames = 0;
  /** Sees every frame that is sent, before the links have their way with it. */
  onFrame: (from: number, to: number, frame: Uint8Array) => void = () => {};

  constructor(
    readonly clock: Clock,
    readonly random: SeededRandom,
  ) {}

  /** The network as member `id` sees it. */
  of(id: number): Network {
    return {
      send: (to, frame) => this.#send(id, to, frame),
      onMessage: (receive) => {
        if (receive === undefined) this.#receivers.delete(id);
        else this.#receivers.set(id, receive);
      },
    };
  }

  #send(from: number, to: number, frame: Uint8Array): void {
    this.frames++;
    this.onFrame(from, to, frame);
    const deliver = () => {
      if (!this.isCut(from, to)) this.#receivers.get(to)?.(from, frame.slice());
    };
    if (!this.random.chance(this.lossRate)) this.clock.after(1 + this.random.below(this.delayMsMax), deliver);
    if (this.random.chance(this.repeatRate)) this.clock.after(1 + this.random.below(20 * this.delayMsMax), deliver);
  }

  /** The machine is gone: nothing reaches it until it listens again. */
  unplug(id: number): void {
    this.#receivers.delete(id);
  }
  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`);
  }
  isolate(id: number, others: readonly number[]): void {
    for (const other of others)
      if (other !== id) {
        this.cut(id, other);
        this.cut(other, id);
      }
  }
  heal(): void {
    this.#cut.clear();
  }
  isCut(from: number, to: number): boolean {
    return this.#cut.has(`${from}>${to}`);
  }
}
