import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { nanosPerUsd, type UsageRecord } from "@corvo/engine";
import {
  GetBillingSummaryRequestSchema,
  GetBillingSummaryResponseSchema,
  GetUsageSummaryRequestSchema,
  GetUsageSummaryResponseSchema,
  ListBudgetsResponseSchema,
} from "@corvo/gen/corvo/v1/budget_pb.js";
import { parseDuration } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";

export function listBudgetsHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle() {
      const { engine } = replica;
      const budgets = engine
        .budgets(Date.now())
        .map(({ createdMs, resetsMs, ...budget }) => ({ ...budget, createdAt: timestamp(createdMs), resetsAt: timestamp(resetsMs) }));
      const answer = { budgets, held: BigInt(engine.heldForBudgets), logIndex: BigInt(engine.appliedIndex) };
      return toBinary(ListBudgetsResponseSchema, create(ListBudgetsResponseSchema, answer));
    },
  };
}

const defaultPeriod = "24h";
const dayMs = 86_400_000;
const groupings = ["queue", "model", "provider", "namespace"] as const;
type Grouping = (typeof groupings)[number];

/** Milliseconds of a Go duration, which may start with days: `90m`, `7d`, `1d12h`. NaN: it is none, or not above 0. */
export function periodMs(text: string): number {
  const [, days, rest] = /^(?:([0-9]{1,6})d)?(.*)$/s.exec(text) ?? [];
  if (days === undefined) return positive(parseDuration(text));
  return positive(Number(days) * dayMs + (rest === "" ? 0 : parseDuration(rest)));
}

function positive(ms: number): number {
  return ms > 0 ? ms : Number.NaN;
}

function settledPeriod(given: string): { period: string; ms: number } {
  const period = given || defaultPeriod;
  const ms = periodMs(period);
  if (Number.isNaN(ms)) {
    throw new RpcError("invalid_argument", "INVALID_PERIOD", `invalid period ${JSON.stringify(period)}: a duration like 90m, 24h or 7d`, { field: "period" });
  }
  return { period, ms };
}

interface Totals {
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  costNanos: number;
  count: number;
}

function sum(records: readonly UsageRecord[]): Totals {
  const totals = { inputTokens: 0, outputTokens: 0, cacheCreationTokens: 0, cacheReadTokens: 0, costNanos: 0, count: 0 };
  for (const record of records) for (const name of Object.keys(totals) as (keyof Totals)[]) totals[name] += record[name];
  return totals;
}

function wire({ costNanos, count, ...tokens }: Totals) {
  return {
    inputTokens: BigInt(tokens.inputTokens),
    outputTokens: BigInt(tokens.outputTokens),
    cacheCreationTokens: BigInt(tokens.cacheCreationTokens),
    cacheReadTokens: BigInt(tokens.cacheReadTokens),
    costUsd: costNanos / nanosPerUsd,
    count: BigInt(count),
  };
}

/** By group, the most expensive first, then by name. */
function groups(records: readonly UsageRecord[], keyOf: (record: UsageRecord) => string): { key: string; totals: Totals }[] {
  const lists = new Map<string, UsageRecord[]>();
  for (const record of records) {
    const key = keyOf(record);
    const list = lists.get(key);
    if (list) list.push(record);
    else lists.set(key, [record]);
  }
  return [...lists].map(([key, list]) => ({ key, totals: sum(list) })).sort((a, b) => b.totals.costNanos - a.totals.costNanos || (a.key < b.key ? -1 : 1));
}

/** Queues of a namespace other than `default` have its name before theirs. */
function namespaceOf({ queue }: UsageRecord): string {
  const at = queue.indexOf("::");
  return at > 0 ? queue.slice(0, at) : "default";
}

export function usageSummaryHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const wish = decoded(() => fromBinary(GetUsageSummaryRequestSchema, request));
      const { period, ms } = settledPeriod(wish.period);
      const by = wish.groupBy === "" || wish.groupBy === "none" ? undefined : wish.groupBy;
      if (by !== undefined && !groupings.includes(by as Grouping)) {
        const known = `one of: none, ${groupings.join(", ")}`;
        throw new RpcError("invalid_argument", "INVALID_PERIOD", `invalid group_by ${JSON.stringify(by)}: ${known}`, { field: "group_by" });
      }
      const toMs = Math.max(Date.now(), replica.engine.logTimeMs);
      const records = replica.engine.usageSince(toMs - ms);
      const keyOf = by === "namespace" ? namespaceOf : (record: UsageRecord) => record[by as Exclude<Grouping, "namespace">];
      const found = by === undefined ? [] : groups(records, keyOf);
      const answer = {
        period,
        from: timestamp(Math.max(1, toMs - ms)),
        to: timestamp(toMs),
        totals: wire(sum(records)),
        groups: found.map(({ key, totals }) => ({ key, ...wire(totals) })),
        logIndex: BigInt(replica.engine.appliedIndex),
      };
      return toBinary(GetUsageSummaryResponseSchema, create(GetUsageSummaryResponseSchema, answer));
    },
  };
}

export function billingSummaryHandler({ replica }: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    handle(_call, request) {
      const { period, ms } = settledPeriod(decoded(() => fromBinary(GetBillingSummaryRequestSchema, request)).period);
      const records = replica.engine.usageSince(Math.max(Date.now(), replica.engine.logTimeMs) - ms);
      const summary = groups(records, namespaceOf).map(({ key, totals }) => {
        const { count, ...sums } = wire(totals);
        return { namespace: key, rows: count, ...sums };
      });
      const answer = { period, summary, logIndex: BigInt(replica.engine.appliedIndex) };
      return toBinary(GetBillingSummaryResponseSchema, create(GetBillingSummaryResponseSchema, answer));
    },
  };
}
