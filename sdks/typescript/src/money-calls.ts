import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { BudgetService, Budget as WireBudget } from "@corvo/gen/corvo/v1/budget_pb.js";
import type { Caller } from "./agent-calls.js";
import type { CallOptions, ChangeOptions } from "./client-options.js";

/** What a budget limits: a queue, a tag (`key:value`), or everything together. */
export type BudgetScope = { queue: string } | { tag: string } | "global";

export interface BudgetLimits {
  /** Dollars per UTC day. */
  dailyUsd?: number;
  /** Dollars per job. */
  perJobUsd?: number;
  /** Default `hold`. */
  onExceed?: "hold" | "reject" | "alert_only";
}

export interface BudgetInfo {
  id: string;
  scope: BudgetScope;
  /** Only for jobs of this namespace. Undefined: of the whole server. */
  namespace: string | undefined;
  dailyUsd: number | undefined;
  perJobUsd: number | undefined;
  onExceed: "hold" | "reject" | "alert_only";
  createdAt: Date | undefined;
  /** In this UTC day. */
  spentUsd: number;
  exceeded: boolean;
  /** When the day is over. Undefined: it has no daily limit. */
  resetsAt: Date | undefined;
}

/** Sums over usage reports. */
export interface UsageTotals {
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  costUsd: number;
  /** Reports. */
  count: number;
}

export interface UsageSummary {
  from: Date | undefined;
  to: Date | undefined;
  totals: UsageTotals;
  /** The most expensive first. */
  groups: (UsageTotals & { key: string })[];
}

/** Budgets and the usage ledger: `client.money`. */
export class MoneyCalls {
  constructor(
    private readonly rpc: Client<typeof BudgetService>,
    private readonly caller: Caller,
  ) {}

  async budgets(options: CallOptions = {}): Promise<BudgetInfo[]> {
    return (await this.caller.repeat(options, (o) => this.rpc.listBudgets({}, o))).budgets.map(budgetInfo);
  }

  /** Sets a budget in place of the one that was there. Jobs that it no longer holds run again. */
  async setBudget(scope: BudgetScope, limits: BudgetLimits, options: ChangeOptions = {}): Promise<BudgetInfo> {
    const { dailyUsd, perJobUsd, onExceed = "hold" } = limits;
    const request = { ...wireScope(scope), dailyUsd, perJobUsd, onExceed };
    return budgetInfo((await this.caller.change(options, (o, requestId) => this.rpc.setBudget({ ...request, requestId }, o))).budget!);
  }

  /** One that does not exist is a success too. */
  async deleteBudget(scope: BudgetScope, options: ChangeOptions = {}): Promise<void> {
    await this.caller.change(options, (o, requestId) => this.rpc.deleteBudget({ ...wireScope(scope), requestId }, o));
  }

  /** What was used in a period that ends now, like `90m`, `24h`, `7d`. Default `24h`. */
  async usage(query: { period?: string; groupBy?: "queue" | "model" | "provider" | "namespace" } & CallOptions = {}): Promise<UsageSummary> {
    const { period = "", groupBy = "", ...options } = query;
    const { from, to, totals, groups } = await this.caller.repeat(options, (o) => this.rpc.getUsageSummary({ period, groupBy }, o));
    return {
      from: from && timestampDate(from),
      to: to && timestampDate(to),
      totals: sums(totals!),
      groups: groups.map((group) => ({ key: group.key, ...sums(group) })),
    };
  }

  /** The same by namespace. */
  async billing(query: { period?: string } & CallOptions = {}): Promise<(UsageTotals & { namespace: string })[]> {
    const { period = "", ...options } = query;
    const { summary } = await this.caller.repeat(options, (o) => this.rpc.getBillingSummary({ period }, o));
    return summary.map((row) => ({ namespace: row.namespace, ...sums({ ...row, count: row.rows }) }));
  }
}

interface WireSums {
  inputTokens: bigint;
  outputTokens: bigint;
  cacheCreationTokens: bigint;
  cacheReadTokens: bigint;
  costUsd: number;
  count: bigint;
}

function sums(t: WireSums): UsageTotals {
  return {
    inputTokens: Number(t.inputTokens),
    outputTokens: Number(t.outputTokens),
    cacheCreationTokens: Number(t.cacheCreationTokens),
    cacheReadTokens: Number(t.cacheReadTokens),
    costUsd: t.costUsd,
    count: Number(t.count),
  };
}

function wireScope(scope: BudgetScope): { scope: string; target: string } {
  if (scope === "global") return { scope, target: "*" };
  return "queue" in scope ? { scope: "queue", target: scope.queue } : { scope: "tag", target: scope.tag };
}

function budgetInfo(b: WireBudget): BudgetInfo {
  return {
    namespace: b.namespace || undefined,
    id: b.id,
    scope: b.scope === "queue" ? { queue: b.target } : b.scope === "tag" ? { tag: b.target } : "global",
    dailyUsd: b.dailyUsd,
    perJobUsd: b.perJobUsd,
    onExceed: b.onExceed as BudgetInfo["onExceed"],
    createdAt: b.createdAt && timestampDate(b.createdAt),
    spentUsd: b.spentUsd,
    exceeded: b.exceeded,
    resetsAt: b.resetsAt && timestampDate(b.resetsAt),
  };
}
