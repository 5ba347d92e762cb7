import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createListener, type Listener, type NodeRequest, type NodeResponse } from "../src/index.js";

/**
 * Two opinions about where a request ends are what request smuggling lives on. Here Node's own server is asked the same bytes as ours, whichever of
 * our lanes takes them, and both must understand the same requests and end the connection alike.
 */
/** What does not come is given up before an idle connection is, so that both say what they think of it. */
const limits = { headersTimeoutMs: 6000, requestTimeoutMs: 2000, idleTimeoutMs: 12_000, pipelinedRequestsMax: 2000, headersMax: 1500 };
let listener: Listener;
let ours = 0;
let node: Server;

/** What a server understood of a request. */
function echo(verb: string | undefined, url: string | undefined, headers: object, body: Uint8Array): string {
  return JSON.stringify({ verb, url, headers, body: Buffer.from(body).toString("latin1") });
}

async function nodeEcho(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  try {
    for await (const part of request) parts.push(part as Buffer);
  } catch {
    return; // the caller went away
  }
  const text = echo(request.method, request.url, request.headers, Buffer.concat(parts));
  response.writeHead(200, ["Content-Length", String(Buffer.byteLength(text))]).end(text);
}

beforeAll(async () => {
  listener = createListener({
    routes: [],
    http: (request: NodeRequest, response: NodeResponse) => void nodeEcho(request as IncomingMessage, response as ServerResponse),
    whole(request, response) {
      const text = echo(request.method, request.url, request.headers, request.body);
      response.writeHead(200, ["Content-Length", String(Buffer.byteLength(text))]);
      response.end(text);
      return true;
    },
    onError: (cause) => {
      throw cause;
    },
    limits,
  });
  ours = (await listener.listen(0)).port;
  node = createServer({
    maxHeaderSize: 32 * 1024,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs + limits.headersTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: 500,
  });
  node.maxHeadersCount = limits.headersMax + 1;
  node.on("request", nodeEcho).listen(0, "127.0.0.1");
  await new Promise((resolve) => node.once("listening", resolve));
});
afterAll(async () => {
  node.closeAllConnections();
  node.close();
  await listener.close({ graceMs: 0 });
});

/** Status and body of each response, until the server ends the connection; `rest` is what is no response. */
interface Said {
  responses: [status: number, body: string][];
  rest: string;
}

function read(bytes: string): Said {
  const responses: [number, string][] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return { responses, rest: bytes.slice(at) };
    const head = bytes.slice(at, end);
    const status = Number(head.split(" ")[1]);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    // An answer to HEAD has none, whatever its length says; none of ours begins like a status line.
    const body = bytes.startsWith("HTTP/1.1", end + 4) ? "" : bytes.slice(end + 4, end + 4 + length);
    responses.push([status, body]);
    at = end + 4 + body.length;
  }
}

type Mode = "alone" | "behind another" | "in pieces" | "half closed";

/** Sends the bytes and listens until the server ends the connection. */
function ask(port: number, bytes: Buffer, mode: Mode): Promise<Said> {
  return new Promise((resolve) => {
    let said = "";
    let sent = mode !== "behind another";
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: mode === "half closed" });
    socket.setEncoding("latin1");
    socket.on("error", () => {
      // A reset is an end, too.
    });
    socket.on("data", (part: Buffer | string) => {
      said += String(part);
      if (sent || !said.includes("/before")) return;
      sent = true;
      socket.write(bytes);
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(read(said)));
    socket.once("connect", async () => {
      if (mode === "behind another") socket.write("GET /before HTTP/1.1\r\nHost: t\r\n\r\n");
      else if (mode === "in pieces") {
        for (let at = 0; at < bytes.length && !socket.destroyed; at += 7) {
          socket.write(bytes.subarray(at, at + 7));
          await new Promise((next) => setImmediate(next));
        }
      } else socket.write(bytes);
      if (mode === "half closed") socket.end();
    });
  });
}

const get = (target = "/a", more = "", start = "GET"): string => `${start} ${target} HTTP/1.1\r\nHost: t\r\n${more}\r\n`;
const sent = (body: string, ...lines: string[]): string => `POST /a HTTP/1.1\r\nHost: t\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n${body}`;
const length = (n: number | string): string => `Content-Length: ${n}`;
const chunked = "Transfer-Encoding: chunked";
const hidden = get("/hidden");

