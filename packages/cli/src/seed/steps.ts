import { segment } from "../client.js";
import type { Seeder } from "./seeder.js";

type Step = (seeder: Seeder, count: number) => Promise<readonly string[]>;

const queues = ["emails.send", "reports.generate", "agents.research"];
const priorities = ["normal", "normal", "high", "low", "critical"];
const usage = (i: number) => ({
  input_tokens: 400 + 37 * i,
  output_tokens: 90 + 11 * i,
  cache_read_tokens: 120 * (i % 4),
  cache_creation_tokens: 40 * (i % 3),
  model: i % 3 === 0 ? "large-1" : "small-1",
  provider: "example",
  cost_usd: 0.002 + 0.0005 * (i % 7),
});
const inMs = (seeder: Seeder, ms: number): string => new Date(seeder.nowMs + ms).toISOString();

const budgets: Step = async (seeder) => {
  await seeder.post("budgets", { scope: "global", target: "*", daily_usd: 25, on_exceed: "alert_only" });
  await seeder.post("budgets", { scope: "queue", target: "agents.seed", daily_usd: 10, per_job_usd: 1.25, on_exceed: "hold" });
  return [];
};

/** The bulk of it: jobs of three queues, four of five of them done at once. */
const ordinary: Step = async (seeder, count) => {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const queue = queues[i % queues.length];
    const id = await seeder.enqueue({
      queue,
      payload: { n: i, to: `user${i}@example.com`, template: i % 2 ? "welcome" : "receipt" },
      priority: priorities[i % priorities.length],
      tags: { tenant: i % 2 ? "acme" : "globex", kind: "demo" },
      ...(i % 8 === 0 ? { retry_backoff: "exponential", retry_base_delay: "2s", retry_max_delay: "5m" } : {}),
      ...(i % 10 === 0 ? { expire_after: "24h" } : {}),
    });
    ids.push(id);
    if (i % 5 === 0) continue;
    const job = await seeder.fetch(queue);
    if (job) await seeder.ack(job, { result: { ok: true, n: i }, usage: usage(i) });
  }
  return ids;
};

const failing: Step = async (seeder) => {
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) {
    // Critical: no other job of the queue is fetched in its place, so it dies however many there are.
    const broken = { queue: "emails.send", payload: { to: `broken${i}@example.com` }, max_retries: 0, priority: "critical", tags: { tenant: "acme" } };
    ids.push(await seeder.enqueue(broken));
    const job = await seeder.fetch("emails.send");
    const error = i % 2 ? `SMTP 535 auth failed for user${i}@example.com` : `connect ECONNREFUSED 10.0.0.${i}:25`;
    if (job) await seeder.post(`fail/${segment(job.id)}`, { error, backtrace: "at send (mail.ts:41)", fence: job.fence });
  }
  return ids;
};

const scheduled: Step = async (seeder) => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++)
    ids.push(await seeder.enqueue({ queue: "reports.generate", payload: { report: i }, scheduled_at: inMs(seeder, (10 + i) * 60_000) }));
  return ids;
};

const unique: Step = async (seeder) => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++)
    ids.push(await seeder.enqueue({ queue: "emails.send", payload: { to: "dedup@example.com" }, unique_key: "email:dedup@example.com" }));
  return [...new Set(ids)];
};

const chain: Step = async (seeder) => {
  const id = await seeder.enqueue({
    queue: "pipeline.ingest",
    payload: { file: "orders.csv" },
    chain: {
      steps: [{ queue: "pipeline.ingest" }, { queue: "pipeline.transform", payload: { format: "parquet" } }, { queue: "pipeline.load" }],
      on_failure: { queue: "pipeline.alert" },
      on_exit: { queue: "pipeline.cleanup" },
    },
  });
  const job = await seeder.fetch("pipeline.ingest");
  if (job) await seeder.ack(job, { result: { rows: 1200 } });
  return [id];
};

const dependent: Step = async (seeder) => {
  const parents = [
    await seeder.enqueue({ queue: "reports.generate", payload: { part: 1 } }),
    await seeder.enqueue({ queue: "reports.generate", payload: { part: 2 } }),
  ];
  return [...parents, await seeder.enqueue({ queue: "reports.generate", payload: { part: "all" }, depends_on: parents })];
};

const family: Step = async (seeder) => {
  const parent = await seeder.enqueue({ queue: "agents.research", payload: { question: "what is a queue?" } });
  return [parent, await seeder.enqueue({ queue: "tools.fetch", payload: { url: "https://example.com" }, parent_id: parent })];
};

