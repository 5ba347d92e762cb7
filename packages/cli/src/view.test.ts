import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer, jobA, jobB } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());
const corvo = (line: string, around: Surroundings = {}) => runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url, NO_COLOR: "1" } });
const sent = () => JSON.parse(server.seen.at(-1)?.body ?? "{}");

test("search sends every filter, and prints JSON, ids or a table", async () => {
  const flags = "--queue q --state dead,held --priority high --payload-contains x --error-contains y --tag a=b --tag odd --limit 5 --sort attempt --order asc";
  expect(JSON.parse((await corvo(`search ${flags} --created-after 2026-01-01T00:00:00Z`)).out)).toMatchObject({ total: 2 });
  expect(sent()).toEqual({
    queue: "q",
    state: ["dead", "held"],
    priority: "high",
    payload_contains: "x",
    error_contains: "y",
    tags: { a: "b" },
    created_after: "2026-01-01T00:00:00Z",
    limit: 5,
    sort: "attempt",
    order: "asc",
  });
  expect((await corvo("search --output-json")).out).toBe(`${jobA}\n${jobB}\n`);
  expect((await corvo("list")).out).toContain(`${jobA}  emails.send  dead       3/3  2026-01-01T11:00:00Z`);
  expect((await corvo("list --fields id,state --no-headers")).out).toBe(`${jobA}  dead\n${jobB}  dead\n`);
  expect(await corvo("search --created-after 2025-01-01")).toMatchObject({ code: 2, err: expect.stringContaining("2025-01-01") });
});

test("bulk takes ids, the JSON of a search, or a filter", async () => {
  expect((await corvo("bulk retry", { stdin: `${jobA}\n${jobB}\n` })).out).toBe("Affected: 2 jobs (12ms)\n");
  expect(sent()).toEqual({ action: "retry", job_ids: [jobA, jobB] });
  const json = (await corvo("search")).out;
  await corvo("bulk move --to slow", { stdin: json });
  expect(sent()).toEqual({ action: "move", job_ids: [jobA, jobB], move_to_queue: "slow" });
  await corvo(`bulk hold --filter '{"queue": "q"}'`);
  expect(sent()).toEqual({ action: "hold", filter: { queue: "q" } });
  expect(await corvo("bulk retry")).toMatchObject({ code: 2, err: expect.stringContaining("no job IDs provided (pipe from search or use --filter)") });
  expect(await corvo("bulk delete --filter '{}'")).toMatchObject({ code: 2, err: expect.stringContaining("every job there is") });
  const seen = server.seen.length;
  expect(await corvo(`bulk delete --filter '{"queue": "q"}'`, { tty: true, typed: "n" })).toMatchObject({ code: 1 });
  expect(server.seen.length).toBe(seen);
});

test("bulk in the background is waited for, unless it is let go", async () => {
  server.on("POST /api/v1/jobs/bulk", 202, { bulk_operation_id: "bulk_1", status: "queued", estimated_total: 2, progress_url: "/api/v1/bulk/bulk_1/progress" });
  expect((await corvo("bulk delete --async", { stdin: jobA })).out).toMatch(/^Affected: 2 jobs \(\d+ms\)\n$/);
  expect((await corvo("bulk delete --detach", { stdin: jobA })).out).toBe("Bulk operation bulk_1 started\n");
  server.on("GET /api/v1/bulk/bulk_1", 200, { id: "bulk_1", status: "failed", affected: 1, error: "disk is full" });
  expect(await corvo("bulk delete --async", { stdin: jobA })).toMatchObject({ code: 7, err: expect.stringContaining("disk is full") });
});
