import { fromBinary } from "@bufbuild/protobuf";
import { EnqueueResponseSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { afterEach, describe, expect, it } from "vitest";
import type { RpcError } from "../src/index.js";
import { bodyBytesMax, readHead } from "../src/whole/head.js";
import { enqueueBytes, type Served, serve } from "./harness.js";
import { until } from "./healthy.js";
import { RawHttp1, type Response1, request1 } from "./http1.js";

const enqueue = "/corvo.v1.WorkerService/Enqueue";
let served: Served;
afterEach(() => served?.listener.close({ graceMs: 0 }));

const jobOf = (response: Response1 | undefined): string => fromBinary(EnqueueResponseSchema, response!.body).jobId;
const plain = (queue: string, payload = "", more = ""): Buffer =>
  Buffer.concat(request1(enqueue, "application/proto", enqueueBytes(queue, payload), more).map((part) => Buffer.from(part as string)));
/** Makes Node's parser serve it, and changes nothing else. */
const forNode = "TE: trailers\r\n";

describe("requests that come whole", () => {
  it("are served, one after the other on one connection", async () => {
    served = await serve();
    const raw = await RawHttp1.open(served.port);
    for (let i = 0; i < 20; i++) {
      raw.write(plain(`q${i}`));
      expect(jobOf(await raw.response())).toBe(`q${i}`);
    }
    expect(served.listener.wholeConnections).toBe(1);
    raw.destroy();
    await until(() => served.listener.wholeConnections === 0 && served.listener.connections === 0);
  });

  it("get the same answers as from Node's parser", async () => {
    served = await serve({ authenticate: (header) => header("authorization") ?? "nobody" });
    const asked: [string, string, string][] = [
      ["mail", "", ""],
      ["mail", "refuse", ""],
      ["mail", "crash", ""],
      ["mail", "x".repeat(20_000), ""],
      ["principal", "", "authorization:   Bearer of news \t \r\n"],
      ["mail", "", "Connect-Protocol-Version: 2\r\n"],
      ["mail", "", "Connect-Timeout-Ms: soon\r\n"],
      ["mail", "", "Origin: http://page.test\r\n"],
      ["mail", "", "X-Empty:\r\nCONNECTION: Keep-Alive\r\n"],
    ];
    for (const [queue, payload, more] of asked) {
      const [mine, nodes] = await Promise.all(
        ["", forNode].map(async (extra) => {
          const raw = await RawHttp1.open(served.port);
          raw.write(plain(queue, payload, more + extra));
          const { status, headers, body } = (await raw.response())!;
          const whole = served.listener.wholeConnections;
          raw.destroy();
          await until(() => served.listener.connections <= 1);
          return { whole, answer: { status, headers: { ...headers, date: headers.date?.length }, body: body.toString("latin1") } };
        }),
      );
      expect(mine!.answer, `${queue} ${payload.slice(0, 20)} ${more}`).toEqual(nodes!.answer);
    }
  });

  it("may be cut anywhere", async () => {
    served = await serve();
    const bytes = plain("cut", "some payload");
    const raw = await RawHttp1.open(served.port);
    for (let at = 1; at < bytes.length; at++) {
      raw.write(bytes.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      raw.write(bytes.subarray(at));
      expect(jobOf(await raw.response()), `cut at ${at}`).toBe("cut");
    }
    raw.destroy();
  });

  it("and what is unusual goes on with Node's parser, in order", async () => {
    served = await serve();
    const message = enqueueBytes("chunked");
    const chunked = Buffer.concat([
      Buffer.from(
        `POST ${enqueue} HTTP/1.1\r\nHost: t\r\nContent-Type: application/proto\r\nTransfer-Encoding: chunked\r\n\r\n${message.length.toString(16)}\r\n`,
      ),
      message,
      Buffer.from("\r\n0\r\n\r\n"),
    ]);
    const large = plain("large", "y".repeat(bodyBytesMax));
    for (const [name, bytes, jobs] of [
      ["chunked", chunked, ["chunked"]],
      ["large", large, ["large"]],
      ["expect", plain("expect", "", "Expect: 100-continue\r\n"), ["expect"]],
      ["two at once", Buffer.concat([plain("one"), plain("two")]), ["one", "two"]],
    ] as const) {
      const raw = await RawHttp1.open(served.port);
      raw.write(plain("before"));
      expect(jobOf(await raw.response())).toBe("before");
      expect(served.listener.wholeConnections).toBe(1);
      raw.write(bytes);
      for (const job of jobs) expect(jobOf(await raw.response()), name).toBe(job);
      raw.write(plain("after"));
      expect(jobOf(await raw.response()), name).toBe("after");
      expect(served.listener.wholeConnections, name).toBe(0);
      raw.destroy();
      await until(() => served.listener.connections === 0);
    }
  });

  it("that come before the last one is answered are answered after it", async () => {
    served = await serve();
    const raw = await RawHttp1.open(served.port);
    raw.write(plain("slow", "sleep 100"));
    await until(() => served.started.length === 1);
    raw.write(plain("next"), plain("last").subarray(0, 50));
    expect(jobOf(await raw.response())).toBe("slow");
    expect(jobOf(await raw.response())).toBe("next");
    raw.write(plain("last").subarray(50));
    expect(jobOf(await raw.response())).toBe("last");
    raw.destroy();
  });

  it("a head whose rest does not come is Node's after a moment, with its own limits", async () => {
    served = await serve({ limits: { headersTimeoutMs: 200 } });
    const raw = await RawHttp1.open(served.port);
    raw.write(plain("first"));
    expect(jobOf(await raw.response())).toBe("first");
    raw.write(plain("second").subarray(0, 40));
    await until(() => served.listener.wholeConnections === 0);
    expect((await raw.response())?.status).toBe(408);
    await raw.untilClosed();
  });

  it("a caller that leaves ends its call, however it says goodbye", async () => {
    served = await serve();
    for (const leave of [(raw: RawHttp1) => raw.destroy(), (raw: RawHttp1) => raw.socket.end(), (raw: RawHttp1) => raw.socket.resetAndDestroy()]) {
      const raw = await RawHttp1.open(served.port);
      raw.write(plain("q", "wait"));
      await until(() => served.listener.calls === 1);
      expect(served.listener.wholeConnections).toBe(1);
      leave(raw);
      await until(() => served.listener.calls === 0 && served.listener.connections === 0);
    }
    expect(served.errors).toEqual([]);
  });

  it("an idle connection ends, and so it does when the server goes; an answer that is owed is given", async () => {
    served = await serve({ limits: { idleTimeoutMs: 100 } });
    const idle = await RawHttp1.open(served.port);
    idle.write(plain("q"));
    expect((await idle.response())?.headers["keep-alive"]).toBe("timeout=0");
    await idle.untilClosed();
    await served.listener.close({ graceMs: 0 });

    served = await serve();
    const [quiet, busy] = [await RawHttp1.open(served.port), await RawHttp1.open(served.port)];
    quiet.write(plain("q"));
    await quiet.response();
    busy.write(plain("owed", "sleep 100"));
    await until(() => served.listener.calls === 1);
    const over = served.listener.close({ graceMs: 10_000 });
    const answer = await busy.response();
    expect([jobOf(answer), answer!.headers.connection]).toEqual(["owed", "close"]);
    await Promise.all([quiet.untilClosed(), busy.untilClosed(), over]);
  });

  it("parts of requests count against the memory of all connections", async () => {
    served = await serve({ limits: { headersTimeoutMs: 60_000, messageBytesMax: 20_000, bufferedBytesMax: 50_000 } });
    const part = plain("q", "z".repeat(15_000)).subarray(0, 14_000);
    const raws = await Promise.all(Array.from({ length: 3 }, () => RawHttp1.open(served.port)));
    for (const raw of raws) raw.write(part);
    await until(() => served.listener.bufferedBytes > 3 * 13_000);
    const fourth = await RawHttp1.open(served.port);
    fourth.write(plain("q", "z".repeat(15_000)));
    const { status, body } = (await fourth.response())!;
    expect([status, JSON.parse(body.toString()).code]).toEqual([429, "resource_exhausted"]);
    for (const raw of [...raws, fourth]) raw.destroy();
    await until(() => served.listener.bufferedBytes === 0);
  });
});

describe("heads", () => {
  const head = (...lines: string[]): Buffer => Buffer.from(`${[`POST ${enqueue} HTTP/1.1`, "Host: t", ...lines].join("\r\n")}\r\n\r\n`, "latin1");

  it("are read", () => {
    expect(readHead(head("Content-Type:application/json", "Content-LENGTH: 12", "X-Odd: \t a: b, c \t", "X-None:"))).toEqual({
      verb: "POST",
      url: enqueue,
      headers: { host: "t", "content-type": "application/json", "content-length": "12", "x-odd": "a: b, c", "x-none": "" },
      bytes: 138,
      lines: 5,
      bodyBytes: 12,
    });
    const whole = head("X: y");
    for (let at = 0; at < whole.length; at++) expect(readHead(whole.subarray(0, at))).toBe("unfinished");
  });

  it.each([
    ["two lengths", head("Content-Length: 1", "Content-Length: 1")],
    ["two lengths in one", head("Content-Length: 1, 1")],
    ["a signed length", head("Content-Length: +1")],
    ["a length in hex", head("Content-Length: 0x1")],
    ["a length and chunks", head("Content-Length: 1", "Transfer-Encoding: chunked")],
    ["an underscore is not a dash, but chunks are chunks", head("transfer-ENCODING: identity")],
    ["a long body", head(`Content-Length: ${bodyBytesMax + 1}`)],
    ["a space before the colon", head("Content-Length : 1")],
    ["a folded line", head("X: a", " b")],
    ["an empty name", head(": a")],
    ["no colon", head("X")],
    ["a line feed alone", head("X: a\nContent-Length: 1")],
    ["a line feed behind the colon, and a length that hides", head("X:\nContent-Length: 1")],
    ["a line feed before the end of a line", head("X: a\n")],
    ["two carriage returns", head("X: a\r")],
    ["a vertical tab around a length", head("Content-Length: \x0b1")],
    ["a form feed around a length", head("Content-Length: 1\x0c")],
    ["a hard space around a length", head("Content-Length: 1\xa0")],
    ["a tab around a length", head("Content-Length: 1\t")],
    ["a hard space around a value", head("X: a\xa0")],
    ["a carriage return alone", head("X: a\rContent-Length: 1")],
    ["a zero byte", head("X: a\0b")],
    ["a byte above ASCII", head("X: caf\xe9")],
    ["a name twice", head("X: a", "x: b")],
    ["two hosts", head("Host: u")],
    ["no host", Buffer.from(`POST ${enqueue} HTTP/1.1\r\nX: a\r\n\r\n`)],
    ["an old version", Buffer.from(`POST ${enqueue} HTTP/1.0\r\nHost: t\r\n\r\n`)],
    ["a whole URL", Buffer.from(`POST http://t${enqueue} HTTP/1.1\r\nHost: t\r\n\r\n`)],
    ["a fragment", Buffer.from(`POST ${enqueue}#x HTTP/1.1\r\nHost: t\r\n\r\n`)],
    ["two spaces", Buffer.from(`POST  ${enqueue} HTTP/1.1\r\nHost: t\r\n\r\n`)],
    ["a small verb", Buffer.from(`post ${enqueue} HTTP/1.1\r\nHost: t\r\n\r\n`)],
    ["an empty line first", Buffer.from(`\r\nPOST ${enqueue} HTTP/1.1\r\nHost: t\r\n\r\n`)],
    ["a body where none belongs", Buffer.from("GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n")],
    ["an upgrade", head("Connection: Upgrade", "Upgrade: h2c")],
    ["a last request", head("Connection: close")],
    ["a prototype", head("__proto__: x")],
    ["a long head", head(`X: ${"a".repeat(5000)}`)],
    ["a head without end", Buffer.alloc(5000, "a")],
  ])("are left to Node's parser when they are unusual: %s", (_name, bytes) => {
    expect(readHead(bytes)).toBe("unusual");
  });

  it("do not mix when they are remembered", async () => {
    served = await serve({ authenticate: (header): unknown | RpcError => header("authorization") ?? "nobody" });
    const raw = await RawHttp1.open(served.port);
    for (let i = 0; i < 1200; i++) {
      const who = `key ${i % 600}`;
      raw.write(plain("principal", "", `Authorization: ${who}\r\n`));
      expect(jobOf(await raw.response())).toBe(who);
    }
    expect(served.listener.wholeConnections).toBe(1);
    raw.destroy();
  });

  it("answers cannot be split by what a handler puts into a header", async () => {
    const { createListener } = await import("../src/index.js");
    const { routes } = await import("./harness.js");
    const [route] = routes(true);
    const listener = createListener({
      routes: [
        {
          ...route!,
          handler: {
            kind: "unary",
            handle: (call) => {
              call.addHeader("x-said", "a\r\nx-forged: 1\u20ac");
              return new Uint8Array(0);
            },
          },
        },
      ],
      http: () => {},
      onError: () => {},
    });
    const { port } = await listener.listen(0);
    const raw = await RawHttp1.open(port);
    raw.write(plain("q"));
    const { headers } = (await raw.response())!;
    expect([headers["x-said"], headers["x-forged"]]).toEqual(["a??x-forged: 1?", undefined]);
    await listener.close({ graceMs: 0 });
  });
});
