import { type CommandSpec, type FlagSpec, type Flags, list, requestIdFlag, text } from "../command.js";
import { usageFailure } from "../failure.js";
import { jobIds, singleJobId } from "../jobs-argument.js";
import { encodeObject, members, plainAngles, RawJson } from "../json.js";
import { readJson, readJsonObject } from "../json-input.js";
import { rememberJob } from "../last-job.js";
import { policyFlags, putSchedule, scheduleFlags } from "../schedule.js";
import type { Session } from "../session.js";
import { durationFlagMs, timeFlag } from "../time.js";
import { backoffs, knownWord } from "../words.js";
import { waitForEnd } from "./wait.js";

const lastMs = Date.UTC(10_000, 0);
const payloadExample = `{"to": "ada@example.com"}`;

/** Flags of a job as such: for one that is added now, and for those of a schedule. */
export const jobFlags: readonly FlagSpec[] = [
  { flags: "--priority <name>", description: "critical, high or normal" },
  { flags: "--unique-key <key>", description: "at most one live job of the queue holds this key" },
  { flags: "--unique-period <duration>", description: "how long the key is held, in seconds or like 1h (default: 1h)" },
  { flags: "--max-retries <n>", description: "attempts in total (default: 3)" },
  { flags: "--retry-backoff <name>", description: "exponential, linear, fixed or none (default: exponential)" },
  { flags: "--retry-base-delay <duration>", description: "delay after the first failure (default: 5s)" },
  { flags: "--retry-max-delay <duration>", description: "longest delay, 0s for no cap (default: 10m)" },
  { flags: "--expire-after <duration>", description: "the job dies unless it was fetched by then" },
  { flags: "--tag <key=value>", description: "a label; may be repeated", repeated: true },
  { flags: "--tags <json>", description: "labels as a JSON object" },
  { flags: "--checkpoint <json>", description: "first checkpoint, as JSON or @file" },
  { flags: "--parent-id <job>", description: "the job that this one belongs to" },
  { flags: "--depends-on <job>", description: "handed out only when this job is completed; may be repeated", repeated: true },
  { flags: "--batch <id>", description: "open batch that the job joins (corvo batch create)" },
  { flags: "--chain <queues>", description: "queues of the steps that follow, like clean,load; or the whole chain as JSON or @file" },
  { flags: "--on-failure <queue>", description: "chain: gets a job when a step dies" },
  { flags: "--on-exit <queue>", description: "chain: gets a job when the last step is done" },
  { flags: "--agent-max-iterations <n>", description: "agent job: held for a person after this many iterations" },
  { flags: "--agent-max-cost-usd <n>", description: "agent job: held for a person above this cost" },
  { flags: "--agent-iteration-timeout <duration>", description: "agent job: longest iteration" },
];

export const enqueue: CommandSpec = {
  name: "enqueue",
  args: "<queue> [payload]",
  usage: "[options] <queue> [payload | @file | -]",
  group: "Jobs",
  summary: "add a job",
  client: true,
  mutates: true,
  examples: [
    `corvo enqueue emails.send '{"to": "ada@example.com"}'`,
    "corvo enqueue emails.send @mail.json --priority high --tag tenant=acme",
    "corvo enqueue reports.build '{}' --delay 10m --max-retries 5 --unique-key daily",
    `echo '{"n": 1}' | corvo enqueue imports - -o name`,
    "corvo enqueue emails.send '{}' --schedule '0 9 * * MON-FRI' --timezone Europe/Madrid",
    "corvo enqueue ingest '{}' --chain clean,load --on-failure alarm",
    "corvo enqueue report --depends-on job_18a3f7c2e41b9a000000000c41",
    "corvo enqueue report '{}' --wait --timeout 1m",
  ],
  flags: [
    ...jobFlags,
    { flags: "--scheduled-at <time>", description: "not before this time, RFC 3339" },
    { flags: "--delay <duration>", description: "not before this long from now" },
    { flags: "--schedule <when>", description: "add a schedule instead: a cron expression or '@every 5m'; a time is as --scheduled-at" },
    { flags: "--schedule-name <name>", description: "with --schedule: its name (default: the queue's)" },
    ...scheduleFlags,
    { flags: "--wait", description: "wait until the job is completed and print its result; --timeout says how long (default: for ever)" },
    requestIdFlag,
  ],
  notes: [
    "With --wait the exit code says what became of the job, as that of corvo wait: 0 completed, 9 dead, cancelled or gone, 6 the time is over.",
    "The payload is JSON and is kept as it is typed; without one it is {}.",
    "A key that is held answers with the holder's id and the status duplicate; nothing is added.",
  ],
  async run(session, [queue, payload], flags) {
    if (queue === "") throw usageFailure("the queue's name is empty", `corvo enqueue emails.send '${payloadExample}'`);
    const when = text(flags, "schedule");
    if (when !== undefined && !isTime(when)) return await enqueueOnSchedule(session, queue, payload, flags, when);
    const body = await enqueueBody(session, queue, payload, flags);
    const answer = await session.client.call("POST", "/api/v1/enqueue", { body, requestId: text(flags, "requestId") });
    const job = JSON.parse(answer.text) as { job_id: string; status: string };
    await rememberJob(session, job.job_id);
    const told = `Job enqueued: ${job.job_id} (status: ${job.status})`;
    if (flags.wait === true && !session.dryRun) return await untilItEnds(session, job.job_id, told);
    if (session.outputJson) return session.indented(answer.text);
    session.wrote(answer, job.job_id, told);
  },
};

