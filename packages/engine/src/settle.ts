import { AgentConfigReader, EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { commandFlags, limits, type Refusal, refuse } from "@corvo/protocol";
import { alert, BudgetInt, BudgetNum, OnExceed, perJobBudget, spend } from "./budgets.js";
import { textOf } from "./command.js";
import { changeDocument, cutText, type DocumentEdit, documentCheckpoint, edit } from "./document.js";
import { finish, releaseKey } from "./finish.js";
import { addIteration, IterationStatus } from "./iterations.js";
import { factsOf, JobFacts } from "./job-facts.js";
import { enterUsage } from "./ledger.js";
import { noteBytesMax } from "./limits.js";
import { assign, enter, leave } from "./lists.js";
import { nanosOf, usdText } from "./money.js";
import { policyAgainst } from "./policies.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";
import { UsageReport } from "./usage-report.js";

/** Numbers of corvo.v1.AckOutcome. */
export const AckOutcome = { acked: 1, notFound: 2, notActive: 3, staleFence: 4, refused: 5, continued: 6, held: 7, budgetExceeded: 8 } as const;

/** The acknowledgement was accepted. */
export function accepted(outcome: number): boolean {
  return outcome === AckOutcome.acked || outcome === AckOutcome.continued || outcome === AckOutcome.held;
}

/** What a worker says when it is through with a delivery: AckRequest, AckBatchItem, or whatever else has these fields. */
export interface Acknowledgement {
  buf: Uint8Array;
  jobIdStart: number;
  jobIdEnd: number;
  resultJsonStart: number;
  resultJsonEnd: number;
  checkpointJsonStart: number;
  checkpointJsonEnd: number;
  agentStatusStart: number;
  agentStatusEnd: number;
  holdReasonStart: number;
  holdReasonEnd: number;
  hasUsage: boolean;
  usageStart: number;
  usageEnd: number;
  /** Equal or absent: nothing is said about the chain. */
  stepStatusStart?: number;
  stepStatusEnd?: number;
}

/** What the last `settle` has to say beside its outcome. */
export const settled = {
  /** With `refused` and `budgetExceeded`. */
  refusal: undefined as Refusal | undefined,
  /** Of an agent job: why it is held. */
  holdReason: nothing(),
  /** Of an agent job: its iteration now; 0: it is none. */
  iteration: 0,
};

const request = new EnqueueRequestReader();
const agent = new AgentConfigReader();
const report = new UsageReport();
const facts = new JobFacts();
const encoder = new TextEncoder();

function nothing(): Uint8Array {
  return new Uint8Array(0);
}

/**
 * An active job whose lease is in order is acknowledged: it is completed, or, an agent job, goes on or is held. Refusals, in order: a word to
 * the chain that is none, agent
 * words for a job that is no agent's, words that are none, a budget that rejects. What is refused changes nothing.
 */
export function settle(s: State, row: number, r: Acknowledgement, flags: number): number {
  settled.iteration = 0;
  const chained = (s.jobs.flags(row) & JobFlag.chained) !== 0;
  if (chained && stepStatus(r) === undefined) {
    const text = `invalid step_status "${textOf(r.buf, r.stepStatusStart!, r.stepStatusEnd!)}"`;
    settled.refusal = refuse("invalid_argument", "INVALID_STEP_STATUS", text, { field: "step_status" });
    return AckOutcome.refused;
  }
  const words = r.agentStatusEnd > r.agentStatusStart;
  if (!words && !r.hasUsage && (s.jobs.flags(row) & JobFlag.agent) === 0) {
    complete(s, row, said(r, flags, false));
    return AckOutcome.acked;
  }
  const status = words ? textOf(r.buf, r.agentStatusStart, r.agentStatusEnd).trim().toLowerCase() : "";
  const isAgent = (s.jobs.flags(row) & JobFlag.agent) !== 0 || configOf(s, row) !== undefined;
  const refusal = statusRefusal(s, r, status, isAgent);
  if (refusal !== undefined) {
    settled.refusal = refusal;
    return AckOutcome.refused;
  }
  if (s.level < 2) {
    complete(s, row, said(r, flags, false));
    return AckOutcome.acked;
  }
  const queue = s.queues.of(s.jobs.queue(row));
  const told = r.hasUsage && report.read(r.buf, r.usageStart, r.usageEnd);
  const cost = told ? report.costNanos : 0;
  factsOf(s, row, facts);
  if (told) {
    const budget = perJobBudget(s, row, queue);
    const limit = budget === -1 ? Infinity : s.entities.num(budget, BudgetNum.perJob);
    if (facts.costNanos + cost > limit) {
      if (s.entities.int4(budget, BudgetInt.onExceed) === OnExceed.reject) {
        const id = textOf(r.buf, r.jobIdStart, r.jobIdEnd);
        settled.refusal = refuse("invalid_argument", "BUDGET_EXCEEDED", `per-job budget exceeded for job "${id}"`);
        return AckOutcome.budgetExceeded;
      }
      if (facts.costNanos <= limit) alert(s, row, queue, budget, "per_job", facts.costNanos + cost, limit);
    }
    enterUsage(s, queue.nameBytes, report, true);
    spend(s, row, queue, cost);
    facts.costNanos += cost;
  }
  s.jobs.touch(row);
  if (isAgent) return settleIteration(s, row, r, status, cost, flags);
  const change = said(r, flags, false);
  change.facts = facts;
  complete(s, row, change);
  return AckOutcome.acked;
}

/** Does the acknowledgement end the job's chain? Undefined: its word for it is none. A job that is in no chain is not asked. */
function stepStatus({ buf, stepStatusStart: start = 0, stepStatusEnd: end = 0 }: Acknowledgement): boolean | undefined {
  if (end === start) return false;
  const status = textOf(buf, start, end).trim().toLowerCase();
  return status === "exit" ? true : status === "" || status === "continue" ? false : undefined;
}

/** The result and checkpoint of an acknowledgement. An absent result is `{}` in RPC and stays absent in REST, and when the job goes on. */
function said(r: Acknowledgement, flags: number, goesOn: boolean): DocumentEdit {
  const change = edit.clear(r.buf);
  change.exitChain = stepStatus(r) ?? false;
  if (r.resultJsonEnd > r.resultJsonStart) {
    change.resultStart = r.resultJsonStart;
    change.resultEnd = r.resultJsonEnd;
  } else change.resultObject = !goesOn && (flags & commandFlags.absentResult) === 0;
  if (r.checkpointJsonEnd > r.checkpointJsonStart) {
    change.checkpointStart = r.checkpointJsonStart;
    change.checkpointEnd = r.checkpointJsonEnd;
  }
  return change;
}

/** An active job is done. */
export function complete(s: State, row: number, change: DocumentEdit): void {
  const seq = s.jobs.seq(row);
  const createdMs = s.jobs.createdMs(row);
  releaseKey(s, row);
  const attempt = s.jobs.attempt(row);
  const worker = s.workers.byNumber[s.jobs.worker(row)];
  const queue = finish(s, row, JobState.completed, change);
  s.events.add(EventType.completed, seq, createdMs, queue, s.logTimeMs);
  s.events.attempt(attempt, worker);
}

function statusRefusal(s: State, r: Acknowledgement, status: string, isAgent: boolean): Refusal | undefined {
  if (status === "") return undefined;
  const field = { field: "agent_status" };
  if (!isAgent) {
    const id = textOf(r.buf, r.jobIdStart, r.jobIdEnd);
    return refuse("invalid_argument", "WRONG_STATE", `job ${id} is not an agent job`, field);
  }
  if (status === "done") return undefined;
  if (status !== "continue" && status !== "hold") return refuse("invalid_argument", "INVALID_VALUE", `invalid agent_status "${status}"`, field);
  return s.level >= 2 ? undefined : refuse("invalid_argument", "UNSUPPORTED", `agent_status "${status}" is not served by this version`, field);
}

/** Limits of an agent job; undefined: it is none. Valid until the next call. */
export function configOf(s: State, row: number): AgentConfigReader | undefined {
  const address = s.jobs.request(row);
  const start = s.arena.start(address);
  const q = request.read(s.arena.memory(address), start, start + s.arena.length(address));
  return q.hasAgent ? agent.read(q.buf, q.agentStart, q.agentEnd) : undefined;
}

/** One iteration of an agent job is over. `facts` are the job's. */
function settleIteration(s: State, row: number, r: Acknowledgement, status: string, cost: number, flags: number): number {
  const { iteration } = facts;
  const goesOn = status === "continue" || status === "hold";
  facts.agentCostNanos += cost;
  facts.note = nothing();
  facts.iterationEndsMs = 0;
  facts.attemptsBefore = s.jobs.attempt(row);
  const reason = goesOn ? holdReason(s, row, r, status) : undefined;
  addIteration(s, row, facts, {
    iteration,
    status: !goesOn ? IterationStatus.done : reason === undefined ? IterationStatus.continue : IterationStatus.hold,
    checkpoint: r.checkpointJsonEnd > r.checkpointJsonStart ? r.buf.slice(r.checkpointJsonStart, r.checkpointJsonEnd) : checkpointOf(s, row),
    holdReason: reason ?? nothing(),
    result: r.buf.slice(r.resultJsonStart, r.resultJsonEnd),
    usage: r.buf.slice(r.usageStart, r.usageEnd),
  });
  settled.iteration = facts.iteration;
  settled.holdReason = reason ?? nothing();
  const change = said(r, flags, goesOn);
  change.facts = facts;
  if (!goesOn) {
    complete(s, row, change);
    return AckOutcome.acked;
  }
  change.hold = reason;
  const worker = s.workers.byNumber[s.jobs.worker(row)];
  const queue = leave(s, row);
  changeDocument(s, row, change);
  s.jobs.setDueMs(row, 0);
  assign(s, row, 0);
  enter(s, row, queue, reason === undefined ? JobState.pending : JobState.held);
  s.events.add(reason === undefined ? EventType.continued : EventType.held, s.jobs.seq(row), s.jobs.createdMs(row), queue, s.logTimeMs);
  s.events.attempt(s.jobs.attempt(row), worker);
  if (reason !== undefined) s.events.because(reason);
  s.events.attach(encoder.encode(`{"iteration":${reason === undefined ? facts.iteration : iteration}}`));
  return reason === undefined ? AckOutcome.continued : AckOutcome.held;
}

/**
 * Why an iteration that did not end the job holds it, or undefined: the next one may come. In order: the worker asked for it, a policy wants
 * it, the iterations are spent, the money is spent. After `continue` without a policy the next iteration is counted in any case.
 */
function holdReason(s: State, row: number, r: Acknowledgement, status: string): Uint8Array | undefined {
  const own = r.buf.slice(r.holdReasonStart, cutText(r.buf, r.holdReasonStart, r.holdReasonEnd, noteBytesMax));
  const given = textOf(own, 0, own.length).trim() === "" ? undefined : own;
  if (status === "hold") return given ?? nothing();
  const policy = policyAgainst(s, row, facts.iteration, facts.agentCostNanos);
  if (policy !== undefined) return given ?? encoder.encode(`approval policy matched: ${policy}`);
  facts.iteration = Math.min(facts.iteration + 1, limits.attemptsMax);
  const config = configOf(s, row)!;
  const maxNanos = nanosOf(config.maxCostUsd);
  if (config.maxIterations > 0 && facts.iteration > config.maxIterations) return given ?? encoder.encode(`max_iterations exceeded (${config.maxIterations})`);
  if (maxNanos > 0 && facts.agentCostNanos > maxNanos) {
    return given ?? encoder.encode(`max_cost_usd exceeded (${usdText(facts.agentCostNanos)} > ${usdText(maxNanos)})`);
  }
  return undefined;
}

/** The job's checkpoint as it is, a copy; empty: none. */
export function checkpointOf(s: State, row: number): Uint8Array {
  const stored = documentCheckpoint(s, row);
  if (stored !== undefined) return stored;
  const address = s.jobs.request(row);
  const start = s.arena.start(address);
  const q = request.read(s.arena.memory(address), start, start + s.arena.length(address));
  return q.buf.slice(q.checkpointJsonStart, q.checkpointJsonEnd);
}
