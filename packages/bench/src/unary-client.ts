import { createConnection, type Socket } from "node:net";

export interface UnaryAnswer {
  status: number;
  body: Buffer;
}

/** One HTTP/1.1 connection of a lean client: one request at a time, heads prepared once. */
export class UnaryConnection {
  private readonly socket: Socket;
  private buffered: Buffer = Buffer.alloc(0);
  private waiting: { resolve: (answer: UnaryAnswer) => void; reject: (cause: Error) => void } | undefined;
  private failed: Error | undefined;

  constructor(host: string, port: number) {
    this.socket = createConnection({ host, port, noDelay: true });
    this.socket.on("data", (chunk: Buffer) => this.take(chunk));
    this.socket.on("error", (cause) => this.fail(cause));
    this.socket.on("close", () => this.fail(new Error("the server closed the connection")));
  }

  /** `head` ends with the content-length header's name and colon; the length and the body follow. */
  request(head: Buffer, body: Uint8Array): Promise<UnaryAnswer> {
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(this.failed);
      this.waiting = { resolve, reject };
      this.socket.write(Buffer.concat([head, Buffer.from(` ${body.length}\r\n\r\n`, "latin1"), body]));
    });
  }

  close(): void {
    this.failed = new Error("closed");
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.buffered = this.buffered.length === 0 ? chunk : Buffer.concat([this.buffered, chunk]);
    const headEnd = this.buffered.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.buffered.toString("latin1", 0, headEnd);
    const lengthAt = head.toLowerCase().indexOf("content-length:");
    const status = Number(head.slice(9, 12));
    if (lengthAt < 0 && status !== 204) return this.fail(new Error("the answer has no content-length"));
    const length = lengthAt < 0 ? 0 : Number.parseInt(head.slice(lengthAt + 15), 10);
    if (this.buffered.length < headEnd + 4 + length) return;
    const body = this.buffered.subarray(headEnd + 4, headEnd + 4 + length);
    this.buffered = this.buffered.subarray(headEnd + 4 + length);
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.resolve({ status, body });
  }

  private fail(cause: Error): void {
    this.failed ??= cause;
    this.waiting?.reject(this.failed);
    this.waiting = undefined;
  }
}

/** The start of a request, up to and including `content-length:`. */
export function requestHead(host: string, path: string, contentType: string, headers: Record<string, string> = {}, verb = "POST"): Buffer {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${verb} ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${contentType}\r\n${more.join("")}content-length:`, "latin1");
}
