import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer, jobA } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

function corvo(line: string, around: Surroundings = {}) {
  return runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url, ...around.env } });
}

test("tail: a connection that breaks before the first event is made again", async () => {
  let connections = 0;
  server.onCall("GET /api/v1/events?from=now", (_seen, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(": hello\n\n", () => {
      if (connections++ === 0) response.destroy();
      else response.write(`id: 9\nevent: started\ndata: ${JSON.stringify({ at_ns: 0, seq: 9, type: "started" })}\n\n`);
    });
  });
  const { code, out, err } = await corvo("tail --limit 1");
  expect(code).toBe(0);
  expect(out).toContain("started");
  expect(err).toBe("the connection ended; trying again\nconnected again, going on with what happens from now\n");
});

test("what cannot be meant is refused before anything is asked or sent", async () => {
  const refused: readonly [line: string, said: string][] = [
    ["enqueue q '{}' --delay 1000000000000h", "after the year 9999"],
    ["enqueue q '{}' --retry-backoff exponentiel", "did you mean exponential?"],
    ["enqueue q '{}' --agent-max-iterations -1", "is below 0"],
    ["bulk move --queue q --yes", "move needs --to"],
    ["bulk retry --queue q --yes --to other", "--to is the queue to move to"],
    ["bulk change_priority --queue q --yes", "change_priority needs --priority"],
    ["budget set queue --daily 2", "needs a target"],
    ["budget set tag acme --daily 2", "key:value"],
    ["context add x --servers ftp://x", "--servers"],
    ["destroy q", "--confirm"],
  ];
  for (const [line, said] of refused) expect([line, await corvo(line)]).toMatchObject([line, { code: 2, err: expect.stringContaining(said) }]);
  expect(server.seen).toEqual([]);
});

test("words that the server passes over are told", async () => {
  expect((await corvo("search --sort age --order up --tag acme")).err).toBe(
    [
      'note: --tag "acme" is not key=value and is left out',
      'note: --sort "age" is not known and does nothing; known are created_at, priority, started_at, completed_at, attempt',
      'note: --order "up" is not known and does nothing; known are asc, desc',
      "",
    ].join("\n"),
  );
  expect((await corvo("list --fields id,stat")).err).toBe("note: none of these has a field stat\n");
});

test("everything together needs no target", async () => {
  expect(await corvo("budget set global --daily 25")).toMatchObject({ code: 0, out: "Budget set for global:*\n" });
  expect(JSON.parse(server.seen.at(-1)!.body)).toMatchObject({ scope: "global", target: "*" });
  expect(await corvo("budget delete global")).toMatchObject({ code: 0, out: "Budget deleted for global:*\n" });
});

test("a step or a release in the wrong state ends as other verbs do", async () => {
  for (const [verb, path] of [
    ["step", `/api/v1/jobs/${jobA}/step`],
    ["release", `/api/v1/release/${jobA}`],
  ]) {
    server.on(`POST ${path}`, 400, { error: `job ${jobA} is not active`, code: `${verb.toUpperCase()}_ERROR` });
    expect([verb, await corvo(`${verb} ${jobA}`)]).toMatchObject([verb, { code: 5 }]);
  }
});

test("a dry run names no job that is not there, and needs no --confirm", async () => {
  server.on("POST /api/v1/enqueue", 200, {});
  expect(await corvo("enqueue q '{}' --dry-run")).toMatchObject({ code: 0, out: "would be done; nothing was changed (dry run)\n" });
  server.on("DELETE /api/v1/queues/q?validate_only=true", 200, {});
  expect(await corvo("destroy q --dry-run")).toMatchObject({ code: 0, out: "q: would be done; nothing was changed (dry run)\n" });
});

test("a first key that is no admin's is refused by the server, which says what to do", async () => {
  const error = 'the first enabled key closes the server, so role must be "admin": make a key of an admin over everything first';
  server.on("POST /api/v1/auth/keys", 400, { error, code: "AUTH_ERROR" });
  expect(await corvo("keys create ci --role worker")).toMatchObject({ code: 1, err: expect.stringContaining(error) });
});
