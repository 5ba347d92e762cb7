import { WireError } from "@corvo/gen/corvo/fast/runtime.js";
import { AgentConfigReader, UsageReportReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { TimestampReader } from "@corvo/gen/google/protobuf/timestamp_fast.js";
import { durationMs, formatDuration } from "../duration.js";
import { checkJson, jsonFaultText } from "../json.js";
import { isJsonObject } from "../json-members.js";
import { limits } from "../limits.js";
import { isUtf8Range, textOf } from "../utf8.js";
import { type Fault, faulty } from "./door.js";

/** Strings that are not UTF-8 are not the message: the same verdict as protobuf-es. */
export function mustBeUtf8(buf: Uint8Array, start: number, end: number, field: string): void {
  if (!isUtf8Range(buf, start, end)) throw new WireError(start, `${field} is not UTF-8`);
}

/** A string of up to `bytesMax` bytes; may be empty. */
export function textFault(buf: Uint8Array, start: number, end: number, bytesMax: number, field: string): Fault | undefined {
  if (end === start) return undefined;
  mustBeUtf8(buf, start, end, field);
  return end - start > bytesMax ? faulty("TOO_LARGE", field, `${field} too long: ${end - start} bytes (max ${bytesMax})`) : undefined;
}

/** A name of 1 to `bytesMax` bytes. `required` is the text for an empty one. */
export function nameFault(
  buf: Uint8Array,
  start: number,
  end: number,
  field: string,
  required = `${field} is required`,
  bytesMax: number = limits.queueNameBytesMax,
): Fault | undefined {
  return end === start ? faulty("REQUIRED", field, required) : textFault(buf, start, end, bytesMax, field);
}

/**
 * JSON text of up to `bytesMax` bytes (0: no limit); empty: absent. `of` is put behind the field's name in texts, like ` for job_…`.
 */
export function jsonFault(buf: Uint8Array, start: number, end: number, bytesMax: number, field: string, of = ""): Fault | undefined {
  if (end === start) return undefined;
  if (bytesMax > 0 && end - start > bytesMax) return faulty("TOO_LARGE", field, `${field}${of} too large: ${end - start} bytes (max ${bytesMax})`);
  const fault = checkJson(buf, start, end);
  return fault === undefined ? undefined : faulty("INVALID_JSON", field, `invalid ${field}${of}: ${jsonFaultText(fault)}`);
}

/** The same, and it must be an object. */
export function jsonObjectFault(buf: Uint8Array, start: number, end: number, bytesMax: number, field: string, of = ""): Fault | undefined {
  if (end === start) return undefined;
  const fault = jsonFault(buf, start, end, bytesMax, field, of);
  if (fault !== undefined || isJsonObject(buf, start, end)) return fault;
  return faulty("INVALID_JSON", field, `invalid ${field}${of}: expected an object`);
}

/** A Go duration from 0 to limits.delayMsMax; empty: the default. */
export function durationFault(buf: Uint8Array, start: number, end: number, field: string): Fault | undefined {
  if (end === start) return undefined;
  const long = textFault(buf, start, end, limits.durationBytesMax, field);
  if (long !== undefined) return long;
  const ms = durationMs(buf, start, end);
  if (ms >= 0 && ms <= limits.delayMsMax) return undefined;
  const text = textOf(buf, start, end);
  if (ms > limits.delayMsMax) return faulty("TOO_LARGE", field, `${field} too long: ${text} (max ${formatDuration(limits.delayMsMax)})`);
  return faulty("INVALID_VALUE", field, `invalid ${field}: ${JSON.stringify(text)} is not a duration like 90s, 1.5h or 1m30s`);
}

/** A count or time that must not be above `max`; whatever is below 0 has a meaning of its own. */
export function tooLarge(value: number, max: number, field: string): Fault | undefined {
  return value > max ? faulty("TOO_LARGE", field, `${field} too large: ${value} (max ${max})`) : undefined;
}

const timestamp = new TimestampReader();
/** 0001-01-01 to 9999-12-31, as google.protobuf.Timestamp says. Sets nothing; `hasUnknown` of the nested message is returned by `nestedUnknown`. */
export function timestampFault(buf: Uint8Array, start: number, end: number, field: string): Fault | undefined {
  timestamp.read(buf, start, end);
  nestedUnknown = timestamp.hasUnknown;
  const ok = timestamp.seconds >= -62_135_596_800 && timestamp.seconds <= 253_402_300_799 && timestamp.nanos >= 0 && timestamp.nanos <= 999_999_999;
  return ok ? undefined : faulty("INVALID_VALUE", field, `invalid ${field}: not a time between the years 1 and 9999`);
}

const agent = new AgentConfigReader();
export function agentFault(buf: Uint8Array, start: number, end: number): Fault | undefined {
  agent.read(buf, start, end);
  nestedUnknown = agent.hasUnknown;
  if (!Number.isFinite(agent.maxCostUsd)) return faulty("INVALID_VALUE", "agent.max_cost_usd", "invalid agent.max_cost_usd: not a finite number");
  return durationFault(buf, agent.iterationTimeoutStart, agent.iterationTimeoutEnd, "agent.iteration_timeout");
}

const usage = new UsageReportReader();
/** Reports are accepted as they are, whatever is below 0 counts as 0; only a cost that is no amount is refused. */
export function usageFault(buf: Uint8Array, start: number, end: number): Fault | undefined {
  usage.read(buf, start, end);
  nestedUnknown = usage.hasUnknown;
  mustBeUtf8(buf, usage.modelStart, usage.modelEnd, "usage.model");
  mustBeUtf8(buf, usage.providerStart, usage.providerEnd, "usage.provider");
  if (usage.costUsd <= costUsdMax) return undefined;
  return faulty("INVALID_VALUE", "usage.cost_usd", `invalid usage.cost_usd: not an amount of at most ${costUsdMax} dollars`);
}
/** What one report may name. */
const costUsdMax = 1_000_000;

/** True when the nested message that was looked at last had something unknown. */
export let nestedUnknown = false;

const colon = 58;

/** Where a name begins: behind the namespace that the server put before it, which does not count against its length. */
export function behindNamespace(buf: Uint8Array, start: number, end: number): number {
  for (let i = start; i + 1 < end; i++) {
    if (buf[i] === colon && buf[i + 1] === colon && i > start) return i + 2;
    const letter = (buf[i] >= 97 && buf[i] <= 122) || (buf[i] >= 48 && buf[i] <= 57) || buf[i] === 45;
    if (!letter) return start;
  }
  return start;
}
