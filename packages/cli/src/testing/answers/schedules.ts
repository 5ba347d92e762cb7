import { type FakeServer, jobA } from "../fake-server.js";

const nightly = {
  name: "nightly",
  id: "sched_18a3f7c2e41b9a000000000001",
  cron: "30 2 * * *",
  timezone: "Europe/Madrid",
  job: { queue: "reports.build", payload: { kind: "daily" } },
  overlap: "skip",
  catch_up: "last",
  paused: false,
  created_at: "2026-01-01T10:00:00Z",
  updated_at: "2026-01-01T10:00:00Z",
  next_run_at: "2026-01-02T01:30:00Z",
  last_slot_at: "2026-01-01T01:30:00Z",
  last_job_id: jobA,
  runs: 12,
  skipped: 1,
  missed: 0,
};

/** What the made-up server answers to the commands of `commands/schedules.ts`: the examples in their help run against it. */
export function answers(server: FakeServer): void {
  server.on("GET /api/v1/schedules", 200, { schedules: [nightly, { ...nightly, name: "beat", cron: "@every 5m", paused: true, next_run_at: undefined }] });
  server.on("GET /api/v1/schedules?limit=500", 200, { schedules: [nightly] });
  for (const name of ["nightly", "beat", "weekly", "emails.send"]) server.on(`PUT /api/v1/schedules/${name}`, 201, { id: nightly.id, name, replaced: false });
  server.on("GET /api/v1/schedules/nightly", 200, nightly);
  server.on("GET /api/v1/schedules/nightly/next", 200, { runs: ["2026-01-02T01:30:00Z", "2026-01-03T01:30:00Z"] });
  server.on("GET /api/v1/next-runs?count=3&cron=30+2+*+*+*&timezone=Europe%2FMadrid", 200, { runs: ["2026-01-02T01:30:00Z"] });
  for (const [verb, status] of Object.entries({ pause: "paused", resume: "resumed" })) server.on(`POST /api/v1/schedules/nightly/${verb}`, 200, { status });
  server.on("POST /api/v1/schedules/nightly/run", 201, { job_id: jobA });
  server.on("DELETE /api/v1/schedules/nightly", 200, { status: "deleted" });
}
