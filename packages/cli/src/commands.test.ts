import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { leaves } from "./command.js";
import { commands } from "./commands.js";
import { FakeServer, fetchedText, jobA, jobB } from "./testing/fake-server.js";
import { noonMs, runCli, type Surroundings, shellWords, wellMachine } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

/** Runs a line against the fake server, through a pipe unless `tty`. */
function corvo(line: string | readonly string[], around: Surroundings = {}) {
  const argv = typeof line === "string" ? shellWords(line) : line;
  return runCli(argv, { ...around, env: { CORVO_SERVER: server.url, ...around.env } });
}
const calls = () => server.seen.map((call) => `${call.method} ${call.path}${call.body && call.body !== "{}" ? ` ${call.body}` : ""}`);

test("enqueue prints Corvo's line, sends the payload as typed, and every option", async () => {
  const plain = await corvo(["enqueue", "emails.send", '{"n": 1.0}']);
  expect(plain).toMatchObject({ code: 0, out: `Job enqueued: ${jobA} (status: pending)\n`, err: "" });
  expect(calls()).toEqual(['POST /api/v1/enqueue {"queue":"emails.send","payload":{"n": 1.0}}']);
  server.reset();
  const options =
    "--priority high --unique-key k --unique-period 2h --max-retries 5 --retry-backoff linear --retry-base-delay 1s --retry-max-delay 0s --scheduled-at 2026-05-01T09:30:00Z --expire-after 24h " +
    `--tags '{"a":1}' --tag tenant=acme --tag x=y=z --checkpoint '[1]' --parent-id ${jobB} --agent-max-iterations 8 --agent-max-cost-usd 2.5 --agent-iteration-timeout 2m --request-id r-1`;
  await corvo(["enqueue", "emails.send", "{}", ...shellWords(options)]);
  expect(JSON.parse(server.seen[0].body)).toEqual({
    queue: "emails.send",
    payload: {},
    priority: "high",
    unique_key: "k",
    unique_period: 7200,
    max_retries: 5,
    retry_backoff: "linear",
    retry_base_delay: "1s",
    retry_max_delay: "0s",
    scheduled_at: "2026-05-01T09:30:00Z",
    expire_after: "24h",
    tags: { a: 1, tenant: "acme", x: "y=z" },
    checkpoint: [1],
    parent_id: jobB,
    agent: { max_iterations: 8, max_cost_usd: 2.5, iteration_timeout: "2m" },
  });
  expect(server.seen[0].headers["idempotency-key"]).toBe("r-1");
});

test("enqueue takes files, standard input, a delay, and Corvo's empty defaults", async () => {
  await corvo("enqueue q @mail.json", { files: { "mail.json": '{"a":\n1}\n' } });
  await corvo("enqueue q -", { stdin: "[1]\n" });
  await corvo("enqueue q");
  await corvo("enqueue q -5 --max-retries -1 --priority '' --tags '' --agent-max-iterations 0");
  await corvo("enqueue q '{}' --delay 10m");
  const bodies = server.seen.map((call) => call.body);
  expect(bodies.slice(0, 4)).toEqual(['{"queue":"q","payload":{"a":\n1}}', '{"queue":"q","payload":[1]}', '{"queue":"q"}', '{"queue":"q","payload":-5}']);
  const at = Date.parse((JSON.parse(bodies[4]) as { scheduled_at: string }).scheduled_at);
  expect(at - noonMs).toBeGreaterThanOrEqual(600_000);
  expect(at - noonMs).toBeLessThan(610_000);
});

