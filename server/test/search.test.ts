import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
const ids: Record<string, string> = {};

beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
  ids.a = await rest.add("mail", { payload: { user: { id: 42 }, to: "ada@example.com", kinds: ["x", "y"] }, tags: { tenant: "acme", on: { call: "yes" } } });
  ids.b = await rest.add("mail", { payload: { user: { id: 7 }, to: "Bob" }, priority: "high", tags: { tenant: "acme", n: 5 }, unique_key: "k1" });
  ids.c = await rest.add("mail", { payload: { flag: true, text: "50%_<done>" }, scheduled_at: new Date(Date.now() + 3_600_000).toISOString() });
  ids.d = await rest.add("report.daily", { payload: { empty: null }, max_retries: 1, parent_id: ids.a });
  ids.e = await rest.add("report.weekly", { payload: [1, 2, 3], expire_after: "24h" });
  const { json } = await rest.post("fetch", { queues: ["report.daily"], worker_id: "w1", timeout: 1 });
  await rest.post(`fail/${json.job_id}`, { error: "SMTP 535 auth failed for job 12345" });
  const active = await rest.post("fetch", { queues: ["report.weekly"], worker_id: "w2", timeout: 60 });
  expect(active.json.job_id).toBe(ids.e);
});

const names = (found: { id: string }[]): string =>
  found
    .map((job) => Object.keys(ids).find((name) => ids[name] === job.id) ?? "?")
    .sort()
    .join("");

async function search(filter: Record<string, unknown>) {
  const answer = await rest.post("jobs/search", filter);
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

describe("POST /jobs/search", () => {
  it.each<[Record<string, unknown>, string]>([
    [{}, "abcde"],
    [{ queue: "mail" }, "abc"],
    [{ queue: "nothing" }, ""],
    [{ queue_prefix: "report." }, "de"],
    [{ state: ["pending"] }, "ab"],
    [{ state: ["scheduled", "dead"] }, "cd"],
    [{ state: ["no such state"] }, ""],
    [{ queue: "mail", state: ["pending", "scheduled"] }, "abc"],
    [{ priority: "high" }, "b"],
    [{ priority: "low" }, "acde"],
    [{ tags: { tenant: "acme" } }, "ab"],
    [{ tags: { tenant: "acme", n: "5" } }, "b"],
    [{ tags: { "on.call": "yes" } }, "a"],
    [{ tags: { "tenant'; DROP TABLE jobs; --": "x" } }, ""],
    [{ payload_contains: "BOB" }, "b"],
    [{ payload_contains: "ada%com" }, "a"],
    [{ payload_contains: "50%_<d" }, "c"],
    [{ payload_jq: ".user.id == 42" }, "a"],
    [{ payload_jq: ".user.id != 42" }, "b"],
    [{ payload_jq: ".user.id >= 7" }, "ab"],
    [{ payload_jq: ".flag == true" }, "c"],
    [{ payload_jq: '.to | startswith("Bo")' }, "b"],
    [{ payload_jq: '.kinds | contains("y")' }, "a"],
    [{ payload_jq: ".kinds | length == 2" }, "a"],
    [{ payload_jq: ".kinds | length == 0" }, "bcde"],
    [{ payload_jq: ".user == null" }, "cde"],
    [{ unique_key: "k1" }, "b"],
    [{ worker_id: "w2" }, "e"],
    [{ parent_id: "IDA" }, "d"],
    [{ has_errors: true }, "d"],
    [{ has_errors: false }, "abcde"],
    [{ error_contains: "smtp 535" }, "d"],
    [{ attempt_min: 1 }, "de"],
    [{ attempt_max: 0 }, "abc"],
    [{ created_after: "2000-01-01T00:00:00Z" }, "abcde"],
    [{ created_before: "2000-01-01T00:00:00Z" }, ""],
    [{ scheduled_after: "2000-01-01T00:00:00Z" }, "c"],
    [{ started_after: "2000-01-01T00:00:00Z" }, "de"],
    [{ completed_after: "2000-01-01T00:00:00Z" }, ""],
    [{ expire_after: "2000-01-01T00:00:00Z" }, "e"],
    [{ job_id_prefix: "IDB" }, "b"],
    [{ job_id_prefix: "job_" }, "abcde"],
    [{ job_id_prefix: "job_%" }, ""],
    [{ queue: "mail", tags: { tenant: "acme" }, priority: "high", state: ["pending"], payload_contains: "bob" }, "b"],
  ])("%j", async (filter, expected) => {
    const given = JSON.parse(JSON.stringify(filter).replace("IDA", ids.a).replace("IDB", ids.b));
    const found = await search(given);
    expect(names(found.jobs)).toBe(expected);
    expect(found.total).toBe(expected.length);
    expect(found.has_more).toBe(false);
  });

  it("shows what a list shows", async () => {
    const found = await search({ queue: "mail", priority: "high" });
    expect(found.jobs).toEqual([
      {
        id: ids.b,
        queue: "mail",
        state: "pending",
        payload: { user: { id: 7 }, to: "Bob" },
        priority: 1,
        attempt: 0,
        max_retries: 3,
        unique_key: "k1",
        tags: { tenant: "acme", n: 5 },
        created_at: expect.stringMatching(/Z$/),
      },
    ]);
    expect(found.duration_ms).toBeTypeOf("number");
    expect(found.log_index).toBeGreaterThan(0);
  });

  it.each(["created_at", "priority", "attempt", "started_at", "completed_at", "nonsense"])("pages by %s without gap or repeat", async (sort) => {
    for (const order of ["asc", "desc"]) {
      const all = (await search({ sort, order })).jobs.map((job: { id: string }) => job.id);
      const paged: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await search({ sort, order, limit: 2, cursor });
        paged.push(...page.jobs.map((job: { id: string }) => job.id));
        expect(page.total).toBe(5);
        cursor = page.cursor;
        expect(page.has_more).toBe(cursor !== undefined);
      } while (cursor !== undefined);
      expect(paged).toEqual(all);
      expect(new Set(paged).size).toBe(5);
    }
  });

  it("takes Corvo's cursors, and starts anew with what is none", async () => {
    const all = (await search({})).jobs.map((job: { id: string }) => job.id);
    const second = await search({ cursor: Buffer.from('{"offset":2}').toString("base64") });
    expect(second.jobs.map((job: { id: string }) => job.id)).toEqual(all.slice(2));
    expect((await search({ cursor: "???" })).jobs.length).toBe(5);
  });

  it("refuses a condition that is none", async () => {
    const answer = await rest.post("jobs/search", { payload_jq: ".a; DROP TABLE jobs" });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: "build search query: unsupported payload_jq expression: .a; DROP TABLE jobs", code: "VALIDATION_ERROR" });
  });

  it("says which index it has seen, and waits for the one that is asked for", async () => {
    const answer = await rest.post("jobs/search", {});
    const index = Number(answer.headers["corvo-log-index"]);
    expect(index).toBeGreaterThan(0);
    const started = Date.now();
    const later = await rest.post("jobs/search", { min_index: index + 1_000_000 });
    expect(later.status).toBe(503);
    expect(Date.now() - started).toBeGreaterThan(4_000);
  });

  it("forgets what is deleted, cleared and destroyed", async () => {
    const gone = await rest.add("gone", { tags: { t: "1" } });
    for (let i = 0; i < 3; i++) await rest.add("gone", {});
    expect((await search({ queue: "gone" })).total).toBe(4);
    await rest.delete(`jobs/${gone}`);
    expect((await search({ queue: "gone" })).total).toBe(3);
    expect((await search({ tags: { t: "1" } })).total).toBe(0);
    await rest.post("queues/gone/clear");
    const kept = await rest.add("gone", {});
    expect((await search({ queue: "gone" })).jobs.map((job: { id: string }) => job.id)).toEqual([kept]);
    await rest.delete("queues/gone");
    expect((await search({ queue: "gone" })).jobs).toEqual([]);
    expect((await search({})).total).toBe(5);
  });
});

