import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { ClusterService } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { JobService, RetryJobResponseSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { QueueService } from "@corvo/gen/corvo/v1/queue_pb.js";
import { FetchResponseSchema, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { scanJsonValue } from "@corvo/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Call, Route, UnaryHandler } from "../rpc.js";
import { RpcError } from "../rpc.js";
import { createRestHandler } from "./handler.js";
import { cases } from "./handler-cases.js";
import { serve } from "./testing.js";

// A server whose handlers write down what came and answer what the test says. Every case runs over HTTP/1.1 and HTTP/2.

interface Seen {
  method: string;
  request: unknown;
}
let seen: Seen | undefined;
let respond: (call: Call) => Uint8Array | Promise<Uint8Array> = () => new Uint8Array(0);
const observed: string[] = [];
const causes: unknown[] = [];

const services = [WorkerService, JobService, QueueService, ClusterService];
const routes: Route[] = services.flatMap((service) =>
  service.methods
    .filter((m) => m.methodKind === "unary")
    .map((method) => {
      const handler: UnaryHandler = {
        kind: "unary",
        handle(call, request) {
          seen = { method: method.name, request: toJson(method.input, fromBinary(method.input, request), { useProtoFieldName: true }) };
          return respond(call);
        },
      };
      return { method, handler, hot: false };
    }),
);
const rest = createRestHandler({
  routes,
  scanJson: scanJsonValue,
  nowMs: () => performance.now(),
  limits: { messageBytesMax: 300_000, bufferedBytesMax: 1_000_000 },
  rawBodyBytesMax: 100_000,
  authenticate: (header) => (header("x-api-key") === "wrong" ? new RpcError("unauthenticated", "", "invalid API key") : "somebody"),
  observe: { call: (route, protocol, code, status) => observed.push(`${protocol} ${route.method.name} ${code} ${status}`) },
  onError: (cause) => causes.push(cause),
});
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve(rest);
});
afterAll(() => server.close());
beforeEach(() => {
  seen = undefined;
  observed.length = 0;
  causes.length = 0;
  respond = () => new Uint8Array(0);
});

