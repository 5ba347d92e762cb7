import type { Command, FetchFrom, JobState, NewJob, RequestId, UsageReport } from "./model/command.js";
import { jobVerbs } from "./model/command.js";
import type { Model } from "./model/model.js";
import { Rng } from "./random.js";
import { contentOf } from "./wire/command.js";

/**
 * A random program: steps that name jobs by description ("the second active one"), so that a step still means something when
 * the steps before it are taken out. `resolve` turns a wish into a command, looking at the model.
 */
export interface Step {
  /** How the leader's clock moves before this entry. */
  move: Move;
  wishes: Wish[];
}

/** By so many milliseconds (below 0: backwards), or to the next timer and so many milliseconds further. */
export type Move = { byMs: number } | { toTimerAndMs: number };

/**
 * A job: the n-th of those in a state, or any of those that ever were; or one that never was;
 * or an id with the right sequence and another time; or no id at all.
 */
export interface JobWish {
  among: JobState | "agent" | "any" | "missing" | "forged" | "nameless";
  n: number;
}
export type FenceWish = "none" | "right" | "older" | "newer";
export interface AckWish {
  job: JobWish;
  fence: FenceWish;
  result: string;
  checkpoint?: string;
  agentStatus?: string;
  holdReason?: string;
  usage?: UsageReport;
}

export type Wish = { requestId?: string } & (
  | { do: "enqueue"; job: NewJob; scheduledInMs?: number }
  | { do: "enqueueBatch"; jobs: NewJob[] }
  | { do: "fetch"; from: FetchFrom }
  | { do: "fetchBatch"; from: FetchFrom; count: number }
  | { do: "ack"; item: AckWish; keepAbsentResult: boolean }
  | { do: "ackBatch"; items: AckWish[]; keepAbsentResult: boolean }
  | { do: "fail"; job: JobWish; fence: FenceWish; error: string; backtrace: string }
  | { do: "step"; item: AckWish; keep: boolean; checkpoint: string; jobs: NewJob[]; keepAbsentResult: boolean }
  | { do: "release"; job: JobWish; fence: FenceWish; checkpoint: string }
  | { do: "heartbeat"; jobs: { job: JobWish; fence: FenceWish; progress: string; checkpoint: string; usage?: UsageReport }[] }
  | { do: "revise"; job: JobWish; payload: string; checkpoint: string; note: string }
  | { do: "replay"; job: JobWish; from: number }
  | { do: "lifecycle"; from: FetchFrom; count: number; acks: AckWish[]; jobs: NewJob[]; correlation: number }
  | { do: "jobVerb"; verb: (typeof jobVerbs)[number]; job: JobWish }
  | { do: "move"; job: JobWish; queue: string }
  | { do: "changePriority"; job: JobWish; priority: string }
  | { do: "queue"; command: Command }
  | { do: "tick" }
  | { do: "leadership"; pauseMs: number }
  /** Sends a command that had a request id once more, as a client that got no answer does. */
  | { do: "again"; n: number }
);

/** What a wish is resolved against. */
export interface Past {
  model: Model;
  nowMs: number;
  /** Ids of all jobs that ever were, in the order of creation. */
  seen: readonly string[];
  /** Commands that had a request id. */
  sent: readonly Command[];
}

const queues = ["a", "b", "mail"] as const;
const keys = ["k1", "k2"] as const;
const priorities = ["critical", "high", "normal", "low", "High"] as const;
const payloads = ["", '{"n":1}', '"text"', " [1, 2.50] ", "null", `{"long":"${"x".repeat(300)}"}`, '{"ü":"\\u00e9 日本"}'] as const;
const jsonObjects = ["{}", '{"step":1}', '{"step":2,"more":[true]}'] as const;

