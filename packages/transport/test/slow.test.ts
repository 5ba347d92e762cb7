import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { afterEach, describe, expect, it } from "vitest";
import { RpcError } from "../src/index.js";
import { DATA, END_HEADERS, END_STREAM, envelope, frame, HEADERS, post, RawHttp2, RST_STREAM, SETTINGS, uint32 } from "./frames.js";
import { enqueueBytes, frameBytes, type Served, serve } from "./harness.js";
import { timed, until } from "./healthy.js";
import { RawHttp1, request1 } from "./http1.js";

/** Tells an answer from none: no limit of ours that a test does not set ends anything this early. */
const boundMs = 20_000;
const enqueue = "/corvo.v1.WorkerService/Enqueue";
const lifecycle = "/corvo.v1.WorkerService/StreamLifecycle";
let served: Served;
afterEach(() => served.listener.close({ graceMs: 0 }));

const tcp = async (port: number): Promise<Socket> => {
  const socket = connectTcp({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
};
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve).resume());

describe("what is slow is ended by our limits", () => {
  it("a connection that says nothing", async () => {
    served = await serve({ limits: { headersTimeoutMs: 100 } });
    const [, ms] = await timed(async () => closed(await tcp(served.port)));
    expect(ms).toBeGreaterThan(80);
    expect(ms).toBeLessThan(boundMs);
  });

  it.each([
    ["one letter", "P"],
    ["a request line", "POST / HTTP/1.1\r\n"],
    ["headers that trickle", "POST / HTTP/1.1\r\nHost: t\r\nX-A: "],
  ])("headers that do not end: %s", async (_name, start) => {
    served = await serve({ limits: { headersTimeoutMs: 200 } });
    const socket = await tcp(served.port);
    socket.write(start);
    const trickle = setInterval(() => socket.write("a"), 20);
    const [, ms] = await timed(() => closed(socket));
    clearInterval(trickle);
    expect(ms).toBeLessThan(boundMs);
    await until(() => served.listener.connections === 0);
  });

  it("an HTTP/2 connection without a call", async () => {
    served = await serve({ limits: { idleTimeoutMs: 200 } });
    const raw = await RawHttp2.open(served.port);
    const [, ms] = await timed(() => raw.untilClosed());
    expect(ms).toBeLessThan(boundMs);
  });

  it("an HTTP/2 peer that does not answer a PING", async () => {
    served = await serve({ limits: { keepaliveMs: 100, keepaliveTimeoutMs: 3_000 } });
    const session = connectHttp2(served.url);
    session.on("error", () => {});
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const silent = await tcp(served.port);
    silent.write(
      Buffer.concat([
        Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        frame(SETTINGS, 0, 0),
        frame(HEADERS, END_HEADERS, 1, post(lifecycle, "application/connect+proto")),
      ]),
    );
    await closed(silent);
    expect(served.abuse).toEqual(["keepalive"]);
    expect(session.closed).toBe(false);
    session.destroy();
    await until(() => served.listener.calls === 0);
  });

  it.each(["application/proto", "application/grpc"])("a body that does not come, %s", async (type) => {
    served = await serve({ limits: { requestTimeoutMs: 200 } });
    const raw = await RawHttp2.open(served.port);
    raw.write(frame(HEADERS, END_HEADERS, 1, post(enqueue, type)), frame(DATA, 0, 1, Buffer.from([0])));
    const [body, ms] = await timed(() => raw.body(1));
    if (type === "application/proto") expect(body.toString()).toContain("deadline_exceeded");
    expect(ms).toBeGreaterThan(150);
    expect(ms).toBeLessThan(boundMs);
    raw.destroy();
    await until(() => served.listener.calls === 0);
  });

  it("a body over HTTP/1.1 that does not come", async () => {
    served = await serve({ limits: { requestTimeoutMs: 200, headersTimeoutMs: 100 } });
    const raw = await RawHttp1.open(served.port);
    raw.write(`POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nContent-Length: 1000\r\n\r\nabc`);
    const response = await raw.response();
    expect([408, 504]).toContain(response?.status);
    await raw.untilClosed();
  });

  it("half a message of a stream, not a stream that is quiet between two", async () => {
    served = await serve({ limits: { requestTimeoutMs: 200 } });
    const raw = await RawHttp2.open(served.port);
    const headers = post(lifecycle, "application/connect+proto");
    raw.write(frame(HEADERS, END_HEADERS, 1, headers), frame(DATA, 0, 1, envelope(frameBytes(1n))));
    raw.write(frame(HEADERS, END_HEADERS, 3, headers), frame(DATA, 0, 3, envelope(frameBytes(1n)).subarray(0, 6)));
    expect((await raw.body(3)).toString()).toContain("deadline_exceeded");
    await new Promise((resolve) => setTimeout(resolve, 300));
    raw.write(frame(DATA, END_STREAM, 1, envelope(frameBytes(2n))));
    expect((await raw.body(1)).subarray(-7)).toEqual(envelope(Buffer.from("{}"), 2));
    raw.destroy();
  });

  it("a caller that does not read its stream: the handler waits, then the stream is reset", async () => {
    served = await serve({ limits: { readerTimeoutMs: 300, sendBufferBytes: 50_000 } });
    // A window of nothing: every answer stays here.
    const raw = await RawHttp2.open(served.port, Buffer.from([0, 4, 0, 0, 0, 0]));
    raw.write(frame(HEADERS, END_HEADERS, 1, post(lifecycle, "application/connect+proto")));
    for (let i = 0; i < 100; i++) raw.write(frame(DATA, 0, 1, envelope(frameBytes(BigInt(i), 30_000))));
    const [reset, ms] = await timed(() => raw.find((f) => f.type === RST_STREAM && f.stream === 1));
    expect(reset).toBeDefined();
    expect(ms).toBeLessThan(boundMs);
    expect(served.abuse).toEqual(["slow reader"]);
    await until(() => served.listener.calls === 0);
    raw.destroy();
  });

  it("a caller that does not read its one answer", async () => {
    served = await serve({ limits: { readerTimeoutMs: 200 } });
    const raw = await RawHttp2.open(served.port, Buffer.from([0, 4, 0, 0, 0, 0]));
    raw.write(frame(HEADERS, END_HEADERS, 1, post(enqueue, "application/proto")), frame(DATA, END_STREAM, 1, enqueueBytes("mail")));
    expect(await raw.find((f) => f.type === RST_STREAM && f.stream === 1)).toBeDefined();
    await until(() => served.listener.calls === 0);
    raw.destroy();
  });
});

