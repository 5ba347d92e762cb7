import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { addToCount, countOf, findBudget, namespaceOf, namespaceOfBudget, Scope, targetBytesOf, targetOf } from "./budget-keys.js";
import { changeDocument, edit } from "./document.js";
import { BudgetHold, factsOf, JobFacts } from "./job-facts.js";
import { seqKey } from "./keys.js";
import { averageCost, dayMs } from "./ledger.js";
import { budgetJobsMax } from "./limits.js";
import { assign, enter, leave, makePending } from "./lists.js";
import { usdOf } from "./money.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";

export const scopeNames = ["", "queue", "tag", "global"] as const;

/** What a budget does when it is exceeded; the strictest has the highest number. */
export const OnExceed = { alertOnly: 1, hold: 2, reject: 3 } as const;
export const onExceedNames = ["", "alert_only", "hold", "reject"] as const;

/** Numbers of a budget's entity. Limits are in billionths of a dollar; below 0: none. Its key: see `budget-keys.ts`. */
export const BudgetNum = { createdMs: 0, daily: 1, perJob: 2, spent: 3, day: 4, alertedDay: 5 } as const;
/** Integers of it. */
export const BudgetInt = { onExceed: 0, scope: 1 } as const;

/** Keys of settings: how many budgets are for tags; where the walk over held jobs is. */
const tagBudgetsKey = "tag-budgets";
const releaseKey = new TextEncoder().encode("budget-release");
const nothing = new Uint8Array(0);
const globalTarget = new TextEncoder().encode("*");

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const request = new EnqueueRequestReader();
const facts = new JobFacts();

export function hasBudgets(s: State): boolean {
  return s.entities.count(EntityKind.budget) > 0;
}

export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/** Spent in the UTC day of this time, in billionths of a dollar. */
export function spentBy(s: State, budget: number, nowMs = s.logTimeMs): number {
  return s.entities.num(budget, BudgetNum.day) === dayOf(nowMs) ? s.entities.num(budget, BudgetNum.spent) : 0;
}

export function dailyExceeded(s: State, budget: number, nowMs = s.logTimeMs): boolean {
  const daily = s.entities.num(budget, BudgetNum.daily);
  return daily >= 0 && spentBy(s, budget, nowMs) >= daily;
}

/** Counts budgets for tags, so that tags are only read while there are some. */
export function countTagBudgets(s: State, by: number): void {
  addToCount(s, tagBudgetsKey, by);
}

function hasTagBudgets(s: State): boolean {
  return countOf(s, tagBudgetsKey) > 0;
}

/** The job's tags with text as value; other tags are no tags. */
export function tagsOf(s: State, row: number): [key: string, value: string][] {
  const address = s.jobs.request(row);
  const memory = s.arena.memory(address);
  const start = s.arena.start(address);
  const r = request.read(memory, start, start + s.arena.length(address));
  if (r.tagsJsonEnd === r.tagsJsonStart) return [];
  const tags = parsed(decoder.decode(memory.subarray(r.tagsJsonStart, r.tagsJsonEnd)));
  if (typeof tags !== "object" || tags === null || Array.isArray(tags)) return [];
  return Object.entries(tags).filter((tag): tag is [string, string] => typeof tag[1] === "string");
}

/** JSON that a client sent: the door lets nothing else in, but entries of an old level never met that door. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Budgets for the job's tags: of the whole server, then of its namespace. */
function tagBudgets(s: State, row: number): number[] {
  if (!hasTagBudgets(s)) return [];
  const targets = tagsOf(s, row).flatMap(([name, value]) => [":", "="].map((between) => encoder.encode(name + between + value)));
  const namespace = namespaceOf(s.queues.of(s.jobs.queue(row)).nameBytes);
  const found = [undefined, namespace].flatMap((of) => targets.map((target) => findBudget(s, Scope.tag, target, of)));
  return found.filter((budget) => budget !== -1);
}

/** Budgets for a queue and for all, of the whole server, then of the queue's namespace. */
function queueBudgets(s: State, queue: Uint8Array): number[] {
  const namespace = namespaceOf(queue);
  return [
    findBudget(s, Scope.global, globalTarget),
    findBudget(s, Scope.queue, queue),
    findBudget(s, Scope.global, globalTarget, namespace),
    findBudget(s, Scope.queue, queue, namespace),
  ].filter((budget) => budget !== -1);
}

/** Budgets that a job of this queue falls under: for all, its queue's, its tags'. */
function budgetsOf(s: State, row: number, queue: Queue): number[] {
  return [...queueBudgets(s, queue.nameBytes), ...tagBudgets(s, row)];
}

