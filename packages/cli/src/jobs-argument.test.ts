import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer, jobA, jobB } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const home = { CORVO_CONFIG_DIR: "/home/ada/.config/corvo" };
const corvo = (line: string, around: Surroundings = {}) => runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url, ...home, ...around.env } });
const calls = () => server.seen.map(({ method, path }) => `${method} ${path}`);

const found = (...jobs: string[]) =>
  server.on("POST /api/v1/jobs/search", 200, {
    jobs: jobs.map((id, i) => ({ id, queue: i === 0 ? "mail" : "reports.gen", state: "dead", created_at: "2026-01-01T11:42:00Z" })),
    total: jobs.length === 0 ? 0 : jobs.length + 1,
  });

test("the beginning of an id that only one job has is that job", async () => {
  server.on("POST /api/v1/jobs/search", 200, { jobs: [{ id: jobA, queue: "mail", state: "dead", created_at: "2026-01-01T11:42:00Z" }], total: 1 });
  expect(await corvo(`retry ${jobA.slice(0, 16)}`)).toMatchObject({ code: 0, out: "Job retried\n" });
  expect(calls()).toEqual(["POST /api/v1/jobs/search", `POST /api/v1/jobs/${jobA}/retry`]);
  expect(JSON.parse(server.seen[0].body)).toEqual({ job_id_prefix: jobA.slice(0, 16), limit: 5 });
});

test("a dry run looks for the job, too", async () => {
  server.on("POST /api/v1/jobs/search", 200, { jobs: [{ id: jobA, queue: "mail", state: "dead", created_at: "2026-01-01T11:42:00Z" }], total: 1 });
  server.on("GET /api/v1/info", 200, { server_version: "0.4.0" });
  await corvo(`retry ${jobA.slice(0, 16)} --dry-run`);
  expect(JSON.parse(server.seen[0].body)).toEqual({ job_id_prefix: jobA.slice(0, 16), limit: 5 });
  expect(calls().some((call) => call.startsWith(`POST /api/v1/jobs/${jobA}/retry`))).toBe(true);
});

test("several jobs that begin so are named, and nothing is done", async () => {
  found(jobA, jobB);
  const { code, err } = await corvo("delete job_18a3f7");
  expect(code).toBe(3);
  expect(err).toBe(`error: 3 jobs begin with "job_18a3f7"
  ${jobA}  mail         dead  18m
  ${jobB}  reports.gen  dead  18m
hint:  add characters; all of them: corvo list --id-prefix job_18a3f7
`);
  expect(calls()).toEqual(["POST /api/v1/jobs/search"]);
});

test("no job, too few characters, no right to look, an id that is whole", async () => {
  found();
  expect(await corvo("inspect job_18a3f7")).toMatchObject({ code: 3, err: expect.stringContaining(`no job's id begins with "job_18a3f7"`) });
  expect(await corvo("inspect job_18a3f")).toMatchObject({ code: 2, err: expect.stringContaining("6 characters behind job_") });
  server.on("POST /api/v1/jobs/search", 403, { error: "insufficient role permissions", code: "FORBIDDEN" });
  expect(await corvo("inspect job_18a3f7")).toMatchObject({ code: 4, err: expect.stringContaining("give the whole id") });
  server.seen.length = 0;
  await corvo(`inspect ${jobA}`);
  expect(calls()).toEqual([`GET /api/v1/jobs/${jobA}`]);
});

test("@last is the job that was added last, of this server", async () => {
  expect(await corvo("inspect @last")).toMatchObject({ code: 2, err: expect.stringContaining("no job was added from here yet") });
  const { files } = await corvo("enqueue mail '{}'");
  expect(files).toEqual({ "/home/ada/.config/corvo/last-job": `${server.url} ${jobA}\n` });
  expect((await corvo("retry @last", { files })).code).toBe(0);
  expect(calls().at(-1)).toBe(`POST /api/v1/jobs/${jobA}/retry`);
  const elsewhere = { "/home/ada/.config/corvo/last-job": `http://10.0.0.1:8080 ${jobA}\n` };
  expect(await corvo("retry @last", { files: elsewhere })).toMatchObject({ code: 2, err: expect.stringContaining("of http://10.0.0.1:8080, not of") });
  expect((await corvo("enqueue mail '{}' --dry-run", { files: {} })).files).toEqual({});
});

test("enqueue --wait: the result alone on standard output, and the exit code of wait", async () => {
  const jobIs = (job: object) => server.on(`GET /api/v1/jobs/${jobA}`, 200, { id: jobA, queue: "mail", ...job });
  jobIs({ state: "completed", result: { message_id: "<a1@smtp>", n: 12345678901234567890n.toString() } });
  expect(await corvo("enqueue mail '{}' --wait")).toMatchObject({
    code: 0,
    out: '{"message_id":"<a1@smtp>","n":"12345678901234567890"}\n',
    err: `Job enqueued: ${jobA} (status: pending)\n`,
  });
  jobIs({ state: "completed" });
  expect(await corvo("enqueue mail '{}' --wait -q")).toMatchObject({ code: 0, out: `Job ${jobA} completed\n`, err: "" });
  expect(await corvo("enqueue mail '{}' --wait -o name")).toMatchObject({ code: 0, out: `${jobA}\n` });
  jobIs({ state: "dead", errors: [{ error: "SMTP 535" }] });
  expect(await corvo("enqueue mail '{}' --wait")).toMatchObject({ code: 9, err: expect.stringContaining("is dead, not completed: SMTP 535") });
  jobIs({ state: "pending" });
  expect(await corvo("enqueue mail '{}' --wait --timeout 1ms")).toMatchObject({ code: 6 });
  expect(await corvo("enqueue mail '{}' --wait --schedule '@hourly'")).toMatchObject({ code: 2 });
});
