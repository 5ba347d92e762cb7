import type { LoggedEntry } from "@corvo/storage";
import { type Message, MessageType } from "./contract.js";
import { decodeConf } from "./layout.js";
import { type EntryPlace, encodeFrame, keptEntries, snapshotIndexOf, withSnapshot } from "./message.js";
import type { ResolvedOptions, SnapshotWanted } from "./options.js";
import type { PayloadCache } from "./payloads.js";

/**
 * Turns the core's messages into frames: payloads are joined to their entries from the cache, or, for followers that lag behind it,
 * from the log. A message that has to wait for the log holds up the append messages behind it to the same follower, and nothing else.
 */
export class Outbox {
  /** Followers with append messages that wait for the log. */
  readonly #waiting = new Map<number, Promise<void>>();

  constructor(
    readonly options: ResolvedOptions,
    readonly payloads: PayloadCache,
    readonly events: {
      wanted: (wanted: SnapshotWanted) => void;
      /** An append message could not be filled: the core shall probe again. */
      unreachable: (id: number) => void;
      failed: (error: unknown) => void;
    },
  ) {}

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === MessageType.Append) this.#append(message);
      else if (message.type === MessageType.Snapshot) this.#offer(message);
      else this.options.network?.send(message.to, encodeFrame(message.bytes));
    }
  }

  #append(message: Message): void {
    const places = keptEntries(message.bytes);
    const payloads = this.#cached(places);
    const before = this.#waiting.get(message.to);
    if (payloads !== undefined && before === undefined) this.options.network?.send(message.to, encodeFrame(message.bytes, payloads));
    else this.#appendLater(message, places, before);
  }

  #cached(places: readonly EntryPlace[]): Uint8Array[] | undefined {
    const payloads: Uint8Array[] = [];
    for (const { index, term } of places) {
      const data = this.payloads.get(index, term);
      if (data === undefined) return undefined;
      payloads.push(data);
    }
    return payloads;
  }

  #appendLater(message: Message, places: readonly EntryPlace[], before: Promise<void> = Promise.resolve()): void {
    const done = before
      .then(() => this.#cached(places) ?? this.#logged(places))
      .then(
        (payloads) => {
          if (payloads === undefined) this.events.unreachable(message.to);
          else this.options.network?.send(message.to, encodeFrame(message.bytes, payloads));
        },
        (error) => this.events.failed(error),
      )
      .then(() => {
        if (this.#waiting.get(message.to) === done) this.#waiting.delete(message.to);
      });
    this.#waiting.set(message.to, done);
  }

  /** Undefined when the log has moved on: another term's entries, or none that old any more. */
  async #logged(places: readonly EntryPlace[]): Promise<Uint8Array[] | undefined> {
    const { log } = this.options;
    const from = places[0].index;
    const to = places[places.length - 1].index;
    if (from < log.firstIndex || to > log.lastIndex) return undefined;
    const found = new Map<number, LoggedEntry>();
    try {
      for await (const slice of log.read(from, to)) for (const entry of slice) found.set(entry.index, entry);
    } catch (error) {
      if (from < log.firstIndex) return undefined; // dropped behind a snapshot while it was read
      throw error;
    }
    const payloads = places.map(({ index, term }) => (found.get(index)?.term === term ? found.get(index)?.data : undefined));
    return payloads.every((data) => data !== undefined) ? payloads : undefined;
  }

  #offer(message: Message): void {
    this.events.wanted({
      to: message.to,
      index: snapshotIndexOf(message.bytes),
      frame: ({ index, term, conf }) => encodeFrame(withSnapshot(message.bytes, { index, term, conf: decodeConf(conf) })),
    });
  }
}
