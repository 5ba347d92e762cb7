import { createServer } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import net from "node:net";
import type { RestHandler } from "./handler.js";

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

export interface Asking {
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

/** A handler on real sockets, in both HTTP versions. */
export async function serve(rest: RestHandler) {
  const listener = (req: Parameters<RestHandler["handle"]>[0], res: Parameters<RestHandler["handle"]>[1]): void => {
    if (rest.handle(req, res)) return;
    res.statusCode = 404;
    res.end();
  };
  const http1 = createServer(listener);
  const http2 = createHttp2Server(listener);
  await Promise.all([http1, http2].map((s) => new Promise<void>((done) => s.listen(0, "127.0.0.1", done))));
  const port1 = (http1.address() as AddressInfo).port;
  const session = connect(`http://127.0.0.1:${(http2.address() as AddressInfo).port}`);
  return {
    port1,
    async ask(version: 1 | 2, verb: string, path: string, { body, headers = {} }: Asking = {}): Promise<Answer> {
      if (version === 1) {
        const res = await fetch(`http://127.0.0.1:${port1}${path}`, { method: verb, body: body as BodyInit | undefined, headers });
        return { status: res.status, headers: Object.fromEntries(res.headers), text: await res.text() };
      }
      return await new Promise((resolve, reject) => {
        const stream = session.request({ ":method": verb, ":path": path, ...headers });
        const answer: Answer = { status: 0, headers: {}, text: "" };
        stream.on("response", (h) => {
          answer.status = Number(h[":status"]);
          for (const [name, value] of Object.entries(h)) if (!name.startsWith(":")) answer.headers[name] = String(value);
        });
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => {
          answer.text += text;
        });
        stream.on("end", () => resolve(answer));
        stream.on("error", reject);
        stream.end(body);
      });
    },
    /** Sends a request and returns what breaks it off. */
    open(version: 1 | 2, verb: string, path: string, body: string): () => void {
      if (version === 2) {
        const stream = session.request({ ":method": verb, ":path": path });
        stream.on("error", () => {}).end(body);
        return () => stream.close(8);
      }
      const socket = net.connect(port1, "127.0.0.1");
      socket.on("error", () => {}).write(`${verb} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return () => socket.destroy();
    },
    /** A bare HTTP/1.1 connection. */
    raw() {
      const socket = net.connect(port1, "127.0.0.1");
      let text = "";
      const first = new Promise<string>((resolve) => {
        socket.on("data", (bytes) => {
          text += bytes.toString();
          if (text.endsWith("\n")) resolve(text);
        });
      });
      const end = new Promise<string>((resolve) => socket.on("error", () => {}).on("close", () => resolve(text)));
      return {
        write: (bytes: string | Uint8Array, done?: () => void) => socket.write(bytes, done),
        destroy: () => socket.destroy(),
        /** All that came once the connection has ended. */
        answer: () => end,
        /** The first whole answer. */
        first: () => first,
      };
    },
    async close(): Promise<void> {
      session.destroy();
      http1.closeAllConnections();
      await Promise.all([http1, http2].map((s) => new Promise((done) => s.close(done))));
    },
  };
}
