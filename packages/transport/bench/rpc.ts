// Server CPU per unary call and per frame of 64 jobs on the fast lane, with a lean raw client in its own process.
// Run: node packages/transport/bench/run.mjs rpc [seconds per load, default 2] [only loads whose name has this]
// BENCH_EXEC_ARGV: flags of Node for the server, for example --cpu-prof.
import { fork } from "node:child_process";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  EnqueueRequestSchema,
  EnqueueResponseSchema,
  LifecycleStreamRequestSchema,
  LifecycleStreamResponseSchema,
  WorkerService,
} from "@corvo/gen/corvo/v1/worker_pb.js";
import { createListener } from "../src/index.js";
import { DATA, END_HEADERS, END_STREAM, envelope, frame, HEADERS, post, RawHttp2, uint32, WINDOW_UPDATE } from "../test/frames.js";

const payloadJson = JSON.stringify({ data: "x".repeat(189) });
const jobId = "job_0123456789abcdef0123456789";

function serve(): void {
  const answer = toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId, status: "pending" }));
  const frames = new Map([0, 1, 64].map((n) => [n, toBinary(LifecycleStreamResponseSchema, lifecycleAnswer(n))]));
  let answers = frames.get(0)!;
  const listener = createListener({
    routes: [
      { method: WorkerService.method.enqueue, hot: true, handler: { kind: "unary", handle: () => answer } },
      { method: WorkerService.method.fetch, hot: true, handler: { kind: "unary", handle: async () => answer } },
      { method: WorkerService.method.ack, hot: false, handler: { kind: "unary", handle: () => answer } },
      {
        method: WorkerService.method.streamLifecycle,
        hot: true,
        handler: { kind: "bidi", open: (_call, out) => ({ message: async () => out.send(answers), end() {} }) },
      },
    ],
    http: (_request, response) => response.end(),
    onError: console.error,
  });
  // The floor: the same answer from a bare node:http2 server, whose only work is Node's own.
  const bare = createServer();
  bare.on("stream", (stream) => {
    stream.on("data", () => {});
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/proto" });
      stream.end(answer);
    });
  });
  bare.listen(0, "127.0.0.1", async () => process.send!({ port: (await listener.listen(0)).port, barePort: (bare.address() as AddressInfo).port }));
  process.on("SIGTERM", () => process.exit(0));
  let from = process.cpuUsage();
  process.on("message", (message: { n?: number }) => {
    if (message.n !== undefined) answers = frames.get(message.n)!;
    const { user, system } = process.cpuUsage(from);
    from = process.cpuUsage();
    process.send!({ cpuUs: user + system });
  });
}

function lifecycleAnswer(n: number) {
  return create(LifecycleStreamResponseSchema, {
    requestId: 7n,
    acked: n,
    jobs: Array.from({ length: n }, () => ({ jobId, queue: "mail", payloadJson, attempt: 1, maxRetries: 3, leaseDuration: 60, fence: 12345n })),
    enqueuedJobIds: Array.from({ length: n }, () => jobId),
  });
}