test("writes and reads give the server's bytes with -o json, bare names with -o name, indented text with --output-json", async () => {
  expect((await corvo("enqueue q '{}' -o json")).out).toBe(`{"job_id":"${jobA}","status":"pending","unique_existing":false}\n`);
  expect((await corvo("enqueue q '{}' -o name")).out).toBe(`${jobA}\n`);
  expect((await corvo("enqueue q '{}' --output-json")).out).toBe(`{\n  "job_id": "${jobA}",\n  "status": "pending",\n  "unique_existing": false\n}\n`);
  expect((await corvo("-o name enqueue q '{}'")).out).toBe(`${jobA}\n`);
  expect((await corvo("enqueue q '{}'", { env: { CORVO_OUTPUT: "name" } })).out).toBe(`${jobA}\n`);
  expect((await corvo("enqueue q '{}' -q")).out).toBe("");
  expect((await corvo(`retry ${jobA} -o json`)).out).toBe('{"status":"retried"}\n');
  expect((await corvo(`retry ${jobA} --output-json`)).out).toBe("Job retried\n");
  expect((await corvo("pause emails.send -o name")).out).toBe("emails.send\n");
  expect((await corvo("queues -o name")).out).toBe("emails.send\nreports.build\n");
  expect((await corvo("workers -o name")).out).toBe("w-1\n");
  expect((await corvo("status -o name")).out).toBe("node-1\n");
  server.on("GET /api/v1/queues", 200, '[ {"name":"a\\u003cb","pending":9007199254740993} ]');
  expect((await corvo("queues -o json")).out).toBe('[ {"name":"a\\u003cb","pending":9007199254740993} ]\n');
});

test("inspect prints indented JSON with exact numbers", async () => {
  const { out } = await corvo(`inspect ${jobA}`);
  expect(out).toBe(
    `{\n  "id": "${jobA}",\n  "queue": "emails.send",\n  "state": "dead",\n  "payload": {\n    "n": 1.0,\n    "html": "<b>"\n  },\n  "fence": 18446744073709551615\n}\n`,
  );
  expect((await corvo(`inspect ${jobA} -o json`)).out).toContain('"html":"\\u003cb\\u003e"');
  expect((await corvo(`inspect http://x/ui/jobs/${jobA}?tab=1 -o name`)).out).toBe(`${jobA}\n`);
});

test("verbs over jobs say what Corvo says for one job and name each of several", async () => {
  const single: [string, string][] = [
    [`retry ${jobA}`, "Job retried"],
    [`cancel ${jobA}`, `Job ${jobA}: cancelling`],
    [`hold ${jobA}`, `Job ${jobA} held`],
    [`approve ${jobA}`, `Job ${jobA} approved`],
    [`reject ${jobA}`, `Job ${jobA} rejected`],
    [`move ${jobA} reports.build`, "Job moved to reports.build"],
    [`delete ${jobA}`, "Job deleted"],
  ];
  for (const [line, said] of single) expect([line, await corvo(line)]).toEqual([line, { code: 0, out: `${said}\n`, err: "", asked: [], files: {} }]);
  expect(calls()).toEqual([
    `POST /api/v1/jobs/${jobA}/retry`,
    `POST /api/v1/jobs/${jobA}/cancel`,
    `POST /api/v1/jobs/${jobA}/hold`,
    `POST /api/v1/jobs/${jobA}/approve`,
    `POST /api/v1/jobs/${jobA}/reject`,
    `POST /api/v1/jobs/${jobA}/move {"queue":"reports.build"}`,
    `DELETE /api/v1/jobs/${jobA}`,
  ]);
  expect((await corvo(`retry ${jobA} ${jobB} ${jobA}`)).out).toBe(`Job ${jobA} retried\nJob ${jobB} retried\n`);
  expect((await corvo("delete -", { stdin: `${jobA}\n\n  ${jobB}\n` })).out).toBe(`Job ${jobA} deleted\nJob ${jobB} deleted\n`);
  expect(await corvo("delete -", { stdin: "" })).toMatchObject({ code: 0, out: "", err: "no job ids on standard input: nothing done\n" });
  expect(await corvo("retry -", { stdin: '{"id": "x"}' })).toMatchObject({ code: 2, err: expect.stringContaining("JSON is not a job id") });
  expect(await corvo(`move ${jobA}`)).toMatchObject({ code: 2, err: expect.stringContaining("the queue to move to is missing") });
});

test("several jobs: what fails is named, the rest goes on, and the code says partly", async () => {
  server.on(`POST /api/v1/jobs/${jobB}/retry`, 400, { error: `job "${jobB}" not found`, code: "RETRY_ERROR" });
  expect(await corvo(`retry ${jobA} ${jobB}`)).toMatchObject({
    code: 7,
    out: `Job ${jobA} retried\n`,
    err: `error: job "${jobB}" not found\nhint:  job ids have 30 characters and start with job_; finished jobs are removed after the server's --retention\n1 of 2 jobs done, 1 failed\n`,
  });
  server.on(`POST /api/v1/jobs/${jobA}/retry`, 400, { error: `job "${jobA}" not found`, code: "RETRY_ERROR" });
  expect((await corvo(`retry ${jobA} ${jobB}`)).code).toBe(3);
});

