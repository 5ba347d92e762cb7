import { connect as connectHttp2 } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { expect, it } from "vitest";
import { resolveLimits } from "../src/index.js";
import { serve } from "./harness.js";
import { until } from "./healthy.js";

it.each([{ hot: true }, { hot: false }])("an observer sees connections, calls, streams and frames, hot=$hot", async ({ hot }) => {
  const seen: string[] = [];
  const frames = { in: 0, out: 0 };
  const served = await serve({
    hot,
    observe: {
      connection: (change, http) => seen.push(`connection ${change} ${http}`),
      call: (route, protocol, code, _status, ms) => seen.push(`${route.method.name} ${protocol} ${code} ${ms >= 0 && ms < 5000}`),
      stream: (route, change) => seen.push(`${route.method.name} ${change}`),
      frames: (_route, direction, count) => (frames[direction] += count),
    },
  });
  const http1 = createClient(WorkerService, createConnectTransport({ baseUrl: served.url, httpVersion: "1.1" }));
  const http2 = createClient(WorkerService, createConnectTransport({ baseUrl: served.url, httpVersion: "2" }));
  await http1.enqueue({ queue: "mail" });
  await http1.enqueue({ queue: "mail", payloadJson: "refuse" }).catch(() => {});
  async function* requests() {
    for (let requestId = 1n; requestId <= 5n; requestId++) yield { requestId };
  }
  for await (const _ of http2.streamLifecycle(requests()));
  await served.listener.close({ graceMs: 200 });
  await until(() => seen.filter((line) => line.startsWith("connection -1")).length === 2);
  expect(seen.filter((line) => !line.startsWith("connection"))).toEqual([
    "Enqueue connect ok true",
    "Enqueue connect failed_precondition true",
    "StreamLifecycle 1",
    "StreamLifecycle -1",
    "StreamLifecycle connect ok true",
  ]);
  expect(seen.filter((line) => line.startsWith("connection")).sort()).toEqual(["connection -1 1.1", "connection -1 2", "connection 1 1.1", "connection 1 2"]);
  expect(frames).toEqual({ in: 5, out: 5 });
});

it("what is not RPC goes to the http handler, over both versions", async () => {
  const served = await serve({
    http: (request, response) => {
      if (request.url === "/throw") throw new Error("handler is broken");
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.setHeader("x-version", request.httpVersion);
        response.end(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
      });
    },
  });
  const answer = await fetch(`${served.url}/api/v1/enqueue?a=b`, { method: "POST", body: "hello" });
  expect([answer.headers.get("x-version"), await answer.text()]).toEqual(["1.1", "POST /api/v1/enqueue?a=b hello"]);
  expect((await fetch(`${served.url}/throw`)).status).toBe(500);
  const session = connectHttp2(served.url);
  const ask = async (headers: Record<string, string>, body?: string): Promise<string> => {
    const stream = session.request(headers);
    stream.end(body);
    let text = "";
    let status: unknown;
    stream.on("response", (h) => (status = h[":status"]));
    for await (const chunk of stream) text += chunk;
    return `${status} ${text}`;
  };
  expect(await ask({ ":method": "PUT", ":path": "/x" }, "there")).toBe("200 PUT /x there");
  expect(await ask({ ":path": "/throw" })).toBe("500 ");
  expect(await ask({ ":method": "CONNECT", ":authority": "elsewhere:80" })).toBe("405 ");
  expect(served.errors).toHaveLength(2);
  session.destroy();
  await served.listener.close({ graceMs: 0 });
});

it("limits that are none are named", () => {
  expect(() => resolveLimits({ headersMax: 0 })).toThrow("headersMax");
  expect(() => resolveLimits({ messageBytesMax: Number.NaN })).toThrow("messageBytesMax");
  expect(() => resolveLimits({ bufferedBytesMax: 10 })).toThrow("bufferedBytesMax");
  expect(() => resolveLimits({ nope: 1 } as never)).toThrow("nope");
});
