import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Answer, Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

/** On every answer that is not RPC (spec/rest.md §1). */
function expectCommonHeaders({ headers }: Answer): void {
  expect(headers["server-timing"]).toMatch(/^proc;dur=\d+\.\d{3}$/);
  expect(headers["access-control-allow-origin"]).toBe("*");
  expect(headers["access-control-allow-methods"]).toBe("GET, POST, PUT, DELETE, OPTIONS");
  for (const name of ["Content-Type", "Authorization", "X-API-Key", "X-Corvo-Namespace", "Idempotency-Key"])
    expect(headers["access-control-allow-headers"]).toContain(name);
}

describe("every answer", () => {
  it.each([
    ["GET", "/healthz", 200],
    ["GET", "/livez", 200],
    ["GET", "/readyz", 200],
    ["GET", "/openapi.json", 200],
    ["GET", "/docs", 200],
    ["GET", "info", 200],
    ["GET", "metrics", 200],
    ["GET", "queues", 200],
    ["GET", "debug/runtime", 200],
    ["POST", "enqueue", 400],
    ["GET", "jobs/none", 404],
    ["GET", "/nowhere", 404],
    ["POST", "nowhere", 404],
    ["GET", "enqueue", 405],
    ["HEAD", "/healthz", 405],
    ["POST", "/healthz", 405],
    ["PUT", "queues", 405],
    ["OPTIONS", "enqueue", 200],
    ["OPTIONS", "/healthz", 200],
    ["OPTIONS", "/nowhere", 200],
  ])("%s %s: %i, with its time and for every origin", async (method, path, status) => {
    const answer = await rest.call(method, path);
    expect(answer.status).toBe(status);
    expectCommonHeaders(answer);
    if (status === 405 || method === "OPTIONS") expect(answer.text).toBe("");
    if (status === 404 && path.includes("nowhere")) expect(answer.text).toBe("404 page not found\n");
    if (answer.json !== undefined && path !== "/openapi.json") expect(answer.headers["content-type"]).toBe("application/json");
  });

  it("Server-Timing says how long it really took", async () => {
    const from = performance.now();
    const { headers } = await rest.post("fetch", { queues: ["timing"], timeout: 1 });
    const ms = Number(/dur=([\d.]+)/.exec(String(headers["server-timing"]))?.[1]);
    expect(ms).toBeGreaterThan(990);
    expect(ms).toBeLessThanOrEqual(performance.now() - from + 1);
    const metrics = await rest.get("metrics");
    expect(Number(/dur=([\d.]+)/.exec(String(metrics.headers["server-timing"]))?.[1])).toBeGreaterThan(0);
  });

  it("a REST answer is JSON and a newline", async () => {
    expect((await rest.get("info")).text).toMatch(/^\{.*\}\n$/);
    expect((await rest.get("jobs/none")).text).toMatch(/^\{.*\}\n$/);
  });

  it("a page of another origin may ask first", async () => {
    const answer = await rest.call("OPTIONS", "enqueue", undefined, { origin: "https://example.com", "access-control-request-method": "POST" });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expectCommonHeaders(answer);
  });
});