describe.each([1, 2] as const)("HTTP/%i", (version) => {
  test.each(Object.entries(cases))("%s", async (_, { ask, body, headers, sees, says, status, text }) => {
    if (says !== undefined) respond = () => (typeof says === "function" ? says() : says);
    const [verb, path] = ask.split(" ");
    const answer = await server.ask(version, verb, path, { body, headers });
    if (typeof text === "string") expect(answer.text).toBe(text);
    else expect(answer.text).toMatch(text);
    expect(answer.status).toBe(status);
    if (sees !== undefined) expect(seen?.request).toEqual(sees);
    expect(answer.headers["server-timing"]).toMatch(/^proc;dur=\d+\.\d{3}$/);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-methods"]).toBe("GET, POST, PUT, DELETE, OPTIONS");
    expect(answer.headers["access-control-allow-headers"]).toContain("Content-Type, Authorization, X-API-Key, X-Corvo-Namespace");
    expect(answer.headers["content-type"]).toBe(status === 204 ? undefined : "application/json");
    expect(causes).toEqual([]);
  });

  test("a refusal of the handler has its status, code and times", async () => {
    respond = () => {
      throw new RpcError("resource_exhausted", "OVERLOADED", "raft apply overloaded: pending queue is full", { retryAfterMs: 250 });
    };
    const answer = await server.ask(version, "POST", "/api/v1/enqueue", { body: '{"queue":"a"}' });
    expect(answer.status).toBe(429);
    expect(answer.headers["retry-after"]).toBe("0.250");
    expect(answer.text).toBe('{"error":"raft apply overloaded: pending queue is full","code":"OVERLOADED","retry_after_ms":250}\n');
    expect(observed).toEqual(["rest Enqueue resource_exhausted 429"]);
  });

  test("an error that is no refusal keeps its words to itself", async () => {
    respond = () => Promise.reject(new TypeError("secret"));
    const answer = await server.ask(version, "POST", "/api/v1/ack/job_1");
    expect(answer.status).toBe(500);
    expect(answer.text).toBe('{"error":"internal error","code":"INTERNAL_ERROR"}\n');
    expect(causes).toHaveLength(1);
  });

  test("an unknown id is 404 to GET and DELETE, 400 with its own code to the verbs of v0.3", async () => {
    respond = () => Promise.reject(new RpcError("not_found", "NOT_FOUND", 'job "job_1" not found'));
    const codes = [];
    for (const [verb, path] of [
      ["GET", "jobs/job_1"],
      ["DELETE", "jobs/job_1"],
      ["POST", "jobs/job_1/retry"],
      ["POST", "ack/job_1"],
    ]) {
      const answer = await server.ask(version, verb, `/api/v1/${path}`);
      codes.push([answer.status, JSON.parse(answer.text).code]);
    }
    expect(codes).toEqual([
      [404, "NOT_FOUND"],
      [404, "NOT_FOUND"],
      [400, "RETRY_ERROR"],
      [400, "ACK_ERROR"],
    ]);
  });

  test("a handler sees headers, protocol and principal, and may add headers", async () => {
    let facts: unknown[] = [];
    respond = (call) => {
      facts = [call.protocol, call.principal, call.header("x-custom"), call.header("x-none"), call.peer, call.aborted, new Map(call.headers()).get("x-custom")];
      call.addHeader("X-Answer", "yes");
      return new Uint8Array(0);
    };
    const answer = await server.ask(version, "POST", "/api/v1/ack/job_1", { headers: { "x-custom": "one" } });
    expect(facts).toEqual(["rest", "somebody", "one", undefined, "127.0.0.1", false, "one"]);
    expect(answer.headers["x-answer"]).toBe("yes");
  });

  test("wrong verbs are 405 with Allow, OPTIONS is 200 everywhere, other paths are not ours", async () => {
    for (const verb of ["GET", "HEAD", "PUT"]) {
      const answer = await server.ask(version, verb, "/api/v1/enqueue");
      expect([answer.status, answer.text, answer.headers.allow]).toEqual([405, "", "POST, OPTIONS"]);
    }
    expect((await server.ask(version, "POST", "/api/v1/jobs/job_1")).headers.allow).toBe("GET, DELETE, OPTIONS");
    for (const path of ["/api/v1/enqueue", "/nowhere"]) {
      const answer = await server.ask(version, "OPTIONS", path);
      expect([answer.status, answer.text, answer.headers["access-control-allow-origin"]]).toEqual([200, "", "*"]);
    }
    for (const path of ["/", "/api/v1", "/api/v1/jobs/", "/api/v1/enqueue/", "/api/v1/jobs/a/b/c", "/corvo.v1.WorkerService/Enqueue"]) {
      expect((await server.ask(version, "POST", path)).status).toBe(404);
    }
  });

  test("a body over the limit is 413, with and without an announced length, and the connection goes on", async () => {
    const body = JSON.stringify({ queue: "a", payload: "x".repeat(400_000) });
    const answer = await server.ask(version, "POST", "/api/v1/enqueue", { body, headers: { "content-length": String(body.length) } });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      413,
      { error: `payload too large: ${body.length} bytes (max 300000)`, code: "PAYLOAD_TOO_LARGE" },
    ]);
    const hook = await server.ask(version, "POST", "/api/v1/webhooks/q", { body: "x".repeat(200_000) });
    expect(hook.status).toBe(413);
    expect((await server.ask(version, "POST", "/api/v1/ack/job_1")).status).toBe(200);
  });

  test("long answers come whole", async () => {
    for (const size of [100, 16_000, 17_000, 200_000]) {
      const text = `é${"x".repeat(size)}`;
      respond = () => toBinary(FetchResponseSchema, create(FetchResponseSchema, { found: true, jobId: text, payloadJson: JSON.stringify(text) }));
      const answer = await server.ask(version, "POST", "/api/v1/fetch", { body: '{"queues":["a"]}' });
      expect(JSON.parse(answer.text)).toMatchObject({ job_id: text, payload: text });
    }
  });

  test("many at once do not mix", async () => {
    respond = async () => {
      const { job_id } = (seen as Seen).request as { job_id: string };
      await new Promise((done) => setImmediate(done));
      return toBinary(RetryJobResponseSchema, create(RetryJobResponseSchema, { status: job_id }));
    };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => server.ask(version, "POST", `/api/v1/jobs/job_${i}/retry`)));
    expect(answers.map((a) => JSON.parse(a.text).status)).toEqual(Array.from({ length: 50 }, (_, i) => `job_${i}`));
  });

  test("a caller that leaves is told to the handler", async () => {
    const aborted = new Promise<boolean>((resolve) => {
      respond = (call) => {
        call.onAbort(() => resolve(call.aborted));
        return new Promise(() => {});
      };
    });
    const leave = server.open(version, "POST", "/api/v1/fetch", '{"queues":["a"]}');
    while (seen === undefined) await new Promise((done) => setImmediate(done));
    leave();
    expect(await aborted).toBe(true);
    expect(observed).toEqual(["rest Fetch canceled 499"]);
  });
});

