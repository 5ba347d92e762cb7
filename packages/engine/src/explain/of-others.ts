import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { textOf } from "../command.js";
import { stillWaits } from "../dependencies.js";
import { BudgetHold, factsOf, JobFacts } from "../job-facts.js";
import { JobFlag, JobState } from "../tables/job-table.js";
import { holdReason } from "./of-the-job.js";
import { type Asked, listedMax, type Reason, ReasonCode, when } from "./reason.js";

const request = new EnqueueRequestReader();
const facts = new JobFacts();

/** Jobs that it depends on and that are not completed. One that is not live any more can only be run again by hand. */
export function waitsForJobs({ s, row }: Asked, found: Reason[]): void {
  const waits = s.jobs.waits(row);
  if (waits === 0) return;
  const address = s.jobs.request(row);
  const start = s.arena.start(address);
  const memory = s.arena.memory(address);
  const r = request.read(memory, start, start + s.arena.length(address));
  const running: string[] = [];
  const ended: string[] = [];
  const all = new Set<string>();
  for (let i = 0; i < r.dependsOnCount; i++) {
    const id = textOf(memory, r.dependsOnStart[i], r.dependsOnEnd[i]);
    if (all.has(id)) continue;
    all.add(id);
    if (running.length + ended.length >= listedMax || !stillWaits(s, s.jobs.seq(row), memory.slice(r.dependsOnStart[i], r.dependsOnEnd[i]))) continue;
    (s.find(memory, r.dependsOnStart[i], r.dependsOnEnd[i]) >= 0 ? running : ended).push(id);
  }
  if (ended.length > 0) {
    found.push({
      code: ReasonCode.dependencyFailed,
      message: `it waits for ${ended.length === 1 ? `job ${ended[0]}, which ended without being completed` : `${ended.length} jobs that ended without being completed`}`,
      jobIds: ended,
      remedy: `corvo retry ${ended[0]}`,
    });
  }
  found.push({
    code: ReasonCode.waitsForJobs,
    message: `it waits for ${waits} of the ${all.size} ${all.size === 1 ? "job" : "jobs"} that it depends on`,
    jobIds: [...running, ...ended].slice(0, listedMax),
    limit: all.size,
    current: all.size - waits,
  });
}

/** A budget holds it; one that counts by the day lets it go at midnight, UTC. */
export function budgetSpent({ s, row, id, state, nowMs }: Asked, found: Reason[]): void {
  if (state !== JobState.held || (s.jobs.flags(row) & JobFlag.overBudget) === 0) return;
  const detail = holdReason(s, row);
  const daily = factsOf(s, row, facts).budgetHold === BudgetHold.spent;
  const untilMs = daily ? (Math.floor(nowMs / 86_400_000) + 1) * 86_400_000 : undefined;
  found.push({
    code: ReasonCode.budgetSpent,
    message: `${detail}${untilMs === undefined ? "" : `; a daily budget starts anew at ${when(untilMs)}`}`,
    untilMs,
    detail,
    remedy: `corvo approve ${id}`,
  });
}

/** What a worker or a person wrote when it was held, as far as it tells what held it. */
export function heldByRule({ s, row, id, state }: Asked, found: Reason[]): void {
  if (state !== JobState.held || found.some((reason) => reason.code === ReasonCode.budgetSpent)) return;
  const detail = holdReason(s, row);
  const policy = /^approval policy matched: (.*)$/s.exec(detail)?.[1];
  const remedy = `corvo approve ${id}`;
  if (policy !== undefined)
    found.push({ code: ReasonCode.heldByPolicy, message: `approval policy ${policy} holds it until somebody decides`, name: policy, detail, remedy });
  else if (/^(max_iterations|max_cost_usd|iteration_timeout) exceeded/.test(detail))
    found.push({ code: ReasonCode.guardrail, message: `a limit of its own holds it until somebody decides: ${detail}`, detail, remedy });
}
