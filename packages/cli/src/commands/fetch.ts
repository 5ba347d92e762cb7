import type { Answer } from "../client.js";
import { type CommandSpec, type Flags, requestIdFlag, text } from "../command.js";
import { exitCodes, ServerRefusal, usageFailure } from "../failure.js";
import { elements, encodeObject, members, plainAngles } from "../json.js";
import { closestQueue, listQueues } from "../queues.js";
import type { Session } from "../session.js";
import { type Column, printTable } from "../table.js";
import { durationFlagMs, shortDuration } from "../time.js";
import { attempts } from "../words.js";

/** What the server waits at most, and when no lease is given. */
const serverWaitMsMax = 60_000;
const serverWaitMsDefault = 30_000;
/** `--wait 0` fetches only when a job is there; then the answer gets this long, as giving up in the middle of a grant would strand a job. */
const grantMsMax = 5_000;

interface FetchPlan {
  queues: readonly string[];
  /** Undefined: one job over the single-job call. */
  count: number | undefined;
  /** Undefined: the server's default of 60 s. */
  leaseSeconds: number | undefined;
  waitMs: number;
  workerId: string;
  hostname: string;
  requestId: string | undefined;
}

interface FetchedJob {
  /** As the server sent it. */
  json: string;
  id: string;
  queue: string;
  fence: string;
  attempt: string;
  lease: string;
  payload: string;
}

export const fetch: CommandSpec = {
  name: "fetch",
  args: "<queue...>",
  usage: "[options] <queue...>",
  group: "Workers",
  summary: "lease jobs and print them with their fences",
  client: true,
  changes: true,
  examples: [
    "corvo fetch emails.send",
    "corvo fetch emails.send reports.build --count 10 --lease 5m --wait 0",
    "corvo fetch emails.send -o json",
    "corvo fetch emails.send -o name | corvo ack -",
  ],
  flags: [
    { flags: "--count <n>", description: "jobs at most, 1 to 512 (default: 1)" },
    { flags: "--lease <duration>", description: "how long the jobs are yours before others get them (default: 60s)" },
    { flags: "--wait <duration>", description: "how long to wait for a job, 0 to look once (default: 30s)" },
    { flags: "--worker <id>", description: "name of this worker (default: cli@ and the host)" },
    { flags: "--hostname <name>", description: "host of this worker" },
    requestIdFlag,
  ],
  notes: ["Queues are served in the order given. Hand the fence back with corvo ack JOB --fence N: then nobody else's lease can be ended by mistake."],
  async run(session, queues, flags) {
    const plan = fetchPlan(session, queues, flags);
    const answer = await fetchWithin(session, plan);
    if (session.output === "json") {
      if (answer) session.raw(answer);
      else if (plan.count !== undefined) session.line('{"jobs":[]}');
    }
    const jobs = answer ? jobsOf(answer) : [];
    if (jobs.length === 0) return await tellNothing(session, plan);
    if (session.output === "json") return;
    if (session.output === "ndjson" || session.output === "yaml") for (const job of jobs) session.item(job.json);
    else if (session.output === "name") for (const job of jobs) session.line(job.id);
    else {
      printTable(session, columns, jobs);
      if (session.io.stdoutIsTty)
        session.hint(`when done: corvo ack ${jobs[0].id} --fence ${jobs[0].fence}   ·   corvo fail ${jobs[0].id} "what went wrong" --fence ${jobs[0].fence}`);
    }
  },
};

const columns: readonly Column<FetchedJob>[] = [
  { title: "JOB", value: (job) => job.id },
  { title: "FENCE", value: (job) => job.fence, right: true },
  { title: "QUEUE", value: (job) => job.queue },
  { title: "ATTEMPT", value: (job) => job.attempt, right: true },
  { title: "LEASE", value: (job) => job.lease, right: true },
  { title: "PAYLOAD", value: (job) => job.payload, cut: true },
];

