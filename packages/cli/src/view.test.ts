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
  const flags =
    "--queue q --state dead,held --priority high --payload-contains x --error-contains y --tag a=b --tag odd --batch-id b --chain-id c --parent-id p --limit 5 --sort attempt --order asc";
  expect(JSON.parse((await corvo(`search ${flags} --created-after 2026-01-01T00:00:00Z`)).out)).toMatchObject({ total: 2 });
  expect(sent()).toEqual({
    queue: "q",
    state: ["dead", "held"],
    priority: "high",
    payload_contains: "x",
    error_contains: "y",
    tags: { a: "b" },
    created_after: "2026-01-01T00:00:00Z",
    batch_id: "b",
    chain_id: "c",
    parent_id: "p",
    limit: 5,
    sort: "attempt",
    order: "asc",
  });
  expect((await corvo("search --output-json")).out).toBe(`${jobA}\n${jobB}\n`);
  expect((await corvo("list")).out).toContain(`${jobA}  emails.send  dead       3/3  2026-01-01T11:00:00Z`);
  expect((await corvo("list --fields id,state --no-headers")).out).toBe(`${jobA}  dead\n${jobB}  dead\n`);
  expect(await corvo("search --created-after 2025-01-01")).toMatchObject({ code: 2, err: expect.stringContaining("2025-01-01") });
});

test("bulk takes ids or the JSON of a search", async () => {
  expect((await corvo("bulk retry", { stdin: `${jobA}\n${jobB}\n` })).out).toBe("Affected: 2 jobs (12ms)\n");
  expect(sent()).toEqual({ action: "retry", job_ids: [jobA, jobB] });
  const json = (await corvo("search")).out;
  await corvo("bulk move --to slow", { stdin: json });
  expect(sent()).toEqual({ action: "move", job_ids: [jobA, jobB], move_to_queue: "slow" });
  expect(await corvo("bulk retry")).toMatchObject({ code: 2, err: expect.stringContaining("no job IDs provided (pipe from search or use --filter)") });
  expect(await corvo("bulk retry", { tty: true })).toMatchObject({ code: 2 });
});

const plan = {
  count: 14,
  eligible: 12,
  token: "plan_1",
  groups: [
    { queue: "q", state: "dead", count: 12 },
    { queue: "q", state: "active", count: 2 },
  ],
  sample: [jobA],
};
const acts = () => server.seen.filter(({ method }) => method === "POST").map(({ path, body }) => [path.slice("/api/v1/jobs/".length), JSON.parse(body)]);

test("bulk by filter looks first, asks, and touches exactly what was looked at", async () => {
  server.on("POST /api/v1/jobs/bulk/preview", 200, plan);
  const told = "retry: 14 jobs; 2 jobs cannot be done in their state now and will be passed over\n  12 dead in q\n  2 active in q\n";
  const yes = await corvo("bulk retry --queue q --state dead --tag a=b", { tty: true, typed: "y" });
  expect(yes).toMatchObject({ code: 0, err: told, asked: ["retry 14 jobs? [y/N] "] });
  expect(acts()).toEqual([
    ["bulk/preview", { action: "retry", filter: { queue: "q", state: ["dead"], tags: { a: "b" } } }],
    ["bulk", { action: "retry", token: "plan_1", expected_count: 14 }],
  ]);
  server.seen.length = 0;
  expect(await corvo("bulk retry --queue q", { tty: true, typed: "n" })).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringContaining("nothing was changed"),
  });
  expect(await corvo("bulk retry --queue q")).toMatchObject({ code: 2, err: expect.stringContaining("add --yes") });
  expect(await corvo("bulk retry --queue q --dry-run")).toMatchObject({ code: 0, out: `${told}nothing was changed (dry run)\n` });
  expect(await corvo("bulk retry --queue q --yes --max 13")).toMatchObject({ code: 8, err: expect.stringContaining("finds 14 jobs, more than 13") });
  expect(await corvo("bulk retry --queue q --yes --expect 13")).toMatchObject({ code: 5, err: expect.stringContaining("finds 14 jobs, not 13") });
  expect(acts().filter(([path]) => path === "bulk")).toEqual([]);
  expect(await corvo("bulk retry --queue q --yes --expect 14 -q")).toMatchObject({ code: 0, err: "" });
});

test("bulk: a plan that is out of date is refused by the server, and says so", async () => {
  server.on("POST /api/v1/jobs/bulk/preview", 200, plan);
  server.on("POST /api/v1/jobs/bulk", 409, { error: "this preview is not known any more: look again", code: "SCOPE_CHANGED" });
  expect(await corvo("bulk retry --queue q --yes")).toMatchObject({ code: 5, out: "" });
});

