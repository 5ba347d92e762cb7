import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { create, type DescField, type DescMessage, type DescMethod, type DescService, ScalarType, toBinary, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Access, accessOf, Caller, methodPath, Names, namesOf, restBindings, restExtensions, Scope } from "@corvo/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

/**
 * Every method of every service in the protos × every transport × every role × own and other namespace. Nothing here names a method:
 * what is added to the protos is walked by itself.
 */
const folder = fileURLToPath(new URL("../../gen/ts/src/corvo/v1", import.meta.url));
const services: DescService[] = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith("_pb.ts"))) {
  const module = (await import(`@corvo/gen/corvo/v1/${file.replace(".ts", ".js")}`)) as Record<string, { kind?: string }>;
  for (const one of Object.values(module)) if (one?.kind === "service") services.push(one as unknown as DescService);
}
const accesses = services.flatMap((service) => service.methods.map((method) => accessOf(method, restExtensions)));

const password = "the password of the walk";
const roles = ["readonly", "worker", "operator", "admin"] as const;
const transports = ["connect", "connect json", "grpc", "grpc-web", "rest"] as const;
type TransportName = (typeof transports)[number];

let server: TestServer;
/** Where calls go, on every transport. */
interface Target {
  url: string;
  rpc: Map<TransportName, Transport>;
}
let walkedServer: Target;
const sessions: Http2SessionManager[] = [];
/** `role@namespace` to key. */
const keys = new Map<string, string>();

/** What came of a call: `ok`, or the code; and everything that was said. */
interface Outcome {
  code: string;
  said: string;
}

const codeOfStatus: Record<number, string> = { 401: "unauthenticated", 403: "permission_denied" };

/** How long a call that was let in may go on before it is given up, and one that must be refused. */
const lettingInMs = 400;
const refusalMs = 20_000;

/** Methods with a handler: protos may be ahead of the server while it grows. */
const served = new Set<string>();

async function ask(
  transport: TransportName,
  access: Access,
  key: string | undefined,
  fill: (field: DescField) => unknown,
  patienceMs = lettingInMs,
  target = walkedServer,
): Promise<Outcome | undefined> {
  const { method } = access;
  if (!served.has(methodPath(method))) return undefined;
  const headers: Record<string, string> = key === undefined ? {} : { "X-API-Key": key };
  const message = filled(method.input, fill);
  if (transport === "rest") return overRest(method, headers, message, patienceMs, target.url);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), patienceMs);
  try {
    const to = target.rpc.get(transport)!;
    if (method.methodKind === "unary") {
      const answer = await to.unary(method as never, abort.signal, undefined, headers, message as never);
      return { code: "ok", said: JSON.stringify(toJson(method.output, answer.message as never)) };
    }
    const input = (async function* () {
      yield message as never;
      if (method.methodKind === "bidi_streaming") await new Promise((resolve) => setTimeout(resolve, 100));
    })();
    const answer = await to.stream(method as never, abort.signal, undefined, headers, input);
    let said = "";
    for await (const one of answer.message) said += JSON.stringify(toJson(method.output, one as never));
    return { code: "ok", said };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    if (abort.signal.aborted && (error.code === Code.Canceled || error.code === Code.DeadlineExceeded)) return { code: "ok", said: "" };
    return { code: Code[error.code].replaceAll(/(?<!^)([A-Z])/g, "_$1").toLowerCase(), said: error.rawMessage };
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined: the method has no route, or its answer never ends by itself. */
async function overRest(
  method: DescMethod,
  headers: Record<string, string>,
  message: Record<string, unknown>,
  patienceMs: number,
  url: string,
): Promise<Outcome | undefined> {
  const binding = restBindings(method, restExtensions)[0];
  if (binding === undefined) return undefined;
  const json = toJson(method.input, message as never, { useProtoFieldName: true }) as Record<string, unknown>;
  const path = binding.segments.map((part) => (typeof part === "string" ? part : encodeURIComponent(String(json[part.name] ?? "none")))).join("/");
  const query = new URLSearchParams();
  if (binding.body === "none") for (const [name, value] of Object.entries(json)) if (typeof value !== "object") query.set(name, String(value));
  const body = binding.body === "none" ? undefined : JSON.stringify(json);
  let response: Response;
  try {
    response = await fetch(`${url}/${path}?${query}`, { method: binding.verb, headers, body, signal: AbortSignal.timeout(Math.max(1000, patienceMs)) });
  } catch (thrown) {
    if ((thrown as Error).name === "TimeoutError") return { code: "ok", said: "" }; // a long poll: it was let in
    throw thrown;
  }
  const said = await response.text();
  return { code: codeOfStatus[response.status] ?? (response.status < 400 ? "ok" : "other"), said };
}

function filled(desc: DescMessage, fill: (field: DescField) => unknown, depth = 0): Record<string, unknown> {
  const init: Record<string, unknown> = {};
  for (const field of desc.fields) {
    const name = field.localName;
    if (field.message !== undefined && field.fieldKind !== "map") {
      if (depth > 2 || field.message.typeName.startsWith("google.")) continue;
      const inner = filled(field.message, fill, depth + 1);
      init[name] = field.fieldKind === "list" ? [inner] : inner;
      continue;
    }
    const value = fill(field);
    if (value === undefined) continue;
    if (field.fieldKind === "list") init[name] = [value];
    else if (field.fieldKind === "map") init[name] = field.message === undefined ? {} : { [String(value)]: {} };
    else init[name] = value;
  }
  return depth === 0 ? (create(desc, init as never) as unknown as Record<string, unknown>) : init;
}

const nothing = (): undefined => undefined;

async function rest(method: string, path: string, key: string, body?: unknown): Promise<{ status: number; json: never }> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { "X-API-Key": key },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, json: (text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text) as never };
}

