import { beforeAll, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came
async function reasons(id: string): Promise<any[]> {
  return (await server.rest.get(`jobs/${id}/explain`)).json.reasons;
}

it("explain names the budget, the policy and the guardrail that holds a job", async () => {
  await server.rest.post("budgets", { scope: "queue", target: "spent", daily_usd: 1, on_exceed: "hold" });
  const first = await server.rest.add("spent");
  const second = await server.rest.add("spent");
  await server.rest.take("spent");
  await server.rest.post(`ack/${first}`, { usage: { cost_usd: 2 } });
  expect((await server.rest.post("fetch", { queues: ["spent"], worker_id: "w", timeout: 1 })).status).toBe(204);
  const [budget] = await reasons(second);
  expect(budget).toMatchObject({ code: "budget_spent", until: expect.stringMatching(/T00:00:00Z$/), detail: expect.stringContaining("budget") });

  await server.rest.post("approval-policies", { name: "look", queue: "agents", enabled: true });
  const agent = await server.rest.add("agents", { agent: { max_iterations: 9 } });
  await server.rest.take("agents");
  await server.rest.post(`ack/${agent}`, { agent_status: "continue" });
  expect(await reasons(agent)).toMatchObject([{ code: "held_by_policy", name: "look", remedy: `corvo approve ${agent}` }]);

  const limited = await server.rest.add("limited", { agent: { max_iterations: 1 } });
  await server.rest.take("limited");
  await server.rest.post(`ack/${limited}`, { agent_status: "continue" });
  expect(await reasons(limited)).toMatchObject([{ code: "guardrail", detail: "max_iterations exceeded (1)" }]);
});
