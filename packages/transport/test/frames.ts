import { connect as connectTcp, type Socket } from "node:net";

/** HTTP/2 by hand, for what no client library would send. Enough of RFC 9113 to open a connection, send any frame and read frames back. */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

/** HPACK as literals without indexing and without Huffman: the plainest form there is. */
export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of headers) parts.push(Buffer.from([0]), text(name), text(value));
  return Buffer.concat(parts);
}
function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

export const post = (path: string, contentType: string, more: readonly (readonly [string, string])[] = []): Buffer =>
  headerBlock([[":method", "POST"], [":scheme", "http"], [":path", path], [":authority", "test"], ["content-type", contentType], ...more]);

export const uint32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
};
export const envelope = (message: Uint8Array, flags = 0, length = message.length): Buffer => Buffer.concat([Buffer.from([flags]), uint32(length), message]);

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** SETTINGS_INITIAL_WINDOW_SIZE as large as it may be: the reader never stalls its peer by accident. */
const wideOpen = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);

export class RawHttp2 {
  readonly frames: Frame[] = [];
  closed = false;
  onFrame: ((frame: Frame) => void) | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: (() => void)[] = [];
  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
  }
  static async open(port: number, settings: Uint8Array = wideOpen): Promise<RawHttp2> {
    const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
    const raw = new RawHttp2(socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.write(Buffer.concat([preface, frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, uint32(0x7fff_0000 - 65_535))]));
    return raw;
  }
  write(...frames: Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }
  /** The first frame, seen or yet to come, that fits; undefined when the connection ends without it. */
  async find(fits: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined || this.closed) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
  async untilClosed(): Promise<void> {
    await this.find(() => false);
  }
  /** The body of a response, once it has ended. */
  async body(stream: number): Promise<Buffer> {
    await this.find((f) => f.stream === stream && (f.type === RST_STREAM || ((f.flags & END_STREAM) !== 0 && f.type <= HEADERS)));
    return Buffer.concat(this.frames.filter((f) => f.stream === stream && f.type === DATA).map((f) => f.payload));
  }
  destroy(): void {
    this.socket.destroy();
  }
  #read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) break;
      const seen = { type: bytes[3]!, flags: bytes[4]!, stream: bytes.readUInt32BE(5) & 0x7fff_ffff, payload: bytes.subarray(9, 9 + length) };
      bytes = bytes.subarray(9 + length);
      if (seen.type === SETTINGS && (seen.flags & ACK) === 0) this.write(frame(SETTINGS, ACK, 0));
      if (seen.type === PING && (seen.flags & ACK) === 0) this.write(frame(PING, ACK, 0, seen.payload));
      if (this.onFrame !== undefined) this.onFrame(seen);
      else this.frames.push(seen);
    }
    this.#rest = bytes;
    if (this.#waiting.length > 0) this.#wake();
  }
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
