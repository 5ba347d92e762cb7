import { readFileSync } from "node:fs";
import { machine } from "./ceilings.js";
import { type Measured, payloadOf, type StreamLoad, streamLoad, type Target } from "./loads.js";
import { restBatchLoad } from "./rest-load.js";
import { fetchText, type RuntimeFacts, runtimeFacts } from "./server-process.js";
import { commit, saveReport } from "./table.js";

/** Settings of `corvo bench`; names and defaults of spec/cli.md §8.1. */
export interface BenchOptions {
  server: string;
  apiKey: string;
  protocol: "rpc" | "http" | "matrix";
  jobs: number;
  concurrency: number;
  workers: number;
  workerQueues: boolean;
  repeats: number;
  repeatPauseMs: number;
  queue: string;
  enqueueBatchSize: number;
  fetchBatchSize: number;
  ackBatchSize: number;
  workDurationMs: number;
  /** Bytes of the payload; 2 is `{}` as Corvo's bench sends it. */
  payloadBytes: number;
  combined: boolean;
  preset: "" | "single-node" | "cluster" | "failure";
  save: string;
  compare: string;
  say: (line: string) => void;
}

export interface PhaseReport {
  ops_per_sec: number;
  p50_us: number;
  p90_us: number;
  p99_us: number;
  min_us: number;
  max_us: number;
  stddev_us: number;
  cv_pct: number;
  completed: number;
  errors: number;
  server_cpu_pct?: number;
  server_rss_mb?: number;
  server_gc_p99_us?: number;
}

export interface BenchReport {
  timestamp: string;
  commit: string;
  machine: { os: string; arch: string; cpus: number; memory_gb: number; hostname: string };
  server?: { mode: string; nodes: number; shards?: number; raft_store?: string; durable: boolean };
  preset?: string;
  config: Record<string, unknown>;
  enqueue?: PhaseReport;
  lifecycle?: PhaseReport;
  combined?: PhaseReport;
}

const presets: Record<string, Partial<BenchOptions>> = {
  "single-node": { jobs: 10_000, concurrency: 10, workers: 1 },
  cluster: { jobs: 50_000, concurrency: 50, workers: 5, workerQueues: true },
  failure: { jobs: 10_000, concurrency: 20, workers: 3, workDurationMs: 5 },
};

/** Values of a preset; flags that were given win over them. */
export function presetValues(name: string): Partial<BenchOptions> {
  return presets[name] ?? {};
}

/** Runs the phases against a server and prints them. Rejects when the server cannot be reached or jobs were not confirmed. */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const target: Target = { url: options.server.replace(/\/$/, ""), headers: options.apiKey === "" ? {} : { "x-api-key": options.apiKey } };
  const health = await fetchText(`${target.url}/healthz`).catch((cause: Error) => {
    throw new Error(`cannot reach ${target.url}: ${cause.message}`);
  });
  if (health.status !== 200) throw new Error(`${target.url}/healthz answered ${health.status}`);
  const report: BenchReport = {
    timestamp: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    config: config(options),
    ...(await serverFacts(target)),
  };
  if (options.preset !== "") report.preset = options.preset;
  options.say(
    `server ${target.url}  jobs ${options.jobs}  concurrency ${options.concurrency}  workers ${options.workers}  payload ${payloadOf(options.payloadBytes).length} B`,
  );
  for (const protocol of options.protocol === "matrix" ? (["rpc", "http"] as const) : ([options.protocol] as const)) {
    const rates: number[] = [];
    const tails: number[] = [];
    for (let repeat = 0; repeat < options.repeats; repeat++) {
      if (repeat > 0 && options.repeatPauseMs > 0) await new Promise((resolve) => setTimeout(resolve, options.repeatPauseMs));
      await clear(target, options);
      const last = await once(target, options, protocol, report);
      rates.push(last.ops_per_sec);
      tails.push(last.p99_us);
    }
    if (options.repeats > 1) {
      options.say(`${protocol}: ops/sec median ${at(rates, 0.5)}, p90 ${at(rates, 0.9)}; p99 median ${at(tails, 0.5)} µs, p90 ${at(tails, 0.9)} µs`);
    }
  }
  if (options.save !== "") saveReport(options.save, report);
  if (options.compare !== "") options.say(compareBench(JSON.parse(readFileSync(options.compare, "utf8")) as BenchReport, report));
  return report;
}

