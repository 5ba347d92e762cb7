import { encodeDeleteApprovalPolicyRequest, encodeSetApprovalPolicyRequest } from "@corvo/gen/corvo/v1/agent_fast.js";
import { encodeDeleteBudgetRequest, encodeSetBudgetRequest } from "@corvo/gen/corvo/v1/budget_fast.js";
import { Verb } from "@corvo/protocol";
import type { BudgetRecord } from "../src/index.js";
import type { Bench } from "./kit.js";
import type { LineTools } from "./transcript-schedules.js";
import { epochMs } from "./transcript-show.js";

/** Lines of budgets, approval policies and usage; undefined: none of them. */
export function moneyLine({ bench, given, told }: LineTools, verb: string, words: string[], args: Map<string, string>): string | undefined {
  const status = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(2));
  switch (verb) {
    case "budget":
      return told(
        given(Verb.SET_BUDGET, (w) => {
          const amount = (name: string) => (args.has(name) ? Number(args.get(name)) : undefined);
          encodeSetBudgetRequest(w, {
            scope: words[0],
            target: words[1] ?? args.get("target"),
            dailyUsd: amount("daily"),
            perJobUsd: amount("per_job"),
            onExceed: args.get("on_exceed"),
          });
        }),
        () => budgets(bench),
      );
    case "delete-budget":
      return told(
        given(Verb.DELETE_BUDGET, (w) => encodeDeleteBudgetRequest(w, { scope: words[0], target: words[1] })),
        status,
      );
    case "budgets":
      return budgets(bench);
    case "policy":
      return told(
        given(Verb.SET_POLICY, (w) =>
          encodeSetApprovalPolicyRequest(w, {
            name: words[0],
            mode: args.get("mode"),
            enabled: args.has("disabled") ? false : undefined,
            queue: args.get("queue"),
            tagKey: args.get("tag")?.split(":")[0],
            tagValue: args.get("tag")?.split(":")[1],
            tagsJson: args.get("tags"),
            minCostUsd: args.has("cost") ? Number(args.get("cost")) : undefined,
            minIteration: Number(args.get("iteration") ?? 0),
          }),
        ),
        () => policies(bench),
      );
    case "delete-policy":
      return told(
        given(Verb.DELETE_POLICY, (w) => {
          const known = bench.engine.policies().find((policy) => policy.name === words[0]);
          encodeDeleteApprovalPolicyRequest(w, { id: known?.id ?? words[0] });
        }),
        status,
      );
    case "policies":
      return policies(bench);
    case "usage":
      return (
        bench.engine
          .usageSince(epochMs + Number(args.get("since") ?? 0))
          .map(
            (u) =>
              `+${u.startMs - epochMs} ${u.queue}/${u.model || "-"}/${u.provider || "-"} tokens=${u.inputTokens}/${u.outputTokens} cost=${u.costNanos / 1e9} n=${u.count}`,
          )
          .join(" | ") || "nothing"
      );
    default:
      return undefined;
  }
}

function budgets({ engine, nowMs }: Bench): string {
  const held = engine.heldForBudgets > 0 ? ` | holding ${engine.heldForBudgets}` : "";
  const one = (b: BudgetRecord) =>
    `${b.scope} ${b.target} ${b.dailyUsd === undefined ? "" : `spent=${b.spentUsd}/${b.dailyUsd}${b.exceeded ? "!" : ""} `}${b.perJobUsd === undefined ? "" : `per_job=${b.perJobUsd} `}${b.onExceed}`;
  return (engine.budgets(nowMs).map(one).join(" | ") || "none") + held;
}

function policies({ engine }: Bench): string {
  return (
    engine
      .policies()
      .map((p) => `${p.name} ${p.mode}${p.enabled ? "" : " disabled"}`)
      .join(" | ") || "none"
  );
}
