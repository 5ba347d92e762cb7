import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of REST
type Answer = { status: number; json: any };

async function call(namespace: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { "X-Corvo-Namespace": namespace, "Content-Type": "application/json" };
  const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}

async function add(namespace: string, job: Record<string, unknown>): Promise<string> {
  const { status, json } = await call(namespace, "POST", "enqueue", job);
  expect([status, json.error]).toEqual([201, undefined]);
  return json.job_id;
}

async function complete(namespace: string, queue: string): Promise<string> {
  const { json } = await call(namespace, "POST", "fetch", { queues: [queue], worker_id: "w1", timeout: 5 });
  expect((await call(namespace, "POST", `ack/${json.job_id}`, {})).status).toBe(200);
  return json.job_id;
}

describe("what callers of two namespaces call by the same name is not the same", () => {
  it("request ids of items", async () => {
    const jobs = [{ queue: "items", request_id: "i1", payload: 1 }];
    const first = (await call("acme", "POST", "enqueue/batch", { jobs })).json.job_ids;
    expect(await call("zeta", "POST", "enqueue/batch", { jobs })).toMatchObject({ status: 201 });
    const other = (await call("zeta", "POST", "enqueue/batch", { jobs })).json.job_ids;
    expect(first).toHaveLength(1);
    expect(other).not.toEqual(first);
    expect((await call("acme", "POST", "enqueue/batch", { jobs })).json.job_ids).toEqual(first);
    expect((await call("zeta", "POST", "enqueue/batch", { jobs })).json.job_ids).toEqual(other);
  });

  it("chains whose names their callers keep", async () => {
    const steps = [{ queue: "one" }, { queue: "two" }];
    const chained = { queue: "one", chain_id: "mine", chain_step: 0, chain_config: { steps } };
    const ids = new Map<string, string>();
    for (const namespace of ["default", "acme", "zeta"]) ids.set(namespace, await add(namespace, chained));
    for (const [namespace, id] of ids) expect((await call(namespace, "GET", `jobs/${id}`)).json.chain_id, namespace).toBe("mine");
    expect(await complete("acme", "one")).toBe(ids.get("acme"));
    for (const [namespace, step] of [
      ["default", 0],
      ["acme", 1],
      ["zeta", 0],
    ] as const) {
      const { json } = await call(namespace, "GET", "chains/mine");
      expect([json.id, json.step, json.steps[0].job_id], namespace).toEqual(["mine", step, ids.get(namespace)]);
    }
    for (const namespace of ["acme", "zeta"]) {
      const { chains } = (await call(namespace, "GET", "chains")).json;
      expect(
        chains.map(({ id }: { id: string }) => id),
        namespace,
      ).toEqual(["mine"]);
      const found = (await call(namespace, "POST", "jobs/search", { chain_id: "mine" })).json.jobs;
      expect(found.map(({ queue }: { queue: string }) => queue).sort(), namespace).toEqual(namespace === "acme" ? ["one", "two"] : ["one"]);
    }
  });

  it("a chain of another namespace is not joined, and named as if it had never been", async () => {
    const made = await add("acme", { queue: "made", chain: { steps: [{ queue: "made" }, { queue: "then" }] } });
    const chain = (await call("acme", "GET", `jobs/${made}`)).json.chain_id;
    expect(chain).toMatch(/^chn_/);
    const joined = await add("zeta", { queue: "made", chain_id: chain, chain_step: 5, chain_config: { steps: [{ queue: "made" }, { queue: "then" }] } });
    expect((await call("zeta", "GET", `jobs/${joined}`)).json.chain_id).toBe(chain);
    expect((await call("acme", "GET", `chains/${chain}`)).json.step).toBe(0);
    expect((await call("zeta", "GET", `chains/${chain}`)).json.step).toBe(5);
  });

  it("parents that need not exist, and their children", async () => {
    const parent = await add("acme", { queue: "parents" });
    for (const id of ["family", parent]) {
      for (const [namespace, count] of [
        ["acme", 2],
        ["zeta", 1],
      ] as const)
        for (let i = 0; i < count; i++) {
          const child = await add(namespace, { queue: "children", parent_id: id });
          expect((await call(namespace, "GET", `jobs/${child}`)).json.parent_id).toBe(id);
        }
      expect((await call("acme", "GET", `jobs/${id}/children`)).json).toMatchObject({ total: 2, jobs: [{ queue: "children" }, { queue: "children" }] });
      expect((await call("zeta", "GET", `jobs/${id}/children`)).json).toMatchObject({ total: 1, jobs: [{ queue: "children" }] });
      expect((await call("beta", "GET", `jobs/${id}/children`)).json).toMatchObject({ total: 0, jobs: [] });
    }
  });

  it("names as long as they may be", async () => {
    const name = "n".repeat(64);
    const id = await add("acme", { queue: "long", parent_id: name, chain_id: name, chain_step: 0, chain_config: { steps: [{ queue: "long" }] } });
    expect((await call("acme", "GET", `jobs/${id}`)).json).toMatchObject({ parent_id: name, chain_id: name });
    expect((await call("acme", "POST", "enqueue", { queue: "long", parent_id: `${name}n` })).status).toBe(400);
  });
});