/** Everything follows from the seed. */
export function randomProgram(seed: number, steps: number): Step[] {
  const rng = new Rng(seed);
  // Swarm: each program leaves some kinds out, so that the others meet more often.
  const weights = { ...kinds };
  // Few jobs with request ids of their own: some come again as they were, some ids come again with another job.
  const items = Array.from({ length: 5 }, () => withRequestId(randomJob(rng), rng.pick(["i1", "i2", "i3"])));
  for (const kind of Object.keys(weights) as (keyof typeof kinds)[]) if (kind !== "enqueue" && kind !== "fetch" && rng.oneIn(4)) weights[kind] = 0;
  return Array.from({ length: steps }, () => {
    const wishes = some(rng, 1, rng.pick([1, 1, 1, 3, 6]), () => spoiled(rng, randomWish(rng, weights), items));
    // A leadership's command is the first of its entry, and the only one of its kind there.
    return { move: randomMove(rng), wishes: wishes.filter((wish, i) => i === 0 || wish.do !== "leadership") };
  });
}

function withRequestId(job: NewJob, id: string): NewJob {
  return { ...job, requestId: { id, hash: contentOf(job) } };
}

/** Puts jobs with request ids into batches and frames, and now and then an item that is wrong into a frame. */
function spoiled(rng: Rng, wish: Wish, items: readonly NewJob[]): Wish {
  if (wish.do !== "enqueueBatch" && wish.do !== "lifecycle") return wish;
  if (rng.oneIn(3)) wish.jobs.push(rng.pick(items));
  if (wish.do === "enqueueBatch") return wish;
  if (rng.oneIn(15)) wish.jobs.unshift({ queue: "" });
  if (rng.oneIn(15)) wish.acks.push({ job: { among: "nameless", n: 0 }, fence: "none", result: "" });
  if (rng.oneIn(15)) wish.from = { ...wish.from, queues: [] };
  return wish;
}

const kinds = {
  enqueue: 14,
  enqueueBatch: 4,
  fetch: 12,
  fetchBatch: 6,
  ack: 10,
  ackBatch: 4,
  fail: 8,
  release: 4,
  step: 5,
  heartbeat: 6,
  lifecycle: 6,
  jobVerb: 12,
  revise: 3,
  replay: 3,
  budget: 4,
  policy: 1,
  move: 4,
  priority: 3,
  pause: 3,
  clear: 1,
  destroy: 1,
  limit: 4,
  tick: 14,
  leadership: 2,
  again: 4,
};

function randomMove(rng: Rng): Move {
  if (rng.oneIn(4)) return { toTimerAndMs: rng.pick([-1, 0, 0, 1, 5]) };
  return {
    byMs: rng.pick([0, 0, 0, 1, 1, 2, 10, 100, 999, 1_000, 1_001, 5_000, 60_000, 60_001, 700_000, 3_599_999, 3_600_000, -1, -50, -5_000, rng.below(3_000)]),
  };
}

function randomWish(rng: Rng, weights: typeof kinds): Wish {
  const wish = bareWish(rng, rng.weighted(weights));
  if (rng.oneIn(6) && !["heartbeat", "tick", "leadership", "again"].includes(wish.do)) wish.requestId = rng.pick(["r1", "r2", "r3", "r4"]);
  return wish;
}