async function stateHash(): Promise<string> {
  return ((await rest("GET", "/cluster/status", password)).json as { state_hash: string }).state_hash;
}

function targetOf(url: string): Target {
  const http2 = (): { baseUrl: string; httpVersion: "2"; sessionManager: Http2SessionManager } => {
    const sessionManager = new Http2SessionManager(url);
    sessions.push(sessionManager);
    return { baseUrl: url, httpVersion: "2", sessionManager };
  };
  const rpc = new Map<TransportName, Transport>([
    ["connect", createConnectTransport({ ...http2(), useBinaryFormat: true })],
    ["connect json", createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false })],
    ["grpc", createGrpcTransport(http2())],
    ["grpc-web", createGrpcWebTransport(http2())],
  ]);
  return { url, rpc };
}

beforeAll(async () => {
  server = await serve({ "admin-password": password, "rate-limit-enabled": "false" });
  walkedServer = targetOf(server.url);
  const { capabilities } = (await rest("GET", "/auth/whoami", password)).json as { capabilities: { method: string }[] };
  for (const one of capabilities) served.add(one.method);
  for (const namespace of ["default", "acme", "umbrella"]) {
    for (const role of roles) {
      const { json } = await rest("POST", "/auth/keys", password, { name: `${role} of ${namespace}`, role, namespace });
      keys.set(`${role}@${namespace}`, (json as { api_key: string }).api_key);
    }
  }
});
afterAll(async () => {
  for (const one of sessions) one.abort();
  await server.stop();
});

