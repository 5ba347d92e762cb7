import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { BatchService } from "@corvo/gen/corvo/v1/batch_pb.js";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { formatJobId } from "@corvo/protocol";
import { beforeAll, expect, test } from "vitest";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

const ghost = "job_00000000000000000000000000";
const two = (...queues: string[]) => queues.map((queue) => ({ queue }));

/** What REST says: status, code and the field that it names. */
async function said(path: string, body: unknown): Promise<string> {
  const { status, json } = await server.rest.post(path, body);
  return status < 300 ? `${status}` : `${status} ${json.code} ${json.field ?? "-"}`;
}

/** What RPC says: code, reason and field. */
async function refused(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "taken";
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [detail] = error.findDetails(ErrorDetailSchema);
    return `${error.code} ${detail?.reason} ${detail?.field || "-"}`;
  }
}

// Wrong types exist in JSON alone: the schema of RPC has no place for them.
test.each([
  [{ chain: [] }, "400 PARSE_ERROR chain"],
  [{ chain: "a,b" }, "400 PARSE_ERROR chain"],
  [{ chain: { steps: "a" } }, "400 PARSE_ERROR chain.steps"],
  [{ chain: { steps: ["a", "b"] } }, "400 PARSE_ERROR chain.steps[0]"],
  [{ chain: { steps: [{ queue: "q" }, 7] } }, "400 PARSE_ERROR chain.steps[1]"],
  [{ chain: { steps: [{ queue: "q" }, { queue: 7 }] } }, "400 PARSE_ERROR chain.steps[1].queue"],
  [{ chain: { steps: two("q", "b"), on_failure: "x" } }, "400 PARSE_ERROR chain.on_failure"],
  [{ chain: { steps: two("q", "b"), on_exit: [] } }, "400 PARSE_ERROR chain.on_exit"],
  [{ depends_on: "x" }, "400 PARSE_ERROR depends_on"],
  [{ depends_on: { id: ghost } }, "400 PARSE_ERROR depends_on"],
  [{ depends_on: [1] }, "400 PARSE_ERROR depends_on[0]"],
  [{ depends_on: [ghost, null] }, "400 PARSE_ERROR depends_on[1]"],
  [{ batch_id: 1 }, "400 PARSE_ERROR batch_id"],
  [{ chain_config: [] }, "400 PARSE_ERROR chain_config"],
])("a wrong type is refused by its field: %j", async (more, answer) => {
  expect(await said("enqueue", { queue: "q", ...more })).toBe(answer);
  expect(await said("enqueue/batch", { jobs: [{ queue: "q" }, { queue: "q", ...more }] })).toBe(answer.replace(/ERROR /, "ERROR jobs[1]."));
});

/** The same fault in both languages: REST's body, RPC's message, and the field that both name. */
const faults: [what: string, rest: object, rpc: object, reason: string, field: string][] = [
  ["no steps", { chain: { steps: [] } }, { chain: { steps: [] } }, "INVALID_VALUE", "chain.steps"],
  ["no steps at all", { chain: {} }, { chain: {} }, "INVALID_VALUE", "chain.steps"],
  ["one step", { chain: { steps: two("q") } }, { chain: { steps: two("q") } }, "INVALID_VALUE", "chain.steps"],
  ["a step without queue", { chain: { steps: [{ queue: "q" }, {}] } }, { chain: { steps: [{ queue: "q" }, {}] } }, "REQUIRED", "chain.steps[1].queue"],
  ["another first queue", { chain: { steps: two("r", "b") } }, { chain: { steps: two("r", "b") } }, "INVALID_VALUE", "chain.steps[0].queue"],
  [
    "on_failure without queue",
    { chain: { steps: two("q", "b"), on_failure: {} } },
    { chain: { steps: two("q", "b"), onFailure: {} } },
    "REQUIRED",
    "chain.on_failure.queue",
  ],
  [
    "on_exit without queue",
    { chain: { steps: two("q", "b"), on_exit: {} } },
    { chain: { steps: two("q", "b"), onExit: {} } },
    "REQUIRED",
    "chain.on_exit.queue",
  ],
  [
    "too many steps",
    { chain: { steps: Array(1001).fill({ queue: "q" }) } },
    { chain: { steps: Array(1001).fill({ queue: "q" }) } },
    "TOO_LARGE",
    "chain.steps",
  ],
  ["no id", { depends_on: ["nope"] }, { dependsOn: ["nope"] }, "INVALID_VALUE", "depends_on[0]"],
  [
    "too many dependencies",
    { depends_on: Array.from({ length: 1001 }, (_, i) => `job_${String(i).padStart(26, "0")}`) },
    { dependsOn: Array.from({ length: 1001 }, (_, i) => `job_${String(i).padStart(26, "0")}`) },
    "TOO_LARGE",
    "depends_on",
  ],
];

