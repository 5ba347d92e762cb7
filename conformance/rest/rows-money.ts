import type { Case, Row, World } from "./row.js";
import { aQueue } from "./rows-worker.js";
import { bool, idOf, int, listWith, time } from "./shape.js";

const budget = { id: idOf("budget_"), scope: "queue", target: "{queue}", daily_usd: 5, per_job_usd: 1, on_exceed: "hold", created_at: time };
const refused =
  (code: string) =>
  (what: string, body: unknown, error: string): Case => ({ what, body, status: 400, code, error });
const budgetRefused = refused("BUDGET_ERROR");
const policyRefused = refused("POLICY_ERROR");
const webhookRefused = refused("WEBHOOK_ERROR");

const aBudget = async (world: World) => {
  const queue = world.queue();
  await world.rest.post("budgets", { scope: "queue", target: queue, daily_usd: 5, per_job_usd: 1 });
  return { queue };
};
const aPolicy = async (world: World) => {
  const { json } = await world.rest.post("approval-policies", { name: "n", queue: world.queue() });
  return { policy: String(json?.id ?? "missing") };
};
const aWebhook = async (world: World) => {
  const { json } = await world.rest.post("webhooks", { url: "http://192.0.2.1/hook", enabled: false });
  return { hook: String(json?.id ?? "missing") };
};

/** §6.5 */
export const moneyRows: readonly Row[] = [
  { method: "GET", path: "/budgets", cases: [{ what: "all of them", given: aBudget, status: 200, answers: listWith(budget) }] },
  {
    method: "POST",
    path: "/budgets",
    cases: [
      { what: "set", given: aQueue, body: { scope: "queue", target: "{queue}", daily_usd: 5, per_job_usd: 1 }, status: 200, answers: budget },
      {
        what: "for a tag",
        given: aQueue,
        body: { scope: "tag", target: "tenant:{queue}", daily_usd: 5, on_exceed: "alert_only" },
        status: 200,
        answers: { scope: "tag", on_exceed: "alert_only" },
      },
      { what: "in total", body: { scope: "global", daily_usd: 1_000_000, on_exceed: "alert_only" }, status: 200, answers: { scope: "global", target: "*" } },
      budgetRefused("a wrong scope", { scope: "x", target: "t", daily_usd: 1 }, 'invalid budget scope: "x"'),
      budgetRefused("no target", { scope: "queue", daily_usd: 1 }, 'target is required for scope "queue"'),
      budgetRefused("a wrong on_exceed", { scope: "queue", target: "q", daily_usd: 1, on_exceed: "x" }, 'invalid on_exceed: "x"'),
      budgetRefused("below zero", { scope: "queue", target: "q", daily_usd: -1 }, "daily_usd must be >= 0"),
      budgetRefused("no limit", { scope: "queue", target: "q" }, "at least one limit is required (daily_usd or per_job_usd)"),
    ],
  },
  {
    method: "DELETE",
    path: "/budgets/{scope}/{target}",
    cases: [
      { what: "done", given: aBudget, at: "/budgets/queue/{queue}", status: 200, answers: { status: "deleted" } },
      { what: "absent", given: aQueue, at: "/budgets/queue/{queue}", status: 200, answers: { status: "deleted" } },
    ],
  },
  {
    method: "GET",
    path: "/approval-policies",
    cases: [
      { what: "newest first", given: aPolicy, status: 200, answers: listWith({ id: "{policy}", name: "n", mode: "any", enabled: true, created_at: time }) },
    ],
  },
  {
    method: "POST",
    path: "/approval-policies",
    cases: [
      {
        what: "set",
        given: aQueue,
        body: { name: "n", mode: "all", queue: "{queue}", tag_key: "k", tag_value: "v", enabled: false },
        status: 200,
        answers: { id: idOf("apol_"), name: "n", mode: "all", enabled: false, queue: "{queue}", tag_key: "k", tag_value: "v", created_at: time },
      },
      policyRefused("no name", { queue: "q" }, "name is required"),
      policyRefused("a wrong mode", { name: "n", mode: "x", queue: "q" }, "mode must be one of: any, all"),
    ],
  },
  {
    method: "DELETE",
    path: "/approval-policies/{id}",
    cases: [
      { what: "done", given: aPolicy, at: "/approval-policies/{policy}", status: 200, answers: { status: "deleted" } },
      { what: "unknown", at: "/approval-policies/apol_none", status: 400, code: "POLICY_ERROR", error: "approval policy not found: apol_none" },
    ],
  },
  {
    method: "GET",
    path: "/webhooks",
    cases: [
      {
        what: "oldest first",
        given: aWebhook,
        status: 200,
        answers: listWith({ id: "{hook}", url: "http://192.0.2.1/hook", events: ["*"], enabled: bool, retry_limit: int, created_at: time }),
      },
    ],
  },
  {
    method: "POST",
    path: "/webhooks",
    cases: [
      {
        what: "set",
        body: { url: "https://192.0.2.1/hook", events: ["completed"], secret: "s", enabled: false, retry_limit: 2 },
        status: 200,
        answers: { status: "ok", id: idOf("wh_") },
        ours: "the id that was made, where Corvo says an empty text",
      },
      webhookRefused("no url", { enabled: false }, "url is required"),
      webhookRefused("a wrong url", { url: "ftp://x" }, "url must start with http:// or https://"),
    ],
  },
  {
    method: "DELETE",
    path: "/webhooks/{id}",
    cases: [{ what: "done", given: aWebhook, at: "/webhooks/{hook}", status: 200, answers: { status: "deleted", id: "{hook}" } }],
  },
];