test("fetch prints jobs with exact fences and says how to finish on a terminal", async () => {
  const { out, err } = await corvo("fetch emails.send other --worker w-1");
  expect(out).toBe(
    `JOB                                        FENCE  QUEUE        ATTEMPT  LEASE  PAYLOAD\n${jobA}  9007199254740993  emails.send      1/3    60s  {"to":"ada@example.com","n":1.0}\n`,
  );
  expect(err).toBe("");
  expect(calls()).toEqual(['POST /api/v1/fetch {"queues":["emails.send","other"],"worker_id":"w-1","hostname":"testhost"}']);
  expect((await corvo("fetch emails.send -o json")).out).toBe(fetchedText);
  expect((await corvo("fetch emails.send --count 2 -o name")).out).toBe(`${jobA}\n${jobB}\n`);
  const tty = await corvo("fetch emails.send --lease 5m --count 2", { tty: true, columns: 100, env: { NO_COLOR: "1" } });
  expect(tty.out.split("\n")[1]).toBe(`${jobA}  9007199254740993  emails.send      1/3    60s  {"to":"ada@example.c…`);
  expect(tty.err).toBe(`hint:  when done: corvo ack ${jobA} --fence 9007199254740993   ·   corvo fail ${jobA} "what went wrong" --fence 9007199254740993\n`);
  expect(calls().at(-1)).toBe('POST /api/v1/fetch/batch {"queues":["emails.send"],"worker_id":"cli@testhost","hostname":"testhost","timeout":300,"count":2}');
});

test("fetch that finds nothing is a success that prints nothing", async () => {
  server.on("POST /api/v1/fetch", 204, "");
  server.on("POST /api/v1/fetch/batch", 200, { jobs: [] });
  expect(await corvo("fetch emails.send")).toMatchObject({ code: 0, out: "", err: "no job came within 30s\n" });
  expect(await corvo("fetch emails.send --count 3 -q -o json")).toMatchObject({ code: 0, out: '{"jobs":[]}\n', err: "" });
  const tty = await corvo("fetch email.send", { tty: true, env: { NO_COLOR: "1" } });
  expect(tty.err).toBe('no job came within 30s\nhint:  there is no queue "email.send"; did you mean "emails.send"?\n');
});

test("fetch: a wait beyond the server's is several polls, --wait 0 looks first", async () => {
  let polls = 0;
  server.onCall("POST /api/v1/fetch", (_, response) => {
    if (++polls < 4) response.writeHead(204).end();
    else response.writeHead(200).end(fetchedText);
  });
  expect((await corvo("fetch emails.send --lease 1s --wait 3s -o name")).out).toBe("");
  expect(polls).toBe(3);
  expect((await corvo("fetch emails.send --lease 1s --wait 3s -o name")).out).toBe(`${jobA}\n`);
  expect(polls).toBe(4);

  server.reset();
  expect(await corvo("fetch reports.build --wait 0")).toMatchObject({ code: 0, out: "", err: "no job is waiting\n" });
  expect(calls()).toEqual(["GET /api/v1/queues"]);
  expect((await corvo("fetch emails.send --wait 0 -o name")).out).toBe(`${jobA}\n`);
  server.on("GET /api/v1/queues", 403, { error: "insufficient role permissions", code: "FORBIDDEN" });
  expect((await corvo("fetch emails.send --wait 0 -o name")).out).toBe(`${jobA}\n`);
});

test("fetch: a wait below the server's gives the poll up, and the server sees it go", async () => {
  const silent = await new FakeServer().start();
  silent.onCall("POST /api/v1/fetch/batch", () => {});
  expect(await corvo(`fetch emails.send --count 5 --wait 100ms -o json --server ${silent.url}`)).toMatchObject({
    code: 0,
    out: '{"jobs":[]}\n',
    err: "no job came within 100ms\n",
  });
  await expect.poll(() => silent.abandoned, { timeout: 20_000 }).toBe(silent.seen.length);
  await silent.stop();
});

