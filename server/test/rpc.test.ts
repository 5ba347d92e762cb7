import { once } from "node:events";
import { connect } from "node:http2";
import { create, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import { AckOutcome, EnqueueOutcome, ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { ServerReflection } from "@corvo/gen/grpc/reflection/v1/reflection_pb.js";
import { Health, HealthCheckResponse_ServingStatus } from "@corvo/gen/health/v1/health_pb.js";
import { beforeAll, describe, expect, it } from "vitest";
import { type Clients, clients, type Protocol, serve, type TestServer } from "./harness.js";

let server: TestServer;
let rpc: Clients;
beforeAll(async () => {
  server = await serve();
  ({ rpc } = server);
});

const absent = "job_18ea0fd52f904a40ffffffffff";
const protocols: Protocol[] = ["connect", "connect json", "connect json http/1.1", "grpc", "grpc-web"];

/** Code, text, reason and field of what a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<{ code: Code; message: string; reason: string; field: string; retryAfterMs: number }> {
  try {
    await call;
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [detail] = error.findDetails(ErrorDetailSchema);
    return { code: error.code, message: error.rawMessage, reason: detail?.reason ?? "", field: detail?.field ?? "", retryAfterMs: detail?.retryAfterMs ?? 0 };
  }
  throw new Error("the call was not refused");
}

describe.each(protocols)("every unary method over %s", (protocol) => {
  let c: Clients;
  beforeAll(() => {
    c = clients(server.url, protocol);
  });
  const q = `all-${protocol}`;

  it("WorkerService", async () => {
    const { worker } = c;
    const info = await worker.getServerInfo({});
    expect(info.serverVersion).toMatch(/^\d+\.\d+\.\d+$/);
    const one = await worker.enqueue({ queue: q, payloadJson: '{"n": 1}', tagsJson: '{"a":"b"}', checkpointJson: "[1]" });
    expect(one).toMatchObject({ jobId: expect.stringMatching(/^job_[0-9a-f]{26}$/), status: "pending", uniqueExisting: false });
    expect(one.logIndex).toBeGreaterThan(0n);
    const batch = await worker.enqueueBatch({ jobs: [{ queue: q }, { queue: q, uniqueKey: "u" }, { queue: q, uniqueKey: "u" }] });
    expect(batch.jobIds).toHaveLength(3);
    expect(batch.outcomes).toEqual([EnqueueOutcome.PENDING, EnqueueOutcome.PENDING, EnqueueOutcome.DUPLICATE]);
    const hook = await worker.enqueueWebhook({ queue: q, payloadJson: '"hook"' });
    const fetched = await worker.fetch({ queues: [q], workerId: "w", hostname: "h", leaseDuration: 30 });
    expect(fetched).toMatchObject({
      found: true,
      jobId: one.jobId,
      queue: q,
      payloadJson: '{"n": 1}',
      attempt: 1,
      maxRetries: 3,
      leaseDuration: 30,
      tagsJson: '{"a":"b"}',
      checkpointJson: "[1]",
    });
    expect(fetched.fence).toBeGreaterThan(0n);
    const more = await worker.fetchBatch({ queues: [q], workerId: "w", count: 10 });
    expect(more.jobs.map((j) => j.jobId)).toEqual([batch.jobIds[0], batch.jobIds[1], hook.jobId]);
    const beat = await worker.heartbeat({ jobs: { [one.jobId]: { progressJson: '{"p":1}', fence: fetched.fence }, [absent]: {} } });
    expect(beat.jobs[one.jobId]).toMatchObject({ status: "ok" });
    expect(beat.jobs[absent]).toMatchObject({ status: "cancel", reason: "not_found" });
    await worker.ack({ jobId: one.jobId, fence: fetched.fence, resultJson: '{"r":true}' });
    const acked = await worker.ackBatch({
      items: [{ jobId: more.jobs[0].jobId }, { jobId: more.jobs[0].jobId }, { jobId: more.jobs[1].jobId, fence: 1n << 40n }, { jobId: absent }],
    });
    expect(acked.acked).toBe(1);
    expect(acked.outcomes).toEqual([AckOutcome.ACKED, AckOutcome.NOT_ACTIVE, AckOutcome.STALE_FENCE, AckOutcome.NOT_FOUND]);
    const failed = await worker.fail({ jobId: hook.jobId, error: "no", backtrace: "line" });
    expect(failed).toMatchObject({ status: "retrying", attemptsRemaining: 2 });
    expect(Number(failed.nextAttemptAt?.seconds) * 1000).toBeGreaterThan(Date.now());
  });

  it("JobService", async () => {
    const { worker, job } = c;
    const { jobId } = await worker.enqueue({ queue: `${q}-job`, payloadJson: "7", maxRetries: 1 });
    expect((await job.getJob({ jobId })).job).toMatchObject({ id: jobId, state: JobState.PENDING, payloadJson: "7", priority: 2 });
    expect((await job.bulkGetJobs({ jobIds: [absent, jobId] })).jobs.map((j) => j.id)).toEqual([jobId]);
    expect((await job.holdJob({ jobId })).status).toBe("held");
    expect((await job.approveJob({ jobId })).status).toBe("pending");
    expect((await job.moveJob({ jobId, queue: `${q}-moved` })).status).toBe("moved");
    expect((await job.holdJob({ jobId })).status).toBe("held");
    expect((await job.rejectJob({ jobId })).status).toBe("dead");
    expect((await job.retryJob({ jobId })).status).toBe("retried");
    expect((await job.cancelJob({ jobId })).status).toBe("cancelled");
    expect((await job.getJob({ jobId })).job).toMatchObject({ state: JobState.CANCELLED, queue: `${q}-moved` });
    expect((await job.deleteJob({ jobId })).status).toBe("deleted");
    expect(await refusal(job.getJob({ jobId }))).toMatchObject({ code: Code.NotFound, reason: "NOT_FOUND", message: `job "${jobId}" not found` });
  });

  it("QueueService", async () => {
    const { worker, queue } = c;
    const name = `${q}-queue`;
    await worker.enqueue({ queue: name });
    expect((await queue.pauseQueue({ name })).status).toBe("paused");
    expect((await queue.setConcurrency({ name, max: 5 })).status).toBe("ok");
    expect((await queue.setThrottle({ name, rate: 2, windowMs: 100 })).status).toBe("ok");
    expect((await queue.listQueues({})).queues.find((each) => each.name === name)).toMatchObject({
      paused: true,
      maxConcurrency: 5,
      rateLimit: 2,
      rateWindowMs: 100,
      pending: 1n,
    });
    expect((await queue.removeThrottle({ name })).status).toBe("ok");
    expect((await queue.resumeQueue({ name })).status).toBe("resumed");
    expect((await queue.drainQueue({ name })).status).toBe("draining");
    expect((await queue.clearQueue({ name })).status).toBe("cleared");
    expect((await queue.destroyQueue({ name })).status).toBe("deleted");
    expect((await queue.listQueues({})).queues.some((each) => each.name === name)).toBe(false);
  });

  it("ClusterService", async () => {
    expect(await c.cluster.getClusterStatus({})).toMatchObject({ state: "Leader", status: "healthy", nodeId: "node-1" });
    expect((await c.cluster.listWorkers({})).workers.some((w) => w.id === "w")).toBe(true);
  });
});

describe.each(["connect", "connect json", "grpc", "grpc-web"] as Protocol[])("refusals over %s", (protocol) => {
  let c: Clients;
  beforeAll(() => {
    c = clients(server.url, protocol);
  });

  it("carry code, text, reason and field", async () => {
    const { worker, job } = c;
    const queue = `refusals-${protocol}`;
    const { jobId } = await worker.enqueue({ queue });
    expect(await refusal(worker.enqueue({}))).toMatchObject({ code: Code.InvalidArgument, message: "queue is required", reason: "REQUIRED", field: "queue" });
    expect(await refusal(worker.enqueue({ queue, payloadJson: "{" }))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_JSON",
      field: "payload_json",
    });
    expect(await refusal(worker.fetch({}))).toMatchObject({ code: Code.InvalidArgument, message: "queues is required", field: "queues" });
    expect(await refusal(worker.ackBatch({}))).toMatchObject({ code: Code.InvalidArgument, message: "items is required" });
    expect(await refusal(worker.ackBatch({ items: [{}] }))).toMatchObject({
      code: Code.InvalidArgument,
      message: "job_id is required",
      field: "items[0].job_id",
    });
    expect(await refusal(worker.ack({ jobId: absent }))).toMatchObject({ code: Code.InvalidArgument, message: `job ${absent} not found`, reason: "NOT_FOUND" });
    expect(await refusal(worker.ack({ jobId }))).toMatchObject({ code: Code.InvalidArgument, message: `job ${jobId} is not active`, reason: "WRONG_STATE" });
    expect(await refusal(worker.fail({ jobId, error: "e" }))).toMatchObject({
      code: Code.InvalidArgument,
      message: `job ${jobId} is not active (state=pending)`,
    });
    expect(await refusal(job.approveJob({ jobId }))).toMatchObject({ code: Code.FailedPrecondition, reason: "WRONG_STATE" });
    expect(await refusal(job.cancelJob({ jobId: absent }))).toMatchObject({ code: Code.NotFound, reason: "NOT_FOUND" });
    const { fence } = await worker.fetch({ queues: [queue] });
    for (const call of [worker.ack({ jobId, fence: fence + 99n }), worker.fail({ jobId, error: "e", fence: fence + 99n })])
      expect(await refusal(call)).toMatchObject({ code: Code.FailedPrecondition, reason: "STALE_FENCE" });
    expect(await refusal(worker.heartbeat({ jobs: { [jobId]: { progressJson: "[1]" } } }))).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringMatching(`^invalid progress_json for ${jobId}: `),
    });
    expect((await job.getJob({ jobId })).job).toMatchObject({ state: JobState.ACTIVE, progressJson: "" });
  });
});

describe("differences to REST that v0.3 clients rely on", () => {
  it("an acknowledgement without result stores {}", async () => {
    const { jobId } = await rpc.worker.enqueue({ queue: "d1" });
    await rpc.worker.fetch({ queues: ["d1"] });
    await rpc.worker.ack({ jobId });
    expect((await rpc.job.getJob({ jobId })).job?.resultJson).toBe("{}");
  });

  it("an empty payload is {}, and an empty fetch is found=false with status OK", async () => {
    const { jobId } = await rpc.worker.enqueue({ queue: "d2", payloadJson: " " });
    expect((await rpc.job.getJob({ jobId })).job?.payloadJson).toBe("{}");
    expect((await rpc.worker.fetch({ queues: ["d-none"], leaseDuration: 1 })).found).toBe(false);
    expect((await rpc.worker.fetchBatch({ queues: ["d-none"], leaseDuration: 1 })).jobs).toEqual([]);
  });

  it("fetch batch is not capped at 512, ack batch neither", async () => {
    await rpc.worker.enqueueBatch({ jobs: Array.from({ length: 700 }, () => ({ queue: "d3" })) });
    const { jobs } = await rpc.worker.fetchBatch({ queues: ["d3"], count: 700 });
    expect(jobs).toHaveLength(700);
    expect((await rpc.worker.ackBatch({ items: jobs.map(({ jobId }) => ({ jobId })) })).acked).toBe(700);
  });

  it("the same request id is answered with the first answer, in every protocol", async () => {
    const message = { queue: "d4", payloadJson: "1", requestId: "r-1" };
    const first = await rpc.worker.enqueue(message);
    for (const protocol of protocols) expect(await clients(server.url, protocol).worker.enqueue(message)).toEqual(first);
    expect(await refusal(rpc.worker.enqueue({ ...message, payloadJson: "2" }))).toMatchObject({ reason: "REQUEST_ID_REUSED" });
    expect((await rpc.queue.listQueues({})).queues.find((queue) => queue.name === "d4")?.enqueued).toBe(1n);
  });
});

describe("gRPC's own services", () => {
  const grpc = () => createGrpcTransport({ baseUrl: server.url });

  it("health: every service serves, an unknown one is not found, a watcher is told", async () => {
    const health = createClient(Health, grpc());
    for (const service of ["", "corvo.v1.WorkerService", "corvo.v1.JobService", "corvo.v1.QueueService", "corvo.v1.ClusterService"])
      expect((await health.check({ service })).status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    expect((await refusal(health.check({ service: "nobody" }))).code).toBe(Code.NotFound);
    const abort = new AbortController();
    for await (const { status } of health.watch({ service: "" }, { signal: abort.signal })) {
      expect(status).toBe(HealthCheckResponse_ServingStatus.SERVING);
      break;
    }
    abort.abort();
  });

  it("reflection: lists the services and describes every message that they use", async () => {
    const reflection = createClient(ServerReflection, grpc());
    async function* asked() {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
      yield { messageRequest: { case: "fileContainingSymbol" as const, value: "corvo.v1.WorkerService" } };
    }
    const answers = [];
    for await (const { messageResponse } of reflection.serverReflectionInfo(asked())) answers.push(messageResponse);
    const [list, files] = answers;
    if (list.case !== "listServicesResponse" || files.case !== "fileDescriptorResponse") throw new Error(`${list.case}, ${files.case}`);
    const names = list.value.service.map((service) => service.name);
    for (const name of ["corvo.v1.WorkerService", "corvo.v1.JobService", "corvo.v1.QueueService", "corvo.v1.ClusterService", "grpc.health.v1.Health"])
      expect(names).toContain(name);
    const described = files.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    expect(described.flatMap((file) => file.service.map((service) => service.name))).toContain("WorkerService");
  });
});

describe("the wire", () => {
  it("unknown methods: Connect 404, gRPC unimplemented", async () => {
    const answer = await server.rest.post("/corvo.v1.WorkerService/Nothing", "{}", { "content-type": "application/json" });
    expect(answer.status).toBe(404);
    const session = connect(server.url);
    const stream = session.request({ ":method": "POST", ":path": "/corvo.v1.Nowhere/Nothing", "content-type": "application/grpc", te: "trailers" });
    stream.end(Buffer.alloc(5));
    const [headers] = await once(stream, "response");
    expect([headers[":status"], headers["grpc-status"]]).toEqual([200, "12"]);
    session.close();
  });

  it("a content type that nobody speaks is 415 with Accept-Post", async () => {
    const answer = await server.rest.post("/corvo.v1.WorkerService/Enqueue", "{}", { "content-type": "text/plain" });
    expect(answer.status).toBe(415);
    expect(answer.headers["accept-post"]).toContain("application/proto");
  });

  it("JSON is proto3 JSON: both spellings in, lowerCamelCase out, zero values left out, 64-bit numbers as strings", async () => {
    const answer = await server.rest.post(
      "/corvo.v1.WorkerService/Enqueue",
      { queue: "json", payload_json: "1", uniqueKey: "k", nobody: [1] },
      { "content-type": "application/json" },
    );
    expect([answer.status, answer.json]).toEqual([200, { jobId: expect.any(String), status: "pending", logIndex: expect.stringMatching(/^\d+$/) }]);
    const refused = await server.rest.post("/corvo.v1.WorkerService/Enqueue", {}, { "content-type": "application/json" });
    expect([refused.status, refused.json]).toMatchObject([
      400,
      { code: "invalid_argument", message: "queue is required", details: [{ type: "corvo.v1.ErrorDetail" }] },
    ]);
  });

  it("answers are not compressed unless that is switched on; a compressed request then works too", async () => {
    const off = await server.rest.post("/corvo.v1.ClusterService/GetClusterStatus", "{}", { "content-type": "application/json", "accept-encoding": "gzip" });
    expect(off.headers["content-encoding"] ?? "identity").toBe("identity");
    const on = await serve({ "no-compression": "false" });
    const { compressionGzip } = await import("@connectrpc/connect-node");
    const transport = createConnectTransport({
      baseUrl: on.url,
      httpVersion: "2",
      acceptCompression: [compressionGzip],
      sendCompression: compressionGzip,
      compressMinBytes: 0,
    });
    const { WorkerService } = await import("@corvo/gen/corvo/v1/worker_pb.js");
    const client = createClient(WorkerService, transport);
    expect((await client.enqueue({ queue: "zip", payloadJson: JSON.stringify("z".repeat(5000)) })).status).toBe("pending");
    expect((await client.fetch({ queues: ["zip"] })).payloadJson).toHaveLength(5002);
    await on.stop();
  });

  it("bytes that are no message are the caller's fault on both lanes, compressed or not", async () => {
    const on = await serve({ "no-compression": "false" });
    const { compressionGzip } = await import("@connectrpc/connect-node");
    const { WorkerService, EnqueueRequestSchema } = await import("@corvo/gen/corvo/v1/worker_pb.js");
    const gzip = { acceptCompression: [compressionGzip], sendCompression: compressionGzip, compressMinBytes: 0 };
    // A field that says it is longer than what follows.
    const broken = create(EnqueueRequestSchema, { queue: "q" });
    broken.$unknown = [{ no: 2, wireType: 2, data: new Uint8Array([0x7f, 0x61]) }];
    for (const make of [createConnectTransport, createGrpcTransport, createGrpcWebTransport]) {
      for (const compressed of [{}, gzip]) {
        const client = createClient(WorkerService, make({ baseUrl: on.url, httpVersion: "2", ...compressed }));
        const said = await refusal(client.enqueue(broken));
        expect({ ...said, message: said.message.slice(0, 22) }).toMatchObject({
          ...{ code: Code.InvalidArgument, reason: "INVALID_MESSAGE", message: "invalid EnqueueRequest" },
        });
      }
    }
    await on.stop();
  });
});
