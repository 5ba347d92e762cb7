import type { BatchCallback, ChainSpec, FetchFrom, NewJob, UsageReport } from "./model/command.js";
import type { Rng } from "./random.js";
import type { AckWish, BatchWish, FenceWish, JobToAdd, JobWish } from "./wish.js";

export const queues = ["a", "b", "mail"] as const;
const keys = ["k1", "k2"] as const;
export const priorities = ["critical", "high", "normal", "low", "High"] as const;
export const payloads = ["", '{"n":1}', '"text"', " [1, 2.50] ", "null", `{"long":"${"x".repeat(300)}"}`, '{"ü":"\\u00e9 日本"}'] as const;
/** As `JSON.stringify` writes them: the model does not care for spelling. */
const stepPayloads = ["", '{"x":1}', '{"previous_job_id":"mine","error":2}', "17", "[1]"] as const;
export const jsonObjects = ["{}", '{"step":1}', '{"step":2,"more":[true]}'] as const;

export function randomCallback(rng: Rng): BatchCallback {
  return { callbackQueue: rng.oneIn(5) ? "" : rng.pick(queues), callbackPayload: rng.pick(["", '{"batch":1}', "[7]"]) };
}

export function randomBatch(rng: Rng): BatchWish {
  return { among: rng.weighted({ open: 6, any: 1, missing: 1 }), n: rng.below(5) };
}

/** The first step is the job itself. */
export function randomChain(rng: Rng, queue: string): ChainSpec {
  const handler = () => (rng.oneIn(2) ? { queue: rng.pick(queues), payload: rng.pick(stepPayloads) } : undefined);
  const next = some(rng, 1, 2, () => ({ queue: rng.pick(queues), payload: rng.pick(stepPayloads) }));
  return { steps: [{ queue, payload: "" }, ...next], onFailure: handler(), onExit: handler() };
}

/** A step of a chain that its caller keeps, or only the words of one. */
export function randomRaw(rng: Rng, chain: ChainSpec): Pick<NewJob, "chain" | "raw"> {
  const raw = { chainId: rng.pick(["", "mine", "mine", "yours"]), step: rng.pick([undefined, 0, 0, 1, 1, 2, -1, -2, -7]), config: "" };
  if (rng.oneIn(5)) return { chain: undefined, raw: { ...raw, config: rng.pick(["", '{"mine":1}']) } };
  return { chain: { ...chain, steps: chain.steps.slice(0, rng.pick([1, 2, 3])) }, raw };
}

/** A job of a step cannot depend on others. */
export function randomStepJob(rng: Rng): JobToAdd {
  return { ...randomJob(rng), after: undefined };
}

export function randomJob(rng: Rng): JobToAdd {
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

export function randomFrom(rng: Rng): FetchFrom {
  return {
    queues: some(rng, 1, 3, () => rng.pick([...queues, "nobody's"])),
    workerId: rng.pick(["w1", "w2", ""]),
    hostname: rng.pick(["host1", ""]),
    leaseSeconds: rng.pick([0, -1, 1, 1, 2, 60, 100, 86_400]),
  };
}

const amounts = [0, 0.1, 0.25, 1, 1 / 3, 1e-9, 0.000_000_15, -1] as const;

export const randomAck = (rng: Rng): AckWish => ({
  job: randomLeased(rng),
  fence: randomFence(rng),
  result: rng.pick(["", "", '{"ok":true}', "17"]),
  checkpoint: rng.oneIn(4) ? '{"cp":"ack"}' : "",
  agentStatus: rng.oneIn(3) ? rng.pick(["continue", "continue", " Continue ", "hold", "done", "what"]) : "",
  holdReason: rng.oneIn(5) ? rng.pick(["mine", " "]) : "",
  stepStatus: rng.oneIn(5) ? rng.pick(["exit", " Exit ", "continue", "what"]) : "",
  usage: randomUsage(rng),
});

export function randomUsage(rng: Rng): UsageReport | undefined {
  if (rng.oneIn(2)) return undefined;
  return { costUsd: rng.pick(amounts), inputTokens: rng.pick([0, 10, -3]), model: rng.pick(["", "m1", " m1 ", "m2"]) };
}

export const randomFence = (rng: Rng): FenceWish => rng.weighted({ none: 4, right: 8, older: 2, newer: 1 });
export const randomLeased = (rng: Rng): JobWish => (rng.oneIn(5) ? randomJobWish(rng) : { among: "active", n: rng.below(8) });
export const randomJobWish = (rng: Rng): JobWish => ({
  among: rng.weighted({ any: 6, missing: 1, forged: 1, pending: 2, active: 2, held: 3, completed: 2, retrying: 2, dead: 3, cancelled: 2, scheduled: 2 }),
  n: rng.below(50),
});

export function some<T>(rng: Rng, min: number, max: number, make: (rng: Rng) => T): T[] {
  return Array.from({ length: min + rng.below(max - min + 1) }, () => make(rng));
}
