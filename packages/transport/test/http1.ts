import { connect as connectTcp, type Socket } from "node:net";

export interface Response1 {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** HTTP/1.1 by hand: writes any bytes, reads responses one after another. */
export class RawHttp1 {
  closed = false;
  #bytes = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
      this.#wake?.();
    });
  }
  static async open(port: number): Promise<RawHttp1> {
    const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
    const raw = new RawHttp1(socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return raw;
  }
  write(...parts: (string | Uint8Array)[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part))));
  }
  /** The next response; undefined when the connection ends before it is whole. */
  async response(): Promise<Response1 | undefined> {
    const head = await this.#until(() => {
      const end = this.#bytes.indexOf("\r\n\r\n");
      return end === -1 ? undefined : this.#take(end + 4).toString("latin1");
    });
    if (head === undefined) return undefined;
    const [line, ...rest] = head.trimEnd().split("\r\n");
    const status = Number(line!.split(" ")[1]);
    if (status === 100) return this.response();
    const headers = Object.fromEntries(rest.map((l) => [l.slice(0, l.indexOf(":")).toLowerCase(), l.slice(l.indexOf(":") + 1).trim()]));
    let body: Buffer | undefined;
    if (headers["transfer-encoding"] === "chunked") {
      const parts: Buffer[] = [];
      for (;;) {
        const size = await this.#until(() => {
          const end = this.#bytes.indexOf("\r\n");
          return end === -1 ? undefined : Number.parseInt(this.#take(end + 2).toString(), 16);
        });
        if (size === undefined) return undefined;
        const part = await this.#until(() => (this.#bytes.length >= size + 2 ? this.#take(size + 2) : undefined));
        if (part === undefined) return undefined;
        if (size === 0) break;
        parts.push(part.subarray(0, size));
      }
      body = Buffer.concat(parts);
    } else {
      const size = Number(headers["content-length"] ?? 0);
      body = await this.#until(() => (this.#bytes.length >= size ? this.#take(size) : undefined));
    }
    return body && { status, headers, body };
  }
  async untilClosed(): Promise<void> {
    await this.#until(() => undefined);
  }
  destroy(): void {
    this.socket.destroy();
  }
  #take(n: number): Buffer {
    const bytes = this.#bytes.subarray(0, n);
    this.#bytes = this.#bytes.subarray(n);
    return bytes;
  }
  async #until<T>(look: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look();
      if (found !== undefined || this.closed) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export const request1 = (path: string, contentType: string, body: Uint8Array, more = ""): (string | Uint8Array)[] => [
  `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n${more}\r\n`,
  body,
];
