import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
async function explain(id: string): Promise<any> {
  const { status, json, text } = await server.rest.get(`jobs/${id}/explain`);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return json;
}
const codes = (answer: { reasons: { code: string }[] }): string[] => answer.reasons.map((reason) => reason.code);

describe("GET /api/v1/jobs/{id}/explain", () => {
  it("tells why a job waits, and what changes it", async () => {
    const first = await server.rest.add("mail");
    const second = await server.rest.add("mail");
    expect(await explain(second)).toMatchObject({
      job_id: second,
      queue: "mail",
      state: "pending",
      place: 2,
      pending: 2,
      summary: "no worker asks for jobs of queue mail",
      reasons: [
        { code: "no_worker", name: "mail" },
        { code: "in_line", current: 1, message: "1 other job is before it in queue mail" },
      ],
      log_index: expect.any(Number),
    });
    await server.rest.post("queues/mail/pause");
    const paused = await explain(first);
    expect(codes(paused)).toEqual(["queue_paused", "no_worker"]);
    expect(paused.reasons[0]).toMatchObject({ remedy: "corvo resume mail", at: expect.stringMatching(/Z$/) });
    await server.rest.post("queues/mail/resume");
    await server.rest.post("queues/mail/concurrency", { max: 1 });
    const taken = await server.rest.take("mail");
    expect(taken.job_id).toBe(first);
    expect((await explain(second)).reasons).toEqual([
      {
        code: "concurrency_limit",
        message: "1 jobs of queue mail are running, and its limit is 1",
        job_ids: [first],
        workers: ["w1"],
        limit: 1,
        current: 1,
        remedy: "corvo concurrency mail 2",
      },
    ]);
    expect((await explain(first)).reasons[0]).toMatchObject({ code: "running", workers: ["w1"], until: expect.any(String) });
    await server.rest.post(`fail/${first}`, { error: "SMTP 535" });
    expect((await explain(first)).reasons[0]).toMatchObject({ code: "retry_backoff", detail: "SMTP 535", until: expect.any(String) });
    expect(codes(await explain(second))).toEqual(["ready"]);
    await server.rest.post(`jobs/${second}/hold`);
    expect((await explain(second)).reasons[0]).toMatchObject({ code: "held", remedy: `corvo approve ${second}` });
    await server.rest.post(`jobs/${second}/reject`);
    expect(await explain(second)).toMatchObject({ state: "dead", reasons: [{ code: "finished", name: "dead", remedy: `corvo retry ${second}` }] });
    const later = await server.rest.add("mail", { scheduled_at: "2100-01-01T00:00:00Z" });
    expect(await explain(later)).toMatchObject({
      state: "scheduled",
      reasons: [{ code: "scheduled", until: "2100-01-01T00:00:00Z" }],
      estimated_start_at: "2100-01-01T00:00:00Z",
    });
    const unknown = await server.rest.get("jobs/job_18a3f7c2e41b9a000000000c41/explain");
    expect([unknown.status, unknown.json.code]).toEqual([404, "NOT_FOUND"]);
  });

  it("a fetch that sleeps on the queue is somebody who asks", async () => {
    await server.rest.post("queues/asked/pause");
    const id = await server.rest.add("asked");
    expect(codes(await explain(id))).toEqual(["queue_paused", "no_worker"]);
    const fetch = server.rest.post("fetch", { queues: ["asked"], worker_id: "w", timeout: 30 });
    await expect.poll(async () => codes(await explain(id)), { timeout: 20_000 }).toEqual(["queue_paused"]);
    fetch.abort();
    await fetch.catch(() => {});
  });

  it("places are exact, an answer takes little also where the line is long, and the estimate comes from what was measured", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 30; i++) {
      const { json } = await server.rest.post("enqueue/batch", { jobs: Array.from({ length: 512 }, () => ({ queue: "deep" })) });
      ids.push(...json.job_ids);
    }
    for (const n of [0, 1, 1023, 1024, 7000, 15_359]) expect((await explain(ids[n])).place).toBe(n + 1);
    await server.rest.post(`jobs/${ids[5]}/cancel`);
    await server.rest.delete(`jobs/${ids[2000]}`);
    expect((await explain(ids[7000])).place).toBe(6999);
    const urgent = await server.rest.add("deep", { priority: "critical" });
    expect([(await explain(urgent)).place, (await explain(ids[7000])).place]).toEqual([1, 7000]);
    const fromMs = Date.now();
    for (let i = 0; i < 40; i++) {
      await server.rest.post("fetch/batch", { queues: ["deep"], worker_id: "w", count: 10, timeout: 60 });
      if (Date.now() - fromMs < 1100) await new Promise((resolve) => setTimeout(resolve, 40));
    }
    const { rate_per_second: rate, place, estimated_start_at: at, log_index: index } = await explain(ids[15_359]);
    expect(index).toBeGreaterThan(0);
    expect(rate).toBeGreaterThan(10);
    expect(place).toBe(15_359 - 399 - 1);
    expect(new Date(at).getTime() - Date.now()).toBeGreaterThan((place / rate) * 1000 * 0.8);
    expect(new Date(at).getTime() - Date.now()).toBeLessThan((place / rate) * 1000 * 1.2);
  });
});
