import type { BatchCallback, BulkCommand, ChainSpec, Command, FetchFrom, JobState, NewJob, UsageReport } from "./model/command.js";
import { jobStates, jobVerbs } from "./model/command.js";
import { randomSchedule, randomTelling, type ScheduleWish } from "./program-schedules.js";
import { Rng } from "./random.js";

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
/** An open batch, the n-th of all, or one that never was. */
export interface BatchWish {
  among: "open" | "any" | "missing";
  n: number;
}

/** A job, with those that it is to be with. */
export type JobToAdd = NewJob & { joins?: BatchWish; after?: JobWish[]; childOf?: JobWish };

export interface AckWish {
  job: JobWish;
  fence: FenceWish;
  result: string;
  checkpoint?: string;
  agentStatus?: string;
  holdReason?: string;
  usage?: UsageReport;
  stepStatus?: string;
}

export type Wish = { requestId?: string } & (
  | { do: "enqueue"; job: JobToAdd; scheduledInMs?: number }
  | { do: "enqueueBatch"; jobs: JobToAdd[]; batch?: BatchCallback }
  | ({ do: "createBatch" } & BatchCallback)
  | { do: "sealBatch"; of: BatchWish }
  | { do: "fetch"; from: FetchFrom }
  | { do: "fetchBatch"; from: FetchFrom; count: number }
  | { do: "ack"; item: AckWish; keepAbsentResult: boolean }
  | { do: "ackBatch"; items: AckWish[]; keepAbsentResult: boolean }
  | { do: "fail"; job: JobWish; fence: FenceWish; error: string; backtrace: string }
  | { do: "step"; item: AckWish; keep: boolean; checkpoint: string; jobs: JobToAdd[]; keepAbsentResult: boolean }
  | { do: "release"; job: JobWish; fence: FenceWish; checkpoint: string }
  | { do: "heartbeat"; jobs: { job: JobWish; fence: FenceWish; progress: string; checkpoint: string; usage?: UsageReport }[] }
  | { do: "revise"; job: JobWish; payload: string; checkpoint: string; note: string }
  | { do: "replay"; job: JobWish; from: number }
  | { do: "lifecycle"; from: FetchFrom; count: number; acks: AckWish[]; jobs: JobToAdd[]; correlation: number }
  | { do: "jobVerb"; verb: (typeof jobVerbs)[number]; job: JobWish }
  | { do: "move"; job: JobWish; queue: string }
  | { do: "bulk"; action: BulkCommand["action"]; jobs: JobWish[]; queue: string; priority: string }
  | { do: "changePriority"; job: JobWish; priority: string }
  | { do: "queue"; command: Command }
  | ScheduleWish
  | { do: "tick" }
  | { do: "leadership"; pauseMs: number }
  /** Sends a command that had a request id once more, as a client that got no answer does. */
  | { do: "again"; n: number }
);

const queues = ["a", "b", "mail"] as const;
const keys = ["k1", "k2"] as const;
const priorities = ["critical", "high", "normal", "low", "High"] as const;
const payloads = ["", '{"n":1}', '"text"', " [1, 2.50] ", "null", `{"long":"${"x".repeat(300)}"}`, '{"ü":"\\u00e9 日本"}'] as const;
/** As `JSON.stringify` writes them: the model does not care for spelling. */
const stepPayloads = ["", '{"x":1}', '{"previous_job_id":"mine","error":2}', "17", "[1]"] as const;
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
    if (weights.schedule > 0 && rng.oneIn(2)) wishes.push(randomTelling(rng));
    // A leadership's command is the first of its entry, and the only one of its kind there.
    return { move: randomMove(rng), wishes: wishes.filter((wish, i) => i === 0 || wish.do !== "leadership") };
  });
}

/** The digest is made when it is known what the job names. */
function withRequestId(job: JobToAdd, id: string): JobToAdd {
  return { ...job, requestId: { id, hash: "" } };
}

