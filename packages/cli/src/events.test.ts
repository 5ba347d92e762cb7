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

test("events: a table, and every other form", async () => {
  const { code, out } = await corvo("events");
  expect(code).toBe(0);
  expect(out.split("\n")[0]).toMatch(/^SEQ +TIME +TYPE +JOB +QUEUE +MORE/);
  expect(out).toContain("try 1  worker w-1  SMTP 535 auth failed");
  expect((await corvo("events -o name")).out).toBe("1\n2\n3\n");
  expect((await corvo("events -o ndjson")).out.split("\n").length).toBe(4);
  expect(JSON.parse((await corvo("events -o json")).out).last_seq).toBe(3);
});

test("tail: a line per event as it comes, the stream's JSON with -o json, and a limit", async () => {
  const { code, out, err } = await corvo("tail --limit 3");
  expect([code, err]).toEqual([0, ""]);
  expect(
    out
      .split("\n")
      .slice(0, 3)
      .map((line) => line.split(/ {2,}/)[1]),
  ).toEqual(["enqueued", "started", "failed"]);
  const json = (await corvo("tail --limit 2 -o json")).out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(json.map((event) => event.seq)).toEqual([1, 2]);
});

test("tail: goes on behind the last event when the connection breaks, says what was missed, and ends with Ctrl-C", async () => {
  const event = (seq: number, more = {}): string => `id: ${seq}\nevent: x\ndata: ${JSON.stringify({ at_ns: 0, seq, type: "started", ...more })}\n\n`;
  server.onCall("GET /api/v1/events?from=now", (_seen, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.end(event(41) + event(42));
  });
  server.onCall("GET /api/v1/events?last_event_id=42", (_seen, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(event(50, { type: "gap", data: { from: 43, missed: 8, to: 50 } }) + event(51));
  });
  const { code, out, err } = await corvo("tail", { interruptWhen: ({ out }) => out.split("\n").length > 4 });
  expect(code).toBe(130);
  expect(out.split("\n").filter((line) => line !== "").length).toBe(4);
  expect(out).toContain("— gap: 8 events missed, up to 50 —");
  expect(err).toContain("the connection ended; trying again\nconnected again, going on behind 42\n");
  server.on("GET /api/v1/events?from=now", 403, { error: "no", code: "FORBIDDEN" });
  expect((await corvo("tail")).code).toBe(4);
  expect((await corvo("tail --after x")).code).toBe(2);
});

test("explain: reasons, what changes them, place", async () => {
  const { code, out } = await corvo(`why ${jobA}`);
  expect(code).toBe(0);
  expect(out).toBe(`${jobA}  emails.send  pending
  queue emails.send is paused by ada at 2026-01-01T11:00:00Z
    corvo resume emails.send
  3 other jobs are before it in queue emails.send
  place 4 of 1204
`);
  expect((await corvo(`explain ${jobA} -o name`)).out).toBe(`${jobA}\n`);
});

test("webhook: what is sent is what was asked for", async () => {
  server.on("POST /api/v1/webhooks", 200, { status: "ok", id: "wh_1", secret: "whsec_x" });
  const { out } = await corvo("webhooks set https://h.example/x --event dead --event failed --queue a --generate-secret --retry-limit 5 --disabled");
  expect(JSON.parse(server.seen.at(-1)!.body)).toEqual({
    url: "https://h.example/x",
    enabled: false,
    events: ["dead", "failed"],
    queues: ["a"],
    generate_secret: true,
    retry_limit: 5,
  });
  expect(out).toBe("Webhook wh_1 set\nsecret whsec_x (not shown again)\n");
  expect((await corvo("webhook set https://h.example/x --secret a --generate-secret")).code).toBe(2);
  expect((await corvo("webhook set https://h.example/x --retry-limit 0")).code).toBe(2);
  expect((await corvo("webhook redeliver wh_18a3f7c2e41b9a000000000c41 evt_1 evt_2")).out).toBe("1 dead letter is delivered again\n");
  expect(JSON.parse(server.seen.at(-1)!.body)).toEqual({ event_ids: ["evt_1", "evt_2"] });
});
