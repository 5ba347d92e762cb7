import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { create, type DescMethodUnary, type DescService, toJson } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { restBindings, restExtensions } from "@corvo/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

/** Every unary method without side effects says which log index it has seen, and waits for the one it is asked for. Found in the descriptors. */
const folder = fileURLToPath(new URL("../../gen/ts/src/corvo/v1", import.meta.url));
const methods: DescMethodUnary[] = [];
/** What reads nothing of what the log says. */
const stateless = new Set(["GetServerInfo", "CaptureProfile"]);
for (const file of readdirSync(folder).filter((name) => name.endsWith("_pb.ts"))) {
  const module = (await import(`@corvo/gen/corvo/v1/${file.replace(".ts", ".js")}`)) as Record<string, { kind?: string }>;
  for (const one of Object.values(module)) {
    if (one?.kind !== "service") continue;
    for (const method of (one as unknown as DescService).methods) {
      const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && method.methodKind === "unary";
      if (reads && !stateless.has(method.name)) methods.push(method as DescMethodUnary);
    }
  }
}
/** Without these the request is refused before anything is read. */
const needed: Record<string, object> = { SearchFulltext: { q: "x" }, PreviewBulk: { action: "cancel", filter: { queue: "x" } } };

let server: TestServer;
let sessions: Http2SessionManager;
const transports: Record<string, Transport> = {};
const names = ["connect", "connect json", "grpc", "grpc-web", "rest"];
beforeAll(async () => {
  server = await serve();
  await server.rest.add("seen");
  sessions = new Http2SessionManager(server.url);
  const http2 = { baseUrl: server.url, httpVersion: "2", sessionManager: sessions } as const;
  transports.connect = createConnectTransport({ ...http2, useBinaryFormat: true });
  transports["connect json"] = createConnectTransport({ ...http2, useBinaryFormat: false });
  transports.grpc = createGrpcTransport(http2);
  transports["grpc-web"] = createGrpcWebTransport(http2);
});
afterAll(() => sessions.abort());

interface Said {
  /** Of the header; NaN: none. */
  index: number;
  /** Of the answer's field; undefined: it was refused, or REST leaves it out. */
  field?: number;
  reason: string;
}

async function ask(transport: string, method: DescMethodUnary, minIndex: number): Promise<Said | undefined> {
  const message = create(method.input, { ...needed[method.name], minIndex: BigInt(minIndex) } as never);
  if (transport === "rest") return overRest(method, toJson(method.input, message, { useProtoFieldName: true }) as Record<string, unknown>);
  try {
    const answer = await transports[transport].unary(method, undefined, undefined, {}, message as never);
    const field = Number((answer.message as unknown as { logIndex: bigint }).logIndex);
    return { index: Number(answer.header.get("corvo-log-index") ?? Number.NaN), field, reason: "" };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    return { index: Number(error.metadata.get("corvo-log-index") ?? Number.NaN), reason: error.rawMessage };
  }
}

async function overRest(method: DescMethodUnary, json: Record<string, unknown>): Promise<Said | undefined> {
  const binding = restBindings(method, restExtensions)[0];
  if (binding === undefined) return undefined;
  const path = binding.segments.map((part) => (typeof part === "string" ? part : "none")).join("/");
  const query = new URLSearchParams(binding.body === "none" ? (Object.entries(json) as [string, string][]) : []);
  const answer = await server.rest.call(binding.verb, `/${path}?${query}`, binding.body === "none" ? undefined : json);
  return { index: Number(answer.headers["corvo-log-index"] ?? Number.NaN), reason: answer.status < 400 ? "" : answer.json.error };
}

const all = (transport: string, minIndex: number) =>
  Promise.all(methods.map(async (method) => ({ method: method.name, said: await ask(transport, method, minIndex) }))).then((rows) =>
    rows.filter((row): row is { method: string; said: Said } => row.said !== undefined),
  );
const applied = async () => Number((await server.rest.get("cluster/status")).json.applied_index);

it("there are reads to walk, and their messages have the fields", () => {
  expect(methods.length).toBeGreaterThan(40);
  const without = methods.filter(
    ({ input, output }) => input.field.minIndex?.number !== 191 || output.fields.find(({ number }) => number === 192)?.localName !== "logIndex",
  );
  expect(without.map(({ name }) => name)).toEqual([]);
});

describe.each(names)("over %s", (transport) => {
  it("answers and refusals say the index that they have seen", async () => {
    const before = await applied();
    const rows = await all(transport, 0);
    const after = await applied();
    const wrong = rows.filter(({ said }) => !(said.index >= before && said.index <= after) || (said.field !== undefined && said.field !== said.index));
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(35);
    expect(rows.some(({ said }) => said.reason !== "")).toBe(true); // of what is not there
  });

  it("a read waits for the index that it is asked for, and has seen it", async () => {
    const wanted = (await applied()) + 1;
    let over = false;
    const asked = all(transport, wanted).finally(() => {
      over = true;
    });
    await all(transport, 0); // come after them and are answered before them
    expect(over).toBe(false);
    await server.rest.add("seen");
    expect((await asked).filter(({ said }) => !(said.index >= wanted))).toEqual([]);
  });

  it("an index that does not come is BEHIND", async () => {
    const rows = await all(transport, 1_000_000);
    expect(rows.filter(({ said }) => !/^this node has seen log index \d+, not yet 1000000$/.test(said.reason))).toEqual([]);
  });
});

it("REST says it of writes and refusals too, and to nobody who may not call", async () => {
  const { rest } = server;
  const before = await applied();
  const added = await rest.post("enqueue", { queue: "seen" });
  const index = Number(added.headers["corvo-log-index"]);
  expect(index).toBeGreaterThan(before);
  expect(Number((await rest.get(`jobs/${added.json.job_id}?min_index=${index}`)).headers["corvo-log-index"])).toBeGreaterThanOrEqual(index);
  expect(Number((await rest.post("ack/none")).headers["corvo-log-index"])).toBeGreaterThanOrEqual(index);
  const closed = await serve({ "admin-password": "secret" });
  expect((await closed.rest.get("queues")).headers["corvo-log-index"]).toBeUndefined();
  expect((await closed.rest.get("queues", { "x-api-key": "secret" })).headers["corvo-log-index"]).toMatch(/^\d+$/);
});

it("a page of another origin may read it", async () => {
  const answer = await server.rest.get("queues", { origin: "https://example.com" });
  expect(answer.headers["access-control-expose-headers"]).toContain("Corvo-Log-Index");
  expect((await server.rest.get("queues")).headers["access-control-expose-headers"]).toBeUndefined();
});
