import { DeleteApprovalPolicyRequestReader, ReplayJobRequestReader, SetApprovalPolicyRequestReader } from "@corvo/gen/corvo/v1/agent_fast.js";
import { DeleteApprovalPolicyRequestSchema, ReplayJobRequestSchema, SetApprovalPolicyRequestSchema } from "@corvo/gen/corvo/v1/agent_pb.js";
import { isBlank } from "../json-members.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { textOf } from "../utf8.js";
import { admit, doorDefaults, type Fault, faulty } from "./door.js";
import { unlessBlank } from "./enqueue.js";
import { jsonObjectFault, mustBeUtf8, textFault } from "./fields.js";

const replay = new ReplayJobRequestReader();
const policy = new SetApprovalPolicyRequestReader();
const policyId = new DeleteApprovalPolicyRequestReader();
/** Longest name, tag key and tag value. */
const nameBytesMax = 255;

/** `corvo.v1.ReplayJobRequest`. */
export function checkReplayJob(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(replay, ReplayJobRequestSchema, bytes, doorDefaults, (r) => {
    if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
    mustBeUtf8(r.buf, r.jobIdStart, r.jobIdEnd, "job_id");
    if (r.from <= 0) return faulty("INVALID_VALUE", "from", "from must be > 0");
    return requestIdFault(r);
  });
}

/** `corvo.v1.SetApprovalPolicyRequest`. */
export function checkSetApprovalPolicy(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(policy, SetApprovalPolicyRequestSchema, bytes, doorDefaults, lookAtPolicy, (message) => {
    message.tagsJson = unlessBlank(message.tagsJson);
  });
}

/** `corvo.v1.DeleteApprovalPolicyRequest`. */
export function checkDeleteApprovalPolicy(bytes: Uint8Array): Uint8Array | Refusal {
  return admit(policyId, DeleteApprovalPolicyRequestSchema, bytes, doorDefaults, (r) => {
    if (r.idEnd === r.idStart) return faulty("INVALID_POLICY", "id", "id is required");
    mustBeUtf8(r.buf, r.idStart, r.idEnd, "id");
    return requestIdFault(r);
  });
}

function lookAtPolicy(r: SetApprovalPolicyRequestReader): Fault | undefined {
  const { buf } = r;
  if (r.nameEnd === r.nameStart) return faulty("INVALID_POLICY", "name", "name is required");
  mustBeUtf8(buf, r.modeStart, r.modeEnd, "mode");
  const mode = textOf(buf, r.modeStart, r.modeEnd);
  if (mode !== "" && mode !== "any" && mode !== "all") return faulty("INVALID_POLICY", "mode", "mode must be one of: any, all");
  if (r.tagsJsonEnd > r.tagsJsonStart && isBlank(buf, r.tagsJsonStart, r.tagsJsonEnd)) r.hasUnknown = true;
  if (!(r.minCostUsd >= 0)) return faulty("INVALID_POLICY", "min_cost_usd", "min_cost_usd must be >= 0");
  if (r.minIteration < 0) return faulty("INVALID_POLICY", "min_iteration", "min_iteration must be >= 0");
  return (
    textFault(buf, r.nameStart, r.nameEnd, nameBytesMax, "name") ??
    textFault(buf, r.queueStart, r.queueEnd, limits.queueNameBytesMax, "queue") ??
    textFault(buf, r.tagKeyStart, r.tagKeyEnd, nameBytesMax, "tag_key") ??
    textFault(buf, r.tagValueStart, r.tagValueEnd, nameBytesMax, "tag_value") ??
    tagsFault(r) ??
    requestIdFault(r)
  );
}

function tagsFault(r: SetApprovalPolicyRequestReader): Fault | undefined {
  const fault = jsonObjectFault(r.buf, r.tagsJsonStart, r.tagsJsonEnd, limits.tagsBytesMax, "tags_json");
  if (fault !== undefined || r.tagsJsonEnd === r.tagsJsonStart || r.hasUnknown) return fault;
  const tags = JSON.parse(textOf(r.buf, r.tagsJsonStart, r.tagsJsonEnd)) as object;
  const odd = Object.entries(tags).find(([, value]) => typeof value !== "string");
  return odd && faulty("INVALID_POLICY", "tags_json", `tags: the value of ${JSON.stringify(odd[0])} is not a string`);
}

interface WithRequestId {
  buf: Uint8Array;
  requestIdStart: number;
  requestIdEnd: number;
}

function requestIdFault(r: WithRequestId): Fault | undefined {
  return textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
}