test("ack and fail hand the fence back exactly", async () => {
  expect((await corvo(`ack ${jobA} --fence 18446744073709551615 --result '{"ok": true}' --request-id r`)).out).toBe(`Job ${jobA} completed\n`);
  expect(calls()).toEqual([`POST /api/v1/ack/${jobA} {"result":{"ok": true},"fence":18446744073709551615}`]);
  expect(server.seen[0].headers["idempotency-key"]).toBe("r");
  expect((await corvo("ack - -o name", { stdin: `${jobA}\n${jobB}\n` })).out).toBe(`${jobA}\n${jobB}\n`);
  expect(await corvo(`ack ${jobA} ${jobB} --fence 7`)).toMatchObject({ code: 2, err: expect.stringContaining("--fence belongs to one job, 2 were given") });
  expect((await corvo(`ack ${jobA} --fence -1`)).code).toBe(2);
  expect((await corvo(`ack ${jobA} --fence 18446744073709551616`)).code).toBe(2);

  const failed = await corvo(["fail", jobA, "SMTP 535", "--fence", "7", "--backtrace", "@t.txt"], { files: { "t.txt": "at x\n" } });
  expect(failed.out).toBe(`Job ${jobA}: retrying at 2026-01-01T12:00:05Z (1 attempt left)\n`);
  expect(calls().at(-1)).toBe(`POST /api/v1/fail/${jobA} {"error":"SMTP 535","backtrace":"at x\\n","fence":7}`);
  server.on(`POST /api/v1/fail/${jobA}`, 200, { status: "dead", attempts_remaining: 0 });
  expect((await corvo(["fail", jobA, "x"])).out).toBe(`Job ${jobA}: dead (no attempts left)\n`);
});

test("queues, workers and status as tables: plain in a pipe, ages and colours on a terminal", async () => {
  expect((await corvo("queues")).out).toMatchInlineSnapshot(`
    "QUEUE          PENDING  ACTIVE  HELD  COMPLETED  DEAD  PAUSED  SCHEDULED  RETRYING  LIMITS             OLDEST
    emails.send       1204      44     0          9   312                  3         1  -                  2026-01-01T11:42:00Z
    reports.build        0      44     0          9   312  yes             3         1  5 active, 100/60s  -
    "
  `);
  expect((await corvo("queues", { tty: true, columns: 120, env: { NO_COLOR: "1" } })).out).toContain("-                  18m\n");
  const narrow = (await corvo("queues", { tty: true, columns: 80, env: { NO_COLOR: "1" } })).out.split("\n");
  expect(narrow[0]).toMatch(/^QUEUE .* PAUSED {2}SCHEDULED$/);
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect((await corvo("queues", { tty: true })).out).toContain("\u001b[31m312\u001b[39m");
  expect((await corvo("queues --color never", { tty: true })).out).not.toContain("\u001b");
  expect((await corvo("queues --color always")).out).toContain("\u001b[");
  expect((await corvo("workers")).out).toBe(
    "ID   HOSTNAME  LAST HEARTBEAT        ACTIVE  SLOTS  SDK                     ORDER  QUEUES\n" +
      "w-1  mbp       2026-01-01T11:59:57Z       2     10  corvo-typescript 0.4.0  -      emails.send,reports.build\n",
  );
  expect((await corvo("status")).out).toMatchInlineSnapshot(`
    "Mode: cluster  Status: healthy
    Node: node-1 (Leader)  Term: 2  Applied: 1234  Live jobs: 1251

    QUEUE          PENDING  ACTIVE  HELD  COMPLETED  DEAD
    emails.send       1204      44     0          9   312
    reports.build        0      44     0          9   312
    "
  `);
  const both = JSON.parse((await corvo("status -o json")).out) as { cluster: { mode: string }; queues: unknown[] };
  expect([both.cluster.mode, both.queues.length]).toEqual(["cluster", 2]);
  server.on("GET /api/v1/queues", 200, []).on("GET /api/v1/workers", 200, []);
  server.on("GET /api/v1/cluster/status", 200, { mode: "single", raft_nosync: true });
  expect((await corvo("workers")).out).toBe("No workers connected\n");
  expect(await corvo("status")).toMatchObject({
    out: "Mode: single  Status: unknown\n\nNo queues\n",
    err: "note: this server answers before its disk has the data (--durable=false)\n",
  });
  expect((await corvo("queues")).err).toContain("there is no queue yet");
});

