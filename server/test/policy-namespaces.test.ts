import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

/** Approval policies and usage of one namespace, as it and as others see them. */
const root = { "x-api-key": "root" };
const keys: Record<string, Record<string, string>> = { root };
const policies: Record<string, string> = {};
let server: TestServer;

beforeAll(async () => {
  server = await serve({ "admin-password": "root" });
  for (const [name, more] of Object.entries({
    acme: { namespace: "acme" },
    umbrella: { namespace: "umbrella" },
    plain: {},
    narrow: { namespace: "acme", queue_scope: "work" },
  })) {
    const { json } = await server.rest.post("auth/keys", { name, role: "operator", ...more }, root);
    keys[name] = { "x-api-key": json.api_key };
  }
});
afterAll(() => server.stop());

async function add(who: string, policy: Record<string, unknown>): Promise<string> {
  const { status, json } = await server.rest.post("approval-policies", { name: `of ${who}`, ...policy }, keys[who]);
  expect(status).toBe(200);
  return json.id;
}

/** State of an agent job of this caller after its first iteration, and why it is held. */
async function afterAck(who: string, usage = {}): Promise<[string, string | undefined]> {
  const { json } = await server.rest.post("enqueue", { queue: "work", agent: { max_iterations: 9 } }, keys[who]);
  await server.rest.post("fetch", { queues: ["work"], worker_id: who, timeout: 1 }, keys[who]);
  await server.rest.post(`ack/${json.job_id}`, { agent_status: "continue", usage }, keys[who]);
  const job = (await server.rest.get(`jobs/${json.job_id}`, keys[who])).json;
  await server.rest.post(`jobs/${json.job_id}/cancel`, {}, keys[who]);
  return [job.state, job.hold_reason];
}
const held = (name: string) => ["held", `approval policy matched: ${name}`];
const free = ["pending", undefined];
const remove = async (who: string, id: string): Promise<number> => (await server.rest.call("DELETE", `approval-policies/${id}`, undefined, keys[who])).status;
const names = async (who: string) =>
  (await server.rest.get("approval-policies", keys[who])).json.map(({ name, namespace, queue }: Record<string, string>) => [name, namespace, queue]);

describe("an approval policy", () => {
  it("of a namespace holds jobs of that namespace alone", async () => {
    policies.acme = await add("acme", { queue: "work" });
    expect([await afterAck("acme"), await afterAck("umbrella"), await afterAck("plain")]).toEqual([held("of acme"), free, free]);
    policies.plain = await add("plain", { min_iteration: 1 });
    expect([await afterAck("acme"), await afterAck("umbrella"), await afterAck("plain")]).toEqual([held("of acme"), free, held("of plain")]);
    policies.umbrella = await add("umbrella", { min_iteration: 1 });
    expect([await afterAck("acme"), await afterAck("umbrella"), await afterAck("plain")]).toEqual([held("of acme"), held("of umbrella"), held("of plain")]);
  });

  it("is listed there, and for admins of default", async () => {
    expect(await names("acme")).toEqual([["of acme", "acme", "work"]]);
    expect(await names("umbrella")).toEqual([["of umbrella", "umbrella", undefined]]);
    expect(await names("plain")).toEqual([["of plain", "default", undefined]]);
    expect((await names("root")).sort()).toEqual([
      ["of acme", "acme", "acme::work"],
      ["of plain", "default", undefined],
      ["of umbrella", "umbrella", undefined],
    ]);
    expect((await server.rest.get("approval-policies", keys.narrow)).status).toBe(403);
    expect((await server.rest.post("approval-policies", { name: "x", queue: "work" }, keys.narrow)).status).toBe(403);
  });

  it("is not there for others, and what a caller says of its namespace is not believed", async () => {
    for (const who of ["umbrella", "plain"]) expect(await remove(who, policies.acme)).toBe(400);
    expect(await remove("acme", policies.plain)).toBe(400);
    const forged = (await server.rest.post("approval-policies", { name: "forged", namespace: "acme", min_iteration: 1 }, keys.umbrella)).json.id;
    expect((await names("umbrella"))[0]).toEqual(["forged", "umbrella", undefined]);
    expect(await remove("umbrella", forged)).toBe(200);
    expect((await names("acme")).length).toBe(1);
  });

  it("of an admin of default holds jobs of all namespaces, and only admins take it away", async () => {
    for (const who of ["acme", "umbrella", "plain"]) expect(await remove(who, policies[who])).toBe(200);
    expect(await names("root")).toEqual([]);
    const all = await add("root", { min_iteration: 1 });
    expect([await afterAck("acme"), await afterAck("umbrella"), await afterAck("plain")]).toEqual([held("of root"), held("of root"), held("of root")]);
    expect([await names("acme"), await names("plain")]).toEqual([[], [["of root", undefined, undefined]]]);
    expect([await remove("acme", all), await remove("plain", all), await remove("root", all)]).toEqual([400, 403, 200]);
    expect(await afterAck("acme")).toEqual(free);
  });
});

it("usage and billing tell each namespace its own", async () => {
  for (const [who, cost_usd] of Object.entries({ acme: 1, umbrella: 2, plain: 4 })) await afterAck(who, { cost_usd, model: `m-${who}` });
  const usage = async (who: string, by: string) => {
    const { totals, groups } = (await server.rest.get(`usage/summary?group_by=${by}`, keys[who])).json;
    return [totals.cost_usd, groups.filter((one: { cost_usd: number }) => one.cost_usd > 0).map(({ key }: { key: string }) => key)];
  };
  expect([await usage("acme", "queue"), await usage("acme", "model"), await usage("acme", "namespace")]).toEqual([
    [1, ["work"]],
    [1, ["m-acme"]],
    [1, ["acme"]],
  ]);
  expect(await usage("umbrella", "model")).toEqual([2, ["m-umbrella"]]);
  expect(await usage("root", "namespace")).toEqual([7, ["default", "umbrella", "acme"]]);
  const billing = async (who: string) =>
    (await server.rest.get("billing/summary", keys[who])).json.summary.map(({ namespace, cost_usd }: Record<string, unknown>) => [namespace, cost_usd]);
  expect(await billing("acme")).toEqual([["acme", 1]]);
  expect((await billing("root")).length).toBe(3);
  for (const path of ["usage/summary", "billing/summary"]) expect((await server.rest.get(path, keys.narrow)).status).toBe(403);
});
