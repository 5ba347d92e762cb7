import { expect, it } from "vitest";
import { serve } from "./harness.js";

it("--raft-max-fetch-inflight: more fetches of one queue at a time are OVERLOADED; when they come again every job is handed out once", async () => {
  const { rest } = await serve({ "raft-max-fetch-inflight": "1" });
  await rest.post("enqueue/batch", { jobs: Array.from({ length: 40 }, () => ({ queue: "q" })) });
  let refused = 0;
  const fetchOne = async (): Promise<string> => {
    for (;;) {
      const answer = await rest.post("fetch", { queues: ["q", "other"], worker_id: "w", timeout: 5 });
      if (answer.status === 200) return answer.json.job_id;
      expect([answer.status, answer.json]).toMatchObject([429, { code: "OVERLOADED", error: 'raft apply overloaded for fetch queue "q"' }]);
      const { retry_after_ms: ms } = answer.json;
      expect(ms >= 2 && ms <= 7).toBe(true);
      expect(Number(answer.headers["retry-after"])).toBe(ms / 1000);
      refused++;
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  };
  const ids = await Promise.all(Array.from({ length: 40 }, fetchOne));
  expect(new Set(ids).size).toBe(40);
  expect(refused).toBeGreaterThan(0);
  expect((await rest.get("cluster/status")).json.overload_total).toBe(refused);
});

it("those that sleep do not count, and other queues are not held back", async () => {
  const { rest } = await serve({ "raft-max-fetch-inflight": "1" });
  const sleepers = Array.from({ length: 10 }, () => rest.post("fetch", { queues: ["q"], worker_id: "w", timeout: 30 }));
  const asleep = (count: number) =>
    expect.poll(async () => (await rest.get("metrics")).text, { timeout: 20_000 }).toMatch(new RegExp(`^corvo_fetch_waiters ${count}$`, "m"));
  await asleep(10);
  const ids = [await rest.add("q")];
  await rest.add("r");
  expect((await rest.take("r")).queue).toBe("r");
  expect((await Promise.race(sleepers)).json.job_id).toBe(ids[0]);
  await asleep(9);
  for (let i = 0; i < 9; i++) ids.push(await rest.add("q"));
  const answers = await Promise.all(sleepers);
  expect(answers.map(({ status, json }) => [status, json.job_id]).sort()).toEqual(ids.map((id) => [200, id]).sort());
});

it("without the flag nobody is refused", async () => {
  const { rest } = await serve();
  await rest.post("enqueue/batch", { jobs: Array.from({ length: 100 }, () => ({ queue: "q" })) });
  const answers = await Promise.all(Array.from({ length: 100 }, () => rest.post("fetch", { queues: ["q"], worker_id: "w", timeout: 5 })));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
});