async function once(target: Target, options: BenchOptions, protocol: "rpc" | "http", report: BenchReport): Promise<PhaseReport> {
  const payload = payloadOf(options.payloadBytes);
  const load: StreamLoad = {
    jobs: options.jobs,
    ms: Number.POSITIVE_INFINITY,
    streams: options.concurrency,
    streamsPerConnection: 200,
    queue: options.queue,
    payload,
    enqueue: options.enqueueBatchSize,
    fetch: 0,
    leaseSeconds: 30,
    framesPerSecond: 0,
    count: "enqueue",
    workDurationMs: 0,
  };
  const adding = { ...load };
  const working: StreamLoad = {
    ...load,
    streams: options.concurrency * options.workers,
    enqueue: 0,
    fetch: Math.min(options.fetchBatchSize, Math.max(1, options.ackBatchSize)),
    count: "ack",
    workDurationMs: options.workDurationMs,
  };
  const runLoad = (of: StreamLoad): Promise<Measured> => (protocol === "rpc" ? perQueue(target, of, options) : restBatchLoad(target, of));
  if (options.combined) {
    report.combined = await phase(target, options, `${protocol} combined`, async () => {
      const [, worked] = await Promise.all([runLoad(adding), runLoad({ ...working, fetch: Math.max(options.fetchBatchSize, options.ackBatchSize) })]);
      return worked;
    });
    return report.combined;
  }
  report.enqueue = await phase(target, options, `${protocol} enqueue`, () => runLoad(adding));
  report.lifecycle = await phase(target, options, `${protocol} processing`, () => runLoad(working));
  return report.lifecycle;
}

/** One queue for all, or one per worker (`--worker-queues`). */
async function perQueue(target: Target, load: StreamLoad, options: BenchOptions): Promise<Measured> {
  if (!options.workerQueues || options.workers <= 1) return streamLoad(target, load);
  const shares = queues(options).map((queue, i, all) => ({
    ...load,
    queue,
    streams: Math.max(1, Math.floor(load.streams / all.length)),
    jobs: share(load.jobs, i, all.length),
  }));
  const results = await Promise.all(shares.map((one) => streamLoad(target, one)));
  const sum = results[0];
  for (const other of results.slice(1)) {
    sum.completed += other.completed;
    sum.errors += other.errors;
    sum.overloaded += other.overloaded;
    sum.elapsedMs = Math.max(sum.elapsedMs, other.elapsedMs);
    sum.firstError ??= other.firstError;
    sum.latencies.merge(other.latencies);
  }
  return sum;
}

function share(jobs: number, i: number, of: number): number {
  return Math.floor(jobs / of) + (i < jobs % of ? 1 : 0);
}

function queues(options: BenchOptions): string[] {
  return options.workerQueues && options.workers > 1 ? Array.from({ length: options.workers }, (_, i) => `${options.queue}.w${i}`) : [options.queue];
}

async function clear(target: Target, options: BenchOptions): Promise<void> {
  for (const queue of queues(options)) {
    await fetch(`${target.url}/api/v1/queues/${encodeURIComponent(queue)}/clear`, { method: "POST", headers: target.headers }).catch(() => {
      /* spec/cli.md §8.2: the result is ignored */
    });
  }
}

async function phase(target: Target, options: BenchOptions, name: string, run: () => Promise<Measured>): Promise<PhaseReport> {
  const before = await runtimeFacts(target.url);
  const measured = await run();
  const after = await runtimeFacts(target.url);
  const report = summarise(measured, before, after);
  options.say(`\n${name}`);
  options.say(`  completed: ${measured.completed}/${options.jobs} in ${(measured.elapsedMs / 1000).toFixed(3)}s`);
  if (measured.overloaded > 0) options.say(`  overloaded: ${measured.overloaded}`);
  if (measured.errors > 0) options.say(`  errors: ${measured.errors} (first: ${measured.firstError})`);
  options.say(`  ops/sec: ${report.ops_per_sec}`);
  for (const key of ["p50", "p90", "p99", "min", "max", "stddev"] as const) options.say(`  ${key}: ${report[`${key}_us`]} µs`);
  options.say(`  cv: ${report.cv_pct} %`);
  if (report.server_cpu_pct !== undefined) options.say(`  srv cpu: ${report.server_cpu_pct} %`);
  if (report.server_rss_mb !== undefined) options.say(`  srv rss: ${report.server_rss_mb} MB`);
  if (report.server_gc_p99_us !== undefined) options.say(`  srv gc99: ${report.server_gc_p99_us / 1000} ms`);
  if (measured.completed < options.jobs)
    throw new Error(
      `${name}: ${measured.completed} of ${options.jobs} jobs were confirmed${measured.firstError ? `; first error: ${measured.firstError}` : ""}`,
    );
  return report;
}

