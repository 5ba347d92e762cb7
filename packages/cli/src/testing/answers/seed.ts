import type { FakeServer } from "../fake-server.js";

/** What `corvo seed demo` calls beyond what other examples do. */
export function answers(server: FakeServer): void {
  for (const path of ["budgets", "approval-policies", "webhooks"]) server.on(`POST /api/v1/${path}`, 200, { status: "ok" });
  for (const name of ["nightly-report", "health-check"]) server.on(`PUT /api/v1/schedules/${name}`, 201, { name });
  server.on("POST /api/v1/enqueue/batch", 201, { job_ids: [], batch_id: "batch_1" });
  server.on("POST /api/v1/heartbeat", 200, { jobs: {} });
  server.on("POST /api/v1/queues/videos.encode/concurrency", 200, { status: "ok" });
  server.on("POST /api/v1/queues/webhooks.out/throttle", 200, { status: "ok" });
  server.on("POST /api/v1/queues/maintenance/pause", 200, { status: "paused" });
}