describe("GET /search/fulltext", () => {
  it("finds words, then any text", async () => {
    const words = await rest.get("search/fulltext?q=ada");
    expect(words.status).toBe(200);
    expect(words.json.q).toBe("ada");
    expect(names(words.json.results)).toBe("a");
    expect(words.json.results[0]).toEqual({
      id: ids.a,
      queue: "mail",
      state: "pending",
      payload: '{"user":{"id":42},"to":"ada@example.com","kinds":["x","y"]}',
      tags: '{"tenant":"acme","on":{"call":"yes"}}',
      created_at: expect.stringMatching(/Z$/),
    });
    expect(names((await rest.get("search/fulltext?q=xampl")).json.results)).toBe("a");
    expect(names((await rest.get("search/fulltext?q=report.")).json.results)).toBe("de");
    expect((await rest.get("search/fulltext?q=nothing%20at%20all")).json.results).toEqual([]);
    expect((await rest.get("search/fulltext?q=acme&limit=1")).json.results.length).toBe(1);
    expect((await rest.get("search/fulltext")).status).toBe(400);
  });
});

describe("the view itself", () => {
  it("is made anew while the node works, with the same content", async () => {
    const before = await search({});
    const answer = await rest.post("admin/rebuild-sqlite");
    expect(answer.json).toMatchObject({ status: "ok", rebuilt: true, duration_ms: expect.any(Number) });
    const after = await search({});
    expect(after.jobs).toEqual(before.jobs);
    expect(after.total).toBe(before.total);
  });

  it("is taken up after a clean stop and made anew after another", async () => {
    const one = await serve({}, undefined);
    const id = await one.rest.add("again", {});
    await one.stop();
    const two = await serve({}, one.dir);
    expect(two.lines.filter((line) => line.includes("read view"))).toEqual([]);
    expect((await two.rest.post("jobs/search", {})).json.jobs[0].id).toBe(id);
    await two.stop();
  });

  it("finds new jobs by their text at once, and by their words when a busy moment is over", async () => {
    const busy = await serve();
    const many = (from: number) => ({ jobs: Array.from({ length: 500 }, (_, i) => ({ queue: "busy", payload: { text: `hay needle-${from + i}` } })) });
    await Promise.all([0, 500, 1000, 1500].map((from) => busy.rest.post("enqueue/batch", many(from))));
    const found = async (q: string): Promise<number> => (await busy.rest.get(`search/fulltext?q=${encodeURIComponent(q)}&limit=5`)).json.results.length;
    expect(await found("hay needle-1999")).toBe(1);
    await expect.poll(() => found("1999 needle hay"), { timeout: 20_000 }).toBe(1);
    await busy.stop();
  });

  it("can be left out", async () => {
    const without = await serve({ "read-view": "false" });
    const answer = await without.rest.post("jobs/search", {});
    expect(answer.status).toBe(501);
    await without.stop();
  });
});
