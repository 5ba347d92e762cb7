import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { codeName } from "../src/index.js";
import { DATA, END_HEADERS, END_STREAM, envelope, frame, HEADERS, post, RawHttp2, RST_STREAM, WINDOW_UPDATE } from "./frames.js";
import { enqueueBytes, type Served, serve } from "./harness.js";
import { timed, until } from "./healthy.js";
import { RawHttp1, request1 } from "./http1.js";

/** Tells an answer from none: no limit of ours that a test does not set ends anything this early. */
const boundMs = 20_000;
/** What is on its way arrives, also where this process gets no turn for a second. */
const drainMs = 20_000;
const enqueue = "/corvo.v1.WorkerService/Enqueue";
const subscribe = "/corvo.v1.WorkerService/Subscribe";
const ok = enqueueBytes("mail");
let served: Served;
afterEach(async () => {
  await until(() => served.listener.calls === 0 && served.listener.bufferedBytes === 0);
  await served.listener.close({ graceMs: 0 });
});

/** A message of exactly so many bytes. */
function messageOf(bytes: number): Uint8Array {
  const base = enqueueBytes("q", "x".repeat(bytes)).length - bytes;
  const message = enqueueBytes("q", "x".repeat(bytes - base));
  expect(message.length).toBe(bytes);
  return message;
}

async function http2Call(port: number, type: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":method": "POST", ":path": enqueue, "content-type": type, te: "trailers", ...headers });
  stream.on("error", () => {});
  stream.end(Buffer.from(body));
  let said = "";
  stream.on("response", (h) => {
    said = type.startsWith("application/grpc") ? codeName(Number(h["grpc-status"] ?? 0)) : String(h[":status"]);
  });
  stream.on("trailers", (h) => {
    said = codeName(Number(h["grpc-status"]));
  });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  await new Promise((resolve) => stream.on("close", resolve));
  session.destroy();
  // gRPC-Web has its trailers in the body.
  if (type === "application/grpc-web") said = codeName(Number(/grpc-status: *(\d+)/.exec(Buffer.concat(chunks).toString("latin1"))?.[1]));
  return said;
}