function bareWish(rng: Rng, kind: keyof typeof kinds): Wish {
  const queue = rng.pick(queues);
  switch (kind) {
    case "enqueue":
      return rng.oneIn(5)
        ? { do: "enqueue", job: randomJob(rng), scheduledInMs: rng.pick([-1_000, -1_700_000_000_000, 0, 1, 500, 1_000, 30_000, 0.25, 1e11]) }
        : { do: "enqueue", job: randomJob(rng) };
    case "enqueueBatch":
      return { do: "enqueueBatch", jobs: some(rng, 1, 4, randomJob) };
    case "fetch":
      return { do: "fetch", from: randomFrom(rng) };
    case "fetchBatch":
      return { do: "fetchBatch", from: randomFrom(rng), count: rng.pick([0, -3, 1, 2, 3, 100, 20_000]) };
    case "ack":
      return { do: "ack", item: randomAck(rng), keepAbsentResult: rng.oneIn(2) };
    case "ackBatch":
      return { do: "ackBatch", items: some(rng, 1, 4, randomAck), keepAbsentResult: rng.oneIn(2) };
    case "fail":
      return {
        do: "fail",
        job: randomLeased(rng),
        fence: randomFence(rng),
        error: rng.pick(["", "boom", "größer"]),
        backtrace: rng.oneIn(2) ? "at line 1" : "",
      };
    case "step":
      return {
        do: "step",
        item: randomAck(rng),
        keep: rng.oneIn(3),
        checkpoint: rng.oneIn(3) ? '{"cp":"step"}' : "",
        jobs: rng.oneIn(12) ? [{ queue: "" }] : some(rng, 0, 3, randomJob),
        keepAbsentResult: rng.oneIn(2),
      };
    case "release":
      return { do: "release", job: randomLeased(rng), fence: randomFence(rng), checkpoint: rng.oneIn(3) ? '{"cp":"back"}' : "" };
    case "heartbeat":
      return {
        do: "heartbeat",
        jobs: some(rng, 1, 3, () => ({
          job: randomLeased(rng),
          fence: randomFence(rng),
          progress: rng.oneIn(2) ? rng.pick(jsonObjects) : "",
          checkpoint: rng.oneIn(2) ? rng.pick(jsonObjects) : "",
          usage: randomUsage(rng),
        })),
      };
    case "revise":
      return {
        do: "revise",
        job: rng.oneIn(4) ? randomJobWish(rng) : { among: "held", n: rng.below(50) },
        payload: rng.oneIn(2) ? rng.pick(payloads) : "",
        checkpoint: rng.oneIn(4) ? '{"cp":"person"}' : "",
        note: rng.oneIn(2) ? rng.pick(["please", "größer"]) : "",
      };
    case "replay":
      return { do: "replay", job: rng.oneIn(3) ? randomJobWish(rng) : { among: "agent", n: rng.below(50) }, from: rng.pick([0, 1, 1, 1, 2, 3]) };
    case "budget":
      return { do: "queue", command: randomBudget(rng) };
    case "policy":
      return { do: "queue", command: randomPolicy(rng) };
    case "lifecycle":
      return {
        do: "lifecycle",
        from: randomFrom(rng),
        count: rng.pick([0, 0, 1, 2, 50]),
        acks: some(rng, 0, 3, randomAck),
        jobs: some(rng, 0, 3, randomJob),
        correlation: rng.below(1_000),
      };
    case "jobVerb":
      return randomJobVerb(rng);
    case "move":
      return { do: "move", job: randomJobWish(rng), queue };
    case "priority":
      return { do: "changePriority", job: fittingJob(rng, ["pending", "pending", "scheduled"]), priority: rng.pick(priorities) };
    case "pause":
      return { do: "queue", command: { verb: rng.pick(["pauseQueue", "drainQueue", "resumeQueue", "resumeQueue", "resumeQueue"]), queue } };
    case "clear":
      return { do: "queue", command: { verb: "clearQueue", queue } };
    case "destroy":
      return { do: "queue", command: { verb: "destroyQueue", queue } };
    case "limit":
      return { do: "queue", command: randomLimit(rng, queue) };
    case "tick":
      return { do: "tick" };
    case "leadership":
      return { do: "leadership", pauseMs: rng.pick([0, 1, 500, 60_000, 1_000_000]) };
    case "again":
      return { do: "again", n: rng.below(1_000) };
  }
}

/** Three times out of four on a job in a state from which it works. */
function randomJobVerb(rng: Rng): Wish {
  const verb = rng.pick(jobVerbs);
  const fitting: Record<(typeof jobVerbs)[number], readonly JobState[]> = {
    retry: ["dead", "cancelled", "completed", "scheduled"],
    requeue: ["dead"],
    cancel: ["pending", "active", "scheduled", "retrying"],
    hold: ["pending", "active", "scheduled", "retrying"],
    approve: ["held"],
    reject: ["held"],
    delete: ["completed", "cancelled", "active", "pending"],
  };
  return { do: "jobVerb", verb, job: fittingJob(rng, fitting[verb]) };
}

