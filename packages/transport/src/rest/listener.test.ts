import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { EnqueueResponseSchema, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { ServerReflection } from "@corvo/gen/grpc/reflection/v1/reflection_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@corvo/gen/health/v1/health_pb.js";
import { scanJsonValue } from "@corvo/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHealth } from "../health.js";
import { createListener, type Listener } from "../listener.js";
import { reflectionRoutes } from "../reflection.js";
import type { Route } from "../rpc.js";
import { createRestHandler } from "./handler.js";

// REST, reflection and health where they belong: behind the listener, on one port with everything else.

let listener: Listener;
let base = "";
const health = createHealth([WorkerService.typeName]);

beforeAll(async () => {
  const enqueue: Route = {
    method: WorkerService.method.enqueue,
    hot: true,
    handler: { kind: "unary", handle: (call) => toBinary(EnqueueResponseSchema, create(EnqueueResponseSchema, { jobId: "job_1", status: call.protocol })) },
  };
  const routes = [enqueue, ...health.routes, ...reflectionRoutes([WorkerService, Health])];
  const rest = createRestHandler({ routes, scanJson: scanJsonValue, nowMs: () => performance.now() });
  listener = createListener({
    routes,
    http: (req, res) => {
      if (rest.handle(req, res)) return;
      res.statusCode = 404;
      res.end();
    },
    onError: (cause) => {
      throw cause;
    },
  });
  const { port } = await listener.listen(0, "127.0.0.1");
  base = `http://127.0.0.1:${port}`;
});
afterAll(() => listener.close({ graceMs: 100 }));

test("one handler answers REST, Connect and gRPC", async () => {
  const rest = await fetch(`${base}/api/v1/enqueue`, { method: "POST", body: '{"queue":"mail"}' });
  expect([rest.status, await rest.json()]).toEqual([201, { job_id: "job_1", status: "rest", unique_existing: false }]);
  for (const [name, transport] of [
    ["connect", createConnectTransport({ baseUrl: base, httpVersion: "1.1" })],
    ["grpc", createGrpcTransport({ baseUrl: base })],
  ] as const) {
    expect((await createClient(WorkerService, transport).enqueue({ queue: "mail" })).status).toBe(name);
  }
});

test("health over gRPC: check, list and a watch that sees the change", async () => {
  const client = createClient(Health, createGrpcTransport({ baseUrl: base }));
  const seen: Status[] = [];
  for await (const { status } of client.watch({ service: WorkerService.typeName })) {
    seen.push(status);
    if (seen.length === 2) break;
    health.set(true);
  }
  expect(seen).toEqual([Status.NOT_SERVING, Status.SERVING]);
  expect((await client.check({})).status).toBe(Status.SERVING);
  expect(Object.keys((await client.list({})).statuses)).toEqual(["", WorkerService.typeName]);
  await expect(client.check({ service: "x.Y" })).rejects.toThrow("not_found");
});

test("reflection over gRPC answers question after question", async () => {
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: base }));
  async function* questions() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    yield { messageRequest: { case: "fileContainingSymbol" as const, value: "corvo.v1.WorkerService" } };
  }
  const answers: (string | undefined)[] = [];
  for await (const { messageResponse } of client.serverReflectionInfo(questions())) answers.push(messageResponse.case);
  expect(answers).toEqual(["listServicesResponse", "fileDescriptorResponse"]);
});