describe.each([{ hot: true }, { hot: false }])("a request given up at its limit, hot=$hot", ({ hot }) => {
  it("the limit is exact", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 70_000, drainMs } });
    const at = messageOf(70_000);
    const over = messageOf(70_001);
    for (const [type, wrap, good, bad] of [
      ["application/proto", (m: Uint8Array) => m, "200", "429"],
      ["application/grpc", envelope, "ok", "resource_exhausted"],
      ["application/grpc-web", envelope, "ok", "resource_exhausted"],
    ] as const) {
      expect(await http2Call(served.port, type, wrap(at)), type).toBe(good);
      expect(await http2Call(served.port, type, wrap(over)), type).toBe(bad);
      expect(await http2Call(served.port, type, wrap(over), { "content-length": String(wrap(over).length) }), type).toBe(bad);
    }
    const raw = await RawHttp1.open(served.port);
    for (const [message, status] of [
      [at, 200],
      [over, 429],
      [at, 200],
    ] as const) {
      raw.write(...request1(enqueue, "application/proto", message));
      expect((await raw.response())?.status).toBe(status);
      raw.write(
        `POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nTransfer-Encoding: chunked\r\n\r\n${message.length.toString(16)}\r\n`,
        message,
        "\r\n0\r\n\r\n",
      );
      expect((await raw.response())?.status).toBe(status);
    }
    raw.destroy();
    expect(served.started.length).toBe(7);
  });

  // The smallest case of the fault that the wrapper cures: without it the second request is never read.
  it("HTTP/1.1: the next call on the same connection is answered", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainMs } });
    const raw = await RawHttp1.open(served.port);
    for (const size of [2000, 100_000, 200_000, 900_000]) {
      raw.write(...request1(enqueue, "application/proto", Buffer.alloc(size)));
      const [refused, refusedMs] = await timed(() => raw.response());
      raw.write(...request1(enqueue, "application/proto", ok));
      const [answered, ms] = await timed(() => raw.response());
      console.log(`  ${size} bytes: refused after ${refusedMs.toFixed(0)} ms, next call after ${ms.toFixed(0)} ms`);
      expect([refused?.status, answered?.status]).toEqual([429, 200]);
      expect(Math.max(refusedMs, ms)).toBeLessThan(boundMs);
    }
    raw.destroy();
  });

  it("HTTP/1.1: the same where the body comes in chunks and trickles on after the answer", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainMs } });
    const raw = await RawHttp1.open(served.port);
    const chunk = Buffer.alloc(0x4000);
    raw.write(`POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nTransfer-Encoding: chunked\r\n\r\n`, "4000\r\n", chunk, "\r\n");
    expect((await raw.response())?.status).toBe(429);
    for (let i = 0; i < 20; i++) raw.write("4000\r\n", chunk, "\r\n");
    raw.write("0\r\n\r\n", ...request1(enqueue, "application/proto", ok));
    expect((await raw.response())?.status).toBe(200);
    raw.destroy();
  });

  it("HTTP/1.1: more than may be drained ends the connection, after the answer", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainBytesMax: 50_000 } });
    const raw = await RawHttp1.open(served.port);
    raw.write(`POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nContent-Length: 5000000\r\n\r\n`, Buffer.alloc(200_000));
    expect((await raw.response())?.status).toBe(429);
    raw.write(Buffer.alloc(1_000_000));
    await raw.untilClosed();
  });

  it("HTTP/1.1: a body that stays away ends the connection in its time", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainMs: 100 } });
    const raw = await RawHttp1.open(served.port);
    raw.write(`POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n`, Buffer.alloc(0x1000));
    expect((await raw.response())?.status).toBe(429);
    await raw.untilClosed();
  });

  // First safeguard. The body is more than may be drained, but it is all there, and behind it is the next request.
  it("HTTP/1.1: a connection whose request is complete is not closed", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainBytesMax: 1000, drainMs } });
    for (let i = 0; i < 20; i++) {
      const raw = await RawHttp1.open(served.port);
      raw.write(...request1(enqueue, "application/proto", Buffer.alloc(40_000)), ...request1(enqueue, "application/proto", ok));
      expect((await raw.response())?.status).toBe(429);
      expect((await raw.response())?.status).toBe(200);
      raw.destroy();
    }
  });

  // Second safeguard. Two messages for a method that takes one leave connect-node's iterator suspended, with its listener.
  it("HTTP/1.1: the next call is answered after a stream that was left in the middle", async () => {
    served = await serve({ hot });
    const raw = await RawHttp1.open(served.port);
    const body = Buffer.concat([envelope(Buffer.alloc(0)), envelope(Buffer.alloc(0)), envelope(Buffer.alloc(0)), envelope(Buffer.alloc(300_000, 1))]);
    raw.write(...request1(subscribe, "application/connect+proto", body));
    const refused = await raw.response();
    expect([refused?.status, refused?.body.toString()]).toEqual([200, expect.stringContaining("unimplemented")]);
    raw.write(...request1(enqueue, "application/proto", ok));
    const [answered, ms] = await timed(() => raw.response());
    expect(answered?.status).toBe(200);
    expect(ms).toBeLessThan(boundMs);
    raw.destroy();
  });

  it("HTTP/2: a caller that sends until it is told to stop sees the answer, and is told", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainMs } });
    const raw = await RawHttp2.open(served.port);
    raw.write(frame(HEADERS, END_HEADERS, 1, post(enqueue, "application/proto")));
    // Keeps to its window, as a client must.
    let window = 128 * 1024;
    let connectionWindow = 65_535;
    let over = false;
    const seen = (): void => {
      for (const f of raw.frames.splice(0)) {
        if (f.type === WINDOW_UPDATE) {
          if (f.stream === 1) window += f.payload.readUInt32BE(0);
          else connectionWindow += f.payload.readUInt32BE(0);
        }
        if (f.type === RST_STREAM) over = true;
        if (f.stream === 1 && f.type <= HEADERS) answer.push(f.payload);
      }
    };
    const answer: Buffer[] = [];
    let sent = 0;
    while (!over && !raw.closed) {
      while (Math.min(window, connectionWindow) >= 10_000) {
        raw.write(frame(DATA, 0, 1, Buffer.alloc(10_000)));
        window -= 10_000;
        connectionWindow -= 10_000;
        sent += 10_000;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      seen();
    }
    expect(Buffer.concat(answer).toString()).toContain("resource_exhausted");
    console.log(`  told to stop after ${sent} bytes`);
    expect(sent).toBeLessThan(4_000_000);
    raw.write(frame(HEADERS, END_HEADERS, 3, post(enqueue, "application/proto")), frame(DATA, END_STREAM, 3, ok));
    expect((await raw.body(3)).length).toBeGreaterThan(0);
    raw.destroy();
  });

  it("HTTP/2: eight abandoned requests do not use up the connection's window", async () => {
    served = await serve({ hot, limits: { messageBytesMax: 1000, drainMs } });
    const session = connectHttp2(served.url);
    const post_ = (bytes: number) =>
      session.request({ ":method": "POST", ":path": enqueue, "content-type": "application/proto", "content-length": String(bytes) });
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const stream = post_(200_000);
        stream.on("error", () => {});
        stream.end(Buffer.alloc(200_000));
        stream.resume();
        await new Promise((resolve) => stream.on("close", resolve));
      }),
    );
    const stream = post_(ok.length);
    stream.end(Buffer.from(ok));
    expect(await new Promise((resolve) => stream.on("response", (h) => resolve(h[":status"])))).toBe(200);
    session.destroy();
  });

  it("a gzip bomb is refused by its size, honest gzip is read", async () => {
    served = await serve({ hot, compression: true, limits: { messageBytesMax: 100_000 } });
    const bomb = gzipSync(messageOf(100_000_000 / 10));
    expect(bomb.length).toBeLessThan(20_000);
    const [refused, ms] = await timed(() => http2Call(served.port, "application/proto", bomb, { "content-encoding": "gzip" }));
    console.log(`  bomb refused after ${ms.toFixed(0)} ms`);
    expect(refused).toBe("429");
    expect(await http2Call(served.port, "application/grpc", envelope(bomb, 1), { "grpc-encoding": "gzip" })).toBe("resource_exhausted");
    expect(await http2Call(served.port, "application/proto", gzipSync(ok), { "content-encoding": "gzip" })).toBe("200");
    expect(await http2Call(served.port, "application/grpc", envelope(gzipSync(ok), 1), { "grpc-encoding": "gzip" })).toBe("ok");
  });
});

describe("a request that the http handler gives up", () => {
  it("does not spoil its connection", async () => {
    served = await serve({
      http: (request, response) => {
        void (async () => {
          for await (const _ of request) break;
          response.end("early");
        })();
      },
    });
    const raw = await RawHttp1.open(served.port);
    for (const size of [200_000, 10]) {
      raw.write(...request1("/api/v1/enqueue", "application/json", Buffer.alloc(size)));
      const [response, ms] = await timed(() => raw.response());
      expect(response?.body.toString()).toBe("early");
      expect(ms).toBeLessThan(boundMs);
    }
    raw.destroy();
  });
});
