import { DeleteBudgetRequestReader, SetBudgetRequestReader } from "@corvo/gen/corvo/v1/budget_fast.js";
import { DeleteBudgetRequestSchema, SetBudgetRequestSchema } from "@corvo/gen/corvo/v1/budget_pb.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { textOf } from "../utf8.js";
import { admit, doorDefaults, type Fault, faulty } from "./door.js";
import { mustBeUtf8, textFault } from "./fields.js";

const set = new SetBudgetRequestReader();
const remove = new DeleteBudgetRequestReader();
const targetBytesMax = 512;
const usdMax = 1_000_000;

/** `corvo.v1.SetBudgetRequest`. */
export function checkSetBudget(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(set, SetBudgetRequestSchema, bytes, doorDefaults, lookAtBudget);
}

/** `corvo.v1.DeleteBudgetRequest`. What does not exist can be deleted. */
export function checkDeleteBudget(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(remove, DeleteBudgetRequestSchema, bytes, doorDefaults, (r) => {
    mustBeUtf8(r.buf, r.scopeStart, r.scopeEnd, "scope");
    mustBeUtf8(r.buf, r.targetStart, r.targetEnd, "target");
    mustBeUtf8(r.buf, r.namespaceStart, r.namespaceEnd, "namespace");
    return textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
  });
}

function lookAtBudget(r: SetBudgetRequestReader): Fault | undefined {
  const { buf } = r;
  mustBeUtf8(buf, r.scopeStart, r.scopeEnd, "scope");
  mustBeUtf8(buf, r.onExceedStart, r.onExceedEnd, "on_exceed");
  mustBeUtf8(buf, r.namespaceStart, r.namespaceEnd, "namespace");
  const scope = textOf(buf, r.scopeStart, r.scopeEnd);
  if (scope !== "queue" && scope !== "tag" && scope !== "global") return faulty("INVALID_BUDGET", "scope", `invalid budget scope: ${JSON.stringify(scope)}`);
  if (r.targetEnd === r.targetStart && scope !== "global") return faulty("INVALID_BUDGET", "target", `target is required for scope ${JSON.stringify(scope)}`);
  const onExceed = textOf(buf, r.onExceedStart, r.onExceedEnd);
  if (!["", "hold", "reject", "alert_only"].includes(onExceed)) return faulty("INVALID_BUDGET", "on_exceed", `invalid on_exceed: ${JSON.stringify(onExceed)}`);
  if (!r.hasDailyUsd && !r.hasPerJobUsd) return faulty("INVALID_BUDGET", "daily_usd", "at least one limit is required (daily_usd or per_job_usd)");
  return (
    amountFault(r.hasDailyUsd, r.dailyUsd, "daily_usd") ??
    amountFault(r.hasPerJobUsd, r.perJobUsd, "per_job_usd") ??
    textFault(buf, r.targetStart, r.targetEnd, targetBytesMax, "target") ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id")
  );
}

function amountFault(given: boolean, usd: number, field: string): Fault | undefined {
  if (!given) return undefined;
  if (!(usd >= 0)) return faulty("INVALID_BUDGET", field, `${field} must be >= 0`);
  return usd > usdMax ? faulty("INVALID_BUDGET", field, `${field} too large: ${usd} (max ${usdMax})`) : undefined;
}
