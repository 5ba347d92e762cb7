import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import { Receiver } from "./receiver.js";

/** Budgets of one namespace, as it and as others see them. */
const root = { "x-api-key": "root" };
const keys: Record<string, Record<string, string>> = { root };
let server: TestServer;

beforeAll(async () => {
  server = await serve({ "admin-password": "root", "webhook-allow-private": "true" });
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

const set = async (who: string, budget: Record<string, unknown>) => await server.rest.post("budgets", budget, keys[who]);
const remove = async (who: string, path: string) => (await server.rest.call("DELETE", `budgets/${path}`, undefined, keys[who])).status;
const list = async (who: string): Promise<unknown[]> =>
  (await server.rest.get("budgets", keys[who])).json.map((one: Record<string, unknown>) => [one.scope, one.target, one.namespace, one.spent_usd]);

/** A job of this caller that costs so much. */
async function spends(who: string, cost_usd: number, more = {}): Promise<void> {
  const id = (await server.rest.post("enqueue", { queue: "work", ...more }, keys[who])).json.job_id;
  const fetched = await server.rest.post("fetch", { queues: ["work"], worker_id: who, timeout: 5 }, keys[who]);
  expect(fetched.json.job_id).toBe(id);
  expect((await server.rest.post(`ack/${id}`, { usage: { cost_usd } }, keys[who])).status).toBe(200);
}

/** State of a job of this caller when it was asked for once. */
async function asked(who: string, more = {}): Promise<string> {
  const id = (await server.rest.post("enqueue", { queue: "work", ...more }, keys[who])).json.job_id;
  await server.rest.post("fetch", { queues: ["work"], worker_id: who, timeout: 1 }, keys[who]);
  const { state } = (await server.rest.get(`jobs/${id}`, keys[who])).json;
  expect((await server.rest.call("DELETE", `jobs/${id}`, undefined, keys[who])).status).toBe(200);
  return state;
}
const states = async (more = {}) => [await asked("acme", more), await asked("umbrella", more), await asked("plain", more)];
const free = ["active", "active", "active"];

describe("a budget", () => {
  it("of a namespace counts and holds jobs of that namespace alone", async () => {
    for (const who of ["acme", "umbrella", "plain"]) await spends(who, 1, { tags: { t: "x" } });
    for (const budget of [
      { scope: "global", daily_usd: 1 },
      { scope: "queue", target: "work", daily_usd: 1 },
    ]) {
      const answer = await set("acme", budget);
      expect([answer.status, answer.json.target, answer.json.namespace, answer.json.spent_usd]).toEqual([200, budget.target ?? "*", "acme", 1]);
      expect(await states(), budget.scope).toEqual(["held", "active", "active"]);
      expect(await remove("acme", `${budget.scope}/${budget.target ?? "*"}`)).toBe(200);
      expect(await states()).toEqual(free);
    }
    await set("plain", { scope: "global", daily_usd: 1 });
    expect(await states()).toEqual(["active", "active", "held"]);
    expect(await remove("plain", "global/*")).toBe(200);
  });

  it("for a tag is for those jobs of its namespace that have it", async () => {
    const tags = { t: "x" };
    await set("umbrella", { scope: "tag", target: "t:x", daily_usd: 1 });
    await spends("acme", 1, { tags });
    expect(await states({ tags })).toEqual(free);
    await spends("umbrella", 1, { tags });
    expect(await states({ tags })).toEqual(["active", "held", "active"]);
    expect(await list("umbrella")).toEqual([["tag", "t:x", "umbrella", 1]]);
    expect(await remove("umbrella", "tag/t:x")).toBe(200);
  });

  it("is listed there and for admins of default, and nobody else changes it", async () => {
    await set("acme", { scope: "queue", target: "work", daily_usd: 50 });
    await set("umbrella", { scope: "queue", target: "work", daily_usd: 50 });
    await set("plain", { scope: "queue", target: "work", daily_usd: 50 });
    expect(await list("acme")).toEqual([["queue", "work", "acme", 2]]);
    expect(await list("umbrella")).toEqual([["queue", "work", "umbrella", 2]]);
    expect(await list("plain")).toEqual([["queue", "work", "default", 1]]);
    expect(await list("root")).toEqual([
      ["queue", "acme::work", "acme", 2],
      ["queue", "umbrella::work", "umbrella", 2],
      ["queue", "work", "default", 1],
    ]);
    for (const who of ["umbrella", "plain"]) {
      // Others say the full name: the one is refused, the other has such a queue itself.
      expect([await remove(who, "queue/acme::work"), await remove(who, "queue/work?namespace=acme")]).toEqual([who === "plain" ? 403 : 200, 403]);
      expect((await set(who, { scope: "queue", target: "work", namespace: "acme", daily_usd: 1 })).status).toBe(403);
      expect(await list("acme")).toEqual([["queue", "work", "acme", 2]]);
    }
    expect((await server.rest.get("budgets", keys.narrow)).status).toBe(403);
    expect((await set("narrow", { scope: "queue", target: "work", daily_usd: 1 })).status).toBe(403);
  });

  it("is set and removed by admins of default for whom they name", async () => {
    expect((await set("root", { scope: "queue", target: "work", namespace: "acme", daily_usd: 60 })).json).toMatchObject({
      target: "acme::work",
      namespace: "acme",
      daily_usd: 60,
    });
    expect((await set("root", { scope: "queue", target: "work", namespace: "No!", daily_usd: 60 })).status).toBe(400);
    expect(await remove("root", "queue/work?namespace=acme")).toBe(200);
    expect(await remove("root", "queue/work?namespace=default")).toBe(200);
    const elsewhere = { ...root, "x-corvo-namespace": "umbrella" };
    expect((await server.rest.call("DELETE", "budgets/queue/work", undefined, elsewhere)).status).toBe(200);
    expect(await list("root")).toEqual([]);
  });

  it("of an admin of default is the whole server's, and holds beside those of namespaces", async () => {
    await set("root", { scope: "global", daily_usd: 1000 });
    await set("root", { scope: "queue", target: "acme::work", daily_usd: 2 });
    await set("root", { scope: "queue", target: "work", daily_usd: 1000 });
    await set("acme", { scope: "queue", target: "work", daily_usd: 1000 });
    expect(await states()).toEqual(["held", "active", "active"]);
    expect(await list("acme")).toEqual([["queue", "work", "acme", 2]]);
    expect(await list("umbrella")).toEqual([]);
    // The sum of all namespaces and the queues of others are nothing for an operator of default.
    expect(await list("plain")).toEqual([["queue", "work", undefined, 1]]);
    expect([await remove("plain", "queue/work"), await remove("plain", "global/*"), await remove("acme", "global/*")]).toEqual([403, 200, 200]);
    expect((await list("root")).length).toBe(4);
    for (const path of ["global/*", "queue/acme::work", "queue/work"]) expect(await remove("root", path)).toBe(200);
    expect(await list("root")).toEqual([["queue", "acme::work", "acme", 2]]);
    expect(await remove("acme", "queue/work")).toBe(200);
  });

  it("tells each caller of its own held jobs", async () => {
    await set("umbrella", { scope: "global", daily_usd: 0 });
    for (let i = 0; i < 3; i++) await server.rest.post("enqueue", { queue: "kept" }, keys.umbrella);
    await server.rest.post("fetch", { queues: ["kept"], worker_id: "w", timeout: 1 }, keys.umbrella);
    const held = async (who: string) => {
      const path = `${server.url}/corvo.v1.BudgetService/ListBudgets`;
      const answer = await fetch(path, { method: "POST", headers: { ...keys[who], "Content-Type": "application/json" }, body: "{}" });
      return Number(((await answer.json()) as { held?: string }).held ?? 0);
    };
    expect([await held("umbrella"), await held("root"), await held("acme"), await held("plain")]).toEqual([3, 3, 0, 0]);
    expect(await remove("umbrella", "global/*")).toBe(200);
  });

  it("says by its event what is its listener's to know", async () => {
    const receiver = await new Receiver().start();
    for (const who of ["acme", "root"]) {
      const { status } = await server.rest.post("webhooks", { url: `${receiver.url}/${who}`, events: ["budget_exceeded"], enabled: true }, keys[who]);
      expect(status).toBe(200);
    }
    await set("acme", { scope: "global", daily_usd: 0.5, on_exceed: "alert_only" });
    await set("root", { scope: "global", daily_usd: 0.5, on_exceed: "alert_only" });
    await spends("acme", 1);
    const received = await receiver.until((all) => all.length >= 4);
    const told = received.map(({ json }) => [json.event.queue, json.event.data?.namespace, json.event.data?.limit_usd]);
    expect(told.sort()).toEqual(
      [
        ["acme::work", undefined, 0.5],
        ["acme::work", "acme", 0.5],
        ["work", undefined, undefined],
        ["work", "acme", 0.5],
      ].sort(),
    );
    await receiver.stop();
  });
});
