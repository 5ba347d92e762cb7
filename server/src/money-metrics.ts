import type { BudgetRecord } from "@corvo/engine";
import type { Replica } from "@corvo/replica";
import { Counter, Gauge, type Registry } from "prom-client";

/** Budgets with series of their own; a scrape must stay small. */
const budgetLabelsMax = 500;

/** Those of the whole server have no namespace. */
function labelsOf({ scope, target, namespace }: BudgetRecord): Record<string, string> {
  return namespace === "" ? { scope, target } : { scope, target, namespace };
}

/** What is known about agent work and money. Values are read when somebody asks for them. */
export function moneyMetrics(registry: Registry, { engine }: Replica): void {
  const counter = (name: string, help: string, read: () => number): void => {
    const before = read();
    const made = new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(Math.max(0, read() - before));
      },
    });
    void made;
  };
  counter("corvo_agent_iterations_continued_total", "Iterations of agent jobs that another one follows.", () => engine.eventsOf("continued"));
  counter("corvo_jobs_revised_total", "Held jobs that were sent back with a revision.", () => engine.eventsOf("revised"));
  counter("corvo_budget_exceeded_total", "Times that a budget's limit was reached.", () => engine.eventsOf("budget_exceeded"));
  new Gauge({
    name: "corvo_budget_held_jobs",
    help: "Jobs that budgets hold back.",
    registers: [registry],
    collect() {
      this.set(engine.heldForBudgets);
    },
  });
  new Gauge({
    name: "corvo_budget_spent_usd",
    help: "Dollars spent of a budget in this UTC day.",
    labelNames: ["scope", "target", "namespace"],
    registers: [registry],
    collect() {
      this.reset();
      for (const budget of engine.budgets(Date.now()).slice(0, budgetLabelsMax)) this.set(labelsOf(budget), budget.spentUsd);
    },
  });
  new Gauge({
    name: "corvo_budget_daily_limit_usd",
    help: "Dollars per UTC day that a budget allows.",
    labelNames: ["scope", "target", "namespace"],
    registers: [registry],
    collect() {
      this.reset();
      for (const budget of engine.budgets(Date.now()).slice(0, budgetLabelsMax)) {
        if (budget.dailyUsd !== undefined) this.set(labelsOf(budget), budget.dailyUsd);
      }
    },
  });
}