describe("HTTP/1.1 on a raw socket", () => {
  const answerOf = (text: string): [status: string, body: string] => [text.slice(9, 12), text.slice(text.indexOf("\r\n\r\n") + 4)];

  test("a body may come byte by byte, chunked or not", async () => {
    const body = '{"queue":"mail","payload":{"é":"😀"}}';
    const bytes = Buffer.from(body);
    const chunked = [...bytes].map((b) => Buffer.concat([Buffer.from("1\r\n"), Buffer.from([b]), Buffer.from("\r\n")]));
    const ways = [
      [`content-length: ${bytes.length}`, [...bytes].map((b) => Buffer.from([b]))],
      ["transfer-encoding: chunked", [...chunked, Buffer.from("0\r\n\r\n")]],
    ] as const;
    for (const [header, parts] of ways) {
      const socket = server.raw();
      socket.write(`POST /api/v1/enqueue HTTP/1.1\r\nhost: x\r\n${header}\r\nconnection: close\r\n\r\n`);
      for (const part of parts) await new Promise((done) => socket.write(part, done));
      expect(answerOf(await socket.answer())[0]).toBe("201");
      expect(seen?.request).toEqual({ queue: "mail", payload_json: '{"é":"😀"}' });
    }
  });

  test("requests sent ahead are answered in their order", async () => {
    let sawLast = (): void => {};
    const lastSeen = new Promise<void>((resolve) => {
      sawLast = resolve;
    });
    respond = async () => {
      const { job_id } = (seen as Seen).request as { job_id: string };
      if (job_id === "slow") await lastSeen;
      if (job_id === "last") sawLast();
      return toBinary(RetryJobResponseSchema, create(RetryJobResponseSchema, { status: job_id }));
    };
    const socket = server.raw();
    const ask = (id: string, more = ""): string => `POST /api/v1/jobs/${id}/retry HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
    socket.write(ask("slow") + ask("fast") + ask("last", "connection: close\r\n"));
    const text = await socket.answer();
    expect(text.match(/"status":"\w+"/g)).toEqual(['"status":"slow"', '"status":"fast"', '"status":"last"']);
  });

  test("unfinished bodies share one budget, and give it back when their callers leave", async () => {
    const head = "POST /api/v1/enqueue HTTP/1.1\r\nhost: x\r\ncontent-length: 290000\r\n\r\n";
    const sockets = Array.from({ length: 6 }, () => server.raw());
    const first = Promise.race(sockets.map((s) => s.first()));
    for (const s of sockets) s.write(head + "x".repeat(280_000));
    const [status, body] = answerOf(await first);
    expect([status, JSON.parse(body)]).toEqual(["429", { error: "too many unfinished requests", code: "OVERLOADED", retry_after_ms: 1000 }]);
    for (const s of sockets) s.destroy();
    while (observed.length < 6) await new Promise((done) => setImmediate(done));
    const fine = server.raw();
    fine.write(`${head.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")}{"queue":"${"q".repeat(289_988)}"}`);
    expect(answerOf(await fine.answer())[0]).toBe("201");
  });
});
