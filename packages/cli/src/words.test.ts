import { eventTypes as engineEvents } from "@corvo/engine";
import { SearchFilterSchema } from "@corvo/gen/corvo/v1/search_pb.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { filterMembers } from "./filters.js";
import { FakeServer } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";
import { eventTypes } from "./words.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());
const corvo = (line: string, around: Surroundings = {}) => runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url } });
const calls = () => server.seen.map((call) => `${call.method} ${call.path}`);

test("the words that are checked here are the server's", () => {
  expect([...eventTypes].sort()).toEqual([...engineEvents].sort());
  expect([...filterMembers].sort()).toEqual(SearchFilterSchema.fields.map((field) => field.name).sort());
});

test("a slip in a word of a filter is refused: the server would pass over it, and more jobs would be touched", async () => {
  const slips: [string, string][] = [
    ["list --state ded", 'error: --state "ded" is not known\nhint:  did you mean dead?'],
    ["search --priority hihg", 'error: --priority "hihg" is not known\nhint:  did you mean high?'],
    [`bulk hold --filter '{"queu": "x"}' --yes`, 'error: --filter has no member "queu"\nhint:  did you mean "queue"?\n'],
    [`bulk hold --filter '{"state": ["pendin"]}' --yes`, 'error: state "pendin" is not known\nhint:  did you mean pending?'],
    [`bulk holdd --filter '{"queue": "x"}' --yes`, 'error: action "holdd" is not known\nhint:  did you mean hold?'],
  ];
  for (const [line, said] of slips) expect([line, await corvo(line)]).toEqual([line, expect.objectContaining({ code: 2, err: expect.stringContaining(said) })]);
  expect(server.seen).toEqual([]);
  await corvo("list --state Dead,held");
  expect(JSON.parse(server.seen[0].body)).toMatchObject({ state: ["dead", "held"] });
});

test("an event type that is not known here is only remarked on: a newer server may have it", async () => {
  const { code, err } = await corvo("webhook set https://hooks.example.com/corvo --event faild --event '*'");
  expect({ code, err }).toEqual({ code: 0, err: 'note: no event of type "faild" is known here; did you mean failed?\n' });
});

test("areas with error codes of their own: what is wrong is a matter of usage, what is missing is not found, and says where to look", async () => {
  server.on("POST /api/v1/budgets", 400, { error: 'invalid budget scope: "queu"', code: "BUDGET_ERROR", field: "scope" });
  expect(await corvo("budget set queu x --daily 1")).toMatchObject({ code: 2 });
  server.on("POST /api/v1/schedules/nope/run", 400, { error: 'schedule "nope" not found', code: "SCHEDULE_ERROR" });
  expect(await corvo("schedule run nope")).toMatchObject({ code: 3, err: 'error: schedule "nope" not found\nhint:  see all: corvo schedules\n' });
  server.on("GET /api/v1/chains/nope", 404, { error: 'chain "nope" not found', code: "NOT_FOUND" });
  expect(await corvo("chain show nope")).toMatchObject({ code: 3, err: expect.stringContaining("see all: corvo chain list") });
  server.on("POST /api/v1/enqueue", 403, { error: `queue "other" is outside the key's queue scope`, code: "FORBIDDEN" });
  expect(await corvo("enqueue other")).toMatchObject({ code: 4, err: expect.stringContaining("this key is for other queues") });
});

test("a key is meant by name, hash or text; one that does not exist is not revoked without a word", async () => {
  await corvo("keys revoke mail-worker");
  expect(calls()).toEqual(["GET /api/v1/auth/keys", "DELETE /api/v1/auth/keys"]);
  expect(server.seen[1].body).toBe(`{"key_hash":"${"0".repeat(64)}"}`);
  expect(await corvo("keys revoke nobody")).toMatchObject({
    code: 3,
    out: "",
    err: expect.stringContaining('no key has the name, the hash or the text "nobody"'),
  });
  for (const line of ["keys roles nobody", "keys assign nobody operator", "keys unassign nobody operator"]) {
    server.seen.length = 0;
    expect(await corvo(line)).toMatchObject({ code: 3, out: "", err: expect.stringContaining("no key has the name") });
    expect(calls().filter((call) => !call.startsWith("GET"))).toEqual([]);
  }
  const one = { key_hash: "a", name: "twin", namespace: "default", role: "worker", enabled: true, created_at: "2026-01-01T00:00:00Z" };
  server.on("GET /api/v1/auth/keys", 200, [one, { ...one, key_hash: "b" }]);
  server.seen.length = 0;
  expect(await corvo("keys revoke twin")).toMatchObject({ code: 3, err: expect.stringContaining("2 keys have the name") });
  expect(calls()).toEqual(["GET /api/v1/auth/keys"]);
});

test("a key of the caller itself, given by its text, is revoked although the caller may not look afterwards", async () => {
  let looks = 0;
  server.onCall("GET /api/v1/auth/keys", (_, response) =>
    response.writeHead(looks++ === 0 ? 200 : 401).end(looks === 1 ? "[]" : '{"error":"invalid API key","code":"UNAUTHORIZED"}'),
  );
  expect(await corvo("keys revoke corvo_own")).toMatchObject({ code: 0, out: "Key revoked\n" });
});

test("a role must exist, where the caller may look", async () => {
  expect(await corvo("keys create x --role opertor")).toMatchObject({ code: 2, err: expect.stringContaining("did you mean operator?") });
  expect(await corvo("keys create x --role pauser")).toMatchObject({ code: 0 });
  server.on("GET /api/v1/auth/roles", 403, { error: "insufficient role permissions", code: "FORBIDDEN" });
  expect(await corvo("keys create x --role opertor")).toMatchObject({ code: 0 });
});

test("help about a topic; a word that is neither command nor topic is an error", async () => {
  expect((await corvo("help exit-codes")).out).toMatch(/^Exit codes:\n {2}0 {4}ok\n/);
  expect(await corvo("help exitcodes")).toMatchObject({ code: 2, out: "", err: expect.stringContaining("did you mean exit-codes?") });
  expect((await corvo("help queues")).out).toMatch(/^Examples:\n {2}corvo queues\n/);
  expect((await corvo("--help")).out).toContain("Every command takes -o table|wide|json");
});

test("held -o wide says why", async () => {
  server.on("POST /api/v1/jobs/search", 200, { jobs: [{ id: "job_1", queue: "q", state: "held" }], total: 1 });
  server.on("GET /api/v1/jobs/job_1", 200, { id: "job_1", hold_reason: "send 42 emails?" });
  expect((await corvo("held -o wide")).out).toBe("ID     QUEUE  STATE  WHY\njob_1  q      held   send 42 emails?\n");
});