function fetchPlan(session: Session, queues: readonly string[], flags: Flags): FetchPlan {
  const count = text(flags, "count");
  if (count !== undefined && !(/^[0-9]{1,3}$/.test(count) && Number(count) >= 1 && Number(count) <= 512))
    throw usageFailure(`--count "${count}" is not a number from 1 to 512`);
  const lease = text(flags, "lease");
  const leaseMs = lease === undefined ? undefined : durationFlagMs("--lease", lease);
  if (leaseMs !== undefined && (leaseMs < 1000 || leaseMs > 86_400_000)) throw usageFailure(`--lease "${lease}" must be between 1s and 24h`);
  const wait = text(flags, "wait");
  return {
    queues,
    count: count === undefined ? undefined : Number(count),
    leaseSeconds: leaseMs === undefined ? undefined : Math.ceil(leaseMs / 1000),
    waitMs: wait === undefined ? serverWaitMsDefault : durationFlagMs("--wait", wait),
    workerId: text(flags, "worker") ?? `cli@${session.io.hostname()}`,
    hostname: text(flags, "hostname") ?? session.io.hostname(),
    requestId: text(flags, "requestId"),
  };
}

/**
 * Waits as long as asked. REST has one number for lease and wait: the server waits as long as the lease, at most 60 s. A longer wait
 * is several polls; a shorter one, or the rest of a long one, is a poll that is given up, which fetches nothing. Polls are counted, not
 * timed: a server that answers early, as one that shuts down does, is not asked in a tight loop for ever.
 */
async function fetchWithin(session: Session, plan: FetchPlan): Promise<Answer | undefined> {
  const serverWaitMs = plan.leaseSeconds === undefined ? serverWaitMsDefault : Math.min(serverWaitMsMax, plan.leaseSeconds * 1000);
  const path = plan.count === undefined ? "/api/v1/fetch" : "/api/v1/fetch/batch";
  const body = encodeObject({ queues: plan.queues, worker_id: plan.workerId, hostname: plan.hostname, timeout: plan.leaseSeconds, count: plan.count });
  const options = { body, requestId: plan.requestId, serverWaitMs };
  if (plan.waitMs === 0) return (await somethingWaits(session, plan.queues)) ? await session.client.poll("POST", path, options, grantMsMax) : undefined;
  for (let leftMs = plan.waitMs; ; leftMs -= serverWaitMs) {
    if (leftMs < serverWaitMs) return await session.client.poll("POST", path, options, leftMs);
    const answer = await session.client.call("POST", path, options);
    if (leftMs === serverWaitMs || jobsOf(answer).length > 0) return answer;
  }
}

/** True when a queue has a pending job, or when this key may not look. */
async function somethingWaits(session: Session, names: readonly string[]): Promise<boolean> {
  try {
    return (await listQueues(session)).some((queue) => names.includes(queue.name) && queue.pending > 0 && !queue.paused);
  } catch (error) {
    if (error instanceof ServerRefusal && error.exitCode === exitCodes.notAllowed) return true;
    throw error;
  }
}

function jobsOf(answer: Answer): FetchedJob[] {
  if (answer.status === 204 || answer.text.trim() === "") return [];
  const whole = members(answer.text);
  const list = whole?.get("jobs");
  const texts = list === undefined ? [answer.text] : (elements(list) ?? []);
  return texts.map((job) => {
    const fields = members(job) ?? new Map<string, string>();
    const string = (name: string) => String(JSON.parse(fields.get(name) ?? '""'));
    return {
      json: job,
      id: string("job_id"),
      queue: string("queue"),
      fence: fields.get("fence") ?? "-",
      attempt: attempts({ attempt: Number(fields.get("attempt")), max_retries: Number(fields.get("max_retries")) }),
      lease: `${fields.get("lease_duration") ?? "?"}s`,
      payload: plainAngles(fields.get("payload") ?? ""),
    };
  });
}

async function tellNothing(session: Session, plan: FetchPlan): Promise<void> {
  session.note(plan.waitMs === 0 ? "no job is waiting" : `no job came within ${shortDuration(plan.waitMs)}`);
  if (session.quiet || !session.io.stderrIsTty) return;
  for (const name of plan.queues) {
    const meant = await closestQueue(session, name);
    if (meant) session.hint(`there is no queue "${name}"; did you mean "${meant}"?`);
  }
}