test.each(faults)("%s is refused over REST and RPC, alone and among others", async (_what, rest, rpc, reason, field) => {
  expect(await said("enqueue", { queue: "q", ...rest })).toBe(`400 VALIDATION_ERROR ${field}`);
  expect(await said("enqueue/batch", { jobs: [{ queue: "q" }, { queue: "q", ...rest }] })).toBe(`400 VALIDATION_ERROR jobs[1].${field}`);
  expect(await refused(server.rpc.worker.enqueue({ queue: "q", ...rpc }))).toBe(`3 ${reason} ${field}`);
  expect(await refused(server.rpc.worker.enqueueBatch({ jobs: [{ queue: "q" }, { queue: "q", ...rpc }] }))).toBe(`3 ${reason} jobs[1].${field}`);
});

test("how many batches may be open is the server's to say, not the request's", async () => {
  const batches = createClient(BatchService, createConnectTransport({ baseUrl: server.url, httpVersion: "2" }));
  const opened = [];
  for (let i = 0; i < 3; i++) opened.push((await batches.createBatch({ openMax: 1 })).batchId);
  expect(new Set(opened).size).toBe(3);
  for (const batchId of opened) expect((await batches.sealBatch({ batchId })).status).toBe("completed");
});

test("a ring cannot close: an id that is still to come is refused", async () => {
  const { jobId } = await server.rpc.worker.enqueue({ queue: "q" });
  // The same moment or later, and a sequence that no job has yet.
  const later = formatJobId(Date.now() + 3_600_000, 2 ** 39);
  const answer = await server.rest.post("enqueue", { queue: "q", depends_on: [jobId, later] });
  expect([answer.status, answer.json.field]).toEqual([400, "depends_on[1]"]);
  expect(answer.json.error).toContain("no ring can close");
  expect(await refused(server.rpc.worker.enqueue({ queue: "q", dependsOn: [later] }))).toBe("9 DEPENDENCY_CYCLE depends_on[0]");
});

test("ids that nothing has: batches are refused by their field; a job that is gone blocks, and says so", async () => {
  const batches = createClient(BatchService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
  expect(await said("enqueue", { queue: "q", batch_id: "nope" })).toMatch(/^4\d\d \w+ batch_id$/);
  expect(await refused(server.rpc.worker.enqueue({ queue: "q", batchId: "nope" }))).toBe("5 NOT_FOUND batch_id");
  expect(await refused(batches.sealBatch({ batchId: "nope" }))).toBe("5 NOT_FOUND batch_id");
  expect(await refused(batches.getChain({ chainId: "nope" }))).toBe("5 NOT_FOUND chain_id");
  expect(await refused(batches.getDependencies({ jobId: ghost }))).toBe("5 NOT_FOUND job_id");
  const { jobId } = await server.rpc.worker.enqueue({ queue: "blocked", dependsOn: [ghost] });
  const { dependsOn, waiting } = await batches.getDependencies({ jobId });
  expect([waiting, dependsOn[0]]).toMatchObject([1, { jobId: ghost, state: "missing", met: false }]);
});

test("dependencies in the raw form: none at all is no fault, what is no list is refused; neither is an internal error", async () => {
  for (const none of [[], null, [""]]) expect(await said("enqueue", { queue: "raw", chain_config: { depends_on: none } })).toBe("201");
  expect(await said("enqueue", { queue: "raw", chain_config: { depends_on: "x" } })).toBe("400 VALIDATION_ERROR chain_config_json");
  expect(await said("enqueue", { queue: "raw", chain_config: { depends_on: [1] } })).toBe("400 VALIDATION_ERROR chain_config_json");
  expect(await said("enqueue", { queue: "raw", chain_config: { depends_on: ["x"] } })).toBe("400 VALIDATION_ERROR depends_on[0]");
});

test("a JSON backup whose jobs depend on texts that are no ids is restored without them", async () => {
  const fresh = await serve();
  const kept = "job_18a3f7c2e41b9a000000000c41";
  const jobs = [["nope"], ["nope", kept], [kept]].map((depends_on) => ({ queue: "old", payload: {}, chain_config: { depends_on } }));
  const answer = await fresh.rest.post("admin/restore", { namespace: "default", jobs });
  expect([answer.status, answer.json.restored_jobs]).toEqual([200, 3]);
  const found = await fresh.rest.post("jobs/search", { queue: "old", sort: "created_at", order: "asc" });
  const waiting = await Promise.all(found.json.jobs.map(async ({ id }: { id: string }) => (await fresh.rest.get(`jobs/${id}/dependencies`)).json.waiting));
  expect(waiting).toEqual([0, 1, 1]);
  await fresh.stop();
});

test("a refused batch adds nothing", async () => {
  expect(await said("enqueue/batch", { jobs: [{ queue: "untouched" }, { queue: "untouched", depends_on: ["nope"] }] })).toMatch(/^400 /);
  const queues = (await server.rest.get("queues")).json as { name: string }[];
  expect(queues.map(({ name }) => name)).not.toContain("untouched");
});
