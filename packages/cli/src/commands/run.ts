import { type CommandSpec, type Flags, list, text } from "../command.js";
import { usageFailure } from "../failure.js";
import { JobRunner, type RunPlan } from "../run/job-runner.js";
import type { Session } from "../session.js";
import { durationFlagMs } from "../time.js";
import { wholeNumber } from "./numbers.js";

export const run: CommandSpec = {
  name: "run",
  args: "<program...>",
  usage: "[options] -q <queue> -- <program> [argument...]",
  group: "Workers",
  summary: "a worker from any program: payload on its input, result from its output",
  client: true,
  changes: true,
  examples: [
    "corvo run -q emails.send -- ./send.sh",
    "corvo run -q emails.send -q emails.bulk -c 4 --lease 5m -- python3 send.py",
    "corvo run -q hello --limit 1 -- cat",
  ],
  flags: [
    { flags: "-q, --queue <name>", description: "take jobs of this queue; may be given again, those given first come first", repeated: true },
    { flags: "-c, --concurrency <n>", description: "programs that run at a time, 1 to 512 (default: 1)" },
    { flags: "--lease <duration>", description: "how long a job is this worker's without a heartbeat; sent at a third of it (default: 60s)" },
    { flags: "--shutdown-timeout <duration>", description: "how long running programs may finish after SIGTERM or Ctrl-C (default: 30s)" },
    { flags: "--limit <n>", description: "end after so many jobs" },
    { flags: "--worker <id>", description: "name of this worker (default: run@, the host and the process)" },
  ],
  notes: [
    "The program gets the payload on standard input and CORVO_JOB_ID, CORVO_QUEUE, CORVO_ATTEMPT, CORVO_MAX_RETRIES, CORVO_FENCE, CORVO_TAGS and",
    "CORVO_CHECKPOINT in its environment; it runs in the folder of corvo run. Exit code 0 completes the job, with standard output as its result when",
    "that is JSON of at most 256 KiB. Any other fails the attempt: the error is the last line of standard error, the backtrace the last 16 KiB of it. A",
    "job that is lost (cancelled, or leased to another worker) ends its program with SIGTERM, and 5 s later with SIGKILL. What the program started and",
    "left behind may write for two seconds more.",
    "",
    "On SIGTERM, Ctrl-C or corvo worker stop nothing more is fetched; programs that still run when --shutdown-timeout is over are ended, and their",
    "jobs given back without counting the attempt. corvo worker quiet keeps it from fetching until resume. When corvo run itself is killed, its",
    "programs are ended too, and their jobs return when their leases end. Exit code 0 when all were finished, 1 when some were given back.",
  ],
  async run(session, program, flags) {
    const plan = planOf(session.io.hostname(), program, flags);
    await needProgram(session, program[0]);
    return await new JobRunner(session, plan).run();
  },
};

/** Before a job is taken: it would fail for nothing that is its fault. */
async function needProgram({ io }: Session, file: string): Promise<void> {
  if (await io.isProgram(file)) return;
  if (file.includes("/") && (await io.isFile(file))) throw usageFailure(`${file} may not be started`, `chmod +x ${file}`);
  let hint = "a name that PATH finds, or a path like ./send.sh";
  if (/\s/.test(file)) hint = `a line of shell: sh -c '${file}'`;
  else if (!file.includes("/") && (await io.isProgram(`./${file}`))) hint = `did you mean ./${file}?`;
  throw usageFailure(`there is no program "${file}"`, hint);
}

function planOf(host: string, program: readonly string[], flags: Flags): RunPlan {
  const queues = list(flags, "queue");
  if (queues.length === 0) throw usageFailure("no queue is named", `corvo run -q emails.send -- ${program.join(" ")}`);
  const limit = text(flags, "limit");
  const lease = text(flags, "lease") ?? "60s";
  const leaseMs = durationFlagMs("--lease", lease);
  if (leaseMs < 3000 || leaseMs > 86_400_000) throw usageFailure(`--lease "${lease}" must be between 3s and 24h`);
  return {
    program,
    queues,
    concurrency: wholeNumber("--concurrency", text(flags, "concurrency") ?? "1", 1, 512),
    leaseSeconds: Math.ceil(leaseMs / 1000),
    shutdownMs: durationFlagMs("--shutdown-timeout", text(flags, "shutdownTimeout") ?? "30s"),
    limit: limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber("--limit", limit, 1, 1_000_000_000),
    workerId: text(flags, "worker") ?? `run@${host}:${process.pid}`,
    hostname: host,
  };
}
