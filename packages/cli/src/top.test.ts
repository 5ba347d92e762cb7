import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer, queueRow } from "./testing/fake-server.js";
import { noonMs, runCli, type Surroundings, shellWords } from "./testing/run-cli.js";
import { fit } from "./top/frame.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());
const corvo = (line: string, around: Surroundings = {}) =>
  runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url, LANG: "C.UTF-8", NO_COLOR: "1", ...around.env } });
const recent = (ago: number) => new Date(noonMs - ago).toISOString();

beforeEach(() => {
  server.on("GET /api/v1/workers", 200, [{ id: "w-1", hostname: "mbp", queues: '["emails.send"]', last_heartbeat: recent(3000), active: 2 }]);
});

test("in a pipe it prints one frame", async () => {
  const { code, out } = await corvo("top");
  expect(code).toBe(0);
  const lines = out.split("\n");
  expect(lines[0]).toMatch(/^corvo top {2}http:\S+ {2}● healthy {2}leader node-1 {2}(\$\d+\.\d\d today {2})?12:00:0\d$/);
  expect(lines[1]).toBe(" QUEUE            PEND   ACT/LIM  OLDEST   IN/s  OUT/s   DRAINS  HELD   DEAD  WRK  TREND");
  expect(lines[2]).toBe(" emails.send      1204        44     18m      -      -        -     0    312    1");
  expect(lines[3]).toContain("44/5");
  expect(lines[3]).toMatch(/paused$/);
  expect((await corvo("top --once", { tty: true })).out).not.toContain("\u001b");
  expect(JSON.parse((await corvo("top -o json")).out)).toMatchObject({ queues: [{ name: "emails.send", workers: 1 }, {}] });
});

test("on a terminal it looks again, tells rates, listens to keys, and gives the screen back", async () => {
  let looks = 0;
  server.onCall("GET /api/v1/queues", (_, response) => {
    looks++;
    response.writeHead(200).end(JSON.stringify([{ ...queueRow, completed: 9 + looks * 100, pending: 1204 - looks * 50 }]));
  });
  const outcome = await corvo("top --interval 200ms", { tty: true, columns: 100, interruptWhen: ({ out }) => looks > 2 && /in \d+\/s {2}out/.test(out) });
  expect(outcome.code).toBe(130);
  expect(looks).toBeGreaterThan(2);
  expect(outcome.out).toMatch(/in \d+\/s {2}out \d+\/s/);
  expect(outcome.out).toMatch(/[▁▂▃▄▅▆▇█]/u);
  expect(outcome.out.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
  expect(outcome.out.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  const quit = await corvo("top", { tty: true, keys: ["5", "1", "/", "r", "e", "\r", "?", "q"] });
  expect(quit.code).toBe(0);
  expect(quit.out).toContain("WORKER");
  expect(quit.out).toContain("filter: re");
  expect(quit.out).toContain("it asks first");
});

test("a server that goes away leaves the last numbers, and says how old they are", async () => {
  let looks = 0;
  server.onCall("GET /api/v1/queues", (_, response) => {
    if (++looks === 1) response.writeHead(200).end(JSON.stringify([queueRow]));
    else response.writeHead(503).end('{"error":"leader unavailable","code":"LEADER_UNAVAILABLE"}');
  });
  const { out } = await corvo("top --interval 200ms", { tty: true, interruptWhen: (printed) => printed.out.includes("numbers of 12:00:0") });
  expect(out).toContain("leader unavailable; numbers of 12:00:0");
});

test("a narrow terminal loses columns, not names; nothing is wider than it", async () => {
  const { out } = await corvo("top", { tty: true, columns: 60, keys: ["q"] });
  const [first] = out.split("QUEUE").slice(1);
  expect(first).not.toContain("DRAINS");
  expect(out).toContain("emails.send");
  expect(fit("\u001b[31mabcdef\u001b[39m", 3)).toBe("\u001b[31mabc\u001b[39m");
});

const posts = () => server.seen.filter(({ method }) => method === "POST").map(({ path, body }) => `${path} ${body}`);
const down = "\u001b[B";

test("x asks what to do with the marked queue, and stands on cancel", async () => {
  const left = await corvo("top", { tty: true, columns: 100, keys: ["x", "\r", "x", "\u001b", "q"] });
  expect(left.code).toBe(0);
  expect(left.out).toContain("> cancel");
  expect(left.out).toContain("pause: 1208 jobs wait, running ones finish");
  expect(left.out).toContain("retry the 312 dead");
  expect(posts()).toEqual([]);
  const paused = await corvo("top", { tty: true, columns: 100, keys: ["x", down, "\r", /queue emails.send paused/, "j", "k", "q"] });
  expect(paused.code).toBe(0);
  expect(posts()).toEqual(["/api/v1/queues/emails.send/pause {}"]);
});

test("x on a paused queue resumes it; the filter decides which is marked", async () => {
  await corvo("top", { tty: true, columns: 100, keys: ["/", "r", "e", "p", "\r", "j", "j", "x", down, "\r", /queue reports.build resumed/, "q"] });
  expect(posts()).toEqual(["/api/v1/queues/reports.build/resume {}"]);
});

test("retry looks first and touches what was found; what became of it is said", async () => {
  server.on("POST /api/v1/jobs/bulk/preview", 200, { count: 312, eligible: 312, token: "plan_1", groups: [] });
  server.on("POST /api/v1/jobs/bulk", 200, { affected: 311, errors: 0, duration_ms: 2 });
  const { out } = await corvo("top --interval 200ms", {
    tty: true,
    columns: 100,
    keys: ["x", down, down, "\r"],
    interruptWhen: (printed) => printed.out.includes("311 jobs"),
  });
  expect(posts()).toEqual([
    '/api/v1/jobs/bulk/preview {"action":"retry","filter":{"queue":"emails.send","state":["dead"]}}',
    '/api/v1/jobs/bulk {"action":"retry","token":"plan_1","expected_count":312}',
  ]);
  expect(out).toContain("311 jobs of emails.send retried");
});

test("a production context has the number typed; a read-only one does nothing", async () => {
  const context = (marks: string) => ({
    files: { "/config/config.yaml": `current: prod\ncontexts: {prod: {server: "${server.url}", ${marks}}}\n` },
    env: { CORVO_CONFIG_DIR: "/config", CORVO_SERVER: "" },
  });
  const wrong = await corvo("top", { tty: true, columns: 100, ...context("production: true"), keys: ["x", down, "\r", "7", "\r", "q"] });
  expect(wrong.out).toContain("production context prod: type 1208 and enter: 7");
  expect(posts()).toEqual([]);
  await corvo("top", {
    tty: true,
    columns: 100,
    ...context("production: true"),
    keys: ["x", down, "\r", "1", "2", "0", "8", "\r", /queue emails.send paused/, "q"],
  });
  expect(posts()).toEqual(["/api/v1/queues/emails.send/pause {}"]);
  server.seen.length = 0;
  const { out } = await corvo("top", {
    tty: true,
    columns: 100,
    ...context("read_only: true"),
    keys: ["x", down, "\r"],
    interruptWhen: (printed) => printed.out.includes("is read-only"),
  });
  expect(out).toContain("context prod is read-only");
  expect(posts()).toEqual([]);
});