/** Three times out of four one in one of these states. */
function fittingJob(rng: Rng, states: readonly JobState[]): JobWish {
  return rng.oneIn(4) ? randomJobWish(rng) : { among: rng.pick(states), n: rng.below(50) };
}

function randomLimit(rng: Rng, queue: string): Command {
  switch (rng.weighted({ concurrency: 4, throttle: 3, unthrottle: 2, depth: 2 })) {
    case "concurrency":
      return { verb: "setConcurrency", queue, max: rng.pick([0, 1, 1, 2, -1]) };
    case "throttle":
      return { verb: "setThrottle", queue, rate: rng.pick([1, 2, 3]), windowMs: rng.pick([1, 100, 1_000, 60_000]) };
    case "unthrottle":
      return { verb: "removeThrottle", queue };
    case "depth":
      return { verb: "setDepthLimit", queue, max: rng.pick([0, 0, 1, 2, 4, -1]) };
  }
}

function randomJob(rng: Rng): NewJob {
  const job: NewJob = { queue: rng.pick(queues), payload: rng.pick(payloads) };
  if (rng.oneIn(3)) job.priority = rng.pick(priorities);
  if (rng.oneIn(3)) {
    job.uniqueKey = rng.pick(keys);
    if (rng.oneIn(2)) job.uniquePeriodSeconds = rng.pick([-5, 0, 1, 10, 4_000]);
  }
  if (rng.oneIn(2)) job.maxRetries = rng.pick([0, 1, 2, 2, 5, 1_000_000]);
  if (rng.oneIn(2)) job.backoff = rng.pick(["none", "fixed", "linear", "exponential", "Fixed", "whatever"]);
  if (rng.oneIn(3)) job.retryBaseDelay = rng.pick(["", "0s", "0", "1ms", "1us", "1s", "1m30s", "2h", "1.5s", "9000h"]);
  if (rng.oneIn(4)) job.retryMaxDelay = rng.pick(["", "0s", "1ms", "3s", "1h"]);
  if (rng.oneIn(8)) job.retryBaseDelayMs = rng.pick([0, 7, 1_000]);
  if (rng.oneIn(8)) job.retryMaxDelayMs = rng.pick([0, 20, 100_000]);
  if (rng.oneIn(5)) job.expireAfter = rng.pick(["", "0s", "1ms", "1500us", "1s", "1m", "24h"]);
  if (rng.oneIn(8)) job.expireAfterMs = rng.pick([0, 1, 2_500]);
  if (rng.oneIn(3)) job.tags = rng.pick(['{"tenant":"t1"}', '{"tenant":"t2","risk":"high"}', '{"tenant":1,"risk":"high"}', "[]"]);
  if (rng.oneIn(5)) job.checkpoint = '{"cp":0}';
  if (rng.oneIn(8)) job.parentId = "job_parent";
  if (rng.oneIn(2)) job.agent = { maxIterations: rng.pick([0, 3, -1]), maxCostUsd: rng.pick([0, 1.5, -2]), iterationTimeout: rng.pick(["", "90s", "1s"]) };
  return job;
}

function randomFrom(rng: Rng): FetchFrom {
  return {
    queues: some(rng, 1, 3, () => rng.pick([...queues, "nobody's"])),
    workerId: rng.pick(["w1", "w2", ""]),
    hostname: rng.pick(["host1", ""]),
    leaseSeconds: rng.pick([0, -1, 1, 1, 2, 60, 100, 86_400]),
  };
}

const amounts = [0, 0.1, 0.25, 1, 1 / 3, 1e-9, 0.000_000_15, -1] as const;

