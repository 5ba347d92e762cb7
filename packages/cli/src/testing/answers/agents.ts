import { type FakeServer, jobA, jobB } from "../fake-server.js";

const policyId = "apol_18a3f7c2e41b9a000000000c41";
const sums = { input_tokens: 1200, output_tokens: 340, cache_creation_tokens: 100, cache_read_tokens: 300, cost_usd: 0.84, count: 6 };
const created = "2026-01-01T00:00:00Z";

/** What the made-up server answers to the commands of `commands/agents.ts`: the examples in their help run against it. */
export function answers(server: FakeServer): void {
  server.on(`POST /api/v1/jobs/${jobA}/replay`, 201, { job_id: jobB, status: "pending", unique_existing: false });
  server.on(`GET /api/v1/jobs/${jobA}/iterations`, 200, {
    iterations: [
      { id: 1, job_id: jobA, iteration: 1, status: "continue", cost_usd: 0.1, model: "m", created_at: created },
      { id: 2, job_id: jobA, iteration: 2, status: "hold", hold_reason: "max_iterations exceeded (1)", created_at: created },
    ],
  });
  server.on("POST /api/v1/jobs/search", 200, { jobs: [{ id: jobA, queue: "agents.research", state: "held" }], total: 1, has_more: false, duration_ms: 0 });
  const window = { period: "24h", from: "2025-12-31T00:00:00Z", to: created };
  server.on("GET /api/v1/usage/summary", 200, { ...window, totals: sums, groups: [{ key: "m", ...sums }] });
  const budget = { id: "budget_18a3f7c2e41b9a000000000c41", scope: "queue", target: "agents.research", on_exceed: "hold", created_at: created };
  server.on("GET /api/v1/budgets", 200, [{ ...budget, daily_usd: 10, spent_usd: 2.5, exceeded: false, resets_at: "2026-01-02T00:00:00Z" }]);
  server.on("POST /api/v1/budgets", 200, { ...budget, daily_usd: 10, spent_usd: 0, exceeded: false });
  for (const path of ["queue/agents.research", "tag/tenant:acme", "global/*"]) server.on(`DELETE /api/v1/budgets/${path}`, 200, { status: "deleted" });
  const policy = { id: policyId, name: "risky", mode: "any", enabled: true, tag_key: "risk", tag_value: "high", created_at: created };
  server.on("GET /api/v1/approval-policies", 200, [policy]);
  server.on("POST /api/v1/approval-policies", 200, policy);
  server.on(`DELETE /api/v1/approval-policies/${policyId}`, 200, { status: "deleted" });
}