/** `--wait`: the result on standard output, everything else beside it; the exit codes of `corvo wait`. */
async function untilItEnds(session: Session, id: string, told: string): Promise<number> {
  session.note(told);
  return await waitForEnd(session, id, session.flags.timeout, (job) => {
    const result = members(job)?.get("result");
    if (session.outputJson) session.indented(job);
    else if (session.output === "table" || session.output === "wide") session.line(result === undefined ? `Job ${id} completed` : plainAngles(result));
    else return false;
    return true;
  });
}

/** `--schedule` also takes what `--scheduled-at` does. */
function isTime(when: string): boolean {
  return /^\d{4}-\d{2}-\d{2}[Tt ]/.test(when);
}

async function enqueueOnSchedule(session: Session, queue: string, payload: string | undefined, flags: Flags, cron: string): Promise<void> {
  if (flags.wait === true) throw usageFailure("--schedule excludes --wait: its jobs come later, and again and again");
  if (text(flags, "scheduledAt") || text(flags, "delay") !== undefined) throw usageFailure("--schedule excludes --scheduled-at and --delay");
  const job = new RawJson(await enqueueBody(session, queue, payload, flags));
  await putSchedule(session, text(flags, "scheduleName") ?? queue, { cron, ...policyFlags(flags), job }, text(flags, "requestId"));
}

export async function enqueueBody(session: Session, queue: string, payload: string | undefined, flags: Flags): Promise<string> {
  const { io } = session;
  const priority = text(flags, "priority");
  if (priority && !["critical", "high", "normal", "low"].includes(priority))
    session.note(`note: priority "${priority}" means normal; known are critical, high and normal`);
  const checkpoint = text(flags, "checkpoint");
  return encodeObject({
    queue,
    payload: payload === undefined ? undefined : await readJson(io, "payload", payload, payloadExample),
    priority: priority || undefined,
    unique_key: text(flags, "uniqueKey") || undefined,
    unique_period: uniquePeriodSeconds(text(flags, "uniquePeriod")),
    max_retries: maxRetries(text(flags, "maxRetries")),
    retry_backoff: text(flags, "retryBackoff") ? knownWord("--retry-backoff", text(flags, "retryBackoff") as string, backoffs) : undefined,
    retry_base_delay: duration("--retry-base-delay", text(flags, "retryBaseDelay")),
    retry_max_delay: duration("--retry-max-delay", text(flags, "retryMaxDelay")),
    scheduled_at: scheduledAt(session, flags),
    expire_after: duration("--expire-after", text(flags, "expireAfter")),
    tags: await tagsOf(session, flags),
    checkpoint: checkpoint === undefined ? undefined : await readJson(io, "checkpoint", checkpoint, `{"page": 1}`),
    // Any text may be a parent's name.
    parent_id: text(flags, "parentId") === "@last" ? await singleJobId(session, "@last") : text(flags, "parentId") || undefined,
    depends_on: list(flags, "dependsOn").length > 0 ? await jobIds(session, list(flags, "dependsOn")) : undefined,
    batch_id: text(flags, "batch") || undefined,
    chain: await chainOf(session, queue, flags),
    agent: agentOf(flags),
  });
}

function duration(flag: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  durationFlagMs(flag, value);
  return value;
}

function uniquePeriodSeconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  return /^-?[0-9]+$/.test(value) ? Number(value) : Math.ceil(durationFlagMs("--unique-period", value) / 1000);
}

