import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";

/** One lifecycle stream of a lean client: Connect envelopes on `node:http2`, frames in and out as bytes, one outstanding at a time. */
export class FrameStream {
  private buffered: Buffer = Buffer.alloc(0);
  private waiting: { resolve: (answer: Uint8Array) => void; reject: (cause: Error) => void } | undefined;
  private failed: Error | undefined;

  constructor(private readonly stream: ClientHttp2Stream) {
    stream.on("data", (chunk: Buffer) => this.take(chunk));
    stream.on("error", (cause) => this.fail(cause));
    stream.on("response", (headers) => {
      if (headers[":status"] !== 200) this.fail(new Error(`the server answered the stream with status ${headers[":status"]}`));
    });
    stream.on("close", () => this.fail(new Error("the server ended the stream")));
  }

  /** Sends one frame (with five bytes of room before it) and waits for its answer; the answer is valid until the next exchange. */
  exchange(framed: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(this.failed);
      this.waiting = { resolve, reject };
      this.stream.write(framed);
    });
  }

  end(): void {
    this.failed = new Error("closed");
    this.stream.close();
  }

  private take(chunk: Buffer): void {
    this.buffered = this.buffered.length === 0 ? chunk : Buffer.concat([this.buffered, chunk]);
    while (this.buffered.length >= 5) {
      const length = this.buffered.readUInt32BE(1);
      if (this.buffered.length < 5 + length) return;
      const flags = this.buffered[0];
      const message = this.buffered.subarray(5, 5 + length);
      this.buffered = this.buffered.subarray(5 + length);
      if (flags & 2) return this.fail(new Error(`the server ended the stream: ${message.toString()}`));
      const waiting = this.waiting;
      this.waiting = undefined;
      waiting?.resolve(message);
    }
  }

  private fail(cause: Error): void {
    this.failed ??= cause;
    this.waiting?.reject(this.failed);
    this.waiting = undefined;
  }
}

/** HTTP/2 connections with at most `streamsPerConnection` streams each. */
export class StreamPool {
  private readonly sessions: { session: ClientHttp2Session; streams: number }[] = [];
  constructor(
    private readonly url: string,
    private readonly streamsPerConnection = 200,
    private readonly headers: Record<string, string> = {},
  ) {}

  open(): FrameStream {
    let home = this.sessions.find((s) => s.streams < this.streamsPerConnection);
    if (!home) {
      const session = connect(this.url, { settings: { enablePush: false, initialWindowSize: 4 * 1024 * 1024 } });
      session.on("error", () => {
        /* every stream of the session reports it */
      });
      session.once("connect", () => session.setLocalWindowSize(16 * 1024 * 1024));
      home = { session, streams: 0 };
      this.sessions.push(home);
    }
    home.streams++;
    const stream = home.session.request({
      ":method": "POST",
      ":path": "/corvo.v1.WorkerService/StreamLifecycle",
      "content-type": "application/connect+proto",
      "connect-protocol-version": "1",
      ...this.headers,
    });
    return new FrameStream(stream);
  }

  close(): void {
    for (const { session } of this.sessions) session.destroy();
  }
}

/** Puts Connect's envelope head (flags 0, length) into the first five bytes. */
export function envelope(framed: Uint8Array): Uint8Array {
  const length = framed.length - 5;
  framed[0] = 0;
  framed[1] = length >>> 24;
  framed[2] = length >>> 16;
  framed[3] = length >>> 8;
  framed[4] = length;
  return framed;
}