function summarise(m: Measured, before: RuntimeFacts | undefined, after: RuntimeFacts | undefined): PhaseReport {
  const l = m.latencies;
  const us = (value: number): number => Math.round(value);
  const report: PhaseReport = {
    ops_per_sec: Math.round((m.completed * 1000) / m.elapsedMs),
    p50_us: us(l.percentileUs(50)),
    p90_us: us(l.percentileUs(90)),
    p99_us: us(l.percentileUs(99)),
    min_us: us(l.count === 0 ? 0 : l.minUs),
    max_us: us(l.maxUs),
    stddev_us: us(l.stddevUs),
    cv_pct: l.avgUs === 0 ? 0 : Math.round((1000 * l.stddevUs) / l.avgUs) / 10,
    completed: m.completed,
    errors: m.errors,
  };
  if (before && after) {
    const cpuNs = after.cpu_user_ns + after.cpu_sys_ns - before.cpu_user_ns - before.cpu_sys_ns;
    report.server_cpu_pct = Math.round(cpuNs / (m.elapsedMs * 1e4) / Math.max(1, after.gomaxprocs));
    report.server_rss_mb = Math.round(Math.max(before.heap_inuse_bytes + before.stack_inuse_bytes, after.heap_inuse_bytes + after.stack_inuse_bytes) / 1e6);
    report.server_gc_p99_us = Math.round(after.gc_pause_p99_ns / 1000);
  }
  return report;
}

async function serverFacts(target: Target): Promise<Pick<BenchReport, "server">> {
  try {
    const body = JSON.parse((await fetchText(`${target.url}/api/v1/cluster/status`, target.headers)).body) as Record<string, unknown> & {
      groups?: Record<string, unknown>[];
    };
    const group = body.groups?.[0] ?? body;
    const nodes = group.nodes ?? body.nodes;
    return {
      server: {
        mode: String(body.mode),
        nodes: Array.isArray(nodes) ? nodes.length : 1,
        ...(typeof body.shards === "number" ? { shards: body.shards } : {}),
        ...(typeof group.raft_store === "string" ? { raft_store: group.raft_store } : {}),
        durable: group.raft_nosync !== true,
      },
    };
  } catch {
    return {}; // optional by spec/cli.md §8.2
  }
}

function config(o: BenchOptions): Record<string, unknown> {
  return {
    jobs: o.jobs,
    concurrency: o.concurrency,
    workers: o.workers,
    worker_queues: o.workerQueues,
    protocol: o.protocol,
    enqueue_batch: o.enqueueBatchSize,
    fetch_batch: o.fetchBatchSize,
    ack_batch: o.ackBatchSize,
    work_duration: `${o.workDurationMs}ms`,
    payload_bytes: o.payloadBytes,
    combined: o.combined,
  };
}

/** Table of two saved runs: `Phase | Metric | Baseline | Current | Change`. */
export function compareBench(baseline: BenchReport, current: BenchReport): string {
  const lines = [
    `baseline: ${baseline.commit} ${baseline.timestamp} on ${baseline.machine.hostname}`,
    `current:  ${current.commit} ${current.timestamp} on ${current.machine.hostname}`,
  ];
  if (JSON.stringify(baseline.server) !== JSON.stringify(current.server)) lines.push("WARNING: the servers are configured differently");
  lines.push("Phase       | Metric   |     Baseline |      Current | Change");
  for (const name of ["enqueue", "lifecycle", "combined"] as const) {
    const [a, b] = [baseline[name], current[name]];
    if (!a || !b) continue;
    const print = (metric: string, x: number, y: number): void => {
      lines.push(
        `${name.padEnd(11)} | ${metric.padEnd(8)} | ${x.toFixed(2).padStart(12)} | ${y.toFixed(2).padStart(12)} | ${((y / x - 1) * 100).toFixed(1)} %`,
      );
    };
    print("ops/sec", a.ops_per_sec, b.ops_per_sec);
    print("p99 (ms)", a.p99_us / 1000, b.p99_us / 1000);
  }
  return lines.join("\n");
}

function at(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