/** Corvo's default was -1 for "not given", so negative numbers still mean that. */
function maxRetries(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const n = wholeNumber("--max-retries", value);
  return n < 0 ? undefined : n;
}

function wholeNumber(flag: string, value: string): number {
  if (!/^-?[0-9]{1,15}$/.test(value)) throw usageFailure(`${flag} "${value}" is not a whole number`);
  return Number(value);
}

function scheduledAt(session: Session, flags: Flags): string | undefined {
  const when = text(flags, "schedule");
  const at = text(flags, "scheduledAt") ?? (when !== undefined && isTime(when) ? when : undefined);
  const delay = text(flags, "delay");
  if (at && delay !== undefined) throw usageFailure("--scheduled-at and --delay exclude each other");
  if (delay !== undefined) return laterBy(session, delay);
  return at ? timeFlag("--scheduled-at", at) : undefined;
}

/** The clock of RFC 3339 ends with the year 9999. */
function laterBy(session: Session, delay: string): string {
  const at = new Date(session.io.nowMs() + durationFlagMs("--delay", delay));
  if (!(at.getTime() < lastMs)) throw usageFailure(`--delay "${delay}" ends after the year 9999`);
  return at.toISOString();
}

/** `--tags` and each `--tag`, the latter winning. */
async function tagsOf(session: Session, flags: Flags): Promise<RawJson | undefined> {
  const given = text(flags, "tags");
  const pairs = list(flags, "tag");
  const whole = given ? await readJsonObject(session.io, "--tags", given, `{"tenant": "acme"}`) : undefined;
  if (pairs.length === 0) return whole;
  const tags = new Map<string, string>();
  for (const pair of pairs) {
    const split = pair.indexOf("=");
    if (split < 1) throw usageFailure(`--tag "${pair}" must be key=value`, "for example --tag tenant=acme");
    tags.set(pair.slice(0, split), pair.slice(split + 1));
  }
  const added = [...tags].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",");
  const before = whole?.text.slice(1, -1).trim();
  return new RawJson(`{${before ? `${before},` : ""}${added}}`);
}

/** `clean,load`, or a chain as JSON. */
async function chainOf(session: Session, queue: string, flags: Flags): Promise<RawJson | undefined> {
  const given = text(flags, "chain");
  const onFailure = text(flags, "onFailure");
  const onExit = text(flags, "onExit");
  if (given === undefined) {
    if (onFailure || onExit) throw usageFailure("--on-failure and --on-exit need --chain", "for example --chain clean,load --on-failure alarm");
    return undefined;
  }
  if (/^\s*[{@-]/.test(given)) {
    if (onFailure || onExit) throw usageFailure("--on-failure and --on-exit are members of the chain when it is JSON");
    return await readJsonObject(session.io, "--chain", given, `{"steps": [{"queue": "${queue}"}, {"queue": "load"}]}`);
  }
  const then = given.split(",").map((name) => name.trim());
  if (then.includes("")) throw usageFailure(`--chain "${given}" has a step without a queue`, "for example --chain clean,load");
  const step = (name: string) => ({ queue: name });
  return new RawJson(
    JSON.stringify({ steps: [queue, ...then].map(step), on_failure: onFailure ? step(onFailure) : undefined, on_exit: onExit ? step(onExit) : undefined }),
  );
}

function agentOf(flags: Flags): Record<string, number | string> | undefined {
  const iterations = text(flags, "agentMaxIterations");
  const cost = text(flags, "agentMaxCostUsd");
  const timeout = duration("--agent-iteration-timeout", text(flags, "agentIterationTimeout"));
  const agent: Record<string, number | string> = {};
  const iterationsMax = iterations === undefined ? 0 : wholeNumber("--agent-max-iterations", iterations);
  if (iterationsMax < 0) throw usageFailure(`--agent-max-iterations "${iterations}" is below 0`, "0: no limit");
  if (iterationsMax !== 0) agent.max_iterations = iterationsMax;
  if (cost !== undefined) {
    if (!/^[0-9]+(\.[0-9]+)?$/.test(cost)) throw usageFailure(`--agent-max-cost-usd "${cost}" is not an amount`, "for example 2.5");
    if (Number(cost) !== 0) agent.max_cost_usd = Number(cost);
  }
  if (timeout !== undefined) agent.iteration_timeout = timeout;
  return Object.keys(agent).length > 0 ? agent : undefined;
}
