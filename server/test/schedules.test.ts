import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

const schedule = async (name: string) => (await rest.get(`schedules/${name}`)).json;

describe("a schedule over REST", () => {
  it("is made, shown, changed, and told by words of the calendar", async () => {
    const body = {
      name: "nightly",
      cron: "30 2 * * *",
      timezone: "Europe/Madrid",
      job: { queue: "reports", payload: { kind: 1.0 } },
      jitter: "10s",
      description: "d",
    };
    const made = await rest.post("schedules", body);
    expect([made.status, made.json]).toEqual([201, { id: expect.stringMatching(/^sched_[0-9a-f]{26}$/), name: "nightly", replaced: false }]);
    const shown = await schedule("nightly");
    expect(shown).toMatchObject({
      name: "nightly",
      cron: "30 2 * * *",
      timezone: "Europe/Madrid",
      overlap: "skip",
      catch_up: "last",
      jitter: "10s",
      paused: false,
      runs: 0,
      skipped: 0,
      missed: 0,
      job: { queue: "reports", payload: { kind: 1 } },
    });
    const next = (await rest.get("schedules/nightly/next?count=2")).json.runs as string[];
    expect(next).toHaveLength(2);
    for (const at of next) expect(new Date(at).toLocaleTimeString("en-GB", { timeZone: "Europe/Madrid" })).toBe("02:30:00");
    const first = Date.parse(shown.next_run_at) - Date.parse(next[0]);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThanOrEqual(10_000);
    const put = await rest.call("PUT", "schedules/nightly", { ...body, name: undefined, cron: "@every 1h", overlap: "buffer_one", catch_up: "ALL" });
    expect([put.status, put.json.replaced, put.json.id]).toEqual([200, true, made.json.id]);
    expect(await schedule("nightly")).toMatchObject({ cron: "@every 1h", overlap: "buffer_one", catch_up: "all" });
    const list = (await rest.get("schedules")).json.schedules as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual(["nightly"]);
    expect((await rest.delete("schedules/nightly")).json).toEqual({ status: "deleted" });
    expect((await rest.get("schedules/nightly")).status).toBe(404);
    expect((await rest.delete("schedules/nightly")).status).toBe(404);
  });

  it("adds a job at each slot, exactly one, in time and never early", async () => {
    await rest.post("schedules", { name: "second", cron: "* * * * * *", overlap: "allow", job: { queue: "ticks", priority: "high" } });
    await rest.post("schedules", { name: "every", cron: "@every 1s", overlap: "allow", job: { queue: "ticks" } });
    const seen = new Map<string, number>();
    for (const endMs = Date.now() + 20_000; seen.size < 6 && Date.now() < endMs; ) {
      const { json } = await rest.post("fetch", { queues: ["ticks"], worker_id: "w", timeout: 1 });
      if (!json) continue;
      const job = await rest.job(json.job_id);
      const late = Date.parse(job.created_at) - Date.parse(job.schedule_slot_at);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(seen.has(`${job.schedule_id} ${job.schedule_slot_at}`)).toBe(false);
      seen.set(`${job.schedule_id} ${job.schedule_slot_at}`, late);
      await rest.post(`ack/${json.job_id}`);
    }
    expect(seen.size).toBeGreaterThanOrEqual(6);
    expect(new Set([...seen.keys()].map((key) => key.split(" ")[0])).size).toBe(2);
    for (const name of ["second", "every"]) {
      expect((await rest.post(`schedules/${name}/pause`)).json).toEqual({ status: "paused" });
      const paused = await schedule(name);
      expect(paused).toMatchObject({ paused: true, runs: expect.any(Number), last_job_id: expect.stringMatching(/^job_/) });
      expect(paused.next_run_at).toBeUndefined();
    }
    const run = await rest.post("schedules/second/run");
    expect([run.status, run.json.job_id]).toEqual([201, expect.stringMatching(/^job_/)]);
    expect((await rest.job(run.json.job_id)).schedule_id).toMatch(/^sched_/);
    expect((await rest.post("schedules/second/resume")).json).toEqual({ status: "resumed" });
    expect(Date.parse((await schedule("second")).next_run_at)).toBeGreaterThan(Date.now() - 1000);
    await rest.delete("schedules/second");
    await rest.delete("schedules/every");
  });

  it("pages", async () => {
    for (let i = 0; i < 5; i++) await rest.post("schedules", { name: `p${i}`, cron: "@daily", job: { queue: "p" } });
    const names: string[] = [];
    let token = "";
    do {
      const { json } = await rest.get(`schedules?limit=2${token && `&page_token=${token}`}`);
      names.push(...json.schedules.map((one: { name: string }) => one.name));
      token = json.next_page_token ?? "";
    } while (token);
    expect(names).toEqual(["p0", "p1", "p2", "p3", "p4"]);
  });
});

describe("refusals name the field", () => {
  const good = { name: "x", cron: "@daily", job: { queue: "q" } };
  const bad: [string, Record<string, unknown>, string][] = [
    ["name", { ...good, name: "" }, "name"],
    ["no cron", { ...good, cron: undefined }, "cron"],
    ["a wrong minute", { ...good, cron: "61 * * * *" }, "cron"],
    ["words", { ...good, cron: "now and then" }, "cron"],
    ["@reboot", { ...good, cron: "@reboot" }, "cron"],
    ["an interval below a second", { ...good, cron: "@every 10ms" }, "cron"],
    ["time zone", { ...good, timezone: "Mars/Olympus" }, "timezone"],
    ["no job", { ...good, job: undefined }, "job"],
    ["no queue", { ...good, job: {} }, "job.queue"],
    ["a time of its own", { ...good, job: { queue: "q", scheduled_at: "2030-01-01T00:00:00Z" } }, "job.scheduled_at"],
    ["jitter", { ...good, jitter: "2h" }, "jitter"],
  ];
  it.each(bad)("%s", async (_what, body, field) => {
    const answer = await rest.post("schedules", body);
    expect([answer.status, answer.json.field], answer.text).toEqual([400, field]);
    expect((await rest.post("schedules?validate_only=true", body)).status).toBe(400);
  });
  it("says whether it would be good", async () => {
    expect((await rest.post("schedules?validate_only=true", good)).status).toBe(201);
    expect((await rest.get("schedules/x")).status).toBe(404);
    expect((await rest.post("enqueue", { queue: "q", schedule_id: "sched_x" })).status).toBe(201); // no such field in REST
  });
});

describe("next runs follow the clocks of the zone", () => {
  it("of an expression that is being tried out", async () => {
    const { json } = await rest.get(`next-runs?cron=${encodeURIComponent("0 12 * * *")}&timezone=Asia%2FTokyo&count=3`);
    expect(json.runs).toHaveLength(3);
    for (const at of json.runs) expect(at).toMatch(/T03:00:00Z$/);
    expect((await rest.get("next-runs?cron=@every%2010m&count=2")).json.runs).toHaveLength(2);
    expect((await rest.get("next-runs?cron=nonsense")).status).toBe(400);
    expect((await rest.get("next-runs")).status).toBe(400);
    expect((await rest.get("schedules/nobody/next")).status).toBe(404);
  });
});