const randomAck = (rng: Rng): AckWish => ({
  job: randomLeased(rng),
  fence: randomFence(rng),
  result: rng.pick(["", "", '{"ok":true}', "17"]),
  checkpoint: rng.oneIn(4) ? '{"cp":"ack"}' : "",
  agentStatus: rng.oneIn(3) ? rng.pick(["continue", "continue", " Continue ", "hold", "done", "what"]) : "",
  holdReason: rng.oneIn(5) ? rng.pick(["mine", " "]) : "",
  usage: randomUsage(rng),
});

function randomUsage(rng: Rng): UsageReport | undefined {
  if (rng.oneIn(2)) return undefined;
  return { costUsd: rng.pick(amounts), inputTokens: rng.pick([0, 10, -3]), model: rng.pick(["", "m1", " m1 ", "m2"]) };
}

function randomBudget(rng: Rng): Command {
  const scope = rng.pick(["queue", "queue", "tag", "global"] as const);
  const target = scope === "queue" ? rng.pick(queues) : scope === "tag" ? rng.pick(["tenant:t1", "tenant=t2", "risk:high"]) : "*";
  if (rng.oneIn(3)) return { verb: "deleteBudget", scope, target };
  // For a tag the only thing that a rejecting per-job limit refuses is acks: fetches go on.
  if (scope === "tag" && rng.oneIn(2)) return { verb: "setBudget", scope, target, perJobUsd: rng.pick([0, 0.1]), onExceed: "reject" };
  const limit = () => (rng.oneIn(3) ? undefined : rng.pick([0, 0.25, 0.5, 1, 2, 5]));
  return { verb: "setBudget", scope, target, dailyUsd: limit(), perJobUsd: limit(), onExceed: rng.pick(["", "hold", "hold", "reject", "alert_only"]) };
}

function randomPolicy(rng: Rng): Command {
  return {
    verb: "setPolicy",
    name: rng.pick(["p1", "p2"]),
    mode: rng.pick(["", "any", "all"]),
    enabled: !rng.oneIn(4),
    queue: rng.oneIn(3) ? rng.pick(queues) : "",
    ...(rng.oneIn(3) ? { tagKey: "tenant", tagValue: "t1" } : { tagKey: "", tagValue: "" }),
    minCostUsd: rng.oneIn(3) ? rng.pick([0, 0.5]) : undefined,
    minIteration: rng.oneIn(3) ? 2 : 0,
  };
}

const randomFence = (rng: Rng): FenceWish => rng.weighted({ none: 4, right: 8, older: 2, newer: 1 });
const randomLeased = (rng: Rng): JobWish => (rng.oneIn(5) ? randomJobWish(rng) : { among: "active", n: rng.below(8) });
const randomJobWish = (rng: Rng): JobWish => ({
  among: rng.weighted({ any: 6, missing: 1, forged: 1, pending: 2, active: 2, held: 3, completed: 2, retrying: 2, dead: 3, cancelled: 2, scheduled: 2 }),
  n: rng.below(50),
});

function some<T>(rng: Rng, min: number, max: number, make: (rng: Rng) => T): T[] {
  return Array.from({ length: min + rng.below(max - min + 1) }, () => make(rng));
}

/** A job that never was. */
export const missingJobId = "job_000000000000000000000000ff";

/** The same sequence, created a millisecond later. */
function forged(id: string): string {
  return `job_${(BigInt(`0x${id.slice(4, 20)}`) + 1_000_000n).toString(16).padStart(16, "0")}${id.slice(20)}`;
}

/** The command that a wish means at this moment. */
export function resolve(wish: Wish, past: Past): Command {
  if (wish.do === "again") return past.sent.at(-1 - (wish.n % Math.max(1, past.sent.length))) ?? { verb: "tick" };
  const command = bareCommand(wish, past);
  return wish.requestId ? { ...command, requestId: requestIdOf(wish.requestId, command) } : command;
}

/** The digest covers the verb and everything that is asked for, as the hash of the request's bytes does. */
function requestIdOf(id: string, command: Command): RequestId {
  return { id, hash: JSON.stringify(command) };
}

