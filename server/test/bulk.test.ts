import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { BulkService } from "@corvo/gen/corvo/v1/bulk_pb.js";
import { SearchFilterSchema } from "@corvo/gen/corvo/v1/search_pb.js";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

const absent = "job_18ea0fd52f904a40ffffffffff";

async function add(queue: string, count: number, more: Record<string, unknown> = {}): Promise<string[]> {
  const { json } = await rest.post("enqueue/batch", { jobs: Array.from({ length: count }, () => ({ queue, ...more })) });
  return json.job_ids;
}

async function states(queue: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const job of (await rest.post("jobs/search", { queue, limit: 1000 })).json.jobs) found[job.state] = (found[job.state] ?? 0) + 1;
  return found;
}

async function ended(id: string) {
  for (;;) {
    const { json } = await rest.get(`bulk/${id}`);
    if (json.status !== "running") return json;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("POST /jobs/bulk with ids", () => {
  it("does all nine actions with the conditions of the single ones, archived jobs too", async () => {
    const ids = await add("nine", 4);
    const bulk = async (action: string, jobIds: string[], more: Record<string, unknown> = {}) => {
      const answer = await rest.post("jobs/bulk", { action, job_ids: jobIds, ...more });
      expect(answer.status, answer.text).toBe(200);
      return [answer.json.affected, answer.json.skipped];
    };
    expect(await bulk("change_priority", ids, { priority: "high" })).toEqual([4, undefined]);
    expect((await rest.job(ids[0])).priority).toBe(1);
    expect(await bulk("hold", ids.slice(0, 2))).toEqual([2, undefined]);
    expect(await bulk("hold", ids.slice(0, 3))).toEqual([1, { wrong_state: 2 }]);
    expect(await bulk("reject", [ids[0]])).toEqual([1, undefined]);
    expect(await bulk("approve", ids)).toEqual([2, { wrong_state: 2 }]);
    expect(await bulk("requeue", ids)).toEqual([1, { wrong_state: 3 }]);
    expect(await bulk("cancel", [...ids, absent])).toEqual([4, { not_found: 1 }]);
    expect(await bulk("move", ids, { move_to_queue: "nine.b" })).toEqual([4, undefined]);
    expect(await states("nine.b")).toEqual({ cancelled: 4 });
    expect(await bulk("retry", [...ids, ids[0]])).toEqual([4, undefined]);
    expect(await states("nine.b")).toEqual({ pending: 4 });
    expect(await bulk("delete", [...ids, "no id"])).toEqual([4, { not_found: 1 }]);
    expect(await states("nine.b")).toEqual({});
  });

  // Found by the model check over the wire, seed 772011.
  it("takes no id of no job for the job whose number it has, nor leaves another out for it", async () => {
    const ids = await add("forged", 3);
    const withTime = (id: string, digits: string): string => `job_${digits}${id.slice(20)}`;
    const [early, late] = ["18ea0fd52f904a40", "28ea0fd5342f6400"];
    const forged = [withTime(ids[0], early), withTime(ids[0], late), withTime(ids[1], late)];
    const bulk = async (action: string, jobIds: string[]) => {
      const { json } = await rest.post("jobs/bulk", { action, job_ids: jobIds });
      return [json.affected, json.skipped];
    };
    expect(await bulk("hold", [...ids, ...forged])).toEqual([3, { not_found: 3 }]);
    expect(await bulk("hold", forged)).toEqual([0, { not_found: 3 }]);
    expect(await bulk("approve", [...ids, ...forged])).toEqual([3, { not_found: 3 }]);
    expect(await bulk("cancel", [...forged, ...ids])).toEqual([3, { not_found: 3 }]);
    expect(await states("forged")).toEqual({ cancelled: 3 });
    expect(await bulk("retry", [forged[0], ids[0], forged[1], ...ids.slice(1)])).toEqual([3, { not_found: 2 }]);
    const begun = await rest.post("jobs/bulk", { action: "hold", job_ids: [...forged, ...ids], async: true });
    expect(await ended(begun.json.bulk_operation_id)).toMatchObject({ status: "completed", affected: 3 });
    expect(await states("forged")).toEqual({ held: 3 });
  });

  it("keeps the attempt of what is requeued, and starts anew what is retried", async () => {
    const [id] = await add("again", 1, { max_retries: 1 });
    const fetched = await rest.post("fetch", { queues: ["again"], worker_id: "w", timeout: 60 });
    await rest.post(`fail/${fetched.json.job_id}`, { error: "no" });
    await rest.post("jobs/bulk", { action: "requeue", job_ids: [id] });
    expect(await rest.job(id)).toMatchObject({ state: "pending", attempt: 1 });
    expect((await rest.post(`jobs/${id}/requeue`)).status).toBe(400);
    expect((await rest.post(`jobs/${id}/priority`, { priority: "critical" })).json).toEqual({ status: "changed" });
    expect(await rest.job(id)).toMatchObject({ priority: 0 });
  });

  it("runs jobs again whose dependencies are archived", async () => {
    const [first] = await add("before", 1);
    await rest.post("fetch", { queues: ["before"], worker_id: "w", timeout: 60 });
    await rest.post(`ack/${first}`);
    const ids = await add("behind", 2, { depends_on: [first] });
    for (const some of [ids, [ids[0]]]) {
      expect((await rest.post("jobs/bulk", { action: "cancel", job_ids: some })).json.affected).toBe(some.length);
      const answer = (await rest.post("jobs/bulk", { action: "retry", job_ids: some })).json;
      expect([answer.affected, answer.skipped]).toEqual([some.length, undefined]);
    }
    for (const id of ids) expect((await rest.job(id)).waiting_for).toBeUndefined();
    // Dead without ever having run: requeue is told the same.
    for (const action of ["hold", "reject", "requeue"]) expect((await rest.post("jobs/bulk", { action, job_ids: ids })).json.affected).toBe(2);
    expect((await rest.post("fetch/batch", { queues: ["behind"], worker_id: "w", timeout: 60, count: 5 })).json.jobs.length).toBe(2);
  });

  it("says what is missing", async () => {
    const [id] = await add("say", 1);
    for (const [body, code, error] of [
      [{ job_ids: [id] }, "VALIDATION_ERROR", "action is required"],
      [{ action: "explode", job_ids: [id] }, "BULK_ERROR", 'unknown bulk action: "explode"'],
      [{ action: "move", job_ids: [id] }, "BULK_ERROR", "move_to_queue is required for move action"],
      [{ action: "change_priority", job_ids: [id] }, "BULK_ERROR", "priority is required for change_priority action"],
      [{ action: "delete", filter: {} }, "VALIDATION_ERROR", "a bulk filter needs at least one condition"],
    ] as const) {
      const answer = await rest.post("jobs/bulk", body);
      expect([answer.status, answer.json.code, answer.json.error]).toEqual([400, code, error]);
    }
    expect((await rest.post("jobs/bulk", { action: "explode" })).json).toMatchObject({ affected: 0, errors: 0 });
  });
});

describe("by filter", () => {
  it.each(["jobs/bulk", "jobs/bulk/preview"])("%s refuses one without a condition, or with one that is misspelled", async (path) => {
    const queue = `safe.${path.length}`;
    const ids = await add(queue, 2);
    for (const [filter, field, error] of [
      [{}, "filter", "a bulk filter needs at least one condition"],
      [{ queue: "", state: [], tags: {}, has_errors: false, created_after: null }, "filter", "a bulk filter needs at least one condition"],
      [{ queu: queue }, "filter.queu", "invalid JSON: filter.queu is not known"],
      [{ queue, sate: ["dead"] }, "filter.sate", "invalid JSON: filter.sate is not known"],
    ] as const) {
      const { status, json } = await rest.post(path, { action: "delete", filter });
      expect([status, json.code, json.field, json.error]).toEqual([400, "VALIDATION_ERROR", field, error]);
    }
    expect((await rest.post("jobs/bulk/preview", { action: "delete" })).json).toMatchObject({ code: "VALIDATION_ERROR", field: "filter" });
    // Beside the filter REST passes over what it does not know, as everywhere, and a search takes it as it always did.
    expect((await rest.post("jobs/search", { queue, sate: ["dead"] })).json.jobs.map((job: { id: string }) => job.id).sort()).toEqual(ids);
    expect((await rest.post("jobs/bulk/preview", { action: "delete", filter: { attempt_min: 0 }, colour: 1 })).json.count).toBeGreaterThanOrEqual(2);
  });

  it("refuses the same over RPC, and a condition of a newer client too", async () => {
    const [id] = await add("safe.rpc", 1);
    const bulk = createClient(BulkService, createConnectTransport({ baseUrl: server.url, httpVersion: "2" }));
    const newer = create(SearchFilterSchema, { queue: "safe.rpc" });
    newer.$unknown = [{ no: 199, wireType: 2, data: Uint8Array.of(1, 120) }];
    for (const filter of [{}, { state: [] }, newer]) {
      for (const call of [bulk.bulk({ action: "delete", filter }), bulk.previewBulk({ action: "delete", filter })]) {
        const thrown = await call.then(() => undefined, ConnectError.from);
        expect([thrown?.code, thrown?.findDetails(ErrorDetailSchema)[0]?.field]).toEqual([Code.InvalidArgument, "filter"]);
      }
    }
    expect((await rest.job(id)).state).toBe("pending");
  });

  it("acts on all that match, not on a page of them", async () => {
    await add("many", 120);
    const answer = await rest.post("jobs/bulk", { action: "cancel", filter: { queue: "many" } });
    expect(answer.json).toMatchObject({ affected: 120, errors: 0, duration_ms: expect.any(Number) });
    expect(await states("many")).toEqual({ cancelled: 120 });
  });

  it("acts on exactly what a preview found", async () => {
    const ids = await add("frozen", 3);
    const plan = (await rest.post("jobs/bulk/preview", { action: "cancel", filter: { queue: "frozen" } })).json;
    expect(plan).toMatchObject({ count: 3, eligible: 3, groups: [{ queue: "frozen", state: "pending", count: 3 }], sample: ids });
    await add("frozen", 2);
    await rest.delete(`jobs/${ids[0]}`);
    const wrong = await rest.post("jobs/bulk", { action: "cancel", token: plan.token, expected_count: 5 });
    expect([wrong.status, wrong.json.code]).toEqual([409, "SCOPE_CHANGED"]);
    const done = (await rest.post("jobs/bulk", { action: "cancel", token: plan.token, expected_count: 3 })).json;
    expect(done).toMatchObject({ affected: 2, skipped: { not_found: 1 } });
    expect(await states("frozen")).toEqual({ cancelled: 2, pending: 2 });
    expect((await rest.post("jobs/bulk", { action: "cancel", token: "plan_0" })).json.code).toBe("SCOPE_CHANGED");
  });
});

describe("in the background", () => {
  it("answers 202 with a task, tells of it, and keeps what became of each job", async () => {
    const ids = await add("back", 1200);
    await rest.delete(`jobs/${ids[7]}`);
    const begun = await rest.post("jobs/bulk", { action: "cancel", job_ids: ids, async: true });
    expect(begun.status).toBe(202);
    const id = begun.json.bulk_operation_id;
    expect(id).toMatch(/^bulk_[0-9a-z]+_[0-9a-z]+$/);
    expect(begun.json).toMatchObject({ status: "queued", estimated_total: 1200, progress_url: `/api/v1/bulk/${id}/progress` });
    expect(await ended(id)).toMatchObject({
      id,
      status: "completed",
      action: "cancel",
      total: 1200,
      processed: 1200,
      affected: 1199,
      errors: 0,
      skipped: { not_found: 1 },
    });
    expect((await rest.get(`bulk/${id}/items?outcome=not_found`)).json.items).toEqual([{ job_id: ids[7], outcome: "not_found" }]);
    const first = (await rest.get(`bulk/${id}/items?limit=700`)).json;
    const second = (await rest.get(`bulk/${id}/items?limit=700&cursor=${first.cursor}`)).json;
    expect([...first.items, ...second.items].map((item) => item.job_id)).toEqual(ids);
    expect((await rest.get("bulk")).json[0].id).toBe(id);
    expect((await rest.get("bulk/bulk_0_0")).status).toBe(404);
    const events = await rest.get(`bulk/${id}/progress`);
    expect(events.headers["content-type"]).toBe("text/event-stream");
    expect(events.text).toMatch(/^event: bulk\.async\.completed\ndata: \{"type":"bulk\.async\.completed","task_id":"bulk_[^\n]*\}\n\n$/);
  });

  it("goes on after a restart, and stops when it is cancelled", async () => {
    const one = await serve();
    const { json } = await one.rest.post("enqueue/batch", { jobs: Array.from({ length: 512 }, () => ({ queue: "q" })) });
    let all: string[] = json.job_ids;
    for (let i = 0; i < 19; i++)
      all = all.concat((await one.rest.post("enqueue/batch", { jobs: Array.from({ length: 500 }, () => ({ queue: "q" })) })).json.job_ids);
    const begun = await one.rest.post("jobs/bulk", { action: "cancel", job_ids: all, async: true });
    const id = begun.json.bulk_operation_id;
    await one.stop();
    const two = await serve({}, one.dir);
    for (;;) {
      const task = (await two.rest.get(`bulk/${id}`)).json;
      if (task.status === "completed") {
        expect(task.affected).toBe(all.length);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await two.rest.post(`bulk/${id}/cancel`)).json).toEqual({ status: "completed" });
    await two.stop();
  });
});

describe("counters", () => {
  it("counts every way, by minute", async () => {
    const one = await serve();
    await one.rest.post("enqueue/batch", { jobs: [{ queue: "c" }, { queue: "c", max_retries: 1 }, { queue: "c" }] });
    await one.rest.add("c");
    const jobs = (await one.rest.post("fetch/batch", { queues: ["c"], worker_id: "w", count: 3, timeout: 60 })).json.jobs;
    await one.rest.post("ack/batch", { acks: [{ job_id: jobs[0].job_id }] });
    await one.rest.post(`ack/${jobs[2].job_id}`, {});
    await one.rest.post(`fail/${jobs[1].job_id}`, { error: "cannot reach 10.0.0.1:8080 for ada@example.com after 12345 ms" });
    const minutes = (await one.rest.get("metrics/throughput")).json;
    expect(minutes.length).toBe(60);
    const sum = (name: string): number => minutes.reduce((total: number, minute: Record<string, number>) => total + minute[name], 0);
    expect([sum("enqueued"), sum("completed"), sum("failed")]).toEqual([4, 2, 1]);
    const stats = (await one.rest.get("stats?queue=c")).json;
    const total = (name: string): number => stats.points.reduce((all: number, point: Record<string, number>) => all + (point[name] ?? 0), 0);
    expect([total("enqueued"), total("started"), total("completed"), total("failed"), total("dead")]).toEqual([4, 3, 2, 1, 1]);
    const waits = stats.points.flatMap((point: { wait: number[] }) => point.wait).reduce((a: number, b: number) => a + b, 0);
    expect(waits).toBe(3);
    const groups = (await one.rest.get("errors")).json;
    expect(groups).toMatchObject({
      total: 1,
      groups: [{ queue: "c", words: "cannot reach <ip>:<port> for <email> after <n> ms", failures: 1, dead: 1, last_job_id: jobs[1].job_id }],
    });
    const found = await one.rest.post("jobs/search", { error_group: groups.groups[0].id });
    expect(found.json.jobs.map((job: { id: string }) => job.id)).toEqual([jobs[1].job_id]);
    await one.stop();
    const two = await serve({}, one.dir);
    expect((await two.rest.get("metrics/throughput")).json.reduce((all: number, minute: { enqueued: number }) => all + minute.enqueued, 0)).toBe(4);
    await two.stop();
  });
});
