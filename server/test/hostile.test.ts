import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { EnqueueBatchRequestSchema, EnqueueRequestSchema, ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { beforeAll, describe, expect, it } from "vitest";
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  envelope,
  frame,
  HEADERS,
  PING,
  post,
  RawHttp2,
  RST_STREAM,
  uint32,
} from "../../packages/transport/test/frames.js";
import { RawHttp1 } from "../../packages/transport/test/http1.js";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
  await server.rest.add("before");
});

/** Index and hash of the state: the same means that nothing was stored, not even a refused command. */
async function stateNow(): Promise<{ index: string; hash: string }> {
  const { json } = await server.rest.get("cluster/status");
  return { index: json.applied_index, hash: json.state_hash };
}

/** Every answer should come within 50 ms, and the slowest is printed. The bound only tells an answer from none: no limit of ours ends a call this early. */
const boundMs = 20_000;
let slowest = { ms: 0, what: "" };
async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const result = await run();
  const ms = performance.now() - from;
  if (ms > slowest.ms) slowest = { ms, what };
  expect(ms, `${what} took ${ms.toFixed(0)} ms`).toBeLessThan(boundMs);
  return result;
}

/** One request written by hand on a connection of its own: its status and body, or `closed`. */
async function http1(head: string, body: Uint8Array | string = ""): Promise<{ status: number | "closed"; body: string }> {
  const raw = await RawHttp1.open(server.port);
  raw.write(head, typeof body === "string" ? Buffer.from(body) : body);
  const response = await raw.response();
  raw.destroy();
  return response ? { status: response.status, body: response.body.toString() } : { status: "closed", body: "" };
}
const posted = (path: string, type: string, body: Uint8Array | string, more = ""): [string, Uint8Array] => {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n${more}\r\n`, bytes];
};
const rest = "/api/v1/enqueue";
const rpc = "/corvo.v1.WorkerService/Enqueue";
const json = "application/json";
const proto = "application/proto";
const good = toBinary(EnqueueRequestSchema, create(EnqueueRequestSchema, { queue: "q" }));
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("malformed input changes nothing and is answered at once", () => {
  it.each<[string, [string, (Uint8Array | string)?], number | "closed", (string | RegExp)?]>([
    // REST
    ["JSON cut off", posted(rest, json, '{"queue":"q","payload":{'), 400, "PARSE_ERROR"],
    [
      "JSON with a byte that is no UTF-8",
      posted(rest, json, Buffer.concat([Buffer.from('{"queue":"q","payload":"'), Buffer.from([0xff]), Buffer.from('"}')])),
      400,
      "PARSE_ERROR",
    ],
    ["a control character in a string", posted(rest, json, '{"queue":"q","payload":"\u0001"}'), 400, "PARSE_ERROR"],
    ["NaN", posted(rest, json, '{"queue":"q","payload":NaN}'), 400, "PARSE_ERROR"],
    ["a payload 129 deep", posted(rest, json, `{"queue":"q","payload":${nested(129)}}`), 400, "PARSE_ERROR"],
    ["a payload 1,000,000 deep", posted(rest, json, `{"queue":"q","payload":${nested(1_000_000)}}`), 400, "PARSE_ERROR"],
    ["an unknown field 1,000,000 deep", posted(rest, json, `{"queue":"q","x":${nested(1_000_000)}}`), 400, "PARSE_ERROR"],
    ["a number that does not fit", posted(rest, json, '{"queue":"q","max_retries":99999999999}'), 400, "PARSE_ERROR"],
    ["a fraction where a whole number is due", posted(rest, json, '{"queue":"q","max_retries":1.5}'), 400, "PARSE_ERROR"],
    ["gzip", posted(rest, json, gzipSync('{"queue":"q"}'), "Content-Encoding: gzip\r\n"), 400],
    ["a path with half an escape", [`GET /api/v1/jobs/%ff HTTP/1.1\r\nHost: x\r\n\r\n`], 400, /job_id/],
    ["a path that climbs", [`GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n`], 404],
    ["a path of 20,000 bytes", [`GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`], 404],
    ["headers of 40,000 bytes", [`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(40_000)}\r\n\r\n`], 431],
    ["300 headers", [`GET /healthz HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 300 }, (_, i) => `X-${i}: 1\r\n`).join("")}\r\n`], 431],
    ["no HTTP", ["\u0016\u0003\u0001 hello\r\n\r\n"], 400],
    ["a request line of nothing", ["\r\n\r\nGARBAGE\r\n\r\n"], 400],
    ["a header without a name", ["GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"], 400],
    ["two lengths", [`POST ${rest} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\n`, "{}"], 400],
    ["a length and chunks", [`POST ${rest} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`, "0\r\n\r\n"], 400],
    ["a negative length", [`POST ${rest} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`], 400],
    ["a chunk whose size is no number", [`POST ${rest} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`, "zz\r\n{}\r\n0\r\n\r\n"], 400],
    ["a method that nobody knows", ["BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], 400],
    // RPC
    ["protobuf cut off", posted(rpc, proto, Buffer.from("0a05", "hex")), 400, "invalid_argument"],
    ["protobuf with text that is no UTF-8", posted(rpc, proto, Buffer.from("0a01ff", "hex")), 400, "invalid_argument"],
    ["a varint without end", posted(rpc, proto, Buffer.alloc(64, 0xff)), 400, "invalid_argument"],
    ["field number 0", posted(rpc, proto, Buffer.from("0201", "hex")), 400, "invalid_argument"],
    ["a group that ends without a beginning", posted(rpc, proto, Buffer.from("0a0171a403", "hex")), 400, "invalid_argument"],
    ["groups 100,000 deep", posted(rpc, proto, Buffer.concat([good, Buffer.alloc(200_000, Buffer.from("c33e", "hex"))])), 400, "invalid_argument"],
    ["a length of 4 GiB inside", posted(rpc, proto, Buffer.from("0affffffff0f71", "hex")), 400, "invalid_argument"],
    ["a payload that is no JSON", posted(rpc, json, '{"queue":"q","payloadJson":"{"}'), 400, "invalid_argument"],
    ["a payload 129 deep", posted(rpc, json, JSON.stringify({ queue: "q", payloadJson: nested(129) })), 400, "invalid_argument"],
    ["JSON of the wrong shape", posted(rpc, json, "[1]"), 400, "invalid_argument"],
    ["compression that was not offered", posted(rpc, proto, gzipSync(good), "Content-Encoding: gzip\r\n"), 501, "unimplemented"],
    ["a content type of nobody", posted(rpc, "application/x-www-form-urlencoded", "a=b"), 415],
    ["no content type", [`POST ${rpc} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`], 415],
    ["a Connect version of the future", posted(rpc, proto, good, "Connect-Protocol-Version: 9\r\n"), 400, "invalid_argument"],
    ["a timeout in words", posted(rpc, proto, good, "Connect-Timeout-Ms: soon\r\n"), 400, "invalid_argument"],
    ["streams over HTTP/1.1", posted("/corvo.v1.WorkerService/StreamLifecycle", "application/connect+proto", envelope(good)), 505],
    [
      "a server stream's frame of 4 GiB",
      posted("/corvo.v1.WorkerService/Subscribe", "application/connect+proto", envelope(good, 0, 0xffff_ffff)),
      200,
      "resource_exhausted",
    ],
  ])("%s", async (name, [head, body], status, word) => {
    const before = await stateNow();
    const answer = await timed(name, () => http1(head, body));
    expect(answer.status, answer.body).toBe(status);
    if (word !== undefined) expect(answer.body).toMatch(word);
    expect(await stateNow()).toEqual(before);
  });

  it("frames over HTTP/2: gRPC and streams answer with a code, not with silence", async () => {
    const before = await stateNow();
    const session = connectHttp2(server.url);
    const status = async (path: string, type: string, body: Uint8Array): Promise<string> => {
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": type, te: "trailers" });
      const parts: Buffer[] = [];
      let grpc: unknown;
      stream.on("response", (headers) => (grpc ??= headers["grpc-status"]));
      stream.on("trailers", (headers) => (grpc ??= headers["grpc-status"]));
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.end(body);
      await timed(`${type} ${body.length}`, () => once(stream, "close"));
      return grpc === undefined ? Buffer.concat(parts).subarray(5).toString() : String(grpc);
    };
    const life = "/corvo.v1.WorkerService/StreamLifecycle";
    const cutOff = Buffer.from("1205", "hex");
    expect(await status(rpc, "application/grpc", envelope(cutOff))).toBe("3"); // invalid_argument
    expect(await status(rpc, "application/grpc", envelope(good, 0, 100))).toBe("3");
    expect(await status(rpc, "application/grpc", envelope(good, 0, 0xffff_ffff))).toBe("8"); // resource_exhausted
    expect(await status(rpc, "application/grpc", envelope(good, 1))).toBe("13"); // internal: compressed without an encoding
    expect(await status(life, "application/grpc", envelope(cutOff))).toBe("3");
    expect(await status(life, "application/connect+proto", envelope(cutOff))).toContain('"invalid_argument"');
    expect(await status(life, "application/connect+proto", Buffer.from("no envelope at all"))).toContain('"code"');
    expect(await status(life, "application/connect+json", envelope(Buffer.from("]")))).toContain('"invalid_argument"');
    session.close();
    expect(await stateNow()).toEqual(before);
  });

  it("random bytes at every method in every form", async () => {
    let before = await stateNow();
    const seed = Number(process.env.CORVO_SEED ?? Date.now() % 1_000_000);
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const methods = ["Enqueue", "EnqueueBatch", "Fetch", "FetchBatch", "Ack", "AckBatch", "Fail", "Heartbeat"].map((name) => `/corvo.v1.WorkerService/${name}`);
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(Array.from({ length: 1 + next(60) }, () => next(256)));
      const path = [...methods, "/corvo.v1.JobService/CancelJob", "/corvo.v1.QueueService/PauseQueue", "/api/v1/enqueue", "/api/v1/heartbeat"][next(12)];
      const answer = await http1(...posted(path, path.startsWith("/api") || next(3) === 0 ? json : proto, bytes));
      expect([200, 201, 204, 400, 404], `${path} ${bytes.toString("hex")} seed ${seed}: again with CORVO_SEED=${seed}`).toContain(answer.status);
      if (answer.status === 200 && !path.endsWith("PauseQueue"))
        expect(answer.body, `${path} ${bytes.toString("hex")} seed ${seed}`).not.toMatch(/"?job_?[iI]d"?:\s*"job_/);
      // By chance some are requests: a heartbeat for no job, a queue to pause with a random name.
      const after = await stateNow();
      if (answer.status >= 400) expect(after, `${path} ${bytes.toString("hex")} seed ${seed}: again with CORVO_SEED=${seed}`).toEqual(before);
      before = after;
    }
    const { json: queues } = await server.rest.get("queues");
    expect(queues.filter((q: { enqueued: number }) => q.enqueued > 0).map((q: { name: string }) => q.name)).toEqual(["before"]);
  });

  it("the slowest of all answers", () => {
    console.log(`  ${slowest.ms.toFixed(0)} ms: ${slowest.what}`);
  });
});

describe("payloads at their limit, 262,144 bytes", () => {
  const payload = (bytes: number): string => JSON.stringify("x".repeat(bytes - 2));
  const queue = "limit";
  const paths: Record<string, (text: string) => Promise<{ ok: boolean; status: number; code: string; error: string }>> = {
    enqueue: (text) => overRest("enqueue", `{"queue":"${queue}","payload":${text}}`),
    "enqueue/batch": (text) => overRest("enqueue/batch", `{"jobs":[{"queue":"${queue}"},{"queue":"${queue}","payload":${text}}]}`),
    webhooks: (text) => overRest(`webhooks/${queue}`, text),
    Enqueue: (text) => overRpc(() => server.rpc.worker.enqueue({ queue, payloadJson: text })),
    EnqueueBatch: (text) => overRpc(() => server.rpc.worker.enqueueBatch({ jobs: [{ queue }, { queue, payloadJson: text }] })),
    EnqueueWebhook: (text) => overRpc(() => server.rpc.worker.enqueueWebhook({ queue, payloadJson: text })),
  };
  async function overRest(path: string, body: string) {
    const { status, json } = await server.rest.post(path, body);
    return { ok: status === 201, status, code: json.code ?? "", error: json.error ?? "" };
  }
  async function overRpc(call: () => Promise<unknown>) {
    try {
      await call();
      return { ok: true, status: 0, code: "", error: "" };
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      expect(error.code).toBe(Code.InvalidArgument);
      return { ok: false, status: 0, code: error.findDetails(ErrorDetailSchema)[0]?.reason ?? "", error: error.rawMessage };
    }
  }

  it.each(Object.keys(paths))("%s takes limit − 1 and limit, and refuses limit + 1 without storing anything", async (name) => {
    expect((await paths[name](payload(262_143))).ok).toBe(true);
    expect((await paths[name](payload(262_144))).ok).toBe(true);
    const before = await stateNow();
    const over = await paths[name](payload(262_145));
    expect(over).toMatchObject({ ok: false, code: "PAYLOAD_TOO_LARGE" });
    expect(over.error).toMatch(/(job 1 )?payload too large: 262145 bytes \(max 262144\)/);
    if (/batch/i.test(name)) expect(over.error).toContain("job 1 payload too large");
    if (over.status !== 0) expect(over.status).toBe(413);
    expect(await stateNow()).toEqual(before);
  });

  it("a message over 16 MiB is refused by its length alone: 413, and resource_exhausted in RPC", async () => {
    const before = await stateNow();
    const length = 16 * 1024 * 1024 + 1;
    for (const [path, type, status, word] of [
      [rest, json, 413, "PAYLOAD_TOO_LARGE"],
      [rpc, proto, 429, "resource_exhausted"],
    ] as const) {
      const answer = await timed(`${length} bytes to ${path}`, () =>
        http1(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`),
      );
      expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(word)]);
    }
    expect(await stateNow()).toEqual(before);
  });

  it("a message of just under 16 MiB goes through, 10,001 items do not", async () => {
    const text = payload(250_000);
    const jobs = Array.from({ length: 66 }, () => ({ queue: "big", payloadJson: text }));
    expect(toBinary(EnqueueBatchRequestSchema, create(EnqueueBatchRequestSchema, { jobs })).length).toBeGreaterThan(16_500_000);
    expect((await server.rpc.worker.enqueueBatch({ jobs })).jobIds).toHaveLength(66);
    const before = await stateNow();
    const refused = await server.rpc.worker
      .enqueueBatch({ jobs: Array.from({ length: 10_001 }, () => ({ queue: "big" })) })
      .catch((thrown) => ConnectError.from(thrown));
    expect(refused).toMatchObject({ code: Code.InvalidArgument });
    expect(await stateNow()).toEqual(before);
  });

  it("--max-payload-size moves the limit, 0 lifts it", async () => {
    const small = await serve({ "max-payload-size": "10" });
    expect((await small.rest.post("enqueue", '{"queue":"q","payload":"12345678"}')).status).toBe(201);
    expect((await small.rest.post("enqueue", '{"queue":"q","payload":"123456789"}')).json.error).toBe("payload too large: 11 bytes (max 10)");
    await small.stop();
    const open = await serve({ "max-payload-size": "0" });
    expect((await open.rest.post("enqueue", { queue: "q", payload: "x".repeat(1_000_000) })).status).toBe(201);
    await open.stop();
  });
});