describe.each(transports)("%s", (transport) => {
  const canStream = transport !== "connect json" && transport !== "rest";
  const walked = accesses.filter(
    ({ method }) => method.methodKind === "unary" || (canStream && (transport !== "grpc-web" || method.methodKind !== "bidi_streaming")),
  );

  it("without a credential, or with a wrong one, nothing but what is for anybody", async () => {
    for (const access of walked) {
      for (const key of [undefined, "corvo_wrong"]) {
        const outcome = await ask(transport, access, key, nothing, access.caller === Caller.anybody ? lettingInMs : refusalMs);
        if (outcome === undefined) continue;
        expect([access.method.name, outcome.code === "unauthenticated"]).toEqual([access.method.name, access.caller !== Caller.anybody]);
      }
    }
  });

  it.each(roles)("the role %s may what the table says, and refused calls change nothing", async (role) => {
    const key = keys.get(`${role}@default`)!;
    for (const access of walked) {
      const may = access.roles.includes(role);
      for (let attempt = 1; ; attempt++) {
        const before = may ? "" : await stateHash();
        const outcome = await ask(transport, access, key, nothing, may ? lettingInMs : refusalMs);
        if (outcome === undefined) break;
        expect([access.method.name, outcome.code !== "permission_denied" && outcome.code !== "unauthenticated"]).toEqual([access.method.name, may]);
        // The leader's own entries (a tick, keys that were used) may fall between: not three times in a row.
        if (may || (await stateHash()) === before) break;
        expect([access.method.name, attempt]).not.toEqual([access.method.name, 3]);
      }
    }
  });

  it("what concerns the whole server is closed to other namespaces", async () => {
    for (const access of walked.filter((one) => one.scope === Scope.cluster)) {
      for (let attempt = 1; ; attempt++) {
        const before = await stateHash();
        const outcome = await ask(transport, access, keys.get("admin@acme"), nothing, refusalMs);
        if (outcome === undefined) break;
        expect([access.method.name, outcome.code]).toEqual([access.method.name, "permission_denied"]);
        // As above: the leader's own entries.
        if ((await stateHash()) === before) break;
        expect([access.method.name, attempt]).not.toEqual([access.method.name, 3]);
      }
    }
  });

  describe("things of another namespace", () => {
    const marker = `zz-${transports.indexOf(transport)}-secret`;
    const jobs: Record<string, string> = {};
    const entities: string[] = [];

    beforeAll(async () => {
      const admin = keys.get("admin@acme")!;
      const enqueue = async (queue: string, more = {}): Promise<string> => {
        const { json } = await rest("POST", "/enqueue", admin, { queue, payload: { marker }, tags: { marker }, ...more });
        return (json as { job_id: string }).job_id;
      };
      jobs.held = await enqueue(`${marker}.held`);
      await rest("POST", `/jobs/${jobs.held}/hold`, admin);
      jobs.done = await enqueue(`${marker}.done`);
      await rest("POST", "/fetch", admin, { queues: [`${marker}.done`], timeout: 1 });
      await rest("POST", `/ack/${jobs.done}`, admin, { result: { marker } });
      jobs.active = await enqueue(`${marker}.active`);
      await rest("POST", "/fetch", admin, { queues: [`${marker}.active`], timeout: 600, worker_id: marker });
      jobs.pending = await enqueue(marker);
      // Entities of areas that may or may not know namespaces: what is made is asked for below.
      for (const [path, body] of [
        ["/batch", { callback_queue: marker, callback_payload: { marker } }],
        ["/webhooks", { url: `http://192.0.2.1/${marker}`, enabled: false }],
        ["/approval-policies", { name: marker, queue: marker }],
        ["/schedules", { name: marker, queue: marker, cron: "0 0 1 1 *", payload: { marker } }],
        ["/budgets", { scope: "queue", target: marker, daily_usd: 5 }],
      ] as const) {
        const { status, json } = await rest("POST", path, admin, body);
        const { id, batch_id, schedule } = json as { id?: string; batch_id?: string; schedule?: { id?: string } };
        const made = id ?? batch_id ?? schedule?.id;
        if (status < 300 && made !== undefined) entities.push(made);
      }
    });

    const stateOf = async (): Promise<unknown> => {
      const admin = keys.get("admin@acme")!;
      const all = await Promise.all(Object.values(jobs).map((id) => rest("GET", `/jobs/${id}`, admin)));
      return [all.map((one) => one.json), (await rest("GET", "/queues", admin)).json];
    };

    it.each(["admin@umbrella", "operator@umbrella", "operator@default", "readonly@default"])("are not seen and not touched by %s", async (who) => {
      const before = await stateOf();
      const prefix = who.endsWith("@default") ? "acme::" : "";
      for (const access of walked) {
        const entityFields = fieldsThatName(access.method.input, Names.entity);
        const jobFields = fieldsThatName(access.method.input, Names.job);
        for (const [job, entity] of [
          ...(jobFields ? Object.values(jobs) : [jobs.pending]).map((one) => [one, "none_1"]),
          ...(entityFields ? entities.map((one) => [jobs.pending, one]) : []),
        ]) {
          const outcome = await ask(transport, access, keys.get(who), (field) => {
            switch (namesOf(field, restExtensions)) {
              case Names.queue:
                return access.method.input.fields.length > 0 ? `${prefix}${marker}` : undefined;
              case Names.job:
                return job;
              case Names.entity:
                return entity;
              case Names.namespace:
                return undefined;
            }
            if (field.scalar === ScalarType.STRING && field.name === "error") return "x";
            if (field.name === "count" || field.name === "fetch_count") return 1;
            if (field.name === "timeout" || field.name === "lease_duration") return 1;
            return undefined;
          });
          if (outcome === undefined || access.resource === "audit-logs") continue;
          // Its own queue of that name may come back to it, and so may the ids that it sent.
          const said = outcome.said.replaceAll(job, "").replaceAll(entity, "").replaceAll(`acme::${marker}`, "");
          if (who.endsWith("@umbrella"))
            expect([access.method.name, said.includes(`"marker"`), said.includes("acme")]).toEqual([access.method.name, false, false]);
          else expect([access.method.name, said.includes(marker)]).toEqual([access.method.name, false]);
          for (const other of [...Object.values(jobs), ...entities]) expect([access.method.name, said.includes(other)]).toEqual([access.method.name, false]);
        }
      }
      expect(await stateOf()).toEqual(before);
    });

    it("lists without a question show nothing of them", async () => {
      for (const who of ["admin@umbrella", "operator@default", "readonly@default"]) {
        // What umbrella asked for before came into being there under the same plain names: only what acme put in may not be seen.
        const secrets = [who.endsWith("@umbrella") ? `"marker"` : marker, ...Object.values(jobs), ...entities];
        for (const access of walked.filter((one) => one.action === "read")) {
          const outcome = await ask(transport, access, keys.get(who), nothing);
          if (outcome === undefined) continue;
          if (access.resource === "audit-logs") {
            // Paths are what the caller itself asked for; rows are its own namespace's.
            const { auditLogs, audit_logs } = JSON.parse(outcome.said) as Record<string, { namespace: string }[]>;
            expect(new Set((auditLogs ?? audit_logs).map((row) => row.namespace))).toEqual(new Set([who.split("@")[1]]));
            continue;
          }
          for (const secret of secrets)
            expect([who, access.method.name, secret, outcome.said.includes(secret)]).toEqual([who, access.method.name, secret, false]);
        }
      }
    });
  });
});

