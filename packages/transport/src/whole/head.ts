import type { IncomingHttpHeaders } from "node:http";

/** The head of a request that is plain enough to be served without Node's parser. */
export interface Head {
  readonly verb: string;
  /** Path and query. */
  readonly url: string;
  /** Shared between requests with the same head: never changed. */
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the head, with its empty line. */
  readonly bytes: number;
  /** Number of headers. */
  readonly lines: number;
  /** Bytes of the body. */
  readonly bodyBytes: number;
}

/** Longer heads are Node's. */
export const headBytesMax = 4096;
/** Longer bodies are Node's, which reads them piece by piece. */
export const bodyBytesMax = 32 * 1024;

/**
 * Reads the head at the start of `bytes`. `unfinished`: more must come. `unusual`: valid or not, it is for Node's parser to say. Only what every
 * parser reads alike is taken (RFC 9112 §2 to §6, without what it merely tolerates): one way to end lines, one length, no name twice.
 */
export function readHead(bytes: Buffer): Head | "unfinished" | "unusual" {
  const end = bytes.indexOf("\r\n\r\n", 0, "latin1");
  if (end < 0) return bytes.length > headBytesMax ? "unusual" : "unfinished";
  if (end > headBytesMax) return "unusual";
  const text = bytes.toString("latin1", 0, end);
  const known = heads.get(text);
  if (known !== undefined) return known;
  const head = parse(text);
  if (head === undefined) return "unusual";
  if (!ids.test(head.url)) {
    if (heads.size >= headsMax) heads.clear();
    heads.set(text, head);
  }
  return head;
}

/** Clients repeat their heads byte for byte. Those with a job's id in them do not, and are not kept. */
const heads = new Map<string, Head>();
const headsMax = 512;
const ids = /job_/;

const startLine = /^(POST|GET|PUT|DELETE) (\/[!"$-~]*) HTTP\/1\.1$/;
const name = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** No line has a line feed or a carriage return of its own in it, nor blanks that are not seen as such everywhere. */
const printable = /^[\t\x20-\x7e]*$/;
const plainLength = /^ ?\d{1,6}$/;
/** What changes how a request is framed, or what its connection is for. */
const unusual = new Set(["transfer-encoding", "expect", "upgrade", "trailer", "te", "proxy-connection", "http2-settings", "__proto__"]);

function parse(text: string): Head | undefined {
  const lines = text.split("\r\n");
  const start = startLine.exec(lines[0]!);
  if (start === null) return undefined;
  const headers: IncomingHttpHeaders = {};
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    if (!printable.test(line)) return undefined;
    const colon = line.indexOf(":");
    const key = line.slice(0, Math.max(0, colon)).toLowerCase();
    const held = line.slice(colon + 1);
    if (!name.test(key) || unusual.has(key) || Object.hasOwn(headers, key)) return undefined;
    if (key === "content-length" && !plainLength.test(held)) return undefined;
    headers[key] = held.trim();
  }
  const length = headers["content-length"];
  const connection = headers.connection?.toLowerCase();
  if (!headers.host || (connection !== undefined && connection !== "keep-alive")) return undefined;
  const bodyBytes = Number(length ?? 0);
  if (bodyBytes > bodyBytesMax || (bodyBytes > 0 && start[1] === "GET")) return undefined;
  return { verb: start[1]!, url: start[2]!, headers: Object.freeze(headers), bytes: text.length + 4, lines: lines.length - 1, bodyBytes };
}