test("bulk: conditions that cannot be meant are refused before anything is sent", async () => {
  const lines: [string, string][] = [
    ["bulk delete --filter '{}' --yes", "every job there is"],
    [`bulk retry --filter '{"queue":"q"}' --state dead --yes`, "--filter excludes"],
    ["bulk retry --queue q --tag odd --yes", '--tag "odd" must be key=value'],
    ["bulk retry --queue q --priority high --yes", "jobs that have it: --with-priority high"],
    ["bulk change_priority --queue q --priority hihg --yes", "did you mean high?"],
  ];
  for (const [line, said] of lines) expect([line, await corvo(line)]).toEqual([line, expect.objectContaining({ code: 2, err: expect.stringContaining(said) })]);
  expect(server.seen).toEqual([]);
});

test("--where: one line of conditions becomes the server's filter", async () => {
  const where = `queue:emails.* state:dead,held tag.tenant:acme payload.user.id:42 attempt>=3 age>1d error~"timed \\"out\\"" key:k`;
  await runCli(["list", "--where", where], { env: { CORVO_SERVER: server.url }, nowMs: () => Date.parse("2026-01-02T12:00:00Z") });
  expect(sent()).toEqual({
    queue_prefix: "emails.",
    state: ["dead", "held"],
    tags: { tenant: "acme" },
    payload_jq: ".user.id == 42",
    attempt_min: 3,
    created_before: "2026-01-01T12:00:00.000Z",
    error_contains: 'timed "out"',
    unique_key: "k",
    limit: 50,
  });
  await corvo(`list --where 'payload.to:ada attempt<3 payload~"x y"'`);
  expect(sent()).toMatchObject({ payload_jq: '.to == "ada"', attempt_max: 2, payload_contains: "x y" });
});

test.each([
  ["", "has no condition"],
  ["dead", '"dead" is not a condition'],
  ["state:dead or", '"or" is not a condition'],
  ["stat:dead", "did you mean state?"],
  ["state:ded", "did you mean dead?"],
  ["state:dead state:held", "two conditions for state"],
  ["state~dead", 'state is compared with ":"'],
  ["age:1d", "age is compared with < or >"],
  ["age>soon", "needs a duration"],
  ["attempt>=x", "needs a number"],
  ["queue:a*b", "only the end may be *"],
  ["tag.a:1 tag.a:2", "two conditions for tag.a"],
])("--where %j is refused: %s", async (where, said) => {
  const refused = await runCli(["list", "--where", where], { env: { CORVO_SERVER: server.url } });
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(said) });
  expect(server.seen).toEqual([]);
});

test("bulk in the background is waited for, unless it is let go", async () => {
  server.on("POST /api/v1/jobs/bulk", 202, { bulk_operation_id: "bulk_1", status: "queued", estimated_total: 2, progress_url: "/api/v1/bulk/bulk_1/progress" });
  expect((await corvo("bulk delete --async", { stdin: jobA })).out).toMatch(/^Affected: 2 jobs \(\d+ms\)\n$/);
  expect((await corvo("bulk delete --detach", { stdin: jobA })).out).toBe("Bulk operation bulk_1 started\n");
  server.on("GET /api/v1/bulk/bulk_1", 200, { id: "bulk_1", status: "failed", affected: 1, error: "disk is full" });
  expect(await corvo("bulk delete --async", { stdin: jobA })).toMatchObject({ code: 7, err: expect.stringContaining("disk is full") });
});

test("op: one operation is shown, its jobs listed, cancelled", async () => {
  const task = { id: "bulk_1", status: "running", action: "retry", total: 10, processed: 4, affected: 3, skipped: { wrong_state: 1 } };
  server.on("GET /api/v1/bulk/bulk_1", 200, task).on("POST /api/v1/bulk/bulk_1/cancel", 200, { status: "cancelled" });
  server.on("GET /api/v1/bulk/bulk_1/items?limit=1000&outcome=wrong_state", 200, { items: [{ job_id: jobA, outcome: "wrong_state" }], cursor: "c" });
  expect((await corvo("op show bulk_1")).out).toBe("Bulk operation bulk_1: retry, running\n4 of 10 jobs looked at, 3 changed\nskipped: 1 wrong state\n");
  expect(await corvo("op items bulk_1 --outcome wrong_state")).toMatchObject({
    out: expect.stringContaining(`${jobA}  wrong_state\n`),
    err: "there are more: --cursor c\n",
  });
  expect((await corvo("op cancel bulk_1")).out).toBe("Bulk operation bulk_1 cancelled\n");
  const left = await corvo("op watch bulk_1", { interruptWhen: ({ err }) => err.includes("4/10"), tty: true, columns: 100 });
  expect(left).toMatchObject({ code: 130, err: expect.stringMatching(/retry 4\/10 ▓▓▓▓░░░░░░ 40%[\s\S]*corvo op watch bulk_1/) });
});
