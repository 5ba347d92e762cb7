import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ErrorDetailSchema, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Served, serve } from "./harness.js";

/** Every protocol, codec and HTTP version of connect-node's clients against both lanes. */
describe.each([{ hot: true }, { hot: false }])("clients, hot=$hot", ({ hot }) => {
  let served: Served;
  beforeAll(async () => {
    served = await serve({ hot });
  });
  afterAll(() => served.listener.close({ graceMs: 1000 }));

  const transports = {
    "connect proto 1.1": () => createConnectTransport({ baseUrl: served.url, httpVersion: "1.1" }),
    "connect json 1.1": () => createConnectTransport({ baseUrl: served.url, httpVersion: "1.1", useBinaryFormat: false }),
    "connect proto 2": () => createConnectTransport({ baseUrl: served.url, httpVersion: "2" }),
    "connect json 2": () => createConnectTransport({ baseUrl: served.url, httpVersion: "2", useBinaryFormat: false }),
    "connect get 1.1": () => createConnectTransport({ baseUrl: served.url, httpVersion: "1.1", useHttpGet: true }),
    "grpc 2": () => createGrpcTransport({ baseUrl: served.url }),
    "grpc json 2": () => createGrpcTransport({ baseUrl: served.url, useBinaryFormat: false }),
    "grpc-web 1.1": () => createGrpcWebTransport({ baseUrl: served.url, httpVersion: "1.1" }),
    "grpc-web 2": () => createGrpcWebTransport({ baseUrl: served.url, httpVersion: "2" }),
  };

  describe.each(Object.keys(transports) as (keyof typeof transports)[])("%s", (name) => {
    const client = () => createClient(WorkerService, transports[name]());
    const caught = (p: Promise<unknown>): Promise<ConnectError> =>
      p.then(
        () => Promise.reject(new Error("no error")),
        (e) => ConnectError.from(e),
      );

    it("answers a unary call with headers and trailers", async () => {
      const headers: Record<string, string | null> = {};
      const answer = await client().enqueue(
        { queue: "mail", payloadJson: '{"a":"ä"}' },
        { onHeader: (h) => (headers.seen = h.get("x-seen")), onTrailer: (t) => (headers.after = t.get("x-after")) },
      );
      expect([answer.jobId, answer.status, headers.seen, headers.after]).toEqual(["mail", "pending", "9", "done"]);
    });

    it("tells an error with its detail", async () => {
      const error = await caught(client().enqueue({ queue: "q", payloadJson: "refuse" }));
      expect([error.code, error.rawMessage]).toEqual([Code.FailedPrecondition, "that fence is stale: 50 %"]);
      expect(error.findDetails(ErrorDetailSchema)).toMatchObject([{ reason: "STALE_FENCE", field: "fence", retryAfterMs: 7 }]);
    });

    it("hides what went wrong inside, and reports it", async () => {
      const before = served.errors.length;
      const error = await caught(client().enqueue({ queue: "q", payloadJson: "crash" }));
      expect([error.code, error.rawMessage]).toEqual([Code.Internal, "internal error"]);
      expect(served.errors.slice(before)).toMatchObject([{ message: "secret of the house" }]);
    });

    it("keeps a deadline", async () => {
      const error = await caught(client().enqueue({ queue: "q", payloadJson: "wait" }, { timeoutMs: 60 }));
      expect(error.code).toBe(Code.DeadlineExceeded);
    });

    it("serves a server stream", async () => {
      const seen: bigint[] = [];
      for await (const event of client().subscribe({ lastEventId: 50n, types: ["y".repeat(2000)] })) seen.push(event.seq);
      expect(seen).toHaveLength(50);
      expect(seen.at(-1)).toBe(50n);
    });

    it("answers a call without side effects", async () => {
      await expect(client().getServerInfo({})).resolves.toMatchObject({ serverVersion: "" });
    });

    if (name.endsWith(" 2"))
      it("serves a stream of frames", async () => {
        const seen: bigint[] = [];
        async function* frames() {
          for (let requestId = 1n; requestId <= 100n; requestId++) yield { requestId, fetchCount: 3000 };
        }
        for await (const answer of client().streamLifecycle(frames())) seen.push(answer.requestId);
        expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i + 1)));
      });

    if (name.endsWith(" 2"))
      it("ends a stream with an error or at the handler's wish", async () => {
        async function* frames(workerId: string) {
          yield { requestId: 1n };
          yield { workerId };
          yield { requestId: 3n };
        }
        const seen: bigint[] = [];
        const read = async (workerId: string) => {
          for await (const answer of client().streamLifecycle(frames(workerId))) seen.push(answer.requestId);
        };
        expect((await caught(read("refuse"))).code).toBe(Code.ResourceExhausted);
        await read("end");
        expect(seen).toEqual([1n, 1n]);
      });

    if (name.endsWith("1.1") && name !== "grpc-web 1.1")
      it("refuses two-way streams over HTTP/1.1", async () => {
        const read = async () => {
          for await (const _ of client().streamLifecycle((async function* () {})())) throw new Error("no answer expected");
        };
        expect((await caught(read())).code).toBe(Code.Unknown);
      });
  });
});
