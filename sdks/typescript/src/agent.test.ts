import { afterAll, beforeAll, expect, test } from "vitest";
import { agent, connect, Worker } from "./index.js";
import { during, Events } from "./testing/events.js";
import { TestServer } from "./testing/server.js";

let server: TestServer;
let client: ReturnType<typeof connect>;
beforeAll(async () => {
  server = await TestServer.start();
  client = connect({ url: server.url });
});
afterAll(async () => {
  client.close();
  await server.end();
});

test("an agent goes on, asks a person, is sent back with a note, and is done; every iteration is on record", async () => {
  const events = new Events();
  const worker = new Worker(client, { signals: false, onEvent: events.onEvent });
  const seen: unknown[] = [];
  worker.handle<{ goal: string }, { answer: string }>("agents.sdk", (payload, { job }) => {
    seen.push([job.agent?.iteration, job.agent?.totalCostUsd, job.checkpoint, job.revisionNote, payload.goal]);
    if (job.agent?.iteration === 1) return agent.continue({ checkpoint: { step: 1 }, usage: { costUsd: 0.1, inputTokens: 10, model: "m" } });
    if (job.revisionNote === "") return agent.hold("42 emails?", { usage: { costUsd: 0.2 } });
    return agent.done({ answer: "sent" }, { usage: { costUsd: 0.05 } });
  });
  const id = await during(worker, async () => {
    const { id } = await client.enqueue("agents.sdk", { goal: "x" }, { agent: { maxIterations: 9, iterationTimeoutMs: 60_000 }, tags: { tenant: "acme" } });
    await events.until("acked", 2);
    expect(await client.job(id)).toMatchObject({ state: "held", holdReason: "42 emails?", costUsd: 0.3 });
    await client.revise(id, { payload: { goal: "y" }, note: "one is enough" });
    await events.until("acked", 3);
    return id;
  });
  expect(seen).toEqual([
    [1, 0, undefined, "", "x"],
    [2, 0.1, { step: 1 }, "", "x"],
    [2, 0.3, { step: 1 }, "one is enough", "y"],
  ]);
  expect(await client.job(id)).toMatchObject({ state: "completed", result: { answer: "sent" }, revisions: 1, costUsd: 0.35 });
  expect((await client.agents.iterations(id)).map(({ iteration, status, costUsd }) => [iteration, status, costUsd])).toEqual([
    [1, "continue", 0.1],
    [2, "hold", 0.2],
    [2, "done", 0.05],
  ]);
  const again = await client.job(await client.agents.replay(id, 1));
  expect(again).toMatchObject({
    state: "pending",
    checkpoint: { step: 1 },
    payload: { goal: "y" },
    agent: { iteration: 1, totalCostUsd: 0, maxIterations: 9 },
  });
  await expect(client.agents.replay(id, 0)).rejects.toMatchObject({ message: "from must be > 0" });
  await client.cancel(again.id);
  const { totals, groups } = await client.money.usage({ groupBy: "queue" });
  expect(totals.costUsd).toBeGreaterThanOrEqual(0.35);
  expect(groups[0]).toMatchObject({ key: "agents.sdk", costUsd: 0.35, count: 3 });
  expect(await client.money.billing({ period: "7d" })).toMatchObject([{ namespace: "default" }]);
});

test("budgets: jobs are held at the limit and come back when it is raised", async () => {
  const queue = "money.sdk";
  const a = await client.enqueue(queue, 1);
  await client.fetch([queue], { waitMs: 0 });
  expect(await client.reportUsage(a.id, { costUsd: 0.5 })).toEqual({ over: false, status: "ok" });
  await client.ack(a.id, { usage: { costUsd: 0.5 } });
  const set = await client.money.setBudget({ queue }, { dailyUsd: 1 });
  expect(set).toMatchObject({ scope: { queue }, dailyUsd: 1, onExceed: "hold", spentUsd: 1, exceeded: true });
  const b = await client.enqueue(queue, 2);
  expect(await client.fetch([queue], { waitMs: 0 })).toEqual([]);
  expect(await client.job(b.id)).toMatchObject({ state: "held", holdReason: `budget exceeded for queue "${queue}"` });
  await client.money.setBudget({ queue }, { dailyUsd: 2, perJobUsd: 1, onExceed: "reject" });
  expect((await client.fetch([queue], { waitMs: 5_000 })).map(({ id }) => id)).toEqual([b.id]);
  await expect(client.ack(b.id, { usage: { costUsd: 1.5 } })).rejects.toMatchObject({ reason: "BUDGET_EXCEEDED" });
  expect(await client.reportUsage(b.id, { costUsd: 1.5 })).toEqual({ over: true, status: "ok" });
  expect((await client.job(b.id)).state).toBe("cancelled");
  await expect(client.fetch([queue], { waitMs: 0 })).rejects.toMatchObject({ reason: "BUDGET_EXCEEDED", message: `budget exceeded for queue "${queue}"` });
  expect((await client.money.budgets()).map(({ scope, exceeded }) => [scope, exceeded])).toEqual([[{ queue }, true]]);
  await client.money.deleteBudget({ queue });
  expect(await client.money.budgets()).toEqual([]);
});

test("an approval policy holds what costs too much", async () => {
  const policy = await client.agents.addPolicy("costly", { tags: { risk: "high" }, minCostUsd: 1, mode: "all" });
  expect(policy).toMatchObject({ name: "costly", mode: "all", enabled: true, tags: { risk: "high" }, minCostUsd: 1 });
  const { id } = await client.enqueue("policy.sdk", 1, { agent: {}, tags: { risk: "high" } });
  await client.fetch(["policy.sdk"]);
  expect(await client.ack(id, { agentStatus: "continue", usage: { costUsd: 0.9 } })).toEqual({ state: "pending", holdReason: "" });
  await client.fetch(["policy.sdk"]);
  expect(await client.ack(id, { agentStatus: "continue", usage: { costUsd: 0.1 } })).toEqual({ state: "held", holdReason: "approval policy matched: costly" });
  await client.reject(id, { note: "too dear" });
  expect(await client.job(id)).toMatchObject({ state: "dead", revisionNote: "too dear" });
  expect((await client.agents.policies()).map(({ id }) => id)).toEqual([policy.id]);
  await client.agents.deletePolicy(policy.id);
  await expect(client.agents.deletePolicy(policy.id)).rejects.toMatchObject({ reason: "NOT_FOUND" });
});
