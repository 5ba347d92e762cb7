import type { Command, JobState } from "./model/command.js";
import { jobStates, jobVerbs } from "./model/command.js";
import {
  jsonObjects,
  payloads,
  priorities,
  queues,
  randomAck,
  randomBatch,
  randomCallback,
  randomFence,
  randomFrom,
  randomJob,
  randomJobWish,
  randomLeased,
  randomStepJob,
  randomUsage,
  some,
} from "./program-parts.js";
import { randomSchedule, randomTelling } from "./program-schedules.js";
import { Rng } from "./random.js";
import type { JobToAdd, JobWish, Move, Step, TaskWish, Wish } from "./wish.js";

/** Everything follows from the seed. */
export function randomProgram(seed: number, steps: number): Step[] {
  const rng = new Rng(seed);
  // Swarm: each program leaves some kinds out, so that the others meet more often.
  const weights = { ...kinds };
  // Few jobs with request ids of their own: some come again as they were, some ids come again with another job.
  const items = Array.from({ length: 5 }, () => withRequestId(randomJob(rng), rng.pick(["i1", "i2", "i3"])));
  for (const kind of Object.keys(weights) as (keyof typeof kinds)[]) if (kind !== "enqueue" && kind !== "fetch" && rng.oneIn(4)) weights[kind] = 0;
  // Some programs are those of several who call everything by the same names.
  const namespaces = rng.oneIn(5) ? ["", "acme", "acme", "zeta"] : [""];
  return Array.from({ length: steps }, () => {
    const wishes = some(rng, 1, rng.pick([1, 1, 1, 3, 6]), () => ofSomebody(spoiled(rng, randomWish(rng, weights), items), rng.pick(namespaces)));
    if (weights.schedule > 0 && rng.oneIn(2)) wishes.push(randomTelling(rng));
    // A leadership's command is the first of its entry, and the only one of its kind there.
    return { move: randomMove(rng), wishes: wishes.filter((wish, i) => i === 0 || wish.do !== "leadership") };
  });
}

/** Policies, time and what a leader does are everybody's. */
function ofSomebody(wish: Wish, namespace: string): Wish {
  const shared = wish.do === "queue" && wish.command.verb === "setPolicy";
  return namespace === "" || shared || ["tick", "leadership", "slots", "bulkStep", "again"].includes(wish.do) ? wish : { ...wish, namespace };
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
  replay: 6,
  budget: 9,
  policy: 1,
  move: 4,
  priority: 3,
  bulk: 3,
  bulkTask: 7,
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
  if (rng.oneIn(6) && !["heartbeat", "bulk", "bulkStep", "slots", "tick", "leadership", "again"].includes(wish.do))
    wish.requestId = rng.pick(["r1", "r2", "r3", "r4"]);
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
    case "bulkTask":
      return randomBulkTask(rng, queue);
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

function randomBulk(rng: Rng, queue: string): Extract<Wish, { do: "bulk" }> {
  const action = rng.pick([...jobVerbs, "move", "changePriority"] as const);
  const states = action === "move" ? jobStates : action === "changePriority" ? (["pending", "scheduled"] as const) : fitting[action];
  return { do: "bulk", action, jobs: some(rng, 1, 5, () => fittingJob(rng, states)), queue, priority: rng.pick(priorities) };
}

/** Most steps do all that there is to do, and tasks are seldom stopped. */
function randomBulkTask(rng: Rng, queue: string): Wish {
  const of: TaskWish = { among: rng.weighted({ running: 12, any: 2, missing: 1 }), n: rng.below(4) };
  const kind = rng.weighted({ start: 3, step: 8, cancel: 1 });
  if (kind === "step") return { do: "bulkStep", of, how: rng.weighted({ whole: 6, part: 4, again: 3, before: 1, behind: 1 }) };
  if (kind === "cancel") return { do: "cancelBulkTask", of };
  const { action, jobs, priority } = randomBulk(rng, queue);
  const more = rng.oneIn(2) ? randomBulk(rng, queue).jobs : [];
  return { do: "bulkStart", action, jobs: rng.oneIn(12) ? [] : [...jobs, ...more], blockJobs: rng.pick([1, 2, 2, 3, 500]), queue, priority };
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

function randomBudget(rng: Rng): Command {
  const scope = rng.pick(["queue", "queue", "tag", "global"] as const);
  const target = scope === "queue" ? rng.pick(queues) : scope === "tag" ? rng.pick(["tenant:t1", "tenant=t2", "risk:high"]) : "*";
  const of = rng.oneIn(4) ? "default" : undefined;
  if (rng.oneIn(3)) return { verb: "deleteBudget", scope, target, of };
  // For a tag the only thing that a rejecting per-job limit refuses is acks: fetches go on.
  if (scope === "tag" && rng.oneIn(2)) return { verb: "setBudget", scope, target, perJobUsd: rng.pick([0, 0.1]), onExceed: "reject", of };
  const limit = () => (rng.oneIn(3) ? undefined : rng.pick([0, 0.25, 0.5, 1, 2, 5]));
  return { verb: "setBudget", scope, target, dailyUsd: limit(), perJobUsd: limit(), onExceed: rng.pick(["", "hold", "hold", "reject", "alert_only"]), of };
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
