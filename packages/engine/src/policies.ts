import { beginMessage, endMessage } from "@corvo/gen/corvo/fast/runtime.js";
import {
  type ApprovalPolicyInit,
  DeleteApprovalPolicyRequestReader,
  encodeApprovalPolicy,
  SetApprovalPolicyRequestReader,
  SetApprovalPolicyResponseTag,
} from "@corvo/gen/corvo/v1/agent_fast.js";
import { entityId, parseEntityId, type Refusal, refuse } from "@corvo/protocol";
import { tagsOf } from "./budgets.js";
import { answerStatus, type Command, textOf } from "./command.js";
import { policiesMax, policiesTotalMax } from "./limits.js";
import { nanosOf } from "./money.js";
import { countNamespaces, mayKnow, noRoomFor, queuesOf } from "./own-namespace.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new SetApprovalPolicyRequestReader();
const deleteReader = new DeleteApprovalPolicyRequestReader();
const nothing = new Uint8Array(0);
const idPrefix = "apol_";
/** Number 0 of a policy's entity is its creation time; its text is the request that made it. */
const createdMsNum = 0;

/** An approval policy, for whoever reads them. */
export interface PolicyRecord {
  id: string;
  name: string;
  mode: string;
  enabled: boolean;
  queue: string;
  tagKey: string;
  tagValue: string;
  /** JSON text; empty: none. */
  tagsJson: string;
  minCostUsd: number | undefined;
  minIteration: number;
  createdMs: number;
  /** Only jobs of this namespace; empty: of all. */
  namespace: string;
}

/** Adds an approval policy. */
export function setPolicy(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.nameEnd === r.nameStart) return refuse("invalid_argument", "INVALID_POLICY", "name is required", { field: "name" });
  const namespace = textOf(r.buf, r.namespaceStart, r.namespaceEnd);
  const { own, ofOthers } = countNamespaces(
    policyRecords(s).map((one) => one.namespace),
    namespace,
  );
  const full = noRoomFor("policies", namespace, own, policiesMax, ofOthers, policiesTotalMax);
  if (full !== undefined) return full;
  const row = s.entities.add(EntityKind.policy, nothing, 0, 0, c.buf, c.start, c.end);
  s.entities.setNum(row, createdMsNum, s.logTimeMs);
  if (!s.answering) return undefined;
  const at = beginMessage(s.out, SetApprovalPolicyResponseTag.policy, 100);
  encodeApprovalPolicy(s.out, policyInit(policyRecord(s, row)));
  endMessage(s.out, at);
  return undefined;
}

function policyInit({ createdMs, ...policy }: PolicyRecord): ApprovalPolicyInit {
  const seconds = Math.floor(createdMs / 1000);
  return { ...policy, createdAt: { seconds, nanos: (createdMs - seconds * 1000) * 1_000_000 } };
}

/** Removes an approval policy; jobs that it held stay held. */
export function deletePolicy(s: State, c: Command): Refusal | undefined {
  const r = deleteReader.read(c.buf, c.start, c.end);
  const id = textOf(c.buf, r.idStart, r.idEnd);
  const parsed = parseEntityId(idPrefix, id);
  const row = parsed === undefined ? -1 : s.entities.bySerial(parsed.serial);
  const there = row !== -1 && s.entities.kind(row) === EntityKind.policy && s.entities.num(row, createdMsNum) === parsed!.createdMs;
  if (!there || !mayKnow(textOf(r.buf, r.namespaceStart, r.namespaceEnd), policyRecord(s, row).namespace)) {
    return refuse("not_found", "NOT_FOUND", `approval policy not found: ${id}`, { field: "id" });
  }
  s.entities.remove(row);
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}

function policyRecord(s: State, row: number): PolicyRecord {
  const bytes = s.entities.textOf(row);
  const r = reader.read(bytes, 0, bytes.length);
  const createdMs = s.entities.num(row, createdMsNum);
  return {
    id: entityId(idPrefix, createdMs, s.entities.serial(row)),
    name: textOf(bytes, r.nameStart, r.nameEnd),
    mode: textOf(bytes, r.modeStart, r.modeEnd) || "any",
    enabled: !r.hasEnabled || r.enabled,
    queue: textOf(bytes, r.queueStart, r.queueEnd),
    tagKey: textOf(bytes, r.tagKeyStart, r.tagKeyEnd),
    tagValue: textOf(bytes, r.tagValueStart, r.tagValueEnd),
    tagsJson: textOf(bytes, r.tagsJsonStart, r.tagsJsonEnd),
    minCostUsd: r.hasMinCostUsd ? r.minCostUsd : undefined,
    minIteration: r.minIteration,
    createdMs,
    namespace: textOf(bytes, r.namespaceStart, r.namespaceEnd),
  };
}

/** All policies, newest first. */
export function policyRecords(s: State): PolicyRecord[] {
  const records: PolicyRecord[] = [];
  for (let row = s.entities.last(EntityKind.policy); row !== -1; row = s.entities.preceding(row)) records.push(policyRecord(s, row));
  return records;
}

/**
 * Name of the newest policy that wants a person to see this agent job before it goes on, or undefined. `iteration` is the one that ends,
 * `costNanos` what the job has cost with it.
 */
export function policyAgainst(s: State, row: number, iteration: number, costNanos: number): string | undefined {
  if (s.entities.count(EntityKind.policy) === 0) return undefined;
  const queue = s.queues.of(s.jobs.queue(row)).name;
  const tags = new Map(tagsOf(s, row));
  for (const policy of policyRecords(s)) {
    if (!policy.enabled || queuesOf(policy.namespace)?.(queue) === false) continue;
    const conditions: boolean[] = [];
    if (policy.queue !== "") conditions.push(policy.queue === queue);
    if (policy.tagKey !== "") conditions.push(tags.get(policy.tagKey) === policy.tagValue);
    if (policy.tagsJson !== "") for (const [key, value] of Object.entries(JSON.parse(policy.tagsJson) as object)) conditions.push(tags.get(key) === value);
    if (policy.minCostUsd !== undefined) conditions.push(costNanos >= nanosOf(policy.minCostUsd));
    if (policy.minIteration > 0) conditions.push(iteration >= policy.minIteration);
    if (conditions.length === 0) continue;
    if (policy.mode === "all" ? conditions.every(Boolean) : conditions.some(Boolean)) return policy.name;
  }
  return undefined;
}
