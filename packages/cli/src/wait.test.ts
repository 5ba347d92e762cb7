import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer, jobA, jobB } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());
const corvo = (line: string, around: Surroundings = {}) => runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url } });

/** A job whose state the test changes; each change is an event to whoever follows. */
class MadeUpJob {
  private readonly readers: ServerResponse[] = [];
  looks = 0;
  /** Called when a look was answered. */
  looked: () => void = () => {};
  private waitedFor: (() => void) | undefined;
  /** Resolves when somebody has looked and follows. */
  readonly isWaitedFor = new Promise<void>((resolve) => {
    this.waitedFor = resolve;
  });

  constructor(
    readonly id: string,
    public state: string,
    readonly more: object = {},
  ) {
    server.onCall(`GET /api/v1/jobs/${id}`, (_, response) => {
      this.looks++;
      response.once("close", () => this.readers.length > 0 && this.waitedFor?.());
      if (this.state === "gone") response.writeHead(404).end(JSON.stringify({ error: `job "${id}" not found`, code: "NOT_FOUND" }));
      else response.writeHead(200).end(JSON.stringify({ id, queue: "q", state: this.state, ...this.more }));
      this.looked();
    });
    server.onCall("GET /api/v1/events", (_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(":keepalive\n\n");
      this.readers.push(response);
      if (this.looks > 0) this.waitedFor?.();
    });
  }

  become(state: string): void {
    this.state = state;
    for (const reader of this.readers) reader.write(`id: 1\nevent: ${state}\ndata: {}\n\n`);
  }
}

test("what is there already needs no waiting", async () => {
  new MadeUpJob(jobA, "completed", { result: { n: 1 } });
  expect(await corvo(`wait ${jobA}`)).toEqual({ code: 0, out: `Job ${jobA} completed\n`, err: "", asked: [], files: {} });
  expect((await corvo(`wait ${jobA} -o json`)).out).toBe(`{"id":"${jobA}","queue":"q","state":"completed","result":{"n":1}}\n`);
  expect((await corvo(`wait ${jobA} -o name`)).out).toBe(`${jobA}\n`);
});

test("an event of the job ends the waiting, without looking again and again", async () => {
  const job = new MadeUpJob(jobA, "active");
  const waiting = corvo(`wait ${jobA} --timeout 20s`);
  await job.isWaitedFor;
  job.become("completed");
  expect(await waiting).toMatchObject({ code: 0, out: `Job ${jobA} completed\n` });
  expect(job.looks).toBeLessThanOrEqual(4);
  expect(server.seen.some((call) => call.path === `/api/v1/events?from=now&job_ids=${jobA}`)).toBe(true);
});

test("a job that cannot come any more: 9, with its error", async () => {
  new MadeUpJob(jobA, "dead", { errors: [{ error: "first" }, { error: "SMTP 535 auth failed\nat send" }] });
  expect(await corvo(`wait ${jobA}`)).toMatchObject({
    code: 9,
    out: "",
    err: `error: job ${jobA} is dead, not completed: SMTP 535 auth failed\nhint:  corvo inspect ${jobA}   ·   corvo retry ${jobA}\n`,
  });
  expect(await corvo(`wait ${jobA} --for finished`)).toMatchObject({ code: 0, out: `Job ${jobA} dead\n` });
  expect(await corvo(`wait ${jobA} --for Dead`)).toMatchObject({ code: 0 });
  expect(await corvo(`wait ${jobA} --for ded`)).toMatchObject({ code: 2, err: expect.stringContaining("did you mean dead?") });
});

test("a job that goes away while it is waited for: 9; one that never was: 3", async () => {
  const job = new MadeUpJob(jobA, "active");
  const waiting = corvo(`wait ${jobA} --timeout 20s`);
  await job.isWaitedFor;
  job.become("gone");
  expect(await waiting).toMatchObject({ code: 9, err: expect.stringContaining("is gone") });
  expect(await corvo(`wait ${jobA}`)).toMatchObject({ code: 3, err: expect.stringContaining("not found") });
});

test("the time is over: 6, and what to look at", async () => {
  new MadeUpJob(jobA, "held", { hold_reason: "send 42 emails?" });
  expect(await corvo(`wait ${jobA} --timeout 100ms`)).toMatchObject({
    code: 6,
    err: `note: job ${jobA} is held: send 42 emails?; corvo approve ${jobA}\nerror: job ${jobA} is still not completed\nhint:  why: corvo explain ${jobA}\n`,
  });
  expect((await corvo(`wait ${jobA} --timeout 0 -q`)).code).toBe(6);
  expect(await corvo(`wait ${jobA}`, { interruptAfterMs: 50 })).toMatchObject({ code: 130 });
});

test("several jobs: 7 when some came; without a stream of events it looks every second", async () => {
  new MadeUpJob(jobA, "completed");
  new MadeUpJob(jobB, "cancelled");
  server.on("GET /api/v1/events", 403, { error: "insufficient role permissions", code: "FORBIDDEN" });
  expect(await corvo("wait -", { stdin: `${jobA}\n${jobB}\n` })).toMatchObject({ code: 7, out: `Job ${jobA} completed\n` });
  const slow = new MadeUpJob(jobB, "active");
  server.on("GET /api/v1/events", 403, { error: "insufficient role permissions", code: "FORBIDDEN" });
  slow.looked = () => slow.become("completed");
  expect(await corvo(`wait ${jobB} --timeout 20s`)).toMatchObject({ code: 0 });
  expect(slow.looks).toBe(2);
});
