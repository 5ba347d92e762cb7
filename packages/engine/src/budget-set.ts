import { beginMessage, endMessage } from "@corvo/gen/corvo/fast/runtime.js";
import { DeleteBudgetRequestReader, encodeBudget, SetBudgetRequestReader, SetBudgetResponseTag } from "@corvo/gen/corvo/v1/budget_fast.js";
import { entityId, type Refusal, refuse } from "@corvo/protocol";
import { budgetKey, budgetsChanged, countBudgets, findBudget, makeBudgetKey, namespaceOfBudget, Scope, targetOf } from "./budget-keys.js";
import { BudgetInt, BudgetNum, budgetEased, countTagBudgets, dailyExceeded, dayOf, onExceedNames, releaseLater, scopeNames, spentBy } from "./budgets.js";
import { answerStatus, type Command, textOf } from "./command.js";
import { dayMs, spentToday } from "./ledger.js";
import { budgetsMax, budgetsOfNamespaceMax } from "./limits.js";
import { nanosOf, usdOf } from "./money.js";
import { noRoomFor, queuesOf } from "./own-namespace.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const setReader = new SetBudgetRequestReader();
const deleteReader = new DeleteBudgetRequestReader();
const nothing = new Uint8Array(0);
const star = new TextEncoder().encode("*");
const decoder = new TextDecoder();

/** A budget, for whoever reads them. Undefined: no such limit. */
export interface BudgetRecord {
  id: string;
  scope: string;
  target: string;
  dailyUsd: number | undefined;
  perJobUsd: number | undefined;
  onExceed: string;
  createdMs: number;
  /** Spent in the UTC day of the time that was asked for. */
  spentUsd: number;
  exceeded: boolean;
  resetsMs: number;
  /** Only for jobs of this namespace; empty: of the whole server. */
  namespace: string;
}

function scopeOf(text: string): number {
  return Math.max(0, scopeNames.indexOf(text as "queue", 1));
}

/** Sets the budget of a scope and target in place of the one that its namespace had. What was spent today stays counted. */
export function setBudget(s: State, c: Command): Refusal | undefined {
  const r = setReader.read(c.buf, c.start, c.end);
  const { entities: e } = s;
  const given = textOf(c.buf, r.scopeStart, r.scopeEnd);
  const scope = scopeOf(given);
  if (scope === 0) return refuse("invalid_argument", "INVALID_BUDGET", `invalid budget scope: ${JSON.stringify(given)}`, { field: "scope" });
  const onExceed = onExceedNames.indexOf((textOf(c.buf, r.onExceedStart, r.onExceedEnd) || "hold") as "hold", 1);
  if (onExceed === -1) return refuse("invalid_argument", "INVALID_BUDGET", "invalid on_exceed", { field: "on_exceed" });
  const target = scope === Scope.global ? star : c.buf.slice(r.targetStart, r.targetEnd);
  const namespace = c.buf.slice(r.namespaceStart, r.namespaceEnd);
  let spent = 0;
  let alertedDay = 0;
  const old = findBudget(s, scope, target, namespace);
  if (old !== -1) {
    spent = spentBy(s, old);
    // A limit that is raised is told again when it is reached.
    alertedDay = 0;
    e.remove(old);
  } else {
    const full = noRoom(s, decoder.decode(namespace));
    if (full !== undefined) return full;
    budgetsChanged(s, decoder.decode(namespace), 1);
    if (scope === Scope.tag) countTagBudgets(s, 1);
    else spent = scope === Scope.queue ? spentToday(s, target) : spentToday(s, undefined, queuesOf(decoder.decode(namespace)));
  }
  const row = e.add(EntityKind.budget, budgetKey, 0, makeBudgetKey(scope, target, namespace), nothing, 0, 0);
  e.setNum(row, BudgetNum.createdMs, s.logTimeMs);
  e.setNum(row, BudgetNum.daily, r.hasDailyUsd ? nanosOf(r.dailyUsd) : -1);
  e.setNum(row, BudgetNum.perJob, r.hasPerJobUsd ? nanosOf(r.perJobUsd) : -1);
  e.setNum(row, BudgetNum.spent, spent);
  e.setNum(row, BudgetNum.day, dayOf(s.logTimeMs));
  e.setNum(row, BudgetNum.alertedDay, alertedDay);
  e.setInt4(row, BudgetInt.onExceed, onExceed);
  e.setInt4(row, BudgetInt.scope, scope);
  if (r.hasDailyUsd) e.setDue(row, (dayOf(s.logTimeMs) + 1) * dayMs);
  budgetEased(s, scope, target);
  releaseLater(s);
  if (!s.answering) return undefined;
  const at = beginMessage(s.out, SetBudgetResponseTag.budget, 100);
  const { createdMs, resetsMs, ...record } = budgetRecord(s, row, s.logTimeMs);
  encodeBudget(s.out, { ...record, createdAt: stamp(createdMs), resetsAt: stamp(resetsMs) });
  endMessage(s.out, at);
  return undefined;
}

