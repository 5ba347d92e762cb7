import type { FakeServer } from "../fake-server.js";

const batch = {
  id: "batch_18a3f7c2e41b9a000000000c41",
  state: "running",
  total: 3,
  pending: 1,
  succeeded: 2,
  failed: 0,
  cancelled: 0,
  deleted: 0,
  callback_queue: "reports.done",
  created_at: "2025-01-02T03:04:05.006Z",
};
const chain = {
  id: "chn_18a3f7c2e41b9a000000000c42",
  state: "running",
  step: 1,
  steps: [{ queue: "ingest", job_id: "job_18a3f7c2e41b9a000000000c41" }, { queue: "clean", job_id: "job_18a3f7c2e41b9a000000000c77" }, { queue: "load" }],
  on_failure: { queue: "alarm" },
  created_at: "2025-01-02T03:04:05.006Z",
};

/** What the made-up server answers to the commands of `commands/together.ts`: the examples in their help run against it. */
export function answers(server: FakeServer): void {
  const job = "/api/v1/jobs/job_18a3f7c2e41b9a000000000c41";
  server
    .on("POST /api/v1/batch", 201, { batch_id: batch.id })
    .on(`POST /api/v1/batch/${batch.id}/seal`, 200, { status: "sealed" })
    .on(`GET /api/v1/batches/${batch.id}`, 200, batch)
    .on("GET /api/v1/batches", 200, { batches: [batch] })
    .on("GET /api/v1/batches?state=running", 200, { batches: [batch] })
    .on("POST /api/v1/enqueue/batch", 201, { job_ids: ["job_18a3f7c2e41b9a000000000c41", "job_18a3f7c2e41b9a000000000c77"], batch_id: batch.id })
    .on(`GET /api/v1/chains/${chain.id}`, 200, chain)
    .on("GET /api/v1/chains", 200, { chains: [chain] })
    .on("GET /api/v1/chains?state=failed", 200, { chains: [] })
    .on(`GET ${job}/dependencies`, 200, {
      depends_on: [{ job_id: "job_18a3f7c2e41b9a000000000c77", state: "dead", met: false, reason: "job_18a3f7c2e41b9a000000000c77 is dead: retry it" }],
      waiting: 1,
      dependents: [],
    })
    .on(`GET ${job}/children`, 200, { total: 2, pending: 1, succeeded: 1, failed: 0, cancelled: 0, deleted: 0, jobs: [] });
}
