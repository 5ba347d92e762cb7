import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

type Row = { id: string; queue: string; [name: string]: unknown };
const search = async (filter: object): Promise<Row[]> => (await rest.post("jobs/search", { order: "asc", ...filter })).json.jobs;

describe("a search finds what belongs together, and says it", () => {
  it("members of a batch, however they joined, live and finished", async () => {
    const whole = (await rest.post("enqueue/batch", { jobs: [{ queue: "a" }, { queue: "b" }], batch: { callback_queue: "done" } })).json;
    expect((await search({ batch_id: whole.batch_id })).map(({ id, batch_id }) => [id, batch_id])).toEqual(
      whole.job_ids.map((id: string) => [id, whole.batch_id]),
    );
    const { batch_id } = (await rest.post("batch", { callback_queue: "done" })).json;
    const joined = await rest.add("c", { batch_id });
    const other = await rest.add("c", { batch_id });
    const { job_id } = await rest.take("c");
    await rest.post(`ack/${job_id}`);
    expect((await search({ batch_id })).map(({ id, state }) => [id, state])).toEqual([
      [joined, "completed"],
      [other, "pending"],
    ]);
    expect(await search({ batch_id, state: ["pending"] })).toMatchObject([{ id: other, batch_id }]);
    expect(await search({ batch_id: "batch_00000000000000000000000000" })).toEqual([]);
  });

  it("steps of a chain, with their place", async () => {
    await rest.add("s1", { chain: { steps: [{ queue: "s1" }, { queue: "s2" }], on_exit: { queue: "s3" } } });
    const first = await rest.take("s1");
    const { chain_id } = await rest.job(first.job_id);
    await rest.post(`ack/${first.job_id}`);
    await rest.post(`ack/${(await rest.take("s2")).job_id}`, { step_status: "exit" });
    const steps = await search({ chain_id });
    expect(steps.map(({ queue, chain_step }) => [queue, chain_step])).toEqual([
      ["s1", 0],
      ["s2", 1],
      ["s3", -1],
    ]);
    expect(steps.every((step) => step.chain_id === chain_id)).toBe(true);
  });

  it("a new view says the same", async () => {
    const before = await search({ limit: 1000 });
    expect((await rest.post("admin/rebuild-sqlite")).status).toBe(200);
    expect(await search({ limit: 1000 })).toEqual(before);
    expect(before.some((row) => row.batch_id !== undefined) && before.some((row) => row.chain_id !== undefined)).toBe(true);
  });
});

describe("GET /jobs/{id}/children", () => {
  it("counts all of them and lists them by pages, newest first", async () => {
    const parent = await rest.add("p");
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift(await rest.add("child", { parent_id: parent, payload: { i } }));
    await rest.post(`ack/${(await rest.take("child")).job_id}`);
    const all = (await rest.get(`jobs/${parent}/children`)).json;
    expect(all).toMatchObject({ total: 5, pending: 4, succeeded: 1 });
    expect(all.jobs.map(({ id }: Row) => id)).toEqual(ids);
    expect(all.jobs[4]).toMatchObject({ queue: "child", state: "completed", payload: { i: 0 }, parent_id: parent });
    expect(all.cursor).toBeUndefined();
    const first = (await rest.get(`jobs/${parent}/children?limit=3`)).json;
    const second = (await rest.get(`jobs/${parent}/children?limit=3&cursor=${encodeURIComponent(first.cursor)}`)).json;
    expect([...first.jobs, ...second.jobs].map(({ id }: Row) => id)).toEqual(ids);
    expect(second).toMatchObject({ total: 5 });
  });

  it("of none, and of nobody", async () => {
    const none = { total: 0, pending: 0, succeeded: 0, failed: 0, cancelled: 0, deleted: 0, jobs: [] };
    expect((await rest.get(`jobs/${await rest.add("p")}/children`)).json).toEqual(none);
    expect((await rest.get("jobs/no-job-at-all/children")).json).toEqual(none);
  });

  it("those of other namespaces and queues out of scope are left out", async () => {
    const parent = await rest.add("p");
    await rest.add("child", { parent_id: parent });
    const own = await rest.add("acme::child", { parent_id: parent });
    expect((await rest.get(`jobs/${parent}/children`)).json.jobs).toHaveLength(2);
    const asAcme = (await rest.get(`jobs/${parent}/children`, { "x-corvo-namespace": "acme" })).json.jobs ?? [];
    expect(asAcme.filter(({ id }: Row) => id !== own)).toEqual([]);
  });

  it("without the view there are the counters", async () => {
    const blind = await serve({ "read-view": "false" });
    const parent = await blind.rest.add("p");
    await blind.rest.add("child", { parent_id: parent });
    const answer = await blind.rest.get(`jobs/${parent}/children`);
    expect(answer.json).toMatchObject({ total: 1, jobs: [] });
    expect(Number(answer.headers["corvo-log-index"])).toBeGreaterThan(0);
  });
});
