import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer, jobA, jobB } from "./testing/fake-server.js";
import { refusingPort } from "./testing/refusing-port.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const corvo = (line: string | readonly string[], around: Surroundings = {}) =>
  runCli(typeof line === "string" ? shellWords(line) : line, { ...around, env: { CORVO_SERVER: server.url, ...around.env } });

test("a refusal of the server becomes a sentence, a hint and the code of its class", async () => {
  const cases: [status: number, code: string, error: string, exit: number][] = [
    [400, "ACK_ERROR", `job ${jobA} not found`, 3],
    [400, "ACK_ERROR", `job ${jobA} is not active`, 5],
    [400, "ACK_ERROR", "something else", 1],
    [400, "VALIDATION_ERROR", "queue is required", 2],
    [400, "PARSE_ERROR", "invalid JSON", 2],
    [401, "UNAUTHORIZED", "missing API key", 4],
    [403, "FORBIDDEN", "insufficient role permissions", 4],
    [404, "NOT_FOUND", `job "${jobA}" not found`, 3],
    [409, "STALE_FENCE", "stale fence", 5],
    [409, "REQUEST_ID_REUSED", "request id reused", 1],
    [413, "PAYLOAD_TOO_LARGE", "payload too large: 300000 bytes (max 262144)", 8],
    [429, "OVERLOADED", "raft apply overloaded: pending queue is full", 6],
    [429, "RATE_LIMITED", "rate limit exceeded", 8],
    [429, "BUDGET_EXCEEDED", 'budget exceeded for queue "q"', 8],
    [429, "MEMORY_FULL", "memory is full", 8],
    [500, "INTERNAL_ERROR", "internal error", 1],
    [503, "LEADER_UNAVAILABLE", "leader unavailable", 6],
    [503, "DISK_FULL", "disk is full", 8],
    [504, "OUTCOME_UNKNOWN", "outcome unknown", 6],
  ];
  for (const [status, code, error, exit] of cases) {
    server.on(`POST /api/v1/ack/${jobA}`, status, { error, code, retry_after_ms: code === "OVERLOADED" ? 250 : undefined });
    const outcome = await corvo(`ack ${jobA}`);
    expect([code, error, outcome.code, outcome.out]).toEqual([code, error, exit, ""]);
    expect(outcome.err.split("\n")[0]).toBe(`error: ${error}`);
    if (code === "OVERLOADED") expect(outcome.err).toContain("hint:  try again in 250 ms");
    expect((await corvo(`ack ${jobA}`, { env: { CORVO_EXIT_CODES: "legacy" } })).code).toBe(1);
  }
});

test("a wrong state says what the state allows", async () => {
  server.on(`POST /api/v1/jobs/${jobA}/retry`, 400, { error: `job "${jobA}" cannot be retried from state "active"`, code: "RETRY_ERROR" });
  expect(await corvo(`retry ${jobA}`)).toMatchObject({
    code: 5,
    err: `error: job "${jobA}" cannot be retried from state "active"\nhint:  the job is active: it allows ack, fail, cancel, hold, move, delete\n`,
  });
  server.on(`POST /api/v1/jobs/${jobA}/approve`, 400, { error: `job "${jobA}" not found or cannot be approved from current state`, code: "APPROVE_ERROR" });
  expect(await corvo(`approve ${jobA}`)).toMatchObject({ code: 5, err: expect.stringContaining("hint:  the job is dead: it allows retry, move, delete") });
  server.on(`GET /api/v1/jobs/${jobA}`, 404, { error: `job "${jobA}" not found`, code: "NOT_FOUND" });
  expect(await corvo(`approve ${jobA}`)).toMatchObject({
    code: 3,
    err: expect.stringContaining(`error: job "${jobA}" not found\nhint:  job ids have 30 characters`),
  });
});

test("field and detail of a refusal are told", async () => {
  server.on("POST /api/v1/enqueue", 400, { error: "not a duration", code: "VALIDATION_ERROR", field: "expire_after" });
  expect((await corvo("enqueue q '{}'")).err).toBe("error: not a duration (expire_after)\n");
  server.on("POST /api/v1/enqueue", 400, { error: "invalid JSON", code: "PARSE_ERROR", detail: "unexpected end" });
  expect((await corvo("enqueue q '{}'")).err).toBe("error: invalid JSON: unexpected end\n");
});

test("a payload that is not JSON is shown with a caret and a guess, and nothing is sent", async () => {
  expect(await corvo(["enqueue", "q", '{to: "x"}'])).toMatchObject({
    code: 2,
    err: 'error: payload is not JSON: expected a quoted key at column 2\n  {to: "x"}\n   ^\nhint:  {"to": "x"}   ·   or read a file: @file.json\n',
  });
  const file = await corvo("enqueue q @m.json", { files: { "m.json": `{\n  "a": 1,\n  "b": ${"x".repeat(200)}\n}` } });
  expect(file.err).toBe(`error: payload is not JSON (m.json): expected a value at line 3, column 8\n  ${`  "b": ${"x".repeat(65)}`}…\n         ^\n`);
  const far = await corvo(["enqueue", "q", `["${"é".repeat(100)}", oops]`]);
  expect(far.err.split("\n")[0]).toBe("error: payload is not JSON: expected a value at column 106");
  const [shown, caret] = far.err.split("\n").slice(1, 3);
  expect(shown[caret.indexOf("^")]).toBe("o");
  expect(await corvo("enqueue q @gone.json")).toMatchObject({ code: 2, err: "error: cannot read the payload from gone.json: there is no such file\n" });
  expect((await corvo(["enqueue", "q", "{}", "--tags", "[1]"])).err).toContain("--tags must be a JSON object");
  expect(server.seen).toEqual([]);
});

