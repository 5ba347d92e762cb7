import type { Row, World } from "./row.js";
import { aFetchedJob, aJob } from "./rows-worker.js";
import { anything, idOf } from "./shape.js";

const anOpenBatch = async (world: World) => {
  const { json } = await world.rest.post("batch", { callback_queue: world.queue() });
  return { batch: String(json?.batch_id ?? "missing") };
};

/** What Corvo v0.3 did not have: calls of newer clients (§11) and our own. */
export const oursRows: readonly Row[] = [
  { method: "GET", path: "//livez", cases: [{ what: "alive", status: 200, answers: { status: "ok" } }] },
  { method: "GET", path: "//readyz", cases: [{ what: "ready", status: 200, answers: { status: "ok" } }] },
  { method: "POST", path: "/batch", cases: [{ what: "an open batch", body: { callback_queue: "cb" }, status: 201, answers: { batch_id: idOf("batch_") } }] },
  { method: "POST", path: "/batch/{id}/seal", cases: [{ what: "sealed", given: anOpenBatch, at: "/batch/{batch}/seal", status: 200 }] },
  { method: "POST", path: "/release/{job_id}", cases: [{ what: "given back", given: aFetchedJob, at: "/release/{id}", body: {}, status: 200 }] },
  { method: "GET", path: "/jobs/{id}/explain", cases: [{ what: "why it is not running", given: aJob, status: 200, answers: { reasons: anything } }] },
];
