import { expect, test } from "vitest";
import type { Rest } from "../../../server/test/rest.js";
import { add, counts, killedAt, living, temporaryFolder, verified } from "./aimed.js";

/** Four blocks and a half: the last one is not full. */
const jobs = 2250;
const flags = { "snapshot-threshold": "20", "snapshot-log-min": "64KiB", "log-segment-size": "64KiB" };

async function ended(rest: Rest, id: string) {
  for (;;) {
    const { json } = await rest.get(`bulk/${id}`);
    if (json.status !== "running") return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What became of each job, by outcome; every one is told once. */
async function outcomes(rest: Rest, id: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const seen = new Set<string>();
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: { items: { job_id: string; outcome: string }[]; cursor?: string } = (await rest.get(`bulk/${id}/items?limit=1000&cursor=${cursor}`)).json;
    for (const { job_id, outcome } of page.items) {
      expect(seen.has(job_id)).toBe(false);
      seen.add(job_id);
      found[outcome] = (found[outcome] ?? 0) + 1;
    }
    cursor = page.cursor || undefined;
  }
  return found;
}

/** One death after the other, each of which finds what the one before left. */
const deaths: [place: string, hit: number][] = [
  ["bulk-begin-before", 1],
  ["bulk-begin-after", 1],
  ["bulk-block-before", 1],
  ["bulk-block-after", 2],
  ["bulk-block-before", 2],
  ["bulk-block-after", 2], // the last block
];

/** Dies again and again while the operation goes on; what has become of it in the end. */
async function through(dir: string, request: object) {
  for (const [place, hit] of deaths) await killedAt(place, hit, dir, flags, ({ rest }) => rest.post("jobs/bulk", request));
  // The caller who got no answer asks again with the same request id: it is the same operation.
  return await living(dir, flags, async ({ rest }) => {
    const again = await rest.post("jobs/bulk", request);
    expect(again.status).toBe(202);
    return await ended(rest, again.json.bulk_operation_id);
  });
}

test("an operation in the background goes on where its process died, wherever that was, and counts each job once", async () => {
  const dir = temporaryFolder();
  const ids = await living(dir, flags, async ({ rest }) => {
    const all = await add(rest, "q", jobs);
    for (const id of all.slice(0, 10)) await rest.post(`jobs/${id}/cancel`);
    await rest.delete(`jobs/${all[10]}`);
    return all;
  });
  const cancelled = await through(dir, { action: "cancel", job_ids: ids, async: true, request_id: "cancel-all" });
  expect(cancelled).toMatchObject({ status: "completed", total: jobs, processed: jobs, affected: jobs - 11, skipped: { wrong_state: 10, not_found: 1 } });

  // The way back: all of them run again, from the archive.
  const retried = await through(dir, { action: "retry", job_ids: ids, async: true, request_id: "retry-all" });
  expect(retried).toMatchObject({ status: "completed", total: jobs, processed: jobs, affected: jobs - 1, skipped: { not_found: 1 } });
  await living(dir, flags, async ({ rest }) => {
    expect(await outcomes(rest, cancelled.id)).toEqual({ done: jobs - 11, wrong_state: 10, not_found: 1 });
    expect(await outcomes(rest, retried.id)).toEqual({ done: jobs - 1, not_found: 1 });
    expect((await rest.get("bulk")).json).toHaveLength(2);
    const given = new Set<string>();
    for (let left = jobs - 1; left > 0; ) {
      const { json } = await rest.post("fetch/batch", { queues: ["q"], worker_id: "w", count: 100, timeout: 30 });
      for (const { job_id } of json.jobs) expect(given.size).toBeLessThan(given.add(job_id).size);
      left -= json.jobs.length;
    }
    expect((await rest.get("queues")).json).toMatchObject([{ name: "q", pending: 0, active: jobs - 1 }]);
  });
  await verified(dir);
});

test("a preview dies with its process, and nothing has happened; an operation that was cancelled stays so", async () => {
  const dir = temporaryFolder();
  const ids = await living(dir, flags, ({ rest }) => add(rest, "q", jobs));
  let token = "";
  await killedAt("bulk-begin-before", 1, dir, flags, async ({ rest }) => {
    ({ token } = (await rest.post("jobs/bulk/preview", { action: "cancel", filter: { queue: "q" } })).json);
    await rest.post("jobs/bulk", { action: "cancel", token, async: true });
  });
  expect(token).toMatch(/^plan_/);
  await living(dir, flags, async ({ rest }) => {
    const late = await rest.post("jobs/bulk", { action: "cancel", token });
    expect([late.status, late.json.code]).toEqual([409, "SCOPE_CHANGED"]);
    expect(await counts(rest, ids)).toEqual({ pending: jobs });
  });
  let id = "";
  await killedAt("bulk-cancel-after", 1, dir, flags, async ({ rest }) => {
    id = (await rest.post("jobs/bulk", { action: "cancel", job_ids: ids, async: true })).json.bulk_operation_id;
    await rest.post(`bulk/${id}/cancel`);
  });
  await living(dir, flags, async ({ rest }) => {
    const task = (await rest.get(`bulk/${id}`)).json;
    // It may have been through before.
    expect(["cancelled", "completed"]).toContain(task.status);
    const { affected } = task;
    expect(await counts(rest, ids)).toEqual({ ...(affected > 0 && { cancelled: affected }), ...(affected < jobs && { pending: jobs - affected }) });
    expect((await rest.get(`bulk/${id}`)).json).toEqual(task);
  });
});