function bareCommand(wish: Exclude<Wish, { do: "again" }>, { model, nowMs, seen }: Past): Command {
  const idOf = (job: JobWish): string => {
    if (job.among === "nameless") return "";
    if (job.among === "missing") return missingJobId;
    if (job.among === "forged") return forged(seen[job.n % seen.length] ?? missingJobId);
    const ids =
      job.among === "any"
        ? seen
        : job.among === "agent"
          ? seen.filter((id) => model.state.jobs.get(id)?.agent)
          : seen.filter((id) => model.state.jobs.get(id)?.state === job.among);
    return ids[job.n % ids.length] ?? seen[job.n % seen.length] ?? missingJobId;
  };
  const fenceOf = (jobId: string, wished: FenceWish): number => {
    const fence = model.state.jobs.get(jobId)?.fence ?? 0;
    return { none: 0, right: fence, older: Math.max(1, fence - 1), newer: fence + 1 }[wished];
  };
  const ackOf = (item: AckWish) => {
    const jobId = idOf(item.job);
    const { result, checkpoint, agentStatus, holdReason, usage } = item;
    return { jobId, result, checkpoint, agentStatus, holdReason, usage, fence: fenceOf(jobId, item.fence) };
  };
  switch (wish.do) {
    case "enqueue": {
      const scheduledAtMs = wish.scheduledInMs === undefined ? undefined : nowMs + wish.scheduledInMs;
      return { verb: "enqueue", job: { ...wish.job, scheduledAtMs } };
    }
    case "enqueueBatch":
      return { verb: "enqueueBatch", jobs: wish.jobs };
    case "fetch":
      return { verb: "fetch", ...wish.from };
    case "fetchBatch":
      return { verb: "fetchBatch", count: wish.count, ...wish.from };
    case "ack":
      return { verb: "ack", ...ackOf(wish.item), keepAbsentResult: wish.keepAbsentResult };
    case "ackBatch":
      return { verb: "ackBatch", items: wish.items.map(ackOf), keepAbsentResult: wish.keepAbsentResult };
    case "fail": {
      const jobId = idOf(wish.job);
      return { verb: "fail", jobId, fence: fenceOf(jobId, wish.fence), error: wish.error, backtrace: wish.backtrace };
    }
    case "step": {
      const { keep, checkpoint, jobs, keepAbsentResult } = wish;
      const { jobId, fence, ...item } = ackOf(wish.item);
      return { verb: "step", jobId, fence, result: keep && (item.result?.length ?? 0) < 5 ? "" : item.result, keep, checkpoint, jobs, keepAbsentResult };
    }
    case "release": {
      const jobId = idOf(wish.job);
      return { verb: "release", jobId, fence: fenceOf(jobId, wish.fence), checkpoint: wish.checkpoint };
    }
    case "heartbeat":
      return {
        verb: "heartbeat",
        jobs: Object.fromEntries(
          wish.jobs.map(({ job, fence, progress, checkpoint, usage }) => {
            const jobId = idOf(job);
            return [jobId, { fence: fenceOf(jobId, fence), progress, checkpoint, usage }];
          }),
        ),
      };
    case "lifecycle":
      return { verb: "lifecycle", ...wish.from, fetchCount: wish.count, acks: wish.acks.map(ackOf), enqueues: wish.jobs, correlation: wish.correlation };
    case "jobVerb":
      return { verb: wish.verb, jobId: idOf(wish.job) };
    case "revise":
      return { verb: "revise", jobId: idOf(wish.job), payload: wish.payload, checkpoint: wish.checkpoint, note: wish.note };
    case "replay":
      return { verb: "replay", jobId: idOf(wish.job), from: wish.from };
    case "changePriority":
      return { verb: "changePriority", jobId: idOf(wish.job), priority: wish.priority };
    case "move":
      return { verb: "move", jobId: idOf(wish.job), queue: wish.queue };
    case "queue":
      return wish.command;
    case "tick":
      return { verb: "tick" };
    case "leadership":
      return { verb: "leadership", pauseMs: wish.pauseMs };
  }
}
