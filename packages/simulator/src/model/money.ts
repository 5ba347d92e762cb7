import type { BudgetRecord, Command, Outcome, UsageReport } from "./command.js";
import type { Job, State } from "./state.js";

/** Money is counted in whole billionths of a dollar. */
export function nanos(usd: number): number {
  return usd > 0 ? Math.round(usd * 1e9) : 0;
}

export const dayMs = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;

export type Scope = "queue" | "tag" | "global";
export type OnExceed = "hold" | "reject" | "alert_only";

export interface Budget {
  scope: Scope;
  target: string;
  /** Only for jobs of this namespace; empty: of the whole server. */
  namespace: string;
  daily?: number;
  perJob?: number;
  onExceed: OnExceed;
  spent: number;
  /** The UTC day of `spent`. */
  day: number;
  /** When the day is over. */
  dueMs?: number;
  /** See `State.made`. */
  made: number;
}

/** Sums of the ledger that are kept apart: a minute, hour or day. */
export interface Bucket {
  names: string;
  startMs: number;
  spanMs: number;
}

const strictness: readonly OnExceed[] = ["alert_only", "hold", "reject"];

function today(state: State): number {
  return Math.floor(state.nowMs / dayMs);
}

function spent(state: State, budget: Budget): number {
  return budget.day === today(state) ? budget.spent : 0;
}

function dailyReached(state: State, budget: Budget): boolean {
  return budget.daily !== undefined && spent(state, budget) >= budget.daily;
}

/** What acks of the queue cost on average. */
function average(state: State, queue: string): number {
  const costs = state.reports.filter((report) => report.queue === queue && report.byAck).map((report) => report.nanos);
  return costs.length === 0 ? 0 : costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
}

function tagTargets(job: Job): string[] {
  const tags = Object.entries(job.tags ? (JSON.parse(job.tags) as Record<string, unknown>) : {});
  return tags.filter(([, value]) => typeof value === "string").flatMap(([key, value]) => [`${key}:${value}`, `${key}=${value}`]);
}

/** Whether a budget is for what is in this queue at all. */
function isFor({ namespace }: Budget, queue: string): boolean {
  return namespace === "" || namespace === namespaceOf(queue);
}

function namespaceOf(queue: string): string {
  return queue.includes("::") ? queue.split("::")[0] : "default";
}

function budgetsOf(state: State, job: Job): Budget[] {
  const targets = tagTargets(job);
  const own = state.budgets.filter((budget) => isFor(budget, job.queue));
  return own.filter(({ scope, target }) => scope === "global" || (scope === "queue" ? target === job.queue : targets.includes(target)));
}

/** The strictest action that a fetch from the queue meets (`jobs.md` §13; the one for all compares the sum of all queues). */
export function verdict(state: State, queue: string): OnExceed | undefined {
  const exceeded = state.budgets.filter((budget) => {
    if (budget.scope === "tag" || (budget.scope === "queue" && budget.target !== queue) || !isFor(budget, queue)) return false;
    return dailyReached(state, budget) || (budget.perJob !== undefined && average(state, queue) > budget.perJob);
  });
  return strictest(exceeded);
}

function strictest(budgets: readonly Budget[]): OnExceed | undefined {
  return strictness.findLast((action) => budgets.some((budget) => budget.onExceed === action));
}

function tagReached(state: State, job: Job): string | undefined {
  const targets = tagTargets(job);
  const own = state.budgets.filter((budget) => isFor(budget, job.queue));
  const reached = own.filter((b) => b.scope === "tag" && targets.includes(b.target) && b.onExceed !== "alert_only" && dailyReached(state, b));
  // Those of the whole server are told of first.
  const first = reached.some(({ namespace }) => namespace === "") ? reached.filter(({ namespace }) => namespace === "") : reached;
  return targets.find((target) => first.some((budget) => budget.target === target));
}

/** A budget with `reject` refuses the whole fetch. */
export function fetchRefusal(state: State, queues: readonly string[]): Outcome | undefined {
  const queue = queues.find((name) => verdict(state, name) === "reject");
  return queue === undefined
    ? undefined
    : { kind: "refused", code: "invalid_argument", reason: "BUDGET_EXCEEDED", message: `budget exceeded for queue "${queue}"` };
}

/** Why a job whose turn it is must be held; undefined: it may go. */
export function mustHold(state: State, job: Job): string | undefined {
  if (job.overruled) return undefined;
  const action = verdict(state, job.queue);
  if (action === "hold" || action === "reject") return `budget exceeded for queue "${job.queue}"`;
  const tag = tagReached(state, job);
  return tag && `budget exceeded for tag "${tag}"`;
}

export function holdForBudget(state: State, job: Job, reason: string, why: "spent" | "perJob"): void {
  state.leaveLine(job);
  state.endLease(job);
  job.state = "held";
  job.holdReason = reason;
  job.budgetHold = why;
  state.budgetHeld.push(job);
}

/** The lowest per-job limit among the job's budgets, of equal ones the strictest. */
export function perJobBudget(state: State, job: Job): Budget | undefined {
  return budgetsOf(state, job)
    .filter((budget) => budget.perJob !== undefined)
    .sort((a, b) => a.perJob! - b.perJob! || strictness.indexOf(b.onExceed) - strictness.indexOf(a.onExceed))[0];
}

