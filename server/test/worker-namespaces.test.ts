import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

/** Workers of two namespaces that have one name. */
const root = { "x-api-key": "root" };
const keys: Record<string, Record<string, string>> = { root };
const who = ["acme", "umbrella", "plain"];
let server: TestServer;

beforeAll(async () => {
  server = await serve({ "admin-password": "root" });
  for (const [name, more] of Object.entries({ acme: { namespace: "acme" }, umbrella: { namespace: "umbrella" }, plain: {} })) {
    const { json } = await server.rest.post("auth/keys", { name, role: "operator", ...more }, root);
    keys[name] = { "x-api-key": json.api_key };
  }
});
afterAll(() => server.stop());

type Row = { id: string; hostname: string; queues: string; active: number; order?: string };
const listed = async (name: string, id: string): Promise<Row[]> => (await server.rest.get("workers", keys[name])).json.filter((one: Row) => one.id === id);

/** A job of this caller, in the hands of a worker of this name. */
async function takes(name: string, worker: Record<string, unknown>): Promise<string> {
  await server.rest.post("enqueue", { queue: "work" }, keys[name]);
  const { json } = await server.rest.post("fetch", { queues: ["work"], timeout: 60, ...worker }, keys[name]);
  return json.job_id;
}

describe.each([
  ["one host", { hostname: "h" }, { hostname: "h" }],
  ["no host", {}, {}],
  ["different hosts", { hostname: "h1" }, { hostname: "h2" }],
])("workers of one name on %s", (kind, first, second) => {
  const id = `w on ${kind}`;
  const jobs: Record<string, string> = {};

  it("are each listed by its namespace, with its own jobs", async () => {
    for (const name of who) jobs[name] = await takes(name, { worker_id: id, ...(name === "umbrella" ? second : first) });
    await takes("acme", { worker_id: id, ...first });
    for (const name of who) {
      const { hostname = "" } = name === "umbrella" ? (second as { hostname?: string }) : (first as { hostname?: string });
      expect(await listed(name, id), name).toMatchObject([{ hostname, queues: '["work"]', active: name === "acme" ? 2 : 1 }]);
      const job = (await server.rest.get(`jobs/${jobs[name]}`, keys[name])).json;
      expect([job.worker_id, job.hostname ?? ""], name).toEqual([id, hostname]);
    }
    expect((await listed("root", id)).map(({ queues }) => queues).sort()).toEqual(['["acme::work"]', '["umbrella::work"]', '["work"]']);
  });

  it("are told by orders of their own namespace alone", async () => {
    const order = async (name: string, word: string) => (await server.rest.post(`workers/${encodeURIComponent(id)}/${word}`, {}, keys[name])).status;
    const orders = async () => Promise.all(who.map(async (name) => (await listed(name, id))[0].order ?? ""));
    expect(await order("acme", "quiet")).toBe(200);
    expect(await orders()).toEqual(["quiet", "", ""]);
    expect(await order("plain", "stop")).toBe(200);
    expect(await orders()).toEqual(["quiet", "", "stop"]);
    await server.rest.post("enqueue", { queue: "work" }, keys.umbrella);
    const fetched = await server.rest.post("fetch", { queues: ["work"], timeout: 5, worker_id: id, ...second }, keys.umbrella);
    expect(fetched.json.job_id).toBeDefined();
    expect(await order("umbrella", "resume")).toBe(200);
    expect(await orders()).toEqual(["quiet", "", "stop"]);
    for (const name of ["acme", "plain"]) expect(await order(name, "resume")).toBe(200);
    expect(await orders()).toEqual(["", "", ""]);
  });

  it("say in heartbeats what is theirs alone", async () => {
    for (const [name, slots] of [
      ["acme", 1],
      ["umbrella", 2],
      ["plain", 3],
    ] as const) {
      const facts = { worker_id: id, ...(name === "umbrella" ? second : first), slots, queues: ["work"] };
      expect((await server.rest.post("heartbeat", { worker: facts, jobs: { [jobs[name]]: {} } }, keys[name])).json.jobs[jobs[name]].status).toBe("ok");
    }
    for (const [name, slots] of [
      ["acme", 1],
      ["umbrella", 2],
      ["plain", 3],
    ] as const)
      expect(await listed(name, id), name).toMatchObject([{ slots }]);
  });
});

it("a host that is written as another namespace's is the caller's own", async () => {
  const taken = await takes("plain", { worker_id: "forger", hostname: "acme::h" });
  expect((await server.rest.get(`jobs/${taken}`, keys.plain)).json.hostname).toBe("acme::h");
  await takes("acme", { worker_id: "forger", hostname: "h" });
  expect(await listed("plain", "forger")).toMatchObject([{ hostname: "acme::h", active: 1 }]);
  expect(await listed("acme", "forger")).toMatchObject([{ hostname: "h", active: 1 }]);
});

it("hosts as long as they may be", async () => {
  expect(await takes("acme", { worker_id: "long", hostname: "h".repeat(255) })).toBeDefined();
  expect((await server.rest.post("fetch", { queues: ["work"], worker_id: "long", hostname: "h".repeat(256) }, keys.acme)).status).toBe(400);
});
