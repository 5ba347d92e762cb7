import type { Ceilings } from "./ceilings.js";
import { type Measured, payloadOf, type StreamLoad, streamLoad, type UnaryLoad, unaryLoad } from "./loads.js";
import { fetchText, ServerProcess } from "./server-process.js";

export interface TableOptions {
  /** The command line's launcher. */
  corvo: string;
  /** Where data directories go: the disk that is judged. */
  directory: string;
  runs: number;
  seconds: number;
  /** Only rows whose name contains this, or one of these: `cycle|bulk`. */
  only: string;
  say: (line: string) => void;
}

/** What one run of a row gave. */
export interface Result {
  value: number;
  errors: number;
  note?: string;
}

/** A row of the table: what is measured, and how. `T`: what it runs on. */
export interface RowPlan<T> {
  name: string;
  unit: string;
  /** True: more is better. */
  more: boolean;
  must: number;
  aim: number;
  /** Run once, whatever `--runs` says: it takes long and varies little. */
  once?: boolean;
  /** `turn`: 0 for the first run. */
  run: (on: T, turn: number) => Promise<Result>;
}

/** Rows that share one server and what was put into it. */
export interface Group<T> {
  flags: readonly string[];
  /** `home`: a directory for what it needs beside the server. */
  prepare: (server: ServerProcess, home: string) => Promise<T>;
  rows: readonly RowPlan<T>[];
  /** What `prepare` began beside the server has to end. */
  end?: (on: T) => Promise<void>;
}

export const payload = payloadOf(200);
const warmSecondsMax = 10;
const headers = {};

/** What rows are made of: servers over a directory, and the loads of the table. */
export class Bed {
  readonly ms: number;
  constructor(
    readonly options: TableOptions,
    readonly ceilings: Ceilings,
  ) {
    this.ms = options.seconds * 1000;
  }

  async served<T>(home: string, flags: readonly string[], work: (server: ServerProcess) => Promise<T>, env?: Record<string, string>): Promise<T> {
    const server = await ServerProcess.start(this.options.corvo, home, flags, env);
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  }

  stream(server: ServerProcess, load: Partial<StreamLoad>): Promise<Measured> {
    const all: StreamLoad = {
      jobs: Number.POSITIVE_INFINITY,
      ms: this.ms,
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
    };
    return streamLoad({ headers, url: server.url }, all);
  }

  /**
   * As a server that has been up for a while: Node translates what runs often, and is two thirds as fast until it has. Runs until two
   * seconds in a row bring nothing more.
   */
  async warm(server: ServerProcess): Promise<void> {
    let best = 0;
    for (let second = 0, calm = 0; second < warmSecondsMax && calm < 2; second++) {
      const { completed } = await this.stream(server, { ms: 1000 });
      calm = completed > best * 1.03 ? 0 : calm + 1;
      best = Math.max(best, completed);
    }
  }

  fill(server: ServerProcess, jobs: number, load: Partial<StreamLoad> = {}): Promise<Measured> {
    return this.stream(server, { jobs, ms: 120_000, fetch: 0, count: "enqueue", queue: "bench.backlog", ...load });
  }

  unary(server: ServerProcess, load: Partial<UnaryLoad> & Pick<UnaryLoad, "concurrency" | "protocol" | "what">): Promise<Measured> {
    return unaryLoad({ headers, url: server.url }, { jobs: Number.POSITIVE_INFINITY, ms: this.ms, queue: "bench.q", payload, ...load });
  }
}

export function rate(m: Measured): Result {
  return {
    value: Math.round((m.completed * 1000) / m.elapsedMs),
    errors: m.errors + m.overloaded,
    note: m.firstError ?? `p50 ${(m.latencies.percentileUs(50) / 1000).toFixed(2)} ms, p99 ${(m.latencies.percentileUs(99) / 1000).toFixed(2)} ms`,
  };
}

/** A series of the server without labels; 0: it has none of this name. */
export async function series(url: string, ...names: string[]): Promise<number[]> {
  const { body } = await fetchText(`${url}/api/v1/metrics`);
  return names.map((name) => Number(new RegExp(`^${name} (\\S+)`, "m").exec(body)?.[1] ?? 0));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