describe("what is too much is refused", () => {
  it("unfinished messages beyond the budget, until there is room again", async () => {
    served = await serve({ limits: { messageBytesMax: 100_000, bufferedBytesMax: 100_000 } });
    const raw = await RawHttp2.open(served.port);
    const headers = post(lifecycle, "application/connect+proto");
    const half = envelope(Buffer.alloc(15_000), 0, 90_000);
    for (const id of [1, 3, 5, 7, 9, 11, 13]) raw.write(frame(HEADERS, END_HEADERS, id, headers), frame(DATA, 0, id, half));
    await raw.find((f) => f.type === DATA && f.stream === 13);
    expect((await raw.body(13)).toString()).toContain("OVERLOADED");
    expect(served.listener.bufferedBytes).toBeLessThanOrEqual(100_000);
    raw.write(frame(RST_STREAM, 0, 1, uint32(8)), frame(RST_STREAM, 0, 3, uint32(8)));
    await until(() => served.listener.bufferedBytes < 80_000);
    raw.write(frame(HEADERS, END_HEADERS, 15, post(enqueue, "application/proto")), frame(DATA, END_STREAM, 15, enqueueBytes("mail")));
    expect((await raw.body(15)).toString()).toContain("mail");
    raw.destroy();
    await until(() => served.listener.bufferedBytes === 0);
  });

  it("pipelined requests", async () => {
    served = await serve({ limits: { pipelinedRequestsMax: 10 } });
    const raw = await RawHttp1.open(served.port);
    for (let i = 0; i < 50; i++) raw.write(...request1(enqueue, "application/proto", enqueueBytes("q", "wait")));
    await raw.untilClosed();
    expect(served.abuse[0]).toBe("pipelining");
    await until(() => served.listener.calls === 0);
  });

  it("connections", async () => {
    served = await serve({ limits: { connectionsMax: 5 } });
    const five = await Promise.all(Array.from({ length: 5 }, () => RawHttp1.open(served.port)));
    await until(() => served.listener.connections === 5);
    await closed(await tcp(served.port));
    expect(served.abuse).toEqual(["connections"]);
    five[0]!.destroy();
    await until(() => served.listener.connections === 4);
    const raw = await RawHttp1.open(served.port);
    raw.write(...request1(enqueue, "application/proto", enqueueBytes("mail")));
    expect((await raw.response())?.status).toBe(200);
    for (const one of [...five, raw]) one.destroy();
  });

  it("headers over HTTP/1.1, by bytes and by number", async () => {
    served = await serve({ limits: { headersMax: 20 } });
    for (const more of [`X-Big: ${"a".repeat(40_000)}\r\n`, Array.from({ length: 30 }, (_, i) => `X-${i}: 1\r\n`).join("")]) {
      const raw = await RawHttp1.open(served.port);
      raw.write(...request1(enqueue, "application/proto", enqueueBytes("mail"), more));
      expect((await raw.response())?.status).toBe(431);
      await raw.untilClosed();
    }
  });

  it("an announced body is not waited for: Expect gets the refusal instead of 100", async () => {
    served = await serve({ limits: { drainMs: 100 } });
    const raw = await RawHttp1.open(served.port);
    raw.write(`POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n`);
    expect((await raw.response())?.status).toBe(429);
    const other = await RawHttp1.open(served.port);
    const message = enqueueBytes("mail");
    other.write(`POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nContent-Length: ${message.length}\r\nExpect: 100-continue\r\n\r\n`);
    other.write(message);
    expect((await other.response())?.status).toBe(200);
    raw.destroy();
    other.destroy();
  });
});