/** One enqueue after the other by a well-behaved client, while `abuse` goes on, in this same process: an honest call also waits for the abuser's own work. */
async function besides(abuse: () => Promise<void>): Promise<void> {
  let over = false;
  let calls = 0;
  let slowestMs = 0;
  const honest = (async () => {
    while (!over) {
      const from = performance.now();
      await server.rpc.worker.enqueue({ queue: "honest" });
      slowestMs = Math.max(slowestMs, performance.now() - from);
      calls++;
    }
  })();
  await abuse();
  over = true;
  await honest;
  console.log(`  beside it: ${calls} enqueues, slowest ${slowestMs.toFixed(0)} ms`);
  expect(slowestMs).toBeLessThan(boundMs);
}

async function flood(raw: RawHttp2, bite: (i: number) => Buffer, bitesMax: number): Promise<void> {
  for (let i = 0; i < bitesMax && !raw.closed; i++) {
    if (!raw.socket.write(bite(i))) await Promise.race([once(raw.socket, "drain"), once(raw.socket, "close")]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await raw.untilClosed();
}

/** Sockets, timers and streams of this process. */
const handles = (): number => process.getActiveResourcesInfo().filter((name) => name !== "Immediate" && name !== "FSReqCallback").length;

describe("floods end their own connection only", () => {
  const open = async (run: (raw: RawHttp2) => Promise<void>): Promise<void> => {
    const before = handles();
    await besides(async () => {
      const raw = await RawHttp2.open(server.port);
      raw.onFrame = () => {};
      await run(raw);
      expect(raw.closed).toBe(true);
    });
    // Eventually everything that the abuser opened is gone; the test's own time limit is the bound.
    while (handles() > before) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(server.lines.some((line) => line.includes("a call failed inside"))).toBe(false);
  };

  it("rapid reset of enqueues", async () => {
    const headers = post(rpc, proto);
    await open((raw) =>
      flood(
        raw,
        (i) =>
          Buffer.concat(
            Array.from({ length: 100 }, (_, k) => 1 + 2 * (100 * i + k)).flatMap((id) => [
              frame(HEADERS, END_HEADERS, id, headers),
              frame(DATA, END_STREAM, id, good),
              frame(RST_STREAM, 0, id, uint32(8)),
            ]),
          ),
        200,
      ),
    );
    expect(server.lines.some((line) => line.includes("why=rapid reset"))).toBe(true);
  });

  it("rapid reset of long polls: none of them sleeps on", async () => {
    const fetch = Buffer.from("0a04706f6c6c", "hex"); // queues: "poll"
    const headers = post("/corvo.v1.WorkerService/Fetch", proto);
    await open((raw) =>
      flood(
        raw,
        (i) =>
          Buffer.concat(
            Array.from({ length: 50 }, (_, k) => 1 + 2 * (50 * i + k)).flatMap((id) => [
              frame(HEADERS, END_HEADERS, id, headers),
              frame(DATA, END_STREAM, id, fetch),
              frame(RST_STREAM, 0, id, uint32(8)),
            ]),
          ),
        200,
      ),
    );
    while (!/corvo_fetch_waiters 0$/m.test((await server.rest.get("metrics")).text));
    const id = await server.rest.add("poll");
    expect((await server.rest.job(id)).state).toBe("pending");
  });

  it("CONTINUATION without end", async () => {
    await open((raw) => {
      raw.write(frame(HEADERS, 0, 1, post(rpc, proto)));
      return flood(raw, () => Buffer.concat(Array.from({ length: 10 }, (_, k) => frame(CONTINUATION, 0, 1, post("/", `x-${k}`)))), 2000);
    });
  });

  it("PING without end", async () => {
    await open((raw) => flood(raw, () => Buffer.concat(Array.from({ length: 100 }, () => frame(PING, 0, 0, randomBytes(8)))), 400));
  });

  it("connections that say nothing, half a request, or leave in the middle", async () => {
    const before = handles();
    await besides(async () => {
      const raws = await Promise.all(Array.from({ length: 60 }, () => RawHttp1.open(server.port)));
      for (const [i, raw] of raws.entries()) {
        if (i % 3 === 0) raw.write("POST /api/v1/enqueue HT");
        if (i % 3 === 1) raw.write(`POST ${rest} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"queue":`);
      }
      await server.rest.get("/healthz");
      for (const raw of raws) raw.destroy();
    });
    while (handles() > before) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