describe("probes and facts", () => {
  it("/healthz says who leads", async () => {
    expect((await rest.get("/healthz")).json).toEqual({ status: "ok", raft_state: "Leader", leader: true });
    expect((await rest.get("/livez")).json).toEqual({ status: "ok" });
    expect((await rest.get("/readyz")).json).toEqual({ status: "ok" });
  });

  it("GET /info", async () => {
    expect((await rest.get("info")).json).toEqual({
      server_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      api_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });

  it("GET /cluster/status has every field of the specification", async () => {
    await rest.add("status");
    const { json } = await rest.get("cluster/status");
    expect(json).toMatchObject({
      mode: "cluster",
      state: "Leader",
      status: "healthy",
      leader_id: "node-1",
      node_id: "node-1",
      raft_nosync: false,
      raft_store: "segments",
      apply_max_pending: 16_384,
      apply_pending_now: 0,
      overload_total: 0,
      nodes: [{ id: "node-1", voter: true, role: "Leader", self: true }],
    });
    expect(json.applied_index).toBe(json.commit_index);
    expect(Number(json.applied_index)).toBeGreaterThan(1);
    expect(json.applied_total).toBeGreaterThan(0);
    expect(json.live_jobs).toBeGreaterThanOrEqual(1);
    expect(json.state_hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it("reads change nothing: no log entry, the same state", async () => {
    const before = (await rest.get("cluster/status")).json;
    for (const path of ["queues", "workers", "info", "metrics", "debug/runtime", "jobs/none", "/healthz", "/openapi.json"]) await rest.get(path);
    const after = (await rest.get("cluster/status")).json;
    expect([after.applied_index, after.state_hash]).toEqual([before.applied_index, before.state_hash]);
  });

  it("GET /debug/runtime holds the numbers that load generators read", async () => {
    const { json } = await rest.get("debug/runtime");
    for (const name of ["goroutines", "gomaxprocs", "heap_inuse_bytes", "stack_inuse_bytes", "gc_pause_p99_ns", "cpu_user_ns", "cpu_sys_ns"])
      expect(json[name]).toEqual(expect.any(Number));
  });

  it("what does not exist is not found", async () => {
    for (const path of ["org", "org/members", "nothing"]) expect([path, (await rest.get(path)).status]).toEqual([path, 404]);
  });
});

describe("documents", () => {
  it("/openapi.json is OpenAPI 3.1 and names every route that answers", async () => {
    const { json, headers } = await rest.get("/openapi.json");
    expect([json.openapi.slice(0, 3), headers["content-type"], headers["cache-control"]]).toEqual(["3.1", "application/json", "public, max-age=300"]);
    for (const [path, item] of Object.entries(json.paths as Record<string, Record<string, unknown>>)) {
      for (const method of Object.keys(item).filter((key) => ["get", "post", "put", "delete"].includes(key))) {
        if (method === "post" && /\/(enqueue|webhooks|fetch)/.test(path)) continue;
        const answer = await rest.call(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, "none"), method === "get" ? undefined : "{}");
        expect([method, path, answer.status !== 405 && answer.text !== "404 page not found\n"]).toEqual([method, path, true]);
      }
    }
  });

  it("/docs is a page that needs nothing from elsewhere", async () => {
    const { text, headers } = await rest.get("/docs");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(text).toMatch(/^<!doctype html>/i);
    expect(text).not.toMatch(/(src|href)="https?:/);
  });

  it("the bare address leads there, and says what there is", async () => {
    const { status, headers, text } = await rest.get("/");
    expect([status, headers.location]).toEqual([302, "/docs"]);
    for (const path of text.match(/\/\S+/g) ?? []) if (path !== "/api/v1") expect([path, (await rest.get(path)).status]).toEqual([path, 200]);
    expect(text).toMatch(/^Corvo \d.*\/docs .*\/readyz/);
  });

  it("both are gone with --docs-enabled=false", async () => {
    const plain = await serve({ "docs-enabled": "false" });
    for (const path of ["/docs", "/openapi.json"])
      expect([(await plain.rest.get(path)).status, (await plain.rest.get(path)).text]).toEqual([404, "404 page not found\n"]);
    const root = await plain.rest.get("/");
    expect([root.status, root.text.includes("docs")]).toEqual([200, false]);
    await plain.stop();
  });
});

/** Values of a Prometheus text by series, labels included. */
function series(text: string): Map<string, number> {
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

describe("GET /metrics", () => {
  const names = [
    ...["enqueued", "completed", "failed"].map((what) => `corvo_throughput_${what}_total`),
    ...["streams_open", "streams_max", "frames_inflight", "frames_max_inflight", "frames_total", "streams_total", "overload_total", "idle_fetch_total"].map(
      (what) => `corvo_lifecycle_${what}`,
    ),
    "corvo_cluster_is_leader",
    ...["apply_pending", "apply_max_pending", "apply_overload_total", "applied_total", "state", "applied_index", "commit_index", "snapshot_latest_index"].map(
      (what) => `corvo_raft_${what}`,
    ),
    ...["queue_time_seconds", "apply_time_seconds"].map((what) => `corvo_raft_${what}`),
    ...["corvo_queues_total", "corvo_queue_jobs", "corvo_jobs", "corvo_workers_registered", "corvo_workers_active"],
    ...["goroutines", "heap_inuse_bytes", "stack_inuse_bytes", "gc_pause_ns"].map((what) => `corvo_process_${what}`),
    ...["promote", "reclaim", "expire", "purge"].flatMap((task) => [
      `corvo_scheduler_${task}_total`,
      `corvo_scheduler_${task}_errors_total`,
      `corvo_scheduler_last_${task}_seconds`,
    ]),
    ...["requests_total", "request_errors_total", "request_duration_seconds", "requests_in_flight"].map((what) => `corvo_http_${what}`),
  ];

  it("has the series of spec/metrics.md, each with HELP and TYPE", async () => {
    const { text, headers } = await rest.get("metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    for (const name of names) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} .`, "m"));
      expect(text).toMatch(new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, "m"));
    }
    const bounds = [...text.matchAll(/^corvo_raft_queue_time_seconds_bucket\{le="([^"]+)"\}/gm)].map((match) => Number(match[1].replace("+Inf", "Infinity")));
    expect(bounds).toEqual([5e-5, 1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, Number.POSITIVE_INFINITY]);
  });

  it("counts what happened on every path", async () => {
    const read = async (): Promise<Map<string, number>> => series((await rest.get("metrics")).text);
    const before = await read();
    const grown = async (name: string): Promise<number> => ((await read()).get(name) ?? 0) - (before.get(name) ?? 0);
    await rest.post("enqueue/batch", { jobs: [{ queue: "m" }, { queue: "m" }] });
    await rest.post("webhooks/m", "1");
    await server.rpc.worker.enqueue({ queue: "m" });
    const { jobs } = (await rest.post("fetch/batch", { queues: ["m"], count: 4, worker_id: "metric-worker" })).json;
    await rest.post("ack/batch", { acks: [{ job_id: jobs[0].job_id }] });
    await server.rpc.worker.ack({ jobId: jobs[1].job_id });
    await rest.post(`fail/${jobs[2].job_id}`, { error: "e" });
    await rest.post("ack/none");
    expect(await grown("corvo_throughput_enqueued_total")).toBe(4);
    expect(await grown("corvo_throughput_completed_total")).toBe(2);
    expect(await grown("corvo_throughput_failed_total")).toBe(1);
    const now = await read();
    for (const [state, count] of Object.entries({ pending: 0, active: 1, completed: 2, retrying: 1, dead: 0 }))
      expect(now.get(`corvo_queue_jobs{queue="m",state="${state}"}`)).toBe(count);
    expect(now.get("corvo_cluster_is_leader")).toBe(1);
    expect(now.get("corvo_raft_state")).toBe(2);
    expect(now.get("corvo_raft_commit_index")).toBe(now.get("corvo_raft_applied_index"));
    expect(now.get("corvo_workers_active")).toBeGreaterThanOrEqual(1);
    expect(now.get('corvo_jobs{state="active"}')).toBeGreaterThanOrEqual(1);
    expect(await grown('corvo_http_requests_total{method="POST",route="/api/v1/ack/{job_id}"}')).toBe(1);
    expect(await grown('corvo_http_request_errors_total{method="POST",route="/api/v1/ack/{job_id}"}')).toBe(1);
    expect(await grown('corvo_http_requests_total{method="POST",route="/corvo.v1.WorkerService/Ack"}')).toBe(1);
    expect(now.get('corvo_http_request_duration_seconds_count{method="POST",route="/api/v1/enqueue/batch"}')).toBeGreaterThanOrEqual(1);
  });

  it("labels are route templates: ids, queue names and unknown paths add no series", async () => {
    const routes = async (): Promise<string[]> =>
      [...series((await rest.get("metrics")).text).keys()].filter((key) => key.startsWith("corvo_http_requests_total"));
    await Promise.all([rest.get("jobs/a"), rest.post("queues/a/pause"), rest.get("/a"), rest.get("/healthz")]);
    const before = await routes();
    for (let i = 0; i < 20; i++) await Promise.all([rest.get(`jobs/b${i}`), rest.post(`queues/c${i}/pause`), rest.get(`/d${i}`), rest.get("/healthz?x=1")]);
    expect(await routes()).toEqual(before);
    expect(before.some((key) => key.includes('route="/healthz"'))).toBe(true);
  });

  it("a queue name with quotes, backslashes and line breaks is escaped", async () => {
    await rest.add('q"\\\n');
    expect((await rest.get("metrics")).text).toContain('corvo_queue_jobs{queue="q\\"\\\\\\n",state="pending"} 1');
  });
});
