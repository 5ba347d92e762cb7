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
  const outcome = await corvo("top --interval 200ms", { tty: true, columns: 100, interruptAfterMs: 700 });
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
  expect(quit.out).toContain("Nothing can be changed here");
});

test("a server that goes away leaves the last numbers, and says how old they are", async () => {
  let looks = 0;
  server.onCall("GET /api/v1/queues", (_, response) => {
    if (++looks === 1) response.writeHead(200).end(JSON.stringify([queueRow]));
    else response.writeHead(503).end('{"error":"leader unavailable","code":"LEADER_UNAVAILABLE"}');
  });
  const { out } = await corvo("top --interval 200ms", { tty: true, interruptAfterMs: 500 });
  expect(out).toContain("leader unavailable; numbers of 12:00:0");
});

test("a narrow terminal loses columns, not names; nothing is wider than it", async () => {
  const { out } = await corvo("top", { tty: true, columns: 60, keys: ["q"] });
  const [first] = out.split("QUEUE").slice(1);
  expect(first).not.toContain("DRAINS");
  expect(out).toContain("emails.send");
  expect(fit("\u001b[31mabcdef\u001b[39m", 3)).toBe("\u001b[31mabc\u001b[39m");
});
