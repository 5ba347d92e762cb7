import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import { Receiver } from "./receiver.js";

/** What a webhook of one namespace gets, and who may know of it. */
const flags = { "admin-password": "root", "webhook-allow-private": "true" };
const root = { "x-api-key": "root" };
let server: TestServer;
const keys: Record<string, Record<string, string>> = { root };
const receivers: Record<string, Receiver> = {};
const hooks: Record<string, string> = {};
const who = ["acme", "umbrella", "plain", "root"];

beforeAll(async () => {
  server = await serve(flags);
  for (const [name, more] of Object.entries({
    acme: { namespace: "acme" },
    umbrella: { namespace: "umbrella" },
    plain: {},
    narrow: { namespace: "acme", queue_scope: "work" },
  })) {
    const { json } = await server.rest.post("auth/keys", { name, role: "operator", ...more }, root);
    keys[name] = { "x-api-key": json.api_key };
  }
  for (const name of who) {
    receivers[name] = await new Receiver().start();
    const { json } = await server.rest.post("webhooks", { url: `${receivers[name].url}/hook`, enabled: true, events: ["enqueued"] }, keys[name]);
    hooks[name] = json.id;
  }
});
afterAll(async () => {
  await server.stop();
  for (const one of Object.values(receivers)) await one.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
const list = async (name: string): Promise<any[]> => (await server.rest.get("webhooks", keys[name])).json;

/** Everything that was to be delivered has been. */
async function delivered(): Promise<void> {
  for (let i = 0; (await list("root")).some((hook) => hook.pending > 0); i++) {
    if (i > 2000) throw new Error(`never: ${JSON.stringify(await list("root"))}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const told = (name: string): string[] => receivers[name].received.map(({ json }) => json.event.queue ?? json.event.type).sort();

describe("a webhook of a namespace", () => {
  it("gets the events of that namespace, under the names that are known there", async () => {
    for (const name of ["acme", "umbrella", "plain"]) await server.rest.post("enqueue", { queue: `of-${name}` }, keys[name]);
    await delivered();
    expect(Object.fromEntries(who.map((name) => [name, told(name)]))).toEqual({
      acme: ["of-acme"],
      umbrella: ["of-umbrella"],
      plain: ["of-plain"],
      root: ["acme::of-acme", "of-plain", "umbrella::of-umbrella"],
    });
  });

  it("is listed there, and for admins of default, whose own are for default to see", async () => {
    const seen = async (name: string) => (await list(name)).map(({ id, namespace }) => [Object.keys(hooks).find((one) => hooks[one] === id), namespace]);
    expect(await seen("acme")).toEqual([["acme", "acme"]]);
    expect(await seen("umbrella")).toEqual([["umbrella", "umbrella"]]);
    const ofDefault = [
      ["plain", "default"],
      ["root", undefined],
    ];
    expect(await seen("plain")).toEqual(ofDefault);
    expect(await seen("root")).toEqual([["acme", "acme"], ["umbrella", "umbrella"], ...ofDefault]);
    keys.rootInAcme = { ...root, "x-corvo-namespace": "acme" };
    expect(await seen("rootInAcme")).toEqual([["acme", "acme"]]);
  });

  it("is not there for others, whatever they try", async () => {
    const id = hooks.acme;
    for (const name of ["umbrella", "plain"]) {
      const notFound = { error: `webhook "${id}" not found`, field: "id" };
      const url = "https://elsewhere.example/";
      expect((await server.rest.get(`webhooks/${id}/deliveries`, keys[name])).json).toMatchObject({ ...notFound, code: "NOT_FOUND" });
      for (const [path, body] of [
        ["webhooks", { id, url, enabled: true }],
        [`webhooks/${id}/test`, {}],
        [`webhooks/${id}/redeliver`, {}],
      ] as const)
        expect((await server.rest.post(path, body, keys[name])).json).toMatchObject({ ...notFound, code: "WEBHOOK_ERROR" });
      expect((await server.rest.call("DELETE", `webhooks/${id}`, undefined, keys[name])).json).toEqual({ status: "deleted", id });
    }
    expect(await list("acme")).toMatchObject([{ id, url: `${receivers.acme.url}/hook` }]);
    // What a caller says itself is not believed.
    const forged = await server.rest.post("webhooks", { url: "https://x.example/", namespace: "acme" }, keys.umbrella);
    expect((await list("umbrella")).find((hook) => hook.id === forged.json.id)).toMatchObject({ namespace: "umbrella" });
    await server.rest.call("DELETE", `webhooks/${forged.json.id}`, undefined, keys.umbrella);
    // Ids are everybody's, so a namespace cannot choose one and learn whether it is taken.
    const free = await server.rest.post("webhooks", { id: "free", url: "https://x.example/" }, keys.umbrella);
    expect([free.status, free.json.error]).toEqual([400, 'webhook "free" not found']);
    expect((await server.rest.post("webhooks", { id: "free", url: "https://x.example/" }, keys.plain)).json).toEqual({ status: "ok", id: "free" });
    await server.rest.call("DELETE", "webhooks/free", undefined, keys.plain);
  });

  it("of all namespaces may be seen by default, and be pointed elsewhere by admins only", async () => {
    const moved = { id: hooks.root, url: "https://elsewhere.example/", enabled: true };
    expect(await server.rest.post("webhooks", moved, keys.plain)).toMatchObject({ status: 403, json: { code: "FORBIDDEN" } });
    // Its deliveries tell others of default nothing of other namespaces.
    receivers.root.behave = () => 500;
    await server.rest.post("webhooks", { id: hooks.root, url: `${receivers.root.url}/hook`, enabled: true, retry_limit: 1 }, root);
    await server.rest.post("enqueue", { queue: "later" }, keys.acme);
    await server.rest.post("enqueue", { queue: "later" }, keys.plain);
    await delivered();
    const queues = async (name: string) =>
      (await server.rest.get(`webhooks/${hooks.root}/deliveries`, keys[name])).json.deliveries
        .filter(({ type }: { type: string }) => type === "enqueued")
        .map(({ queue }: { queue: string }) => queue);
    expect([await queues("root"), await queues("plain")]).toEqual([["acme::later", "later"], ["later"]]);
  });

  it("is tested, changed, shown and deleted in it; keys with a queue scope have none", async () => {
    const id = hooks.acme;
    receivers.acme.behave = () => 500;
    expect(
      (await server.rest.post("webhooks", { id, url: `${receivers.acme.url}/two`, enabled: true, retry_limit: 1, queues: ["work"] }, keys.acme)).json,
    ).toEqual({
      status: "ok",
      id,
    });
    expect(await list("acme")).toMatchObject([{ namespace: "acme", queues: ["work"] }]);
    expect((await list("root")).find((hook) => hook.id === id)).toMatchObject({ queues: ["acme::work"] });
    await server.rest.post("enqueue", { queue: "work" }, keys.acme);
    await server.rest.post("enqueue", { queue: "work" }, keys.umbrella);
    expect((await server.rest.post(`webhooks/${id}/test`, {}, keys.acme)).json).toMatchObject({ status: "ok" });
    await delivered();
    const { deliveries } = (await server.rest.get(`webhooks/${id}/deliveries`, keys.acme)).json;
    const rows = deliveries.map((one: { queue?: string; type: string; state: string }) => [one.type, one.queue, one.state]);
    expect(rows).toEqual([
      ["queue_created", "work", "dead"],
      ["enqueued", "work", "dead"],
      ["webhook_test", undefined, "dead"],
    ]);
    for (const path of ["webhooks", `webhooks/${id}/deliveries`]) expect((await server.rest.get(path, keys.narrow)).status).toBe(403);
    expect((await server.rest.post("webhooks", { url: "https://x.example/", queues: ["work"] }, keys.narrow)).status).toBe(403);
  });

  it("stays what it is when the server starts again", async () => {
    const before = (await list("root")).map(({ id, namespace }) => [id, namespace]);
    await server.stop();
    server = await serve(flags, server.dir);
    expect((await list("root")).map(({ id, namespace }) => [id, namespace])).toEqual(before);
    receivers.umbrella.received.length = 0;
    for (const name of ["acme", "umbrella"]) await server.rest.post("enqueue", { queue: "again" }, keys[name]);
    await delivered();
    expect(told("umbrella")).toEqual(["again"]);
    expect((await server.rest.call("DELETE", `webhooks/${hooks.acme}`, undefined, keys.acme)).json).toEqual({ status: "deleted", id: hooks.acme });
    expect(await list("acme")).toEqual([]);
  });
});
