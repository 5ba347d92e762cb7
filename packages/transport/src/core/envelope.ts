import { RpcError } from "../rpc.js";
import { chunkOverheadBytes, empty, Gather } from "./gather.js";

/** Connect and gRPC streams: one byte of flags, four bytes of big-endian length, the message. */
export const envelopeBytes = 5;
const compressedFlag = 0b01;
export const endStreamFlag = 0b10;

/** Cuts a byte stream into messages. Frames may be split at any byte and several may share a chunk; a limit is checked before anything is held. */
export class EnvelopeReader {
  #queue: Uint8Array[] = [];
  #at = 0;
  #pos = 0;
  #queued = 0;
  readonly #header = new Gather();
  readonly #message = new Gather();
  /** Length of the message being read, -1 while its header is. */
  #length = -1;

  constructor(readonly messageBytesMax: number) {}

  /** Memory in use by what was not yet taken. */
  get held(): number {
    return this.#queued + this.#message.held;
  }
  /** Nothing is left over: the stream may end here. */
  get clean(): boolean {
    return this.#length === -1 && this.#header.length === 0 && this.#at === this.#queue.length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#queue.push(chunk);
    this.#queued += chunk.length + chunkOverheadBytes;
  }

  /** The next whole message, in place where possible. Undefined: more bytes are needed. Throws RpcError on what is not an envelope of a request. */
  next(): Uint8Array | undefined {
    for (;;) {
      const chunk = this.#queue[this.#at];
      if (chunk === undefined) return undefined;
      const there = chunk.length - this.#pos;
      if (this.#length === -1) {
        if (this.#header.length === 0 && there >= envelopeBytes) {
          this.#length = this.#open(chunk, this.#pos);
          this.#skip(chunk, envelopeBytes);
        } else {
          const n = Math.min(there, envelopeBytes - this.#header.length);
          this.#header.add(chunk.subarray(this.#pos, this.#pos + n), envelopeBytes);
          this.#skip(chunk, n);
          if (this.#header.length < envelopeBytes) continue;
          this.#length = this.#open(this.#header.take(), 0);
        }
        if (this.#length === 0) {
          this.#length = -1;
          return empty;
        }
        continue;
      }
      const n = Math.min(there, this.#length - this.#message.length);
      const part = chunk.subarray(this.#pos, this.#pos + n);
      this.#skip(chunk, n);
      if (n === this.#length) {
        this.#length = -1;
        return part;
      }
      this.#message.add(part, this.#length);
      if (this.#message.length === this.#length) {
        this.#length = -1;
        return this.#message.take();
      }
    }
  }

  /** Forgets everything. */
  drop(): void {
    this.#queue = [];
    this.#at = this.#pos = this.#queued = 0;
    this.#message.take();
    this.#header.take();
    this.#length = -1;
  }

  /** Length of the message that the header at `at` announces. */
  #open(bytes: Uint8Array, at: number): number {
    const flags = bytes[at]!;
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    if (flags === compressedFlag) throw new RpcError("internal", "", "protocol error: compressed message, but no encoding was announced");
    if (flags === endStreamFlag) throw new RpcError("invalid_argument", "", "protocol error: end-of-stream flag in a request");
    if (flags !== 0) throw new RpcError("invalid_argument", "", `protocol error: unknown envelope flags 0x${flags.toString(16).padStart(2, "0")}`);
    if (length > this.messageBytesMax) throw messageTooLarge(length, this.messageBytesMax);
    return length;
  }

  #skip(chunk: Uint8Array, n: number): void {
    this.#pos += n;
    if (this.#pos < chunk.length) return;
    this.#queued -= chunk.length + chunkOverheadBytes;
    this.#pos = 0;
    this.#queue[this.#at++] = empty;
    if (this.#at === this.#queue.length) {
      this.#queue.length = this.#at = 0;
    } else if (this.#at > 1024) {
      this.#queue.splice(0, this.#at);
      this.#at = 0;
    }
  }
}

export function messageTooLarge(bytes: number, bytesMax: number): RpcError {
  return new RpcError("resource_exhausted", "", `message size ${bytes} is larger than the limit of ${bytesMax} bytes`);
}
export function outOfBudget(): RpcError {
  return new RpcError("resource_exhausted", "OVERLOADED", "too much unfinished input on this server", { retryAfterMs: 100 });
}
