import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ceilings, machine, measureCeilings } from "./ceilings.js";
import { type Measured, payloadOf, type StreamLoad, streamLoad, unaryLoad } from "./loads.js";
import { fetchText, runtimeFacts, ServerProcess } from "./server-process.js";

/** One figure of the table beside what it must and may be. */
export interface Row {
  name: string;
  unit: string;
  /** True: more is better. */
  more: boolean;
  must: number;
  aim: number;
  runs: number[];
  median: number;
  errors: number;
  note?: string;
}

export interface TableReport {
  timestamp: string;
  commit: string;
  machine: ReturnType<typeof machine>;
  ceilings: Ceilings;
  rows: Row[];
}

export interface TableOptions {
  /** The command line's launcher. */
  corvo: string;
  /** Where data directories go: the disk that is judged. */
  directory: string;
  runs: number;
  seconds: number;
  /** Only rows whose name contains this. */
  only: string;
  say: (line: string) => void;
}

const payload = payloadOf(200);
const none = { url: "", headers: {} };

/** Runs the whole table: one server and one load at a time, medians of `runs`. */
export async function runTable(options: TableOptions): Promise<TableReport> {
  mkdirSync(options.directory, { recursive: true });
  const ceilings = await measureCeilings(options.directory);
  options.say(
    `ceilings: fdatasync ${ceilings.fdatasyncPerSecond}/s, HTTP/2 round trips ${ceilings.http2RoundTripsPerSecond}/s, memory copy ${ceilings.memoryCopyGbPerSecond} GB/s`,
  );
  const rows: Row[] = [];
  for (const plan of plans(options)) {
    if (options.only !== "" && !plan.name.toLowerCase().includes(options.only.toLowerCase())) continue;
    const row: Row = { name: plan.name, unit: plan.unit, more: plan.more, must: plan.must, aim: plan.aim, runs: [], median: 0, errors: 0 };
    for (let i = 0; i < (plan.once ? 1 : options.runs); i++) {
      const home = mkdtempSync(join(options.directory, "corvo-bench-"));
      try {
        const { value, errors, note } = await plan.run(home);
        row.runs.push(value);
        row.errors += errors;
        if (note) row.note = note;
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    }
    row.median = median(row.runs);
    options.say(line(row));
    rows.push(row);
  }
  return { timestamp: new Date().toISOString(), commit: commit(), machine: machine(), ceilings, rows };
}

interface Plan {
  name: string;
  unit: string;
  more: boolean;
  must: number;
  aim: number;
  once?: boolean;
  run: (home: string) => Promise<{ value: number; errors: number; note?: string }>;
}

function plans(options: TableOptions): Plan[] {
  const ms = options.seconds * 1000;
  const served = async <T>(home: string, flags: string[], work: (server: ServerProcess) => Promise<T>): Promise<T> => {
    const server = await ServerProcess.start(options.corvo, home, flags);
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  };
  const stream = (server: ServerProcess, load: Partial<StreamLoad>): Promise<Measured> =>
    streamLoad(
      { ...none, url: server.url },
      {
        jobs: Number.POSITIVE_INFINITY,
        ms,
        streams: 16,
        streamsPerConnection: 4,
        queue: "bench.q",
        payload,
        enqueue: 64,
        fetch: 64,
        leaseSeconds: 60,
        framesPerSecond: 0,
        count: "ack",
        workDurationMs: 0,
        ...load,
      },
    );
  const rate = (m: Measured): { value: number; errors: number; note?: string } => ({
    value: Math.round((m.completed * 1000) / m.elapsedMs),
    errors: m.errors + m.overloaded,
    note: m.firstError ?? `p50 ${(m.latencies.percentileUs(50) / 1000).toFixed(2)} ms, p99 ${(m.latencies.percentileUs(99) / 1000).toFixed(2)} ms`,
  });
  const warm = (server: ServerProcess): Promise<Measured> => stream(server, { ms: 1500 });
  const cycle = (flags: string[]) => (home: string) =>
    served(home, flags, async (server) => {
      await warm(server);
      return rate(await stream(server, {}));
    });
  const unary = (concurrency: number, protocol: "connect" | "rest", what: "enqueue" | "cycle") => (home: string) =>
    served(home, [], async (server) => {
      const load = { jobs: Number.POSITIVE_INFINITY, concurrency, queue: "bench.q", payload, protocol, what };
      await unaryLoad({ ...none, url: server.url }, { ...load, ms: 1000 });
      return unaryLoad({ ...none, url: server.url }, { ...load, ms });
    });
  const unaryRate = (concurrency: number, protocol: "connect" | "rest", what: "enqueue" | "cycle") => async (home: string) =>
    rate(await unary(concurrency, protocol, what)(home));
  const fill = (server: ServerProcess, jobs: number): Promise<Measured> =>
    stream(server, { jobs, ms: 120_000, fetch: 0, count: "enqueue", queue: "bench.backlog" });
  return [
    { name: "full cycle, streams, 64 a frame", unit: "jobs/s", more: true, must: 100_000, aim: 200_000, run: cycle([]) },
    { name: "same, --durable=false", unit: "jobs/s", more: true, must: 130_000, aim: 250_000, run: cycle(["--durable=false"]) },
    {
      name: "enqueue only, streams",
      unit: "jobs/s",
      more: true,
      must: 200_000,
      aim: 400_000,
      run: (home) =>
        served(home, [], async (server) => {
          await warm(server);
          return rate(await stream(server, { fetch: 0, count: "enqueue" }));
        }),
    },
    { name: "enqueue, one a request, Connect, c=10", unit: "jobs/s", more: true, must: 20_000, aim: 33_000, run: unaryRate(10, "connect", "enqueue") },
    { name: "enqueue, one a request, Connect, c=100", unit: "jobs/s", more: true, must: 25_000, aim: 45_000, run: unaryRate(100, "connect", "enqueue") },
    { name: "enqueue, one a request, REST, c=10", unit: "jobs/s", more: true, must: 12_000, aim: 20_000, run: unaryRate(10, "rest", "enqueue") },
    { name: "cycle, one job a request, c=10", unit: "jobs/s", more: true, must: 5_000, aim: 10_000, run: unaryRate(10, "connect", "cycle") },
    {
      name: "cycle at c=1, p50",
      unit: "ms",
      more: false,
      must: 1,
      aim: 0.5,
      run: async (home) => {
        const m = await unary(1, "connect", "cycle")(home);
        return { value: round(m.latencies.percentileUs(50) / 1000), errors: m.errors };
      },
    },
    {
      name: "p99 of a 64-job frame at 50k jobs/s",
      unit: "ms",
      more: false,
      must: 10,
      aim: 5,
      run: (home) =>
        served(home, [], async (server) => {
          await warm(server);
          const m = await stream(server, { framesPerSecond: 50_000 / 64 });
          return { value: round(m.latencies.percentileUs(99) / 1000), errors: m.errors, note: `${Math.round((m.completed * 1000) / m.elapsedMs)} jobs/s` };
        }),
    },
    {
      name: "memory of a pending job beside its payload",
      unit: "B",
      more: false,
      must: 250,
      aim: 100,
      once: true,
      run: (home) =>
        served(home, [], async (server) => {
          await warm(server);
          const before = (await runtimeFacts(server.url))?.heap_inuse_bytes ?? 0;
          const filled = await fill(server, 1_000_000);
          const after = (await runtimeFacts(server.url))?.heap_inuse_bytes ?? 0;
          return {
            value: Math.round((after - before) / filled.completed - payload.length),
            errors: filled.errors,
            note: `resident memory, ${filled.completed} pending`,
          };
        }),
    },
    {
      name: "longest event-loop stall at 1 M live jobs, snapshot being cut",
      unit: "ms",
      more: false,
      must: 50,
      aim: 15,
      once: true,
      run: (home) => served(home, [], (server) => stall(server, fill, stream)),
    },
    {
      name: "restart with 1 M pending to the first acknowledged write",
      unit: "s",
      more: false,
      must: 5,
      aim: 2,
      once: true,
      run: (home) => restart(options, home, fill),
    },
    {
      name: "rate with 1 M queued against empty",
      unit: "%",
      more: true,
      must: 80,
      aim: 95,
      once: true,
      run: (home) =>
        served(home, [], async (server) => {
          await warm(server);
          const empty = rate(await stream(server, {}));
          const filled = await fill(server, 1_000_000);
          const full = rate(await stream(server, { queue: "bench.backlog" }));
          return {
            value: Math.round((100 * full.value) / empty.value),
            errors: empty.errors + full.errors + filled.errors,
            note: `${empty.value} jobs/s empty, ${full.value} jobs/s from the queue that holds them`,
          };
        }),
    },
    {
      name: "corvo server to its first answer, empty folder",
      unit: "s",
      more: false,
      must: 1,
      aim: 0.5,
      run: async (home) => {
        const server = await ServerProcess.start(options.corvo, home);
        await server.stop();
        return { value: round(server.startMs / 1000), errors: 0 };
      },
    },
  ];
}

/** Fills, then works while snapshots are cut; the longest delay of the event loop over that time. */
async function stall(
  server: ServerProcess,
  fill: (s: ServerProcess, jobs: number) => Promise<Measured>,
  stream: (s: ServerProcess, load: Partial<StreamLoad>) => Promise<Measured>,
): Promise<{ value: number; errors: number; note?: string }> {
  const filled = await fill(server, 1_000_000);
  await runtimeFacts(server.url);
  const before = await snapshotIndex(server.url);
  let errors = filled.errors;
  let cut = false;
  let worst = 0;
  for (let round = 0; round < 10 && !cut; round++) {
    const m = await stream(server, { ms: 4000, framesPerSecond: 50_000 / 64 });
    errors += m.errors;
    worst = Math.max(worst, (await runtimeFacts(server.url))?.event_loop_delay_max_ns ?? 0);
    cut = (await snapshotIndex(server.url)) > before;
  }
  return { value: round(worst / 1e6), errors, note: cut ? "a snapshot was cut meanwhile, at 50k jobs/s" : "no snapshot was cut" };
}

async function snapshotIndex(url: string): Promise<number> {
  const found = /^corvo_raft_snapshot_latest_index (\S+)/m.exec((await fetchText(`${url}/api/v1/metrics`)).body);
  return found ? Number(found[1]) : 0;
}

async function restart(
  options: TableOptions,
  home: string,
  fill: (s: ServerProcess, jobs: number) => Promise<Measured>,
): Promise<{ value: number; errors: number; note?: string }> {
  const first = await ServerProcess.start(options.corvo, home);
  const filled = await fill(first, 1_000_000);
  await first.stop("SIGKILL");
  const startMs = performance.now();
  const again = await ServerProcess.start(options.corvo, home);
  try {
    const one = await unaryLoad(
      { ...none, url: again.url },
      { jobs: 1, ms: 60_000, concurrency: 1, queue: "bench.q", payload, protocol: "connect", what: "enqueue" },
    );
    return { value: round((performance.now() - startMs) / 1000), errors: filled.errors + one.errors + (one.completed === 1 ? 0 : 1), note: "after kill -9" };
  } finally {
    await again.stop();
  }
}

export function renderTable(report: TableReport): string {
  const head = ["load", "median", "must", "aim", "", "note"];
  const body = report.rows.map((row) => [
    row.name,
    `${format(row.median)} ${row.unit}`,
    format(row.must),
    format(row.aim),
    verdict(row),
    `${row.errors > 0 ? `${row.errors} ERRORS; ` : ""}${row.note ?? ""}`,
  ]);
  const widths = head.map((text, i) => Math.max(text.length, ...body.map((cells) => cells[i].length)));
  const print = (cells: string[]): string =>
    cells
      .map((cell, i) => (i === 0 || i > 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const { machine: m, ceilings: c } = report;
  return [
    `${m.cpus} × ${m.cpu}, ${m.memory_gb} GiB, Node ${m.node}; client and server on the same cores; 200-byte payloads; fsync before every answer unless said`,
    `this machine's ceilings: fdatasync ${c.fdatasyncPerSecond}/s · HTTP/2 round trips ${c.http2RoundTripsPerSecond}/s · memory copy ${c.memoryCopyGbPerSecond} GB/s`,
    "",
    print(head),
    ...body.map(print),
  ].join("\n");
}

function verdict(row: Row): string {
  const meets = (bound: number): boolean => (row.more ? row.median >= bound : row.median <= bound);
  return meets(row.aim) ? "aim reached" : meets(row.must) ? "must reached" : "FALLS SHORT";
}

/** Both reports beside each other, row by row. */
export function compareTables(baseline: TableReport, current: TableReport): string {
  const lines = [`baseline ${baseline.commit} ${baseline.timestamp}`, `current  ${current.commit} ${current.timestamp}`, ""];
  if (baseline.machine.cpu !== current.machine.cpu) lines.push("WARNING: other machine, the figures cannot be compared");
  for (const row of current.rows) {
    const before = baseline.rows.find((r) => r.name === row.name);
    if (before)
      lines.push(`${row.name}: ${format(before.median)} -> ${format(row.median)} ${row.unit} (${((row.median / before.median - 1) * 100).toFixed(1)} %)`);
  }
  return lines.join("\n");
}

export function readReport(path: string): TableReport {
  return JSON.parse(readFileSync(path, "utf8")) as TableReport;
}
export function saveReport(path: string, report: unknown): void {
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

function line(row: Row): string {
  return `${row.name}: ${format(row.median)} ${row.unit} (${row.runs.map(format).join(", ")}) must ${format(row.must)}, aim ${format(row.aim)}: ${verdict(row)}${row.errors > 0 ? `, ${row.errors} ERRORS` : ""}${row.note ? ` [${row.note}]` : ""}`;
}
function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(value);
}
export function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown"; // not a checkout
  }
}