const framing: [string, string][] = [
  ["a body", sent("abc", length(3))],
  ["no body", sent("")],
  ["two equal lengths", sent("abc", length(3), length(3))],
  ["two lengths", sent("abc", length(3), length(30)) + hidden],
  ["two lengths in one", sent("abc", length("3, 3"))],
  ["a length with a sign", sent("abc", length("+3")) + hidden],
  ["a negative length", sent("abc", length(-3)) + hidden],
  ["a length in hex", sent("abc", length("0x3")) + hidden],
  ["a length with a dot", sent("abc", length("3.0"))],
  ["a length with zeros before it", sent("abc", length("00003"))],
  ["no length after its name", sent("abc", "Content-Length:") + hidden],
  ["a length beyond all numbers", sent("abc", length("184467440737095516190"))],
  ["a length with blanks around it", sent("abc", "Content-Length: \t 3 \t ")],
  ["a length behind a vertical tab", sent("abc", "Content-Length: \x0b3") + hidden],
  ["a length before a form feed", sent("abc", "Content-Length: 3\x0c") + hidden],
  ["a length before a hard space", sent("abc", "Content-Length: 3\xa0") + hidden],
  ["a hard space behind the colon", sent("abc", "Content-Length:\xa03") + hidden],
  ["a length with a blank in it", sent("abc", length("3 3"))],
  ["a blank before the colon", sent("abc", "Content-Length : 3") + hidden],
  ["a tab before the colon", sent("abc", "Content-Length\t: 3") + hidden],
  ["an underscore for the dash", sent("", "Content_Length: 3") + hidden],
  ["a long s in the name", sent("abc", "Content-Length\u017f: 3")],
  ["a body of a GET", `GET /a HTTP/1.1\r\nHost: t\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ["a body of a DELETE", `DELETE /a HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc`],
  ["chunks", sent("3\r\nabc\r\n0\r\n\r\n", chunked)],
  ["chunks and a length", sent("3\r\nabc\r\n0\r\n\r\n", chunked, length(4)) + hidden],
  ["a length and chunks", sent("3\r\nabc\r\n0\r\n\r\n", length(4), chunked) + hidden],
  ["chunks twice", sent("3\r\nabc\r\n0\r\n\r\n", chunked, chunked)],
  ["chunks that are not last", sent("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked, identity") + hidden],
  ["chunks of something", sent("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: xchunked") + hidden],
  ["identity", sent("abc", "Transfer-Encoding: identity", length(3))],
  ["chunks behind a vertical tab", sent("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding:\x0bchunked") + hidden],
  ["chunks with a blank before the colon", sent("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding : chunked", length(3)) + hidden],
  ["chunks in quotes", sent("abc", 'Transfer-Encoding: "chunked"', length(3))],
  ["chunks in capitals", sent("3\r\nabc\r\n0\r\n\r\n", "TRANSFER-ENCODING: CHUNKED")],
  ["an extension of a chunk", sent("3;a=b\r\nabc\r\n0\r\n\r\n", chunked)],
  ["an extension with a line feed", sent("3;a\nb\r\nabc\r\n0\r\n\r\n", chunked) + hidden],
  ["a chunk's length with a line feed alone", sent("3\nabc\r\n0\r\n\r\n", chunked) + hidden],
  ["a chunk without its end", sent("3\r\nabc0\r\n\r\n", chunked) + hidden],
  ["a chunk's length with a sign", sent("-3\r\nabc\r\n0\r\n\r\n", chunked) + hidden],
  ["a chunk's length in hex with its x", sent("0x3\r\nabc\r\n0\r\n\r\n", chunked) + hidden],
  ["a chunk beyond all numbers", sent("fffffffffffffffff\r\nabc", chunked)],
  ["trailers", sent("3\r\nabc\r\n0\r\nX: y\r\n\r\n", chunked)],
  ["a length among the trailers", sent("3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", chunked) + hidden],
];

const heads: [string, string][] = [
  ["a folded line", get("/a", "X: a\r\n b\r\n")],
  ["a folded line with a length in it", sent("abc", "X: a", "\tContent-Length: 3")],
  ["a fold as the first line", "GET /a HTTP/1.1\r\n Host: t\r\n\r\n"],
  ["line feeds alone", "GET /a HTTP/1.1\nHost: t\n\n"],
  ["one line feed alone", get("/a", "X: a\nY: b\r\n")],
  ["a carriage return alone", get("/a", "X: a\rY: b\r\n")],
  ["two carriage returns", get("/a", "X: a\r\r\n")],
  ["a line feed before the end of a line", get("/a", "X: a\n\r\n")],
  ["a line feed behind the colon, and a length that hides", get("/a", "X:\nContent-Length: 3\r\n")],
  ["a length around a vertical tab, exact", sent("abc", "Content-Length:\x0b3")],
  ["a carriage return behind the colon", sent("abc", "X:\rContent-Length: 3")],
  ["a zero byte in a value", get("/a", "X: a\0b\r\n")],
  ["a zero byte in a name", get("/a", "X\0: a\r\n")],
  ["a value above ASCII", get("/a", "X: caf\xe9\r\n")],
  ["a value that ends above ASCII", get("/a", "X: a\xa0\r\n")],
  ["a value of a vertical tab", get("/a", "X: \x0b\r\n")],
  ["a value of DEL", get("/a", "X: a\x7f\r\n")],
  ["a name above ASCII", get("/a", "X\xe9: a\r\n")],
  ["an empty name", get("/a", ": a\r\n")],
  ["no colon", get("/a", "X\r\n")],
  ["a name in brackets", get("/a", "X[a]: b\r\n")],
  ["empty values", get("/a", "X:\r\nY: \t \r\n")],
  ["a prototype", get("/a", "__proto__: x\r\nconstructor: y\r\n")],
  ["a name twice", get("/a", "X: a\r\nx: b\r\n")],
  ["a type twice", sent("{}", "Content-Type: a/b", "Content-Type: c/d", length(2))],
  ["two keys", get("/a", "Authorization: a\r\nAuthorization: b\r\nX-API-Key: c\r\nX-API-Key: d\r\n")],
  ["cookies", get("/a", "Cookie: a=1\r\nCookie: b=2\r\nSet-Cookie: a\r\n")],
  ["no host", "GET /a HTTP/1.1\r\n\r\n"],
  ["two hosts", get("/a", "Host: u\r\n")],
  ["an empty host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n"],
  ["a strange host", "GET /a HTTP/1.1\r\nHost: a b/[::\r\n\r\n"],
  ["a thousand headers", get("/a", Array.from({ length: 1000 }, (_, i) => `X-${i}: 1\r\n`).join(""))],
  ["a head of 20,000 bytes", get("/a", `X: ${"a".repeat(20_000)}\r\n`)],
  ["a query of 3,000 bytes", get(`/a?${"q".repeat(3000)}`)],
];

const starts: [string, string][] = [
  ...["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G ET", "GETT", "", "POST\0"].map((verb): [string, string] => [
    `the verb ${JSON.stringify(verb)}`,
    get("/a", "", verb),
  ]),
  ...["HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/11", "ICE/1.0", ""].map((version): [string, string] => [
    `the version ${JSON.stringify(version)}`,
    `GET /a ${version}\r\nHost: t\r\n\r\n`,
  ]),
  ...["http://t/a", "http://other:99/a?b#c", "HTTP://T", "t:80", "*", "a", "", "/a#b", "/a b", "/a\tb", "//a//b", "/\\..\\a", "/a?b?c", "/a/../b", "/./a"].map(
    (target): [string, string] => [`the target ${JSON.stringify(target)}`, get(target)],
  ),
  ...["/%2e%2e/a", "/%00", "/%", "/%zz", "/%c0%ae%c0%ae/", "/%ff", "/a%2fb", "/\xff\xfe", "/\x80", "/a\0b", "/\x7f", "/a\x01"].map(
    (target): [string, string] => [`the target ${JSON.stringify(target)}`, get(target)],
  ),
  ["any target of OPTIONS", get("*", "", "OPTIONS")],
  ["the authority of CONNECT", get("t:443", "", "CONNECT")],
  ["an empty line first", `\r\n${get()}`],
  ["many empty lines first", `${"\r\n".repeat(20)}${get()}`],
  ["a line feed first", `\n${get()}`],
  ["a blank first", ` ${get()}`],
  ["garbage", "\x16\x03\x01\x02\0\x01\0"],
  ["an end without a head", "\r\n\r\n\r\n\r\n"],
  ["an empty line and no more", "\r\n"],
];
/** To Node, which gets it from us, such a connection is new: it has the patience for a first head, and then says so. */
const newToNode = new Set(["an end without a head", "an empty line and no more"]);

const connections: [string, string][] = [
  ["three at once", get("/1") + sent("abc", length(3)) + get("/3")],
  ["the second is broken", get("/1") + get("/2", "X\r\n") + get("/3")],
  ["an empty line between", `${get("/1")}\r\n${get("/2")}`],
  ["bytes behind a body", `${sent("abc", length(3))}xyz`],
  ["a request behind a goodbye", get("/1", "Connection: close\r\n") + get("/2")],
  ["a goodbye among others", get("/1", "Connection: keep-alive, close\r\n") + get("/2")],
  ["a strange connection", get("/1", "Connection: Keep-Alive, X\r\n") + get("/2")],
  ["stay, in HTTP/1.0", `GET /1 HTTP/1.0\r\nHost: t\r\nConnection: keep-alive\r\n\r\n${get("/2")}`],
  ["an upgrade to HTTP/2", get("/1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n") + get("/2")],
  ["an upgrade without its connection", get("/1", "Upgrade: websocket\r\n") + get("/2")],
  ["Expect, and the body with it", sent("abc", length(3), "Expect: 100-continue") + get("/2")],
  ["Expect without a body", get("/1", "Expect: 100-continue\r\n") + get("/2")],
  ["Expect of something else", sent("abc", length(3), "Expect: 200-maybe") + get("/2")],
  ["HEAD, and another", get("/1", "", "HEAD") + get("/2")],
  ["a body that does not come", sent("ab", length(3))],
  ["a chunk that does not come", sent("3\r\nab", chunked)],
  ["a head that does not come", "POST /a HTTP/1.1\r\nHost: t\r\nX"],
];

const all = [...framing, ...heads, ...starts, ...connections];
const modes = ["alone", "behind another", "in pieces", "half closed"] as const;

describe("the same bytes are the same requests to us as to Node", () => {
  const answers = new Map<string, [mine: Said, nodes: Said]>();
  // Many wait for a limit of time: all at once.
  beforeAll(async () => {
    const ports = [ours, (node.address() as AddressInfo).port];
    const askBoth = async (mode: Mode, name: string, text: string): Promise<void> => {
      const [mine, nodes] = await Promise.all(ports.map((port) => ask(port, Buffer.from(text, "latin1"), mode)));
      answers.set(`${mode}/${name}`, [mine!, nodes!]);
    };
    await Promise.all(modes.flatMap((mode) => all.map(([name, text]) => askBoth(mode, name, text))));
  });
  describe.each(modes)("%s", (mode) => {
    it.each(all.map(([name]) => name))("%s", (name) => {
      const [mine, nodes] = answers.get(`${mode}/${name}`)!;
      if (mode === "behind another" && newToNode.has(name)) nodes.responses.push([408, ""]);
      expect(mine).toEqual(nodes);
    });
  });
});

it("a thousand requests at once are answered in order", async () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? sent(`n${i}`, length(`n${i}`.length)) : get(`/${i}`))).join(""));
  const nodes = await ask((node.address() as AddressInfo).port, bytes, "alone");
  expect(nodes.responses).toHaveLength(1000);
  for (const mode of ["alone", "in pieces"] as const) expect(await ask(ours, bytes, mode)).toEqual(nodes);
});

// Whoever still writes when the connection ends may not see why: that is the same everywhere.
it.each(modes)("heads beyond the limit are refused, %s", async (mode) => {
  for (const text of [get("/a", `X: ${"a".repeat(40_000)}\r\n`), get(`/a?${"q".repeat(100_000)}`)]) {
    for (const port of [ours, (node.address() as AddressInfo).port]) {
      const { responses } = await ask(port, Buffer.from(text + hidden), mode);
      for (const [status, body] of responses) expect(body.includes("/before") ? 200 : 431).toBe(status);
    }
  }
});