describe("the door", () => {
  it("an upgrade to h2c is answered over HTTP/1.1", async () => {
    served = await serve();
    const raw = await RawHttp1.open(served.port);
    raw.write(
      ...request1(
        enqueue,
        "application/proto",
        enqueueBytes("mail"),
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
      ),
    );
    expect((await raw.response())?.status).toBe(200);
    raw.destroy();
  });

  it("a first chunk may be cut anywhere", async () => {
    served = await serve();
    for (const cut of [1, 2, 3, 4, 20]) {
      const socket = await tcp(served.port);
      socket.setNoDelay(true);
      const bytes = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(SETTINGS, 0, 0)]);
      socket.write(bytes.subarray(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 10));
      socket.write(bytes.subarray(cut));
      const first = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
      expect(first[3], `cut at ${cut}`).toBe(SETTINGS);
      socket.destroy();
    }
  });

  it.each([{ hot: true }, { hot: false }])("authentication comes first and leaves its principal, hot=$hot", async ({ hot }) => {
    for (const late of [false, true]) {
      served = await serve({
        hot,
        authenticate: (header, path, peer) => {
          const key = header("x-api-key");
          const who = key === "good" ? `${key} at ${path} from ${peer}` : new RpcError("unauthenticated", "UNAUTHORIZED", "missing API key");
          return late ? Promise.resolve(who) : who;
        },
      });
      const client = createClient(WorkerService, createConnectTransport({ baseUrl: served.url, httpVersion: "2" }));
      await expect(client.enqueue({ queue: "principal" }, { headers: { "x-api-key": "good" } })).resolves.toMatchObject({
        jobId: `good at ${enqueue} from 127.0.0.1`,
      });
      const error = await client.enqueue({ queue: "principal" }).catch(ConnectError.from);
      expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: "missing API key" });
      const read = async () => {
        for await (const _ of client.streamLifecycle((async function* () {})())) expect.unreachable();
      };
      await expect(read()).rejects.toMatchObject({ code: Code.Unauthenticated });
      expect(served.started).toEqual(["enqueue"]);
      await served.listener.close({ graceMs: 0 });
    }
  });

  it("one frame of a stream as an ordinary POST", async () => {
    served = await serve();
    const raw = await RawHttp1.open(served.port);
    raw.write(...request1(lifecycle, "application/json", Buffer.from('{"requestId":"7","queues":["mail"],"fetch_count":3}')));
    const answer = await raw.response();
    expect([answer?.status, answer?.headers["content-type"], JSON.parse(answer!.body.toString())]).toEqual([
      200,
      "application/json",
      { requestId: "7", error: "xxx" },
    ]);
    raw.write(...request1(lifecycle, "application/json", Buffer.from('{"workerId":"refuse"}')));
    const refused = await raw.response();
    expect([refused?.status, JSON.parse(refused!.body.toString())]).toMatchObject([
      429,
      { code: "resource_exhausted", message: "too many open lifecycle streams" },
    ]);
    raw.write(...request1(lifecycle, "application/json", Buffer.from('{"workerId":"end"}')));
    expect((await raw.response())?.status).toBe(501);
    raw.write(...request1(lifecycle, "application/proto", frameBytes(9n)));
    expect((await raw.response())?.body).toEqual(Buffer.from([8, 9]));
    raw.destroy();
    const http2 = await RawHttp2.open(served.port);
    http2.write(frame(HEADERS, END_HEADERS, 1, post(lifecycle, "application/json")), frame(DATA, END_STREAM, 1, Buffer.from('{"requestId":"8"}')));
    expect(JSON.parse((await http2.body(1)).toString())).toEqual({ requestId: "8" });
    http2.destroy();
  });
});