const batch: Step = async (seeder) => {
  const answer = await seeder.post("enqueue/batch", {
    jobs: [1, 2, 3, 4].map((n) => ({ queue: "thumbnails", payload: { image: `${n}.png` } })),
    batch: { callback_queue: "thumbnails.done", callback_payload: { album: "demo" } },
  });
  for (let i = 0; i < 2; i++) {
    const job = await seeder.fetch("thumbnails");
    if (job) await seeder.ack(job, { result: { width: 64 } });
  }
  return (answer.job_ids as string[] | undefined) ?? [];
};

const approvals: Step = async (seeder) => {
  await seeder.post(
    "approval-policies",
    { name: "spending needs a person", queue: "agents.research", tag_key: "requires_approval", tag_value: "true", mode: "all" },
    true,
  );
  const id = await seeder.enqueue({ queue: "agents.research", payload: { task: "buy" }, tags: { requires_approval: "true" }, agent: { max_iterations: 5 } });
  await seeder.post("webhooks", { url: "https://example.com/hooks/corvo", events: ["completed", "failed"], enabled: false, secret: "demo" }, true);
  return [id];
};

const held: Step = async (seeder) => {
  const id = await seeder.enqueue({ queue: "agents.research", payload: { task: "publish the report" } });
  await seeder.post(`jobs/${segment(id)}/hold`, {});
  return [id];
};

const agent: Step = async (seeder) => {
  const id = await seeder.enqueue({
    queue: "agents.seed",
    payload: { goal: "summarise the inbox" },
    agent: { max_iterations: 8, max_cost_usd: 2, iteration_timeout: "2m" },
  });
  for (let round = 1; round <= 3; round++) {
    const job = await seeder.fetch("agents.seed");
    if (!job) break;
    await seeder.ack(job, { agent_status: round < 3 ? "continue" : "done", checkpoint: { round, read: round * 12 }, result: { round }, usage: usage(round) });
  }
  return [id];
};

const guarded: Step = async (seeder) => {
  const id = await seeder.enqueue({ queue: "agents.seed", payload: { goal: "one try" }, agent: { max_iterations: 1 } });
  const job = await seeder.fetch("agents.seed");
  if (job) await seeder.ack(job, { agent_status: "continue", checkpoint: { round: 1 } });
  return [id];
};

/** Leased for long, with progress, as a worker would show it. */
const active: Step = async (seeder) => {
  await seeder.enqueue({ queue: "videos.encode", payload: { file: "talk.mp4" } });
  const job = await seeder.fetch("videos.encode", 3600);
  if (!job) return [];
  await seeder.post("heartbeat", { jobs: { [job.id]: { progress: { percent: 40 }, checkpoint: { frame: 7200 }, fence: job.fence } } });
  return [job.id];
};

const retrying: Step = async (seeder) => {
  await seeder.enqueue({ queue: "webhooks.out", payload: { order: 7 }, retry_base_delay: "30m", retry_max_delay: "2h" });
  const job = await seeder.fetch("webhooks.out");
  if (!job) return [];
  await seeder.post(`fail/${segment(job.id)}`, { error: "HTTP 503 from example.com", fence: job.fence });
  return [job.id];
};

const cancelled: Step = async (seeder) => {
  const id = await seeder.enqueue({ queue: "emails.send", payload: { to: "nobody@example.com" } });
  await seeder.post(`jobs/${segment(id)}/cancel`, {});
  return [id];
};

const schedules: Step = async (seeder) => {
  const nightly = { cron: "0 2 * * *", timezone: "Europe/Berlin", job: { queue: "reports.generate", payload: { kind: "nightly" } } };
  await seeder.call("PUT", "schedules/nightly-report", nightly, true);
  await seeder.call("PUT", "schedules/health-check", { cron: "@every 5m", overlap: "skip", job: { queue: "health.check", payload: {} } }, true);
  return [];
};

/** Queues with settings of their own. */
const settings: Step = async (seeder) => {
  await seeder.post(`queues/${segment("videos.encode")}/concurrency`, { max: 2 });
  await seeder.post(`queues/${segment("webhooks.out")}/throttle`, { rate: 100, window_ms: 60_000 });
  await seeder.enqueue({ queue: "maintenance", payload: { task: "vacuum" } });
  await seeder.post("queues/maintenance/pause", {});
  return [];
};

/** In this order; each is a name in the summary. The first ones are Corvo's own. */
export const steps: Readonly<Record<string, Step>> = {
  budgets,
  ordinary,
  failing,
  scheduled,
  unique,
  chain,
  dependent,
  approvals,
  held,
  agent,
  guarded,
  family,
  batch,
  active,
  retrying,
  cancelled,
  schedules,
  settings,
};