/** Those of the whole server have a limit of their own. */
function noRoom(s: State, namespace: string): Refusal | undefined {
  const { own, ofOthers } = countBudgets(s, namespace);
  return noRoomFor("budgets", namespace, own, namespace === "" ? budgetsMax : budgetsOfNamespaceMax, ofOthers, budgetsMax);
}

/** Removes the budget that a namespace has of a scope and target, if there is one. */
export function deleteBudget(s: State, c: Command): Refusal | undefined {
  const r = deleteReader.read(c.buf, c.start, c.end);
  const scope = scopeOf(textOf(c.buf, r.scopeStart, r.scopeEnd));
  const target = scope === Scope.global ? star : c.buf.slice(r.targetStart, r.targetEnd);
  const row = scope === 0 ? -1 : findBudget(s, scope, target, c.buf.slice(r.namespaceStart, r.namespaceEnd));
  if (row !== -1) {
    budgetsChanged(s, namespaceOfBudget(s, row), -1);
    if (scope === Scope.tag) countTagBudgets(s, -1);
    s.entities.remove(row);
    budgetEased(s, scope, target);
    releaseLater(s);
  }
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}

function stamp(ms: number): { seconds: number; nanos: number } | undefined {
  if (ms === 0) return undefined;
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
}

function budgetRecord(s: State, row: number, nowMs: number): BudgetRecord {
  const { entities: e } = s;
  const createdMs = e.num(row, BudgetNum.createdMs);
  const limit = (nanos: number): number | undefined => (nanos < 0 ? undefined : usdOf(nanos));
  return {
    id: entityId("budget_", createdMs, e.serial(row)),
    scope: scopeNames[e.int4(row, BudgetInt.scope)],
    target: targetOf(s, row),
    dailyUsd: limit(e.num(row, BudgetNum.daily)),
    perJobUsd: limit(e.num(row, BudgetNum.perJob)),
    onExceed: onExceedNames[e.int4(row, BudgetInt.onExceed)],
    createdMs,
    spentUsd: usdOf(spentBy(s, row, nowMs)),
    exceeded: dailyExceeded(s, row, nowMs),
    resetsMs: e.num(row, BudgetNum.daily) < 0 ? 0 : (dayOf(nowMs) + 1) * dayMs,
    namespace: namespaceOfBudget(s, row),
  };
}

/** All budgets by scope, then target; of equal ones that of the whole server first. */
export function budgetRecords(s: State, nowMs: number): BudgetRecord[] {
  const records: BudgetRecord[] = [];
  for (let row = s.entities.first(EntityKind.budget); row !== -1; row = s.entities.following(row)) records.push(budgetRecord(s, row, nowMs));
  const name = ({ scope, target, namespace }: BudgetRecord): string => `${scope}\0${target}\0${namespace}`;
  return records.sort((a, b) => (name(a) < name(b) ? -1 : 1));
}
