import type { AckItem, Command, IterationRecord, Outcome } from "./command.js";
import { nanos } from "./money.js";
import type { Job, State } from "./state.js";

const iterationsKept = 1000;

/** `continue`, `hold`, `done` or nothing; undefined: no such word. */
export function agentWord(given: string | undefined): "" | "continue" | "hold" | "done" | undefined {
  const word = (given ?? "").trim().toLowerCase();
  return word === "" || word === "continue" || word === "hold" || word === "done" ? word : undefined;
}

/**
 * `jobs.md` §11: one iteration of an agent job is over. Its words are in order, its usage is charged. What comes back is why it is held;
 * undefined: it is not. `done` is for the caller to finish.
 */
export function endIteration(state: State, job: Job, item: AckItem, word: "" | "continue" | "hold" | "done"): string | undefined {
  const { agent } = job;
  if (!agent) throw new Error("no agent job");
  const { iteration } = job;
  job.agentCostNanos += nanos(item.usage?.costUsd ?? 0);
  job.note = "";
  job.iterationEndsServingMs = undefined;
  job.attemptsBefore = job.attempt;
  const goesOn = word === "continue" || word === "hold";
  const held = goesOn ? holdReason(state, job, item, word) : undefined;
  if (item.checkpoint) job.checkpoint = item.checkpoint;
  job.iterations.push({
    id: ++job.iterationsTotal,
    iteration,
    status: !goesOn ? "done" : held === undefined ? "continue" : "hold",
    checkpoint: job.checkpoint,
    holdReason: held ?? "",
    result: item.result ?? "",
    costUsd: nanos(item.usage?.costUsd ?? 0) / 1e9,
  });
  if (job.iterations.length > iterationsKept) job.iterations.shift();
  return held;
}

function holdReason(state: State, job: Job, item: AckItem, word: "continue" | "hold"): string | undefined {
  const own = item.holdReason?.trim() ? item.holdReason : undefined;
  if (word === "hold") return own ?? "";
  const policy = state.policies.findLast((one) => matches(job, one));
  if (policy) return own ?? `approval policy matched: ${policy.name}`;
  job.iteration++;
  const { maxIterations, maxCostUsd } = job.agent!;
  if (maxIterations > 0 && job.iteration > maxIterations) return own ?? `max_iterations exceeded (${maxIterations})`;
  const max = nanos(maxCostUsd);
  if (max > 0 && job.agentCostNanos > max) return own ?? `max_cost_usd exceeded (${(job.agentCostNanos / 1e9).toFixed(4)} > ${(max / 1e9).toFixed(4)})`;
  return undefined;
}

/** `jobs.md` §12, with conditions on cost and iteration. None present: it never matches. */
function matches(job: Job, policy: Extract<Command, { verb: "setPolicy" }>): boolean {
  if (!policy.enabled) return false;
  const tags = job.tags ? (JSON.parse(job.tags) as Record<string, unknown>) : {};
  const conditions = [
    policy.queue && job.queue === policy.queue,
    policy.tagKey && tags[policy.tagKey] === policy.tagValue,
    policy.minCostUsd !== undefined && job.agentCostNanos >= nanos(policy.minCostUsd),
    policy.minIteration > 0 && job.iteration >= policy.minIteration,
  ];
  const present = [policy.queue, policy.tagKey, policy.minCostUsd !== undefined, policy.minIteration > 0];
  const given = conditions.filter((_, i) => present[i]);
  return given.length > 0 && (policy.mode === "all" ? given.every(Boolean) : given.some(Boolean));
}

export function setPolicy(state: State, command: Extract<Command, { verb: "setPolicy" }>): Outcome {
  state.policies.push(command);
  return { kind: "policy", name: command.name, mode: command.mode || "any", enabled: command.enabled };
}

/** A held job goes back with another payload, another checkpoint, a note. */
export function revise(state: State, command: Extract<Command, { verb: "revise" }>): Outcome {
  const job = state.jobs.get(command.jobId);
  const message = `job "${command.jobId}" not found or cannot be rejected from current state`;
  if (!job) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message };
  if (job.state !== "held") return { kind: "refused", code: "failed_precondition", reason: "WRONG_STATE", message };
  const { payload, checkpoint, note } = command;
  if (!payload && !checkpoint && !note) return { kind: "refused", code: "invalid_argument", reason: "REQUIRED" };
  if (payload) job.payload = payload;
  if (checkpoint) job.checkpoint = checkpoint;
  job.note = note;
  job.revisions++;
  job.attemptsBefore = job.attempt;
  job.holdReason = "";
  state.makePending(job);
  return { kind: "done", status: "pending" };
}

/** `jobs.md` §11.1: what the new job starts with, or why there is none. */
export function replayed(state: State, command: Extract<Command, { verb: "replay" }>): { job: Job; checkpoint: string } | Outcome {
  const { jobId, from } = command;
  if (from <= 0) return { kind: "refused", code: "invalid_argument", reason: "INVALID_VALUE", message: "from must be > 0" };
  const job = state.jobs.get(jobId);
  if (!job) return { kind: "refused", code: "not_found", reason: "NOT_FOUND", message: `job "${jobId}" not found` };
  const wrong = (message: string): Outcome => ({ kind: "refused", code: "failed_precondition", reason: "WRONG_STATE", message });
  if (!job.agent) return wrong(`job ${jobId} is not an agent job`);
  const known = job.iterations.findLast((one) => one.iteration === from);
  if (!known && !job.checkpoint) return wrong(`iteration ${from} not found for job "${jobId}"`);
  return { job, checkpoint: known ? known.checkpoint : job.checkpoint };
}

export function iterationRecords(job: Job): IterationRecord[] {
  return job.iterations.map((one) => ({ ...one }));
}