export function isReport(usage: UsageReport | undefined): usage is UsageReport {
  return usage !== undefined && (nanos(usage.costUsd) > 0 || (usage.inputTokens ?? 0) > 0 || (usage.model ?? "").trim() !== "");
}

/** Enters a report: ledger, budgets, the job's own sum. */
export function charge(state: State, job: Job, usage: UsageReport, byAck: boolean): void {
  const cost = nanos(usage.costUsd);
  const model = (usage.model ?? "").trim();
  state.reports.push({ atMs: state.nowMs, queue: job.queue, model, inputTokens: Math.max(0, usage.inputTokens ?? 0), nanos: cost, byAck });
  bucket(state, JSON.stringify([job.queue, model]), state.nowMs, minuteMs);
  for (const budget of budgetsOf(state, job)) {
    if (cost === 0) continue;
    budget.spent = spent(state, budget) + cost;
    budget.day = today(state);
  }
  job.costNanos += cost;
}

function bucket(state: State, names: string, atMs: number, spanMs: number): void {
  const startMs = Math.floor(atMs / spanMs) * spanMs;
  if (!state.buckets.some((one) => one.names === names && one.startMs === startMs && one.spanMs === spanMs)) state.buckets.push({ names, startMs, spanMs });
}

/** When a bucket becomes part of a coarser one: minutes are kept for 25 hours, hours for 35 days, days for ever. */
function foldsMs({ startMs, spanMs }: Bucket): number {
  const keptMs = new Map([
    [minuteMs, 25 * hourMs],
    [hourMs, 35 * dayMs],
  ]).get(spanMs);
  return keptMs === undefined ? Infinity : startMs + spanMs + keptMs;
}

export function nextFoldMs(state: State): number {
  return Math.min(...state.buckets.map(foldsMs));
}

/** Held jobs are looked at again by the next tick. */
function releaseSoon(state: State): void {
  state.releaseMs = state.nowMs;
  state.releaseMade ||= ++state.made;
}

/** The day of a budget is over. */
export function budgetDue(state: State, budget: Budget): void {
  budget.dueMs = (today(state) + 1) * dayMs;
  releaseSoon(state);
}

export function foldBuckets(state: State): void {
  for (let old = state.buckets.find((one) => foldsMs(one) <= state.nowMs); old; old = state.buckets.find((one) => foldsMs(one) <= state.nowMs)) {
    state.buckets.splice(state.buckets.indexOf(old), 1);
    bucket(state, old.names, old.startMs, old.spanMs === minuteMs ? hourMs : dayMs);
  }
}

export function releaseDue(state: State): void {
  state.releaseMs = undefined;
  for (const job of [...state.budgetHeld]) {
    const limit = perJobBudget(state, job);
    const over = limit !== undefined && limit.onExceed !== "alert_only" && job.costNanos > limit.perJob!;
    const stays = job.budgetHold === "perJob" ? over : ["hold", "reject"].includes(verdict(state, job.queue) ?? "") || tagReached(state, job) !== undefined;
    if (stays) continue;
    job.holdReason = "";
    state.makePending(job);
  }
}

export function setBudget(state: State, command: Extract<Command, { verb: "setBudget" }>): Outcome {
  const { scope, dailyUsd, perJobUsd, onExceed, of: namespace = "" } = command;
  const target = scope === "global" ? "*" : command.target;
  const old = budgetOf(state, command);
  const startMs = today(state) * dayMs;
  const inReach = state.reports.filter(({ queue }) => (scope === "global" ? namespace === "" || namespaceOf(queue) === namespace : queue === target));
  const before = inReach.filter((report) => report.atMs >= startMs);
  const budget: Budget = {
    scope,
    target,
    namespace,
    daily: dailyUsd === undefined ? undefined : nanos(dailyUsd),
    perJob: perJobUsd === undefined ? undefined : nanos(perJobUsd),
    onExceed: onExceed || "hold",
    spent: old ? spent(state, old) : scope === "tag" ? 0 : before.reduce((sum, report) => sum + report.nanos, 0),
    day: today(state),
    dueMs: dailyUsd === undefined ? undefined : (today(state) + 1) * dayMs,
    made: ++state.made,
  };
  if (old) state.budgets.splice(state.budgets.indexOf(old), 1);
  state.budgets.push(budget);
  releaseSoon(state);
  return { kind: "budget", budget: budgetRecord(state, budget) };
}

function budgetOf(state: State, { scope, target, of = "" }: { scope: Scope; target: string; of?: string }): Budget | undefined {
  return state.budgets.find((one) => one.scope === scope && one.target === (scope === "global" ? "*" : target) && one.namespace === of);
}

export function deleteBudget(state: State, command: Extract<Command, { verb: "deleteBudget" }>): Outcome {
  const old = budgetOf(state, command);
  if (old) {
    state.budgets.splice(state.budgets.indexOf(old), 1);
    releaseSoon(state);
  }
  return { kind: "done", status: "deleted" };
}

export function budgetRecord(state: State, budget: Budget): BudgetRecord {
  return {
    scope: budget.scope,
    target: budget.target,
    namespace: budget.namespace,
    dailyUsd: budget.daily === undefined ? undefined : budget.daily / 1e9,
    perJobUsd: budget.perJob === undefined ? undefined : budget.perJob / 1e9,
    onExceed: budget.onExceed,
    spentUsd: spent(state, budget) / 1e9,
    exceeded: dailyReached(state, budget),
  };
}
