import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { codeName } from "../src/index.js";
import { envelope } from "./frames.js";
import { enqueueBytes, frameBytes, type Served, serve } from "./harness.js";
import { timed, until } from "./healthy.js";
import { RawHttp1, request1 } from "./http1.js";

/** Tells an answer from none: no limit of ours that a test does not set ends anything this early. */
const boundMs = 20_000;
const enqueue = "/corvo.v1.WorkerService/Enqueue";
const lifecycle = "/corvo.v1.WorkerService/StreamLifecycle";
const subscribe = "/corvo.v1.WorkerService/Subscribe";
const info = "/corvo.v1.WorkerService/GetServerInfo";

interface Case {
  name: string;
  path: string;
  type?: string;
  headers?: Record<string, string>;
  body?: Uint8Array;
  verb?: string;
  /** Connect or gRPC code, or the HTTP status where the answer is not an RPC's. */
  code: string | number;
  /** Where connect-node has another word for it. */
  slow?: string | number;
}
const ok = enqueueBytes("mail");
/** A string that is longer than the message. */
const none = Buffer.from([0x0a, 0x7f, 0x61]);
const cases: Case[] = [
  {
    name: "bytes that are no envelope",
    path: lifecycle,
    type: "application/connect+proto",
    body: Buffer.from("hello world"),
    code: "invalid_argument",
    slow: "resource_exhausted",
  },
  { name: "unknown flags", path: lifecycle, type: "application/connect+proto", body: envelope(frameBytes(1n), 0x40), code: "invalid_argument", slow: "ok" },
  { name: "unknown flags, gRPC", path: enqueue, type: "application/grpc", body: envelope(ok, 0x40), code: "invalid_argument", slow: "ok" },
  {
    name: "an end-of-stream flag",
    path: lifecycle,
    type: "application/connect+proto",
    body: envelope(Buffer.from("{}"), 2),
    code: "invalid_argument",
    slow: "ok",
  },
  { name: "a compressed flag without an encoding", path: lifecycle, type: "application/connect+proto", body: envelope(frameBytes(1n), 1), code: "internal" },
  { name: "a compressed flag without an encoding, gRPC", path: enqueue, type: "application/grpc", body: envelope(ok, 1), code: "internal" },
  { name: "half a header", path: lifecycle, type: "application/connect+proto", body: Buffer.from([0, 0, 0]), code: "invalid_argument" },
  { name: "half a message", path: lifecycle, type: "application/connect+proto", body: envelope(frameBytes(1n), 0, 100), code: "invalid_argument" },
  { name: "half a message, gRPC", path: enqueue, type: "application/grpc", body: envelope(ok, 0, 100), code: "invalid_argument" },
  { name: "a message of 4 GiB", path: lifecycle, type: "application/connect+proto", body: envelope(ok, 0, 0xffff_ffff), code: "resource_exhausted" },
  { name: "a message of 4 GiB, gRPC", path: enqueue, type: "application/grpc", body: envelope(ok, 0, 0xffff_ffff), code: "resource_exhausted" },
  { name: "no message, gRPC", path: enqueue, type: "application/grpc", code: "unimplemented" },
  { name: "two messages, gRPC", path: enqueue, type: "application/grpc", body: Buffer.concat([envelope(ok), envelope(ok)]), code: "unimplemented" },
  {
    name: "two messages for a server stream",
    path: subscribe,
    type: "application/connect+proto",
    body: Buffer.concat([envelope(ok), envelope(ok)]),
    code: "unimplemented",
  },
  { name: "protobuf that is none", path: enqueue, type: "application/proto", body: none, code: "invalid_argument" },
  { name: "protobuf that is none, gRPC", path: enqueue, type: "application/grpc", body: envelope(none), code: "invalid_argument" },
  { name: "protobuf that is none, gRPC-Web", path: enqueue, type: "application/grpc-web", body: envelope(none), code: "invalid_argument" },
  { name: "protobuf that is none in a stream", path: lifecycle, type: "application/connect+proto", body: envelope(none), code: "invalid_argument" },
  { name: "protobuf that is none in a stream, gRPC", path: lifecycle, type: "application/grpc", body: envelope(none), code: "invalid_argument" },
  { name: "protobuf that is none in a stream, gRPC-Web", path: lifecycle, type: "application/grpc-web", body: envelope(none), code: "invalid_argument" },
  { name: "protobuf that is none for a server stream", path: subscribe, type: "application/connect+proto", body: envelope(none), code: "invalid_argument" },
  { name: "protobuf that is none for a server stream, gRPC", path: subscribe, type: "application/grpc", body: envelope(none), code: "invalid_argument" },
  {
    name: "protobuf that is none for a server stream, gRPC-Web",
    path: subscribe,
    type: "application/grpc-web",
    body: envelope(none),
    code: "invalid_argument",
  },
  { name: "JSON that is none", path: enqueue, type: "application/json", body: Buffer.from("{nope"), code: "invalid_argument" },
  { name: "JSON of the wrong shape", path: enqueue, type: "application/json", body: Buffer.from('{"queue":{"a":1}}'), code: "invalid_argument" },
  {
    name: "JSON that is not UTF-8",
    path: enqueue,
    type: "application/json",
    body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
    code: "invalid_argument",
    slow: "invalid_argument",
  },
  { name: "an empty body where JSON is due", path: enqueue, type: "application/json", code: "invalid_argument" },
  {
    name: "JSON 100,000 deep",
    path: enqueue,
    type: "application/json",
    body: Buffer.from(`{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
    code: "invalid_argument",
    slow: "ok",
  },
  {
    name: "JSON of eight million brackets",
    path: enqueue,
    type: "application/json",
    body: Buffer.alloc(8_000_000, "["),
    code: "invalid_argument",
    slow: "resource_exhausted",
  },
  {
    name: "JSON of a million values",
    path: enqueue,
    type: "application/json",
    body: Buffer.from(`{"x":[${"1,".repeat(1_000_000)}1]}`),
    code: "invalid_argument",
    slow: "resource_exhausted",
  },
  { name: "JSON in a stream that is none", path: lifecycle, type: "application/connect+json", body: envelope(Buffer.from("]")), code: "invalid_argument" },
  { name: "a timeout in words", path: enqueue, type: "application/proto", headers: { "connect-timeout-ms": "soon" }, body: ok, code: "invalid_argument" },
  { name: "a negative timeout", path: enqueue, type: "application/proto", headers: { "connect-timeout-ms": "-1" }, body: ok, code: "invalid_argument" },
  {
    name: "a timeout of eleven digits",
    path: enqueue,
    type: "application/proto",
    headers: { "connect-timeout-ms": "99999999999" },
    body: ok,
    code: "invalid_argument",
  },
  {
    name: "the longest timeout",
    path: enqueue,
    type: "application/proto",
    headers: { "connect-timeout-ms": "9999999999" },
    body: enqueueBytes("q", "sleep 20"),
    code: "ok",
  },
  {
    name: "a gRPC timeout without a unit",
    path: enqueue,
    type: "application/grpc",
    headers: { "grpc-timeout": "100" },
    body: envelope(ok),
    code: "invalid_argument",
  },
  {
    name: "a gRPC timeout of nine digits",
    path: enqueue,
    type: "application/grpc",
    headers: { "grpc-timeout": "123456789m" },
    body: envelope(ok),
    code: "invalid_argument",
  },
  {
    name: "the longest gRPC timeout",
    path: enqueue,
    type: "application/grpc",
    headers: { "grpc-timeout": "99999999H" },
    body: envelope(enqueueBytes("q", "sleep 20")),
    code: "ok",
  },
  {
    name: "a deadline of nothing",
    path: enqueue,
    type: "application/proto",
    headers: { "connect-timeout-ms": "0" },
    body: enqueueBytes("q", "wait"),
    code: "deadline_exceeded",
  },
  {
    name: "gzip while compression is off",
    path: enqueue,
    type: "application/proto",
    headers: { "content-encoding": "gzip" },
    body: gzipSync(ok),
    code: "unimplemented",
  },
  {
    name: "gzip while compression is off, gRPC",
    path: enqueue,
    type: "application/grpc",
    headers: { "grpc-encoding": "gzip" },
    body: envelope(gzipSync(ok), 1),
    code: "unimplemented",
  },
  {
    name: "gzip while compression is off, stream",
    path: lifecycle,
    type: "application/connect+proto",
    headers: { "connect-content-encoding": "gzip" },
    body: envelope(gzipSync(ok), 1),
    code: "unimplemented",
  },
  { name: "an encoding nobody knows", path: enqueue, type: "application/proto", headers: { "content-encoding": "nope" }, body: ok, code: "unimplemented" },
  {
    name: "another Connect version",
    path: enqueue,
    type: "application/proto",
    headers: { "connect-protocol-version": "2" },
    body: ok,
    code: "invalid_argument",
  },
  { name: "no content type", path: enqueue, body: ok, code: 415 },
  { name: "text", path: enqueue, type: "text/plain", body: ok, code: 415 },
  { name: "JSON in Latin-1", path: enqueue, type: "application/json; charset=latin1", body: Buffer.from("{}"), code: 415 },
  { name: "JSON in UTF-8, said so", path: enqueue, type: "application/json; charset=utf-8", body: Buffer.from('{"queue":"mail"}'), code: "ok" },
  { name: "gRPC-Web as text", path: enqueue, type: "application/grpc-web-text", body: Buffer.from("AAAA"), code: 415 },
  { name: "a unary call as a stream", path: enqueue, type: "application/connect+proto", body: envelope(ok), code: 415 },
  { name: "a stream as a unary call", path: subscribe, type: "application/proto", body: ok, code: 415 },
  { name: "GET of a call with side effects", path: enqueue, verb: "GET", code: 405 },
  { name: "PUT", path: enqueue, verb: "PUT", type: "application/proto", body: ok, code: 405 },
  { name: "GET that lacks its parameters", path: info, verb: "GET", code: 415 },
  { name: "an unknown method, gRPC", path: "/corvo.v1.WorkerService/Nope", type: "application/grpc", body: envelope(ok), code: "unimplemented" },
  { name: "an unknown method", path: "/corvo.v1.WorkerService/Nope", type: "application/proto", body: ok, code: 404 },
];

/** What a caller is told, over HTTP/2. */
async function call(session: ClientHttp2Session, { path, type, headers, body, verb = "POST" }: Case): Promise<string | number> {
  const stream = session.request({ ":method": verb, ":path": path, ...(type && { "content-type": type, te: "trailers" }), ...headers });
  stream.on("error", () => {});
  stream.end(body === undefined ? undefined : Buffer.from(body));
  let status = 0;
  let answered = "";
  let trailer: string | undefined;
  stream.on("response", (h) => {
    status = h[":status"]!;
    answered = h["content-type"] ?? "";
    trailer = h["grpc-status"] as string | undefined;
  });
  stream.on("trailers", (h) => {
    trailer = h["grpc-status"] as string | undefined;
  });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  await new Promise((resolve) => stream.on("close", resolve));
  return said(status, answered, Buffer.concat(chunks), trailer);
}

function said(status: number, type: string, body: Buffer, grpcStatus?: string): string | number {
  if (grpcStatus !== undefined) return codeName(Number(grpcStatus));
  if (type.startsWith("application/grpc-web")) {
    for (let at = 0; at + 5 <= body.length; at += 5 + body.readUInt32BE(at + 1)) {
      if (body[at] === 0x80) return codeName(Number(/grpc-status: (\d+)/.exec(body.subarray(at + 5).toString())?.[1]));
    }
    return "no end";
  }
  if (type.startsWith("application/connect+")) {
    for (let at = 0; at + 5 <= body.length; at += 5 + body.readUInt32BE(at + 1)) {
      if (body[at] === 2) return (JSON.parse(body.subarray(at + 5).toString()) as { error?: { code: string } }).error?.code ?? "ok";
    }
    return "no end";
  }
  if (status === 200) return "ok";
  return type === "application/json" ? (JSON.parse(body.toString()) as { code: string }).code : status;
}

describe.each([{ hot: true }, { hot: false }])("what is malformed gets a typed answer, hot=$hot", ({ hot }) => {
  let served: Served;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    served = await serve({ hot });
    session = connectHttp2(served.url);
  });
  afterAll(async () => {
    session.destroy();
    await served.listener.close({ graceMs: 0 });
  });
  afterEach(async () => {
    await until(() => served.listener.calls === 0 && served.listener.bufferedBytes === 0);
  });

  let slowestMs = 0;
  afterAll(() => console.log(`  slowest answer ${slowestMs.toFixed(1)} ms, hot=${hot}`));

  it.each(cases)("$name", async (one) => {
    const [got, ms] = await timed(() => call(session, one));
    slowestMs = Math.max(slowestMs, ms);
    expect(got).toBe(hot ? one.code : (one.slow ?? one.code));
    expect(ms).toBeLessThan(boundMs);
    await expect(call(session, { name: "", path: enqueue, type: "application/proto", body: ok, code: "" })).resolves.toBe("ok");
  });

  // Over HTTP/1.1 on one connection: an answer that leaves the connection in a wrong state spoils the next one.
  it("the same over HTTP/1.1, one after the other on one connection", async () => {
    let raw = await RawHttp1.open(served.port);
    for (const { name, path, type, headers, body, verb = "POST", code, slow } of cases) {
      if (type?.startsWith("application/grpc") || path === lifecycle) continue;
      const [response, ms] = await timed(async () => {
        const lines = Object.entries({ ...(type && { "Content-Type": type }), ...headers }).map(([n, v]) => `${n}: ${v}\r\n`);
        raw.write(`${verb} ${path} HTTP/1.1\r\nHost: test\r\n${lines.join("")}Content-Length: ${body?.length ?? 0}\r\n\r\n`, body ?? Buffer.alloc(0));
        return raw.response();
      });
      expect(response, name).toBeDefined();
      expect(said(response!.status, response!.headers["content-type"] ?? "", response!.body), name).toBe(hot ? code : (slow ?? code));
      expect(ms, name).toBeLessThan(boundMs);
      if (response!.headers.connection === "close") raw = await RawHttp1.open(served.port);
    }
    raw.destroy();
  });

  it("says what it would accept", async () => {
    const raw = await RawHttp1.open(served.port);
    raw.write(...request1(enqueue, "text/plain", ok));
    const unsupported = await raw.response();
    expect([unsupported?.status, unsupported?.headers["accept-post"]]).toEqual([
      415,
      "application/proto, application/json, application/grpc, application/grpc+proto, application/grpc+json, application/grpc-web, application/grpc-web+proto, application/grpc-web+json",
    ]);
    raw.write(`GET ${enqueue} HTTP/1.1\r\nHost: test\r\n\r\n`);
    const notAllowed = await raw.response();
    expect([notAllowed?.status, notAllowed?.headers.allow]).toEqual([405, "POST"]);
    raw.write(...request1(lifecycle, "application/connect+proto", envelope(frameBytes(1n))));
    const version = await raw.response();
    expect([version?.status, version?.headers.connection]).toEqual([505, "close"]);
    await raw.untilClosed();
  });

  it("strange request lines and hosts do no harm", async () => {
    for (const head of [
      `POST ${enqueue} HTTP/1.0\r\n`,
      `POST ${enqueue}?a=b#c HTTP/1.1\r\nHost: [::::\r\n`,
      `GET ${info}?encoding=proto&message=%% HTTP/1.1\r\nHost: a b\r\n`,
      `GET ${info}?encoding=proto HTTP/1.0\r\n`,
      `POST http://[/ HTTP/1.1\r\nHost: test\r\n`,
    ]) {
      const raw = await RawHttp1.open(served.port);
      raw.write(`${head}Content-Type: application/grpc-web\r\nContent-Length: 0\r\n\r\n`);
      await raw.response();
      raw.destroy();
    }
    for (const path of ["*", "", "//", "http://[", "/\u0000"])
      await call(session, { name: "", path: path === "" ? "/" : path, type: "application/proto", code: "" }).catch(() => {});
    await expect(call(session, { name: "", path: enqueue, type: "application/proto", body: ok, code: "" })).resolves.toBe("ok");
  });
});