test("control characters of data do not reach the terminal", async () => {
  server.on("GET /api/v1/workers", 200, [{ id: "w\u001b[2J\n1", hostname: null, queues: null, last_heartbeat: "", started_at: "" }]);
  expect((await corvo("workers")).out.split("\n")[1]).toMatch(/^w \[2J 1 +-/);
  server.on("GET /api/v1/queues", 500, { error: "bad \u001b]0;x\u0007", code: "INTERNAL_ERROR" });
  expect((await corvo("queues")).err).not.toContain("\u0007");
});

test("verbs over queues", async () => {
  const cases: [string, string, string][] = [
    ["pause emails.send", "Queue emails.send paused", "POST /api/v1/queues/emails.send/pause"],
    ["resume emails.send", "Queue emails.send resumed", "POST /api/v1/queues/emails.send/resume"],
    ["drain emails.send", "Queue emails.send draining", "POST /api/v1/queues/emails.send/drain"],
    ["clear emails.send", "Queue emails.send cleared", "POST /api/v1/queues/emails.send/clear"],
    ["destroy emails.send --confirm=true", "Queue emails.send destroyed", "DELETE /api/v1/queues/emails.send"],
    ["concurrency emails.send 10", "Queue emails.send: at most 10 active jobs", 'POST /api/v1/queues/emails.send/concurrency {"max":10}'],
    ["concurrency emails.send none", "Queue emails.send: no cap on active jobs", 'POST /api/v1/queues/emails.send/concurrency {"max":null}'],
    ["throttle emails.send 100 1m", "Queue emails.send: at most 100 jobs in 1m", 'POST /api/v1/queues/emails.send/throttle {"rate":100,"window_ms":60000}'],
    ["throttle emails.send --remove", "Queue emails.send: no throttle", "DELETE /api/v1/queues/emails.send/throttle"],
    ["throttle emails.send none", "Queue emails.send: no throttle", "DELETE /api/v1/queues/emails.send/throttle"],
  ];
  for (const [line, said, call] of cases) {
    server.seen.length = 0;
    expect([line, await corvo(line), calls()]).toEqual([line, { code: 0, out: `${said}\n`, err: "", asked: [], files: {} }, [call]]);
  }
  expect(await corvo("destroy emails.send")).toMatchObject({ code: 2, err: "error: use --confirm to delete queue emails.send and all its jobs\n" });
  for (const line of [
    "concurrency emails.send x",
    "throttle emails.send 5",
    "throttle emails.send 0 1s",
    "throttle emails.send 5 2d",
    "throttle emails.send 5 25h",
    "throttle emails.send 5 --remove",
    "throttle emails.send none 1s",
    "throttle emails.send none --remove",
  ]) {
    expect([line, (await corvo(line)).code]).toEqual([line, 2]);
  }
  server.on("POST /api/v1/queues/a%2Fb%20%C3%BC:1/pause", 200, { status: "paused" });
  expect((await corvo(["pause", "a/b ü:1"])).code).toBe(0);
});

test("on a terminal: questions before deleting, and a slip in a queue's name is caught; scripts and -y go on", async () => {
  const no = await corvo("clear emails.send", { tty: true, typed: "n", env: { NO_COLOR: "1" } });
  expect(no).toMatchObject({
    code: 1,
    out: "",
    err: "nothing was deleted\n",
    asked: ["Delete the 1204 pending and 3 scheduled jobs of queue emails.send? [y/N] "],
  });
  expect(calls().filter((call) => call.startsWith("POST"))).toEqual([]);
  expect(await corvo("clear emails.send", { tty: true, typed: "y" })).toMatchObject({ code: 0 });
  expect(await corvo("clear emails.send -y", { tty: true })).toMatchObject({ code: 0, asked: [] });
  expect(await corvo("clear emails.send", { tty: true, env: { CORVO_NO_PROMPT: "1" } })).toMatchObject({ code: 0, asked: [] });
  expect(await corvo(`delete ${jobA} ${jobB}`, { tty: true, typed: "" })).toMatchObject({ code: 1, asked: ["Delete 2 jobs? [y/N] "] });
  expect(await corvo(`delete ${jobA}`, { tty: true })).toMatchObject({ code: 0, asked: [] });

  const slip = await corvo("pause email.send", { tty: true, env: { NO_COLOR: "1" } });
  expect(slip.code).toBe(3);
  expect(slip.err).toBe(
    `error: no queue “email.send” on ${server.url}\nhint:  did you mean “emails.send”?   ·   see all: corvo queues   ·   to go on with the new name: corvo pause email.send -y\n`,
  );
  server.on("POST /api/v1/queues/email.send/pause", 200, { status: "paused" });
  expect((await corvo("pause email.send -y", { tty: true })).code).toBe(0);
  expect((await corvo("pause email.send")).code).toBe(0);
});

test("server, bench and verify are loaded only when used and get their arguments", async () => {
  const given: unknown[] = [];
  const serverFlags = [
    { name: "bind", kind: "text", default: ":8080", description: "address" },
    { name: "durable", kind: "bool", default: "true", description: "fsync before every answer" },
    { name: "raft-bind", kind: "text", default: ":9000", description: "", ignored: "single node" },
    { name: "log-level", kind: "text", default: "info", description: "debug, info, warn or error" },
  ] as const;
  const load: Surroundings["load"] = {
    server: async () => ({
      serverFlags,
      runServer: async (flags) => {
        given.push(flags);
        return flags.bind === ":1" ? 1 : 0;
      },
    }),
    bench: async () => ({
      runBench: async (argv) => {
        given.push(argv);
        return 1;
      },
    }),
  };
  expect(await corvo("server --bind :9090 --durable=false --config c.yaml", { load })).toMatchObject({ code: 0 });
  expect((await corvo("--log-level debug server --durable --bind=:1", { load })).code).toBe(1);
  expect(await corvo("server --bnid x", { load })).toMatchObject({
    code: 2,
    err: "error: unknown flag --bnid\nhint:  did you mean --bind?   ·   corvo server --help\n",
  });
  expect((await corvo("server data", { load })).code).toBe(2);
  expect((await corvo("server --bind", { load })).err).toContain("--bind needs a value\nhint:  for example --bind :8080");
  const help = (await corvo("server --help", { load })).out;
  expect(help).toMatch(/^Examples:\n {2}corvo server\n/);
  expect(help).toContain("--bind <text>       address (default: :8080)");
  expect(help).toContain("Accepted and without effect here: --raft-bind.");
  expect((await corvo("--api-key k bench --jobs 10 --server http://x --help", { load })).code).toBe(1);
  expect(given).toEqual([
    { bind: ":9090", durable: "false", config: "c.yaml" },
    { "log-level": "debug", durable: "true", bind: ":1" },
    ["--server", server.url, "--api-key", "k", "--jobs", "10", "--server", "http://x", "--help"],
  ]);
});

test("verify: a table and a verdict, the report with -o json, damaged files with -o name", async () => {
  const problem = { path: "log/1.seg", record: 2, offset: 512, what: "checksum differs", lost: "entries from 7 on", next: "restore a backup" };
  const report = (problems: (typeof problem & { repaired?: boolean; repair?: string })[]) => ({
    identity: undefined,
    files: [{ path: "log/1.seg", kind: "log" as const, bytes: 4096, records: 12 }],
    problems,
    log: { firstIndex: 1, lastIndex: 12, sealed: true },
    totals: { files: 1, bytes: 4096, records: 12, problems: problems.length, repaired: 0 },
  });
  const loading = (result: ReturnType<typeof report> | Error): Surroundings => ({
    load: {
      storage: async () => ({
        verifyDataDirectory: async (directory, options) => {
          expect([directory, options]).toEqual(["data", { repair: false }]);
          if (result instanceof Error) throw result;
          return result;
        },
      }),
    },
  });
  const told = `log/1.seg at offset 512 (record 2): checksum differs
          lost: entries from 7 on
          next: restore a backup
`;
  const table = "FILE       KIND  RECORDS  BYTES\nlog/1.seg  log        12   4096\n\n";
  expect(await corvo("verify data", loading(report([])))).toMatchObject({
    code: 0,
    out: `${table}intact  1 files, 12 records, 4096 bytes, log 1 to 12, cleanly stopped\n`,
    err: "",
  });
  expect(await corvo("verify data", loading(report([problem, { ...problem, repaired: true, repair: "cut" }])))).toMatchObject({
    code: 1,
    out: `${table}damaged  ${told}repaired  ${told.replace("differs", "differs; cut")}`,
    err: "error: data is damaged: 1 problem\nhint:  keep a copy, then: corvo verify data --repair\n",
  });
  expect((await corvo("verify data -o name", loading(report([problem, problem])))).out).toBe("log/1.seg\n");
  expect(JSON.parse((await corvo("verify data -o json", loading(report([problem])))).out)).toEqual(report([problem]));
  expect((await corvo("verify data", loading({ ...report([]), files: [] }))).code).toBe(3);
  const inUse = Object.assign(new Error("the data directory is in use by process 7: stop it first"), { name: "DataDirectoryError" });
  expect(await corvo("verify data", loading(inUse))).toMatchObject({ code: 5, err: "error: the data directory is in use by process 7: stop it first\n" });
});

test("version", async () => {
  expect((await runCli(["version"])).out).toMatch(/^corvo \S+ \(commit: \S+, built: \S+\)\n$/);
  expect((await runCli(["--version"])).out).toMatch(/^corvo /);
  expect(JSON.parse((await runCli(["version", "-o", "json"])).out)).toHaveProperty("version");
});

test("completion scripts name every command", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await runCli(["completion", shell]);
    expect(code).toBe(0);
    for (const { path } of leaves(commands)) for (const word of path) expect(out).toContain(word);
  }
  expect((await runCli(["completion", "tcsh"])).code).toBe(2);
});

