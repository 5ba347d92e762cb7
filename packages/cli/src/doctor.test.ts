import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords, wellMachine } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  server.reset();
  server.on("GET /api/v1/metrics", 200, "corvo_log_sync_seconds_sum 0.5\ncorvo_log_sync_seconds_count 100\n");
  server.on("GET /api/v1/info", 200, { server_version: "0.0.3" });
});
const corvo = (line: string, around: Surroundings = {}) =>
  runCli(shellWords(line), { nowMs: Date.now, ...wellMachine, ...around, env: { CORVO_SERVER: server.url, ...around.env } });
const room = { freeBytes: 50 * 1024 ** 3, totalBytes: 100 * 1024 ** 3, writable: true, kind: "disk" as const };

test("a well server on a well machine", async () => {
  const { code, out, err } = await corvo("doctor", { files: { "/data/identity": "" } });
  expect(out.replace(/(answers in) \d+ms/, "$1 3ms").replace(server.url, "URL")).toBe(
    `ok    server    URL answers in 3ms
ok    version   server 0.0.3, this program 0.0.0
ok    clock     this machine's and the server's agree
ok    access    signed in as ada (operator) in namespace acme
ok    cluster   healthy, node-1 leads, 1,251 live jobs
ok    disk      a sync of the server's log takes 5.0 ms on average
ok    program   Node 22.1.0
ok    settings  the environment is valid for corvo server
ok    data      /data was stopped in order; check its files: corvo verify /data
ok    room      50.0 GiB of 100.0 GiB are free at /data
`,
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("what is wrong is told with what to do; the exit code says whether something fails", async () => {
  server.on("GET /api/v1/info", 200, { server_version: "0.3.0" });
  server.on("GET /api/v1/auth/whoami", 200, { principal: "anonymous", role: "admin", namespace: "default", open: true });
  server.on("GET /api/v1/cluster/status", 200, { status: "read_only", leader_id: "node-1", raft_nosync: true });
  server.on("GET /api/v1/metrics", 200, "corvo_log_sync_seconds_sum 9\ncorvo_log_sync_seconds_count 100\n");
  const sick = await corvo("doctor --data-dir /data -q", {
    nowMs: () => Date.now() + 3_600_000,
    machine: { version: "20.19.0", room: async () => ({ ...room, freeBytes: 100 * 1024 ** 2, writable: false, kind: "memory" }), runs: () => false },
    files: { "/data/identity": "", "/data/lock": "4711 x\n" },
  });
  expect(sick.code).toBe(1);
  const found = sick.out.split("\n").filter((line) => /^(warn|fail)/.test(line));
  expect(found).toEqual([
    "warn  version     the server is 0.3.0, this program 0.0.0",
    expect.stringMatching(/^warn {2}clock {7}the server's clock is (59m|60m) behind this machine's$/),
    "warn  access      the server is open: anyone who reaches it is admin",
    "fail  cluster     the server's disk is full: new jobs are refused",
    "warn  durability  answers do not wait for the disk: a power cut loses the last writes",
    "warn  disk        a sync of the server's log takes 90 ms on average",
    "warn  program     Node 20.19.0 gets no security fixes any more",
    "warn  data        the server of /data ended without stopping",
    "fail  data        /data cannot be written to by this user",
    "warn  data        /data is in memory: a restart of the machine loses it",
    "fail  room        100 MiB of 100.0 GiB are free at /data",
  ]);
  expect(sick.out).toContain("\n                  corvo keys create admin --role admin\n");
});

test("a server that cannot be reached: 6, and this machine is looked at all the same", async () => {
  const { code, out } = await corvo("doctor --server http://127.0.0.1:1 -o json");
  expect(code).toBe(6);
  const { findings } = JSON.parse(out) as { findings: { check: string; status: string; message: string }[] };
  expect(findings[0]).toMatchObject({ check: "server", status: "fail", message: "cannot reach http://127.0.0.1:1 (connection refused)" });
  expect(findings.map(({ check }) => check)).toEqual(["server", "program", "settings", "data", "room"].filter((check) => check !== "version"));
});

test("what answers may be something else, or refuse the key", async () => {
  server.on("GET /api/v1/info", 200, "<html>");
  expect(await corvo("doctor")).toMatchObject({ code: 6, out: expect.stringContaining("is not Corvo") });
  server.on("GET /api/v1/info", 200, { server_version: "0.0.3" });
  server.on("GET /api/v1/auth/whoami", 401, { error: "invalid API key", code: "UNAUTHORIZED" });
  server.on("GET /api/v1/cluster/status", 403, { error: "insufficient role permissions", code: "FORBIDDEN" });
  const refused = await corvo("doctor");
  expect(refused).toMatchObject({
    code: 1,
    out: expect.stringMatching(/fail {2}access +invalid API key\n +--api-key, CORVO_API_KEY or corvo login\nwarn {2}cluster/),
  });
});

test("settings: every one that is wrong, by its flag; a directory that was named must be there", async () => {
  const load = {
    server: async () => ({
      ...(await wellMachine.load?.server?.())!,
      resolveServerOptions: (): never => {
        throw Object.assign(new Error('--bind: "x" has no port\n--retention: "7 days" is not a duration'), { name: "OptionError" });
      },
    }),
  };
  const { code, out } = await corvo("doctor --config corvo.yaml --data-dir /nowhere", { load, machine: { room: async () => undefined } });
  expect(code).toBe(1);
  expect(out).toMatch(
    /fail {2}settings +--bind: "x" has no port\n[^\n]*\nfail {2}settings +--retention: [\s\S]*fail {2}data +there is no directory \/nowhere\n/,
  );
});