function fieldsThatName(message: DescMessage, names: number, seen = new Set<DescMessage>()): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) => namesOf(field, restExtensions) === names || (field.message !== undefined && fieldsThatName(field.message, names, seen)),
  );
}

it("an open server takes no first key that would leave nobody who may make another, whatever the transport", async () => {
  const open = await serve();
  const target = targetOf(open.url);
  const setKey = accesses.find(({ method }) => method.name === "SetApiKey")!;
  const key = (transport: TransportName, fields: Record<string, unknown>): Promise<Outcome | undefined> =>
    ask(transport, setKey, undefined, (field) => ({ name: "first", ...fields })[field.name], refusalMs, target);
  for (const transport of transports) {
    for (const [field, fields] of [
      ["role", {}],
      ["role", { role: "operator" }],
      ["role", { role: "no such role" }],
      ["namespace", { role: "admin", namespace: "acme" }],
      ["queue_scope", { role: "admin", queue_scope: "mail.*" }],
      ["expires_at", { role: "admin", expires_at: "2001-01-01T00:00:00Z" }],
    ] as const) {
      const outcome = await key(transport, fields);
      expect([transport, outcome?.code]).toEqual([transport, transport === "rest" ? "other" : "invalid_argument"]);
      expect(outcome?.said).toContain(`the first enabled key closes the server, so ${field} must be `);
    }
    expect((await key(transport, { role: "worker", enabled: false }))?.code).toBe("ok");
    expect((await open.rest.get("auth/status")).json).toMatchObject({ open: true });
  }
  expect((await key("grpc", { role: "admin" }))?.code).toBe("ok");
  expect((await open.rest.get("auth/status")).status).toBe(401);
});

it("the walk knows every method", () => {
  expect(served.size).toBeGreaterThan(40);
  // A request of every method can be written.
  for (const { method } of accesses) expect(toBinary(method.input, create(method.input)).length).toBe(0);
});
