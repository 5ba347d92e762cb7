import { type FakeServer, jobA, jobB } from "../fake-server.js";

const summary = { queue: "emails.send", state: "dead", payload: {}, priority: 2, attempt: 3, max_retries: 3, created_at: "2026-01-01T11:00:00Z" };

/** What the made-up server answers to the commands of `commands/view.ts`: the examples in their help run against it. */
export function answers(server: FakeServer): void {
  const jobs = [jobA, jobB].map((id) => ({ id, ...summary }));
  server.on("POST /api/v1/jobs/search", 200, { jobs, total: 2, has_more: false, duration_ms: 1 });
  const groups = [{ queue: "emails.send", state: "dead", count: 2 }];
  server.on("POST /api/v1/jobs/bulk/preview", 200, { count: 2, eligible: 2, token: "plan_1", groups, sample: [jobA, jobB] });
  server.on("POST /api/v1/jobs/bulk", 200, { affected: 2, errors: 0, duration_ms: 12 });
  server.on("GET /api/v1/bulk", 200, [{ id: "bulk_1", status: "completed", action: "delete", total: 2, processed: 2, affected: 2, errors: 0 }]);
  const group = { id: "v1:0123456789abcdef", queue: "emails.send", words: "SMTP 535 auth failed", sample: "SMTP 535 auth failed", failures: 312, dead: 40 };
  server.on("GET /api/v1/errors", 200, { groups: [group], total: 1 });
  server.on("GET /api/v1/bulk/bulk_m3w_1", 200, { id: "bulk_m3w_1", status: "completed", action: "delete", total: 2, processed: 2, affected: 2, errors: 0 });
  server.on("GET /api/v1/bulk/bulk_m3w_1/items", 200, { items: [{ job_id: jobA, outcome: "done" }] });
  server.on("POST /api/v1/bulk/bulk_m3w_1/cancel", 200, { status: "cancelled" });
  server.on("GET /api/v1/bulk/bulk_1", 200, { id: "bulk_1", status: "completed", action: "delete", total: 2, processed: 2, affected: 2, errors: 0 });
}