test("a line that cannot be understood: code 2, what was meant, where to read", async () => {
  const cases: [string, string][] = [
    ["queus", 'error: unknown command "queus"\nhint:  did you mean queues?   ·   corvo --help\n'],
    ["enqueue", 'error: missing required argument "queue"\nhint:  corvo enqueue --help\n'],
    ["enqueue q {} --priorty high", 'error: unknown option "--priorty"\nhint:  did you mean --priority?   ·   corvo enqueue --help\n'],
    ["pause a b", 'error: too many arguments for "pause". Expected 1 argument but got 2\nhint:  corvo pause --help\n'],
    ["queues -o xml", 'error: --output "xml" is not known\nhint:  table, wide, json, ndjson, yaml, csv, name; ids is name\n'],
    ["queues --color red", 'error: --color "red" is not known\nhint:  auto, always or never\n'],
    ["queues --timeout 5", 'error: --timeout "5" is not a duration\nhint:  add a unit: 5s or 5ms\n'],
    ["queues --server ftp://x", 'error: --server "ftp://x": only http:// and https:// are spoken\n'],
    ["fetch q --count 513", 'error: --count "513" is not a number from 1 to 512\n'],
    ["fetch q --lease 500ms", 'error: --lease "500ms" must be between 1s and 24h\n'],
    ["enqueue q {} --tag x", 'error: --tag "x" must be key=value\nhint:  for example --tag tenant=acme\n'],
    [
      "enqueue q {} --scheduled-at tomorrow",
      'error: --scheduled-at "tomorrow" is not a time\nhint:  write it as in 2026-05-01T09:30:00Z or 2026-05-01T11:30:00+02:00\n',
    ],
    ["enqueue q {} --max-retries many", 'error: --max-retries "many" is not a whole number\n'],
  ];
  for (const [line, err] of cases) expect([line, await corvo(line)]).toEqual([line, { code: 2, out: "", err, asked: [], files: {} }]);
  expect(server.seen).toEqual([]);
});

test("a server that is not there, not Corvo, too slow or broken: code 6 and what to do", async () => {
  const { port, free } = await refusingPort();
  const gone = await corvo("queues", { env: { CORVO_SERVER: `127.0.0.1:${port}` } });
  expect(gone).toMatchObject({
    code: 6,
    err: `error: cannot reach http://127.0.0.1:${port} (connection refused)\nhint:  start a server: corvo server   ·   or name another: --server URL or CORVO_SERVER\n`,
  });
  expect((await corvo(`retry ${jobA} ${jobB}`, { env: { CORVO_SERVER: `127.0.0.1:${port}` } })).code).toBe(6);
  free();

  expect(await corvo("queues --server", { env: {} })).toMatchObject({ code: 2 });
  server.on("GET /api/v1/queues", 404, "<html>");
  expect(await corvo("queues")).toMatchObject({
    code: 1,
    err: expect.stringContaining(`${server.url} answered 404: <html>\nhint:  this server does not have this call`),
  });

  server.onCall("GET /api/v1/queues", () => {});
  expect(await corvo("queues --timeout 50ms")).toMatchObject({ code: 6, err: `error: no answer from ${server.url} within 50ms\nhint:  try again\n` });
  server.onCall(`POST /api/v1/ack/${jobA}`, (_, response) => void response.destroy());
  expect(await corvo(`ack ${jobA}`)).toMatchObject({
    code: 6,
    err: `error: ${server.url}: the connection broke before the answer came\nhint:  it may have happened all the same: look first, or give a --request-id and repeat with the same one\n`,
  });
});

test("colours of errors follow the flag and the terminal", async () => {
  expect((await corvo("queues -o x", { tty: true })).err).toContain("\u001b[31merror:\u001b[39m");
  expect((await corvo("queues -o x --color never", { tty: true })).err).not.toContain("\u001b");
  expect((await corvo("queues -o x", { tty: true, env: { TERM: "dumb" } })).err).not.toContain("\u001b");
  expect((await corvo("queues -o x", { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).err).toContain("\u001b[31m");
});

test("key, verbose and a path in the server's address", async () => {
  await corvo("queues --api-key k1");
  await corvo("queues", { env: { CORVO_API_KEY: "k2" } });
  await corvo("queues --api-key k1", { env: { CORVO_API_KEY: "k2" } });
  expect(server.seen.map((call) => call.headers["x-api-key"])).toEqual(["k1", "k2", "k1"]);
  server.on("GET /corvo/api/v1/queues", 200, []);
  const verbose = await corvo(`queues -v -o json --server ${server.url}/corvo/`);
  expect(verbose.out).toBe("[]\n");
  expect(verbose.err).toMatch(/^GET http:\S+\/corvo\/api\/v1\/queues 200 in \d+ ms\n$/);
});
