import { createServer } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import net from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Call, Route } from "../rpc.js";
import type { RestHandler } from "./handler.js";

/** A plain scanner of JSON values for this package's tests; the server injects the one of `protocol`. Depth at most 128. */
export function scanJsonPlainly(buf: Uint8Array, start: number, end: number, depth = 0): number {
  if (depth > 128 || start >= end) return -1;
  const space = (at: number): number => {
    let p = at;
    while (p < end && (buf[p] === 0x20 || buf[p] === 0x0a || buf[p] === 0x0d || buf[p] === 0x09)) p++;
    return p;
  };
  const c = buf[start];
  if (c === 0x7b || c === 0x5b) {
    let p = space(start + 1);
    if (buf[p] === c + 2) return p + 1;
    for (;;) {
      if (c === 0x7b) {
        p = buf[p] === 0x22 ? space(scanString(buf, p, end)) : -1;
        if (buf[p] !== 0x3a) return -1;
        p = space(p + 1);
      }
      p = scanJsonPlainly(buf, p, end, depth + 1);
      if (p < 0) return -1;
      p = space(p);
      if (buf[p] === c + 2) return p + 1;
      if (buf[p] !== 0x2c) return -1;
      p = space(p + 1);
    }
  }
  if (c === 0x22) return scanString(buf, start, end);
  let p = start;
  while (p < end && p - start < 2000 && buf[p] > 0x20 && buf[p] !== 0x2c && buf[p] !== 0x5d && buf[p] !== 0x7d) p++;
  if (p === start + 1 && c >= 0x30 && c <= 0x39) return p;
  const token = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)/.exec(Buffer.from(buf.subarray(start, p)).toString("latin1"));
  return token ? start + token[0].length : -1;
}

function scanString(buf: Uint8Array, start: number, end: number): number {
  for (let p = start + 1; p < end; p++) {
    if (buf[p] === 0x22) return p + 1;
    if (buf[p] < 0x20) return -1;
    if (buf[p] !== 0x5c) continue;
    p++;
    if (buf[p] === 0x75) {
      if (!/^[0-9a-f]{4}$/i.test(Buffer.from(buf.subarray(p + 1, p + 5)).toString("latin1"))) return -1;
      p += 4;
    } else if (!'"\\/bfnrt'.includes(String.fromCharCode(buf[p] ?? 0))) return -1;
  }
  return -1;
}

/** Routes for methods of a service, by name, with what answers them. */
export function routesOf(service: DescService, handlers: Record<string, (call: Call, request: Uint8Array) => Uint8Array | Promise<Uint8Array>>): Route[] {
  return Object.entries(handlers).map(([name, handle]) => {
    const method = service.methods.find((m: DescMethod) => m.name === name);
    if (method === undefined) throw new Error(`${service.typeName} has no method ${name}`);
    return { method, handler: { kind: "unary", handle }, hot: false };
  });
}

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
    async close(): Promise<void> {
      session.destroy();
      http1.closeAllConnections();
      await Promise.all([http1, http2].map((s) => new Promise((done) => s.close(done))));
    },
  };
}
