import { expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

/** Every name of spec/metrics.md, and those that are new here. */
const names = `corvo_throughput_enqueued_total corvo_throughput_completed_total corvo_throughput_failed_total corvo_lifecycle_streams_open
corvo_lifecycle_streams_max corvo_lifecycle_frames_inflight corvo_lifecycle_frames_max_inflight corvo_lifecycle_frames_total
corvo_lifecycle_streams_total corvo_lifecycle_overload_total corvo_lifecycle_idle_fetch_total corvo_cluster_is_leader
corvo_sqlite_mirror_lag_updates corvo_sqlite_mirror_dropped_total corvo_raft_apply_pending corvo_raft_apply_max_pending
corvo_raft_apply_overload_total corvo_raft_fetch_overload_total corvo_raft_applied_total corvo_raft_state corvo_raft_applied_index
corvo_raft_commit_index corvo_raft_snapshot_latest_index corvo_raft_queue_time_seconds corvo_raft_apply_time_seconds corvo_queues_total
corvo_queue_jobs corvo_jobs corvo_workers_registered corvo_workers_active corvo_process_goroutines corvo_process_heap_inuse_bytes
corvo_process_stack_inuse_bytes corvo_process_gc_pause_ns corvo_scheduler_promote_total corvo_scheduler_reclaim_total
corvo_scheduler_expire_total corvo_scheduler_purge_total corvo_scheduler_promote_errors_total corvo_scheduler_reclaim_errors_total
corvo_scheduler_expire_errors_total corvo_scheduler_purge_errors_total corvo_scheduler_last_promote_seconds
corvo_scheduler_last_reclaim_seconds corvo_scheduler_last_expire_seconds corvo_scheduler_last_purge_seconds corvo_http_requests_total
corvo_http_request_errors_total corvo_http_request_duration_seconds corvo_http_requests_in_flight corvo_rate_limit_throttled_total
corvo_metrics_errors_total corvo_queue_oldest_seconds corvo_job_waiting_seconds corvo_job_running_seconds corvo_lease_expiries_total
corvo_stale_fences_total corvo_log_sync_seconds corvo_event_loop_delay_seconds corvo_view_lag_entries`.split(/\s+/);

async function scrape(server: TestServer): Promise<{ text: string; value: (series: string) => number }> {
  const { text } = await server.rest.get("metrics");
  const lines = new Map(text.split("\n").map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
  return { text, value: (series) => lines.get(series) ?? Number.NaN };
}

it("every name is there, with help and type, and lines are well formed", async () => {
  const server = await serve();
  const { text } = await scrape(server);
  for (const name of names) {
    expect(text).toContain(`# HELP ${name} `);
    expect(text).toMatch(new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, "m"));
  }
  for (const line of text.split("\n").filter((each) => each !== ""))
    expect(line).toMatch(/^(# (HELP|TYPE) |[a-z_]+(\{([a-z]+="([^"\\\n]|\\.)*",?)+\})? (NaN|[+-]?(Inf|[\d.e+-]+))$)/);
  await server.stop();
});

it("what jobs did is counted over every path", async () => {
  const server = await serve({ "rate-limit-enabled": "true" });
  const { rest, rpc } = server;
  await rest.add("mail");
  await rpc.worker.enqueue({ queue: "mail" });
  await rpc.worker.enqueueBatch({ jobs: [{ queue: 'odd "name"\\' }, { queue: "mail" }] });
  const first = await rest.take("mail");
  const second = await rest.take("mail");
  await rest.post(`ack/${first.job_id}`, { fence: first.fence });
  expect((await rest.post(`ack/${second.job_id}`, { fence: second.fence + 1000 })).status).toBe(409);
  await rpc.worker.fail({ jobId: second.job_id, error: "no" });
  await rest.get("no/such/path/job_1");
  const { value, text } = await scrape(server);
  expect(value("corvo_throughput_enqueued_total")).toBe(4);
  expect(value("corvo_throughput_completed_total")).toBe(1);
  expect(value("corvo_throughput_failed_total")).toBe(1);
  expect(value("corvo_stale_fences_total")).toBe(1);
  expect(value("corvo_job_waiting_seconds_count")).toBe(2);
  expect(value("corvo_job_running_seconds_count")).toBe(2);
  expect(value('corvo_job_running_seconds_bucket{le="+Inf"}')).toBe(2);
  expect(value('corvo_queue_jobs{queue="mail",state="pending"}')).toBe(1);
  expect(value('corvo_queue_jobs{queue="mail",state="retrying"}')).toBe(1);
  expect(value('corvo_queue_jobs{queue="odd \\"name\\"\\\\",state="pending"}')).toBe(1);
  expect(value('corvo_queue_oldest_seconds{queue="mail",state="pending"}')).toBeGreaterThanOrEqual(0);
  expect(value('corvo_queue_oldest_seconds{queue="mail",state="retrying"}')).toBeGreaterThanOrEqual(0);
  expect(value("corvo_raft_apply_time_seconds_count")).toBeGreaterThan(4);
  expect(value("corvo_log_sync_seconds_count")).toBeGreaterThan(4);
  expect(value('corvo_http_requests_total{method="POST",route="/api/v1/ack/{job_id}"}')).toBe(2);
  expect(value('corvo_http_request_errors_total{method="POST",route="/api/v1/ack/{job_id}"}')).toBe(1);
  expect(value('corvo_http_request_duration_seconds_count{method="POST",route="/corvo.v1.WorkerService/Enqueue"}')).toBe(1);
  expect(text).not.toContain("job_1"); // unknown paths are one route
  await server.stop();
});

it("the log as JSON has stable keys, and neither it nor the metrics know a payload", async () => {
  const server = await serve({ "log-level": "debug" });
  const secret = "s3cr3t-payload";
  const { rest } = server;
  const id = await rest.add("mail", { payload: { secret }, tags: { secret }, unique_key: secret });
  const job = await rest.take("mail");
  await rest.post(`fail/${job.job_id}`, { error: secret, backtrace: secret });
  await rest.post("enqueue", `{"queue":"mail","payload":{"secret":"${secret}`);
  await rest.post("enqueue", { queue: "", payload: secret });
  await rest.post(`jobs/${id}/approve`, { secret }, { authorization: `Bearer ${secret}` });
  const { text } = await rest.get("metrics");
  await server.stop();
  expect([...server.lines, text].join("\n")).not.toContain(secret);
});