/**
 * What fetches from a queue meet: the strictest `OnExceed` of its budgets and of those for all; 0: nothing is exceeded. Exceeded is a daily
 * limit that is reached, or a per-job limit that is lower than what the queue's acks cost on average.
 */
export function queueVerdict(s: State, queue: Uint8Array, nowMs = s.logTimeMs): number {
  if (!hasBudgets(s)) return 0;
  let strictest = 0;
  for (const budget of queueBudgets(s, queue)) {
    const perJob = s.entities.num(budget, BudgetNum.perJob);
    if (!dailyExceeded(s, budget, nowMs) && !(perJob >= 0 && averageCost(s, queue) > perJob)) continue;
    strictest = Math.max(strictest, s.entities.int4(budget, BudgetInt.onExceed));
  }
  return strictest;
}

/** A tag of the job whose daily limit is reached and that does not only alert, or undefined. A fetch cannot be refused for one job's tag: it is held. */
function spentTag(s: State, row: number): string | undefined {
  for (const budget of tagBudgets(s, row)) {
    if (s.entities.int4(budget, BudgetInt.onExceed) > OnExceed.alertOnly && dailyExceeded(s, budget)) return targetOf(s, budget);
  }
  return undefined;
}

/** Why a fetch from this queue is refused, or undefined. */
export function fetchRefusal(s: State, queue: Uint8Array, nowMs = s.logTimeMs): Refusal | undefined {
  if (queueVerdict(s, queue, nowMs) !== OnExceed.reject) return undefined;
  return refuse("invalid_argument", "BUDGET_EXCEEDED", `budget exceeded for queue "${decoder.decode(queue)}"`);
}

/** Why the job at the head of a queue must be held instead of handed out; undefined: no budget is against it. */
export function mustHold(s: State, row: number, queue: Queue, verdict: number): string | undefined {
  if ((s.jobs.flags(row) & JobFlag.overruled) !== 0) return undefined;
  if (verdict >= OnExceed.hold) return `budget exceeded for queue "${queue.name}"`;
  const tag = spentTag(s, row);
  return tag === undefined ? undefined : `budget exceeded for tag "${tag}"`;
}

/** Holds a job until its budget has room again. `why` is a `BudgetHold`. The job must be pending or active. */
export function holdForBudget(s: State, row: number, reason: string, why: number): void {
  const { jobs } = s;
  const queue = leave(s, row);
  const change = edit.clear(nothing);
  change.hold = encoder.encode(reason);
  change.facts = factsOf(s, row, facts);
  facts.budgetHold = why;
  facts.iterationEndsMs = 0;
  changeDocument(s, row, change);
  jobs.setDueMs(row, 0);
  assign(s, row, 0);
  enter(s, row, queue, JobState.held);
  keepHold(s, row);
  s.events.add(EventType.held, jobs.seq(row), jobs.createdMs(row), queue, s.logTimeMs);
  s.events.because(encoder.encode(reason));
}

/** The held job is one that a budget holds. */
export function keepHold(s: State, row: number): void {
  const seq = s.jobs.seq(row);
  s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.overBudget);
  const hold = s.entities.add(EntityKind.budgetHold, seqKey(seq), 0, 8, nothing, 0, 0);
  s.entities.setNum(hold, 0, seq);
}

/** The lowest per-job limit among the job's budgets; of equal ones the strictest. -1: none. */
export function perJobBudget(s: State, row: number, queue: Queue): number {
  if (!hasBudgets(s)) return -1;
  const { entities: e } = s;
  let lowest = -1;
  for (const budget of budgetsOf(s, row, queue)) {
    const limit = e.num(budget, BudgetNum.perJob);
    if (limit < 0) continue;
    const other = lowest === -1 ? Infinity : e.num(lowest, BudgetNum.perJob);
    if (limit < other || (limit === other && e.int4(budget, BudgetInt.onExceed) > e.int4(lowest, BudgetInt.onExceed))) lowest = budget;
  }
  return lowest;
}

/** Money was spent by a job: all its budgets hear of it. Each tells once a day that its limit is reached. */
export function spend(s: State, row: number, queue: Queue, nanos: number): void {
  if (nanos === 0 || !hasBudgets(s)) return;
  const { entities: e } = s;
  const day = dayOf(s.logTimeMs);
  for (const budget of budgetsOf(s, row, queue)) {
    e.setNum(budget, BudgetNum.spent, spentBy(s, budget) + nanos);
    e.setNum(budget, BudgetNum.day, day);
    if (!dailyExceeded(s, budget) || e.num(budget, BudgetNum.alertedDay) === day) continue;
    e.setNum(budget, BudgetNum.alertedDay, day);
    alert(s, row, queue, budget, "daily", spentBy(s, budget), e.num(budget, BudgetNum.daily));
  }
}

