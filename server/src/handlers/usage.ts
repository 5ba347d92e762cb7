import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { nanosPerUsd, type UsageGrouping, type UsageTotals, type UsageWalk } from "@corvo/engine";
import {
  GetBillingSummaryRequestSchema,
  GetBillingSummaryResponseSchema,
  GetUsageSummaryRequestSchema,
  GetUsageSummaryResponseSchema,
} from "@corvo/gen/corvo/v1/budget_pb.js";
import { parseDuration } from "@corvo/protocol";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { mayKnowQueue } from "../auth/names.js";
import { principalOf } from "../auth/principal.js";
import type { HandlerContext } from "./context.js";
import { decoded, timestamp } from "./job.js";

const defaultPeriod = "24h";
const dayMs = 86_400_000;
const groupings: readonly UsageGrouping[] = ["queue", "model", "provider", "namespace"];

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

/** Rows of the ledger that are summed in one turn: about a millisecond. */
const rowsPerTurn = 2_000;
/** Rows go into coarser ones in bursts, once a minute. */
const restartsMax = 20;

/** Sums the ledger between the turns of others. */
async function summed({ replica }: HandlerContext, call: Call, fromMs: number, by: UsageGrouping | undefined): Promise<UsageWalk> {
  const who = principalOf(call);
  const walk = replica.engine.usageWalk(fromMs, by, who === undefined || who.seesAll ? undefined : (queue) => mayKnowQueue(who, queue));
  while (!walk.step(rowsPerTurn)) {
    if (walk.restarts > restartsMax) throw new RpcError("unavailable", "UNAVAILABLE", "the usage ledger changes too fast: try again", { retryAfterMs: 1000 });
    await new Promise((resolve) => setImmediate(resolve));
  }
  return walk;
}

function wire({ costNanos, count, ...tokens }: UsageTotals) {
  return {
    inputTokens: BigInt(tokens.inputTokens),
    outputTokens: BigInt(tokens.outputTokens),
    cacheCreationTokens: BigInt(tokens.cacheCreationTokens),
    cacheReadTokens: BigInt(tokens.cacheReadTokens),
    costUsd: costNanos / nanosPerUsd,
    count: BigInt(count),
  };
}

/** The most expensive first, then by name. */
function sorted(groups: ReadonlyMap<string, UsageTotals>): { key: string; totals: UsageTotals }[] {
  return [...groups].map(([key, totals]) => ({ key, totals })).sort((a, b) => b.totals.costNanos - a.totals.costNanos || (a.key < b.key ? -1 : 1));
}

export function usageSummaryHandler(context: HandlerContext): UnaryHandler {
  const { replica } = context;
  return {
    kind: "unary",
    async handle(call, request) {
      const wish = decoded(() => fromBinary(GetUsageSummaryRequestSchema, request));
      const { period, ms } = settledPeriod(wish.period);
      const by = wish.groupBy === "" || wish.groupBy === "none" ? undefined : wish.groupBy;
      if (by !== undefined && !groupings.includes(by as UsageGrouping)) {
        const known = `one of: none, ${groupings.join(", ")}`;
        throw new RpcError("invalid_argument", "INVALID_PERIOD", `invalid group_by ${JSON.stringify(by)}: ${known}`, { field: "group_by" });
      }
      const toMs = Math.max(Date.now(), replica.engine.logTimeMs);
      const logIndex = BigInt(replica.engine.appliedIndex);
      const { totals, groups } = await summed(context, call, toMs - ms, by as UsageGrouping | undefined);
      const prefix = by === "queue" ? (principalOf(call)?.prefix ?? "") : "";
      const answer = {
        period,
        from: timestamp(Math.max(1, toMs - ms)),
        to: timestamp(toMs),
        totals: wire(totals),
        groups: sorted(groups).map(({ key, totals }) => ({ key: key.slice(prefix.length), ...wire(totals) })),
        logIndex,
      };
      return toBinary(GetUsageSummaryResponseSchema, create(GetUsageSummaryResponseSchema, answer));
    },
  };
}

export function billingSummaryHandler(context: HandlerContext): UnaryHandler {
  const { replica } = context;
  return {
    kind: "unary",
    async handle(call, request) {
      const { period, ms } = settledPeriod(decoded(() => fromBinary(GetBillingSummaryRequestSchema, request)).period);
      const logIndex = BigInt(replica.engine.appliedIndex);
      const { groups } = await summed(context, call, Math.max(Date.now(), replica.engine.logTimeMs) - ms, "namespace");
      const summary = sorted(groups).map(({ key, totals }) => {
        const { count, ...sums } = wire(totals);
        return { namespace: key, rows: count, ...sums };
      });
      const answer = { period, summary, logIndex };
      return toBinary(GetBillingSummaryResponseSchema, create(GetBillingSummaryResponseSchema, answer));
    },
  };
}