/** Puts jobs with request ids into batches and frames, and now and then an item that is wrong into a frame. */
function spoiled(rng: Rng, wish: Wish, items: readonly JobToAdd[]): Wish {
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
  batch: 3,
  fetch: 12,
  fetchBatch: 6,
  ack: 10,
  ackBatch: 4,
  fail: 8,
  release: 4,
  step: 5,
  heartbeat: 7,
  lifecycle: 6,
  jobVerb: 12,
  revise: 3,
  replay: 4,
  budget: 7,
  policy: 1,
  move: 4,
  priority: 3,
  bulk: 3,
  pause: 3,
  clear: 1,
  destroy: 1,
  limit: 4,
  schedule: 5,
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
  if (rng.oneIn(6) && !["heartbeat", "bulk", "slots", "tick", "leadership", "again"].includes(wish.do)) wish.requestId = rng.pick(["r1", "r2", "r3", "r4"]);
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
      return { do: "enqueueBatch", jobs: some(rng, 1, 4, randomJob), batch: rng.oneIn(3) ? randomCallback(rng) : undefined };
    case "batch":
      return rng.oneIn(2) ? { do: "createBatch", ...randomCallback(rng) } : { do: "sealBatch", of: randomBatch(rng) };
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
        jobs: rng.oneIn(12) ? [{ queue: "" }] : some(rng, 0, 3, randomStepJob),
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
    case "bulk":
      return randomBulk(rng, queue);
    case "pause":
      return { do: "queue", command: { verb: rng.pick(["pauseQueue", "drainQueue", "resumeQueue", "resumeQueue", "resumeQueue"]), queue } };
    case "clear":
      return { do: "queue", command: { verb: "clearQueue", queue } };
    case "destroy":
      return { do: "queue", command: { verb: "destroyQueue", queue } };
    case "limit":
      return { do: "queue", command: randomLimit(rng, queue) };
    case "schedule":
      return randomSchedule(rng, randomJob(rng));
    case "tick":
      return { do: "tick" };
    case "leadership":
      return { do: "leadership", pauseMs: rng.pick([0, 1, 500, 60_000, 1_000_000]) };
    case "again":
      return { do: "again", n: rng.below(1_000) };
  }
}

function randomBulk(rng: Rng, queue: string): Wish {
  const action = rng.pick([...jobVerbs, "move", "changePriority"] as const);
  const states = action === "move" ? jobStates : action === "changePriority" ? (["pending", "scheduled"] as const) : fitting[action];
  return { do: "bulk", action, jobs: some(rng, 1, 5, () => fittingJob(rng, states)), queue, priority: rng.pick(priorities) };
}

const fitting: Record<(typeof jobVerbs)[number], readonly JobState[]> = {
  retry: ["dead", "cancelled", "completed", "scheduled"],
  requeue: ["dead"],
  cancel: ["pending", "active", "scheduled", "retrying"],
  hold: ["pending", "active", "scheduled", "retrying"],
  approve: ["held"],
  reject: ["held"],
  delete: ["completed", "cancelled", "active", "pending"],
};

/** Three times out of four on a job in a state from which it works. */
function randomJobVerb(rng: Rng): Wish {
  const verb = rng.pick(jobVerbs);
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

function randomCallback(rng: Rng): BatchCallback {
  return { callbackQueue: rng.oneIn(5) ? "" : rng.pick(queues), callbackPayload: rng.pick(["", '{"batch":1}', "[7]"]) };
}

function randomBatch(rng: Rng): BatchWish {
  return { among: rng.weighted({ open: 6, any: 1, missing: 1 }), n: rng.below(5) };
}

/** The first step is the job itself. */
function randomChain(rng: Rng, queue: string): ChainSpec {
  const handler = () => (rng.oneIn(2) ? { queue: rng.pick(queues), payload: rng.pick(stepPayloads) } : undefined);
  const next = some(rng, 1, 2, () => ({ queue: rng.pick(queues), payload: rng.pick(stepPayloads) }));
  return { steps: [{ queue, payload: "" }, ...next], onFailure: handler(), onExit: handler() };
}

/** A step of a chain that its caller keeps, or only the words of one. */
function randomRaw(rng: Rng, chain: ChainSpec): Pick<NewJob, "chain" | "raw"> {
  const raw = { chainId: rng.pick(["", "mine", "mine", "yours"]), step: rng.pick([undefined, 0, 0, 1, 1, 2, -1, -2, -7]), config: "" };
  if (rng.oneIn(5)) return { chain: undefined, raw: { ...raw, config: rng.pick(["", '{"mine":1}']) } };
  return { chain: { ...chain, steps: chain.steps.slice(0, rng.pick([1, 2, 3])) }, raw };
}

/** A job of a step cannot depend on others. */
function randomStepJob(rng: Rng): JobToAdd {
  return { ...randomJob(rng), after: undefined };
}

function randomJob(rng: Rng): JobToAdd {
  const job: JobToAdd = { queue: rng.pick(queues), payload: rng.pick(payloads) };
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
  const parent = rng.below(8);
  if (parent === 0) job.parentId = "job_parent";
  if (parent === 1) job.childOf = randomJobWish(rng);
  if (rng.oneIn(6)) job.joins = randomBatch(rng);
  if (rng.oneIn(6)) job.chain = randomChain(rng, job.queue);
  if (rng.oneIn(9)) Object.assign(job, randomRaw(rng, job.chain ?? randomChain(rng, rng.pick(queues))));
  if (rng.oneIn(5))
    job.after = some(rng, 1, 3, () => ({ among: rng.weighted({ active: 10, pending: 6, completed: 2, any: 4, missing: 1, forged: 1 }), n: rng.below(10) }));
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
  stepStatus: rng.oneIn(5) ? rng.pick(["exit", " Exit ", "continue", "what"]) : "",
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
