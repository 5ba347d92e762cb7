import { beforeAll, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

const absent = "job_18ea0fd52f904a40ffffffffff";

it.each([
  ["GET", "schedules/none", undefined, 404, "name"],
  ["DELETE", "schedules/none", undefined, 404, "name"],
  ["POST", "schedules/none/pause", {}, 400, "name"],
  ["POST", "schedules/none/run?validate_only=true", {}, 400, "name"],
  ["POST", "webhooks/none/test", {}, 400, "id"],
  ["POST", "webhooks/none/redeliver", { event_ids: ["1"] }, 400, "id"],
  ["GET", "webhooks/none/deliveries", undefined, 404, "id"],
  ["POST", `ack/${absent}`, {}, 400, "job_id"],
  ["POST", `fail/${absent}`, { error: "e" }, 400, "job_id"],
  ["POST", `release/${absent}`, {}, 400, "job_id"],
  ["POST", `jobs/${absent}/step`, { checkpoint: {} }, 400, "job_id"],
  ["POST", `jobs/${absent}/replay`, { from: 1 }, 400, "job_id"],
  ["POST", `jobs/${absent}/retry`, {}, 400, "job_id"],
  ["DELETE", `jobs/${absent}`, undefined, 404, "job_id"],
  ["GET", "bulk/bulk_none/progress", undefined, 404, "id"],
] as const)("%s %s: what is not there is named by its field", async (method, path, body, status, field) => {
  const answer = await server.rest.call(method, path, body);
  expect([answer.status, answer.json.field, answer.json.error]).toEqual([status, field, expect.stringContaining("not found")]);
});

it("a wrong state is about the job, a stale fence about the fence", async () => {
  const id = await server.rest.add("fields");
  const idle = await server.rest.post(`ack/${id}`, {});
  expect([idle.json.error, idle.json.field]).toEqual([`job ${id} is not active`, "job_id"]);
  const { fence } = await server.rest.take("fields");
  const late = await server.rest.post(`ack/${id}`, { fence: fence + 1 });
  expect([late.status, late.json.code, late.json.field]).toEqual([409, "STALE_FENCE", "fence"]);
  // A field that the verb names itself stays.
  const wrong = await server.rest.post(`ack/${id}`, { fence, agent_status: "done" });
  expect(wrong.json.field).toBe("agent_status");
});
