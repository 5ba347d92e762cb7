import { parseArgs } from "node:util";
import { type BenchOptions, bench, presetValues } from "./bench.js";

const help = `Measures a running server: how many jobs a second it takes in and hands out, and how long each takes.

Examples:
  corvo bench                                              10,000 jobs against http://localhost:8080
  corvo bench --jobs 500000 --concurrency 16 --combined    producers and workers at the same time
  corvo bench --protocol http --save before.json           over REST, kept for --compare before.json

  --server URL               http://localhost:8080
  --api-key KEY              sent as X-API-Key (CORVO_API_KEY)
  --protocol P               rpc (streams), http (REST) or matrix (both); default rpc
  --jobs N                   10000
  --concurrency N            producers, and streams per worker; default 10
  --workers N                1
  --worker-queues            a queue per worker
  --repeats N                1
  --repeat-pause MS          between repeats; default 0
  --queue NAME               bench.q
  --enqueue-batch-size N     64
  --fetch-batch-size N       64
  --ack-batch-size N         64
  --work-duration MS         pretended work per job; default 0
  --payload-bytes N          200; 2 is {} as Corvo v0.3's bench sends it
  --combined                 producers and workers at the same time
  --preset NAME              single-node, cluster or failure; flags that are given win
  --save FILE                write the report as JSON
  --compare FILE             print the change against a saved report
  -o, --output json          print the report as JSON on stdout, figures on stderr

The whole table with this machine's ceilings beside it: npm run bench (in a checkout).
`;

/** `corvo bench`. Resolves with the exit code: 0 when every job was confirmed, 2 for wrong flags, 1 otherwise. */
export async function runBench(argv: readonly string[]): Promise<number> {
  let options: BenchOptions & { json: boolean };
  try {
    const read = readOptions(argv);
    if (!read) {
      process.stdout.write(help);
      return 0;
    }
    options = read;
  } catch (cause) {
    process.stderr.write(`error: ${(cause as Error).message}\nhint:  corvo bench --help\n`);
    return 2;
  }
  try {
    const report = await bench(options);
    if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  } catch (cause) {
    process.stderr.write(`error: ${(cause as Error).message}\n`);
    return 1;
  }
}

function readOptions(argv: readonly string[]): (BenchOptions & { json: boolean }) | undefined {
  const text = { type: "string" } as const;
  const yes = { type: "boolean" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      server: text,
      "api-key": text,
      protocol: text,
      jobs: text,
      concurrency: text,
      workers: text,
      "worker-queues": yes,
      repeats: text,
      "repeat-pause": text,
      queue: text,
      "enqueue-batch-size": text,
      "fetch-batch-size": text,
      "ack-batch-size": text,
      "work-duration": text,
      "payload-bytes": text,
      combined: yes,
      preset: text,
      save: text,
      compare: text,
      output: { ...text, short: "o" },
      help: { ...yes, short: "h" },
    },
  });
  if (values.help) return undefined;
  const preset = oneOf("preset", values.preset ?? "", ["", "single-node", "cluster", "failure"] as const);
  const base = presetValues(preset);
  const json = oneOf("output", values.output ?? "table", ["table", "json"] as const) === "json";
  return {
    server: values.server ?? process.env.CORVO_SERVER ?? "http://localhost:8080",
    apiKey: values["api-key"] ?? process.env.CORVO_API_KEY ?? "",
    protocol: oneOf("protocol", values.protocol ?? "rpc", ["rpc", "http", "matrix"] as const),
    jobs: whole("jobs", values.jobs, base.jobs ?? 10_000, 1, 1e9),
    concurrency: whole("concurrency", values.concurrency, base.concurrency ?? 10, 1, 4096),
    workers: whole("workers", values.workers, base.workers ?? 1, 1, 1024),
    workerQueues: values["worker-queues"] ?? base.workerQueues ?? false,
    repeats: whole("repeats", values.repeats, 1, 1, 1000),
    repeatPauseMs: whole("repeat-pause", values["repeat-pause"], 0, 0, 3_600_000),
    queue: values.queue ?? "bench.q",
    enqueueBatchSize: whole("enqueue-batch-size", values["enqueue-batch-size"], 64, 1, 10_000),
    fetchBatchSize: whole("fetch-batch-size", values["fetch-batch-size"], 64, 1, 10_000),
    ackBatchSize: whole("ack-batch-size", values["ack-batch-size"], 64, 1, 10_000),
    workDurationMs: whole("work-duration", values["work-duration"], base.workDurationMs ?? 0, 0, 3_600_000),
    payloadBytes: whole("payload-bytes", values["payload-bytes"], 200, 2, 200_000),
    combined: values.combined ?? false,
    preset,
    save: values.save ?? "",
    compare: values.compare ?? "",
    say: (line) => void (json ? process.stderr : process.stdout).write(`${line}\n`),
    json,
  };
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  if (!(allowed as readonly string[]).includes(value)) throw new Error(`--${flag}: "${value}" is not one of ${allowed.filter((a) => a !== "").join(", ")}`);
  return value as T;
}

function whole(flag: string, value: string | undefined, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  const number = Number(value.replace(/ms$/, ""));
  if (!Number.isInteger(number) || number < min || number > max) throw new Error(`--${flag}: "${value}" is not a whole number from ${min} to ${max}`);
  return number;
}