/** Keeps `streams` unary calls in flight on each connection; returns calls per second. */
async function unary(port: number, connections: number, streams: number, ms: number, headers: Buffer, body: Buffer): Promise<number> {
  let done = 0;
  let over = false;
  const raws = await Promise.all(Array.from({ length: connections }, () => RawHttp2.open(port)));
  for (const raw of raws) {
    let next = 1;
    const call = (): Buffer => {
      const id = next;
      next += 2;
      return Buffer.concat([frame(HEADERS, END_HEADERS, id, headers), frame(DATA, END_STREAM, id, body)]);
    };
    let due: Buffer[] = [];
    raw.onFrame = ({ flags, type, stream }) => {
      if (stream === 0 || type > HEADERS || (flags & END_STREAM) === 0) return;
      done++;
      if (!over && due.push(call()) === 1) {
        setImmediate(() => {
          raw.write(...due);
          due = [];
        });
      }
    };
    raw.write(...Array.from({ length: streams }, call));
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  over = true;
  for (const raw of raws) raw.destroy();
  return (done / ms) * 1000;
}

async function stream(
  port: number,
  connections: number,
  streams: number,
  inFlight: number,
  ms: number,
  type: string,
  request: Buffer,
  answerBytes: number,
): Promise<number> {
  let done = 0;
  let over = false;
  const raws = await Promise.all(Array.from({ length: connections }, () => RawHttp2.open(port)));
  for (const raw of raws) {
    const due: Buffer[] = [];
    const got = new Map<number, number>();
    const windows = { sent: 0 };
    const send = (id: number): void => {
      for (let at = 0; at < request.length; at += 16_384) due.push(frame(DATA, 0, id, request.subarray(at, at + 16_384)));
    };
    const flush = (): void => {
      raw.write(...due.splice(0));
    };
    raw.onFrame = (f) => {
      if (f.type !== DATA || over) return;
      if ((windows.sent += f.payload.length) > 1 << 24) {
        if (due.length === 0) setImmediate(flush);
        due.push(frame(WINDOW_UPDATE, 0, 0, uint32(windows.sent)));
        windows.sent = 0;
      }
      let bytes = (got.get(f.stream) ?? 0) + f.payload.length;
      for (; bytes >= answerBytes; bytes -= answerBytes) {
        done++;
        if (due.length === 0) setImmediate(flush);
        send(f.stream);
      }
      got.set(f.stream, bytes);
    };
    for (let i = 0; i < streams; i++) {
      due.push(frame(HEADERS, END_HEADERS, 1 + 2 * i, post("/corvo.v1.WorkerService/StreamLifecycle", type, [["te", "trailers"]])));
      for (let k = 0; k < inFlight; k++) send(1 + 2 * i);
    }
    flush();
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  over = true;
  for (const raw of raws) raw.destroy();
  return (done / ms) * 1000;
}

async function main(): Promise<void> {
  const ms = Number(process.argv[2] ?? 2) * 1000;
  const only = process.argv[3] ?? "";
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, TRANSPORT_BENCH_SERVER: "1" },
    execArgv: [...process.execArgv, ...(process.env.BENCH_EXEC_ARGV?.split(" ") ?? [])],
  });
  const ask = <T>(message: object): Promise<T> =>
    new Promise((resolve) => {
      child.once("message", (m) => resolve(m as T));
      child.send(message);
    });
  const { port, barePort } = await new Promise<{ port: number; barePort: number }>((resolve) => child.once("message", (m) => resolve(m as never)));
  const measure = async (name: string, n: number, run: () => Promise<number>, warm: () => Promise<number>): Promise<void> => {
    if (!name.includes(only)) return;
    await ask({ n });
    await warm();
    await ask({});
    const perSecond = await run();
    const { cpuUs } = await ask<{ cpuUs: number }>({});
    console.log(
      `${name.padEnd(44)} ${Math.round(perSecond).toLocaleString("en").padStart(9)}/s ${(cpuUs / ((perSecond * ms) / 1000)).toFixed(1).padStart(7)} µs of server CPU`,
    );
  };
  const body = Buffer.from(toBinary(EnqueueRequestSchema, create(EnqueueRequestSchema, { queue: "mail", payloadJson })));
  const json = Buffer.from(JSON.stringify({ queue: "mail", payloadJson }));
  const calls: [string, string, string, Buffer][] = [
    ["bare node:http2, the floor", "/", "application/proto", body],
    ["connect proto", "/corvo.v1.WorkerService/Enqueue", "application/proto", body],
    ["connect proto, handler with a promise", "/corvo.v1.WorkerService/Fetch", "application/proto", body],
    ["connect json", "/corvo.v1.WorkerService/Enqueue", "application/json", json],
    ["grpc", "/corvo.v1.WorkerService/Enqueue", "application/grpc", envelope(body)],
    ["connect proto, slow lane", "/corvo.v1.WorkerService/Ack", "application/proto", body],
  ];
  for (const [name, path, type, bytes] of calls) {
    const run = (time: number) => unary(path === "/" ? barePort : port, 1, 32, time, post(path, type, [["te", "trailers"]]), bytes);
    await measure(
      `unary ${name}, c1 m32`,
      0,
      () => run(ms),
      () => run(500),
    );
  }
  for (const [n, c, m, f] of [
    [0, 4, 8, 4],
    [1, 4, 4, 4],
    [64, 4, 2, 2],
  ] as const) {
    const item = { queue: "mail", payloadJson };
    const request = create(LifecycleStreamRequestSchema, {
      requestId: 7n,
      queues: n === 0 ? [] : ["mail"],
      workerId: "w",
      fetchCount: n,
      acks: Array.from({ length: n }, () => ({ jobId, resultJson: "{}", fence: 12345n })),
      enqueues: Array.from({ length: n }, () => item),
    });
    const bytes = envelope(toBinary(LifecycleStreamRequestSchema, request));
    const answerBytes = 5 + toBinary(LifecycleStreamResponseSchema, lifecycleAnswer(n)).length;
    for (const type of ["application/connect+proto", "application/grpc"]) {
      const run = (time: number) => stream(port, c, m, f, time, type, bytes, answerBytes);
      await measure(
        `stream ${type.slice(12)}, n=${n} (${bytes.length} B in, ${answerBytes} out)`,
        n,
        () => run(ms),
        () => run(500),
      );
    }
  }
  child.kill();
  process.exit(0);
}

if (process.env.TRANSPORT_BENCH_SERVER === "1") serve();
else void main();