test("help: every command starts with three examples, and the examples run", async () => {
  for (const { path, spec } of leaves(commands)) {
    const name = path.join(" ");
    expect([name, spec.examples.length >= 3]).toEqual([name, true]);
    if (spec.raw) continue;
    const { code, out } = await corvo([...path, "--help"]);
    expect([name, code, out.startsWith("Examples:\n  ")]).toEqual([name, 0, true]);
    for (const example of spec.examples) await runExample(example);
  }
  const root = await corvo([]);
  expect(root.code).toBe(0);
  for (const spec of commands) expect(root.out).toContain(`\n  ${spec.name} `.trimEnd());
});

/** Runs a line of help: pipes between corvo commands, `echo` and `< file` at the front, `jq` at the end. */
async function runExample(line: string): Promise<void> {
  let stdin = `${jobA}\n${jobB}\n`;
  if (/^corvo (run |verify |completion |context |login |restore .* --data-dir )/.test(line)) return; // they work on files and programs of their own
  for (const part of line.replace(/ < ids\.txt$/, "").split(" | ")) {
    const words = shellWords(part);
    if (words[0] === "echo") stdin = `${words[1]}\n`;
    else if (words[0] !== "jq") {
      expect([line, words[0]]).toEqual([line, "corvo"]);
      const argv = words.slice(1).map((word) => (word === "http://10.0.0.1:8080" ? server.url : word));
      if (words[1] === "wait" || words.includes("--wait"))
        server.on(`GET /api/v1/jobs/${jobA}`, 200, { id: jobA, state: "completed" }).on(`GET /api/v1/jobs/${jobB}`, 200, { id: jobB, state: "completed" });
      const outcome = await corvo(argv, {
        stdin,
        ...(words[1] === "doctor" ? wellMachine : {}),
        files: { "mail.json": "{}", "trace.txt": "at x", ...(words[1] === "restore" ? { "corvo.backup": "CORVOSEG", "jobs.json": "{}" } : {}) },
      });
      // The plan of a bulk action and the id of a job that is waited for stand beside the data.
      const aside = outcome.err.replace(words[1] === "bulk" ? /^\w+: 2 jobs\n {2}2 dead in emails\.send\n$/ : /^Job enqueued: \S+ \(status: pending\)\n$/, "");
      expect([line, outcome.code, aside]).toEqual([line, 0, ""]);
      stdin = outcome.out;
    }
  }
}

test("help of one command, whole", async () => {
  expect((await corvo("help throttle")).out).toMatchSnapshot();
  expect((await corvo("help context add")).out).toMatchSnapshot();
  expect((await corvo("context")).err).toContain("corvo context use prod");
});