/** Tells that a limit is reached. */
export function alert(s: State, row: number, queue: Queue, budget: number, limit: "daily" | "per_job", spent: number, limitNanos: number): void {
  const { entities: e } = s;
  s.events.add(EventType.budgetExceeded, s.jobs.seq(row), s.jobs.createdMs(row), queue, s.logTimeMs);
  const namespace = namespaceOfBudget(s, budget);
  const target = targetOf(s, budget);
  const prefix = `${namespace}::`;
  const data = {
    scope: scopeNames[e.int4(budget, BudgetInt.scope)],
    target: namespace !== "" && target.startsWith(prefix) ? target.slice(prefix.length) : target,
    ...(namespace === "" ? {} : { namespace }),
    limit,
    limit_usd: usdOf(limitNanos),
    spent_usd: usdOf(spent),
    on_exceed: onExceedNames[e.int4(budget, BudgetInt.onExceed)],
  };
  s.events.attach(encoder.encode(JSON.stringify(data)));
}

/** A budget's UTC day is over: it starts anew, and what it held may run. */
export function budgetDue(s: State, budget: number): void {
  s.entities.setDue(budget, (dayOf(s.logTimeMs) + 1) * dayMs);
  const scope = s.entities.int4(budget, BudgetInt.scope);
  budgetEased(s, scope, scope === Scope.queue ? targetBytesOf(s, budget) : undefined);
  releaseLater(s);
}

/** Who sleeps on a queue that was refused should look again. */
export function budgetEased(s: State, scope: number, target: Uint8Array | undefined): void {
  if (scope === Scope.queue) {
    const queue = target && s.findQueue(target, 0, target.length);
    if (queue !== undefined && queue.pending > 0) s.wake(queue);
  } else if (scope === Scope.global) for (const queue of s.queues.bySerial.values()) if (queue.pending > 0) s.wake(queue);
}

/** Starts the walk over the jobs that budgets hold at its beginning: the next tick takes it up. */
export function releaseLater(s: State): void {
  const { entities: e } = s;
  let row = e.find(EntityKind.setting, releaseKey, 0, releaseKey.length);
  if (row === -1) row = e.add(EntityKind.setting, releaseKey, 0, releaseKey.length, nothing, 0, 0);
  e.setNum(row, 0, 0);
  e.setDue(row, Math.max(1, s.logTimeMs));
}

/** True when the setting is the walk over held jobs; then some more of it is done. */
export function releaseDue(s: State, setting: number): boolean {
  const { entities: e } = s;
  if (e.find(EntityKind.setting, releaseKey, 0, releaseKey.length) !== setting) return false;
  const after = e.num(setting, 0);
  let hold = e.bySerial(after);
  hold = hold === -1 ? e.first(EntityKind.budgetHold) : hold;
  for (let left = budgetJobsMax; hold !== -1; left--) {
    if (left === 0) {
      e.setNum(setting, 0, e.serial(hold));
      e.setDue(setting, Math.max(1, s.logTimeMs));
      return true;
    }
    const next = e.following(hold);
    letGo(s, s.sequences.get(e.num(hold, 0)));
    hold = next;
  }
  return true;
}

/** Lets a job that a budget holds run, if its budgets have room now. */
function letGo(s: State, row: number): void {
  if (row === -1 || !s.visible(row) || s.jobs.state(row) !== JobState.held) return;
  const queue = s.queues.of(s.jobs.queue(row));
  factsOf(s, row, facts);
  if (facts.budgetHold === BudgetHold.perJob) {
    const budget = perJobBudget(s, row, queue);
    const over = budget !== -1 && facts.costNanos > s.entities.num(budget, BudgetNum.perJob);
    if (over && s.entities.int4(budget, BudgetInt.onExceed) > OnExceed.alertOnly) return;
  } else if (queueVerdict(s, queue.nameBytes) >= OnExceed.hold || spentTag(s, row) !== undefined) return;
  const change = edit.clear(nothing);
  change.clearHold = true;
  s.jobs.touch(row);
  changeDocument(s, row, change);
  s.events.add(EventType.released, s.jobs.seq(row), s.jobs.createdMs(row), makePending(s, row), s.logTimeMs);
}