describe.each([{ hot: true }, { hot: false }])("goodbye, hot=$hot", ({ hot }) => {
  it("running calls finish, streams are told, nobody new comes in", async () => {
    served = await serve({ hot });
    const transport = createConnectTransport({ baseUrl: served.url, httpVersion: "2" });
    const client = createClient(WorkerService, transport);
    const running = client.enqueue({ queue: "mail", payloadJson: "sleep 150" });
    const h1 = await RawHttp1.open(served.port);
    h1.write(...request1(enqueue, "application/proto", enqueueBytes("mail", "sleep 150")));
    const events = (async () => {
      const seen: bigint[] = [];
      try {
        for await (const event of client.subscribe({ lastEventId: 3n, queues: ["stay"] })) seen.push(event.seq);
      } catch (e) {
        return [seen.length, ConnectError.from(e).code];
      }
      return [seen.length, "ended"];
    })();
    const idle = await RawHttp1.open(served.port);
    idle.write(...request1(enqueue, "application/proto", enqueueBytes("mail")));
    await idle.response();
    await until(() => served.started.length === 4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [, ms] = await timed(() => served.listener.close({ graceMs: 60_000 }));
    expect(ms).toBeLessThan(boundMs);
    await expect(running).resolves.toMatchObject({ jobId: "mail" });
    expect((await h1.response())?.status).toBe(200);
    expect(await events).toEqual([3, Code.Unavailable]);
    await idle.untilClosed();
    await expect(RawHttp1.open(served.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(served.listener.calls).toBe(0);
  });

  it("what does not finish in its grace is cut", async () => {
    served = await serve({ hot });
    const client = createClient(WorkerService, createConnectTransport({ baseUrl: served.url, httpVersion: "2" }));
    const stuck = client.enqueue({ queue: "mail", payloadJson: "wait" }).catch(ConnectError.from);
    await until(() => served.started.length === 1);
    const [, ms] = await timed(() => served.listener.close({ graceMs: 200 }));
    expect(ms).toBeGreaterThan(150);
    expect(ms).toBeLessThan(boundMs);
    expect(await stuck).toBeInstanceOf(ConnectError);
    await until(() => served.listener.calls === 0);
  });
});
