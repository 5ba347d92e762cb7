import { envelopeBytes } from "./envelope.js";

/**
 * Memory that answers are written into. It is used again once everything in it was sent, because a new one per turn makes the
 * collector the most expensive part of a stream. A write that did not succeed keeps its slab for ever: its bytes may still
 * be on their way, and nobody else's answer may take their place.
 */
class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(slabBytes);
  filled = 0;
  /** Pieces given out and not yet sent, and one for being written into. */
  #users = 1;
  hold(): void {
    this.#users++;
  }
  release(): void {
    if (--this.#users > 0) return;
    this.filled = 0;
    this.#users = 1;
    if (free.length < freeMax) free.push(this);
  }
}
const slabBytes = 256 * 1024;
const freeMax = 16;
const free: Slab[] = [];
let current = new Slab();

interface Piece {
  bytes: Buffer;
  slab: Slab | undefined;
}

/** What to write, and whom to tell when it was written. */
export interface Outgoing {
  bytes: Buffer;
  sent: ((error?: Error | null) => void) | undefined;
}

/** Answers of one stream on their way into one write. They are copied into a shared slab with their headers in place. */
export class EnvelopeWriter {
  #pieces: Piece[] = [];
  /** Bytes waiting. */
  length = 0;

  add(message: Uint8Array, flags = 0): void {
    const size = envelopeBytes + message.length;
    this.length += size;
    if (size > slabBytes / 4) {
      const own = Buffer.allocUnsafeSlow(size);
      put(own, 0, message, flags);
      this.#pieces.push({ bytes: own, slab: undefined });
      return;
    }
    if (current.filled + size > slabBytes) {
      current.release();
      current = free.pop() ?? new Slab();
    }
    const slab = current;
    const start = slab.filled;
    put(slab.bytes, start, message, flags);
    slab.filled += size;
    const last = this.#pieces[this.#pieces.length - 1];
    if (last?.slab === slab && last.bytes.byteOffset - slab.bytes.byteOffset + last.bytes.length === start) {
      last.bytes = slab.bytes.subarray(start - last.bytes.length, slab.filled);
    } else {
      slab.hold();
      this.#pieces.push({ bytes: slab.bytes.subarray(start, slab.filled), slab });
    }
  }

  /** Messages in envelopes of their own, which nobody changes any more. */
  addReady(envelopes: Uint8Array): void {
    this.length += envelopes.length;
    this.#pieces.push({ bytes: Buffer.from(envelopes.buffer, envelopes.byteOffset, envelopes.byteLength), slab: undefined });
  }

  take(): Outgoing {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.length = 0;
    if (pieces.length === 1) {
      const { bytes, slab } = pieces[0]!;
      return { bytes, sent: slab && ((error) => void (error ?? slab.release())) };
    }
    const bytes = Buffer.concat(pieces.map((piece) => piece.bytes));
    for (const { slab } of pieces) slab?.release();
    return { bytes, sent: undefined };
  }

  drop(): void {
    this.take().sent?.();
  }
}

function put(into: Buffer, at: number, message: Uint8Array, flags: number): void {
  into[at] = flags;
  into[at + 1] = message.length >>> 24;
  into[at + 2] = message.length >>> 16;
  into[at + 3] = message.length >>> 8;
  into[at + 4] = message.length;
  into.set(message, at + envelopeBytes);
}
