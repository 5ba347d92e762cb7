import { BatchCallbackReader, ChainReader, ChainStepReader, type EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import type { Chain, ChainStep, EnqueueRequest, LifecycleEnqueueItem } from "@corvo/gen/corvo/v1/worker_pb.js";
import { isJobIdText } from "../ids.js";
import { eachJsonItem, eachJsonMember, isBlank, jsonMember } from "../json-members.js";
import { limits } from "../limits.js";
import { textOf } from "../utf8.js";
import { type DoorOptions, type Fault, faulty } from "./door.js";
import { behindNamespace, jsonFault, jsonObjectFault, nameFault, textFault } from "./fields.js";

const chain = new ChainReader();
const step = new ChainStepReader();
const callback = new BatchCallbackReader();
const found = { start: 0, end: 0 };

/** What joins a job to others: chain, dependencies, batch. */
export function relationsFault(r: EnqueueRequestReader, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  return (
    (r.hasChain ? chainFault(r, options) : undefined) ??
    textFault(buf, behindNamespace(buf, r.chainIdStart, r.chainIdEnd), r.chainIdEnd, limits.entityIdBytesMax, "chain_id") ??
    (r.chainConfigJsonEnd > r.chainConfigJsonStart ? configFault(r) : undefined) ??
    (r.dependsOnCount > 0 ? dependenciesFault(r) : undefined) ??
    textFault(buf, r.batchIdStart, r.batchIdEnd, limits.entityIdBytesMax, "batch_id")
  );
}

function chainFault(r: EnqueueRequestReader, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  const bytes = r.chainEnd - r.chainStart;
  if (bytes > limits.chainBytesMax) return faulty("TOO_LARGE", "chain", `chain too large: ${bytes} bytes (max ${limits.chainBytesMax})`);
  chain.read(buf, r.chainStart, r.chainEnd);
  if (chain.hasUnknown) r.hasUnknown = true;
  // Beside a chain that was given as such, the raw form does not count: it must not get into the log.
  if (!chain.raw && (r.chainIdEnd > r.chainIdStart || r.hasChainStep || r.chainConfigJsonEnd > r.chainConfigJsonStart)) r.hasUnknown = true;
  const { raw, stepsCount, hasOnFailure, hasOnExit, onFailureStart, onFailureEnd, onExitStart, onExitEnd } = chain;
  if (stepsCount > limits.chainStepsMax) return faulty("TOO_LARGE", "chain.steps", `too many chain steps: ${stepsCount} (max ${limits.chainStepsMax})`);
  for (let i = 0; i < stepsCount; i++) {
    const fault = stepFault(r, chain.stepsStart[i], chain.stepsEnd[i], `chain.steps[${i}]`, "chain step has empty queue", options);
    if (fault !== undefined) return fault;
    if (i > 0 || raw) continue;
    const same = textOf(buf, step.queueStart, step.queueEnd) === textOf(buf, r.queueStart, r.queueEnd);
    if (!same) return faulty("INVALID_VALUE", "chain.steps[0].queue", "the queue of the first chain step must be the queue of the job");
  }
  if (stepsCount < (raw ? 1 : 2)) return faulty("INVALID_VALUE", "chain.steps", "a chain needs at least 2 steps");
  return (
    (hasOnFailure ? stepFault(r, onFailureStart, onFailureEnd, "chain.on_failure", "chain on_failure has empty queue", options) : undefined) ??
    (hasOnExit ? stepFault(r, onExitStart, onExitEnd, "chain.on_exit", "chain on_exit has empty queue", options) : undefined)
  );
}

function stepFault(r: EnqueueRequestReader, start: number, end: number, field: string, required: string, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  step.read(buf, start, end);
  if (step.hasUnknown) r.hasUnknown = true;
  const name = nameFault(buf, step.queueStart, step.queueEnd, `${field}.queue`, required);
  return name ?? payloadFault(r, step.payloadJsonStart, step.payloadJsonEnd, `${field}.payload_json`, options);
}

function payloadFault(r: { buf: Uint8Array; hasUnknown: boolean }, start: number, end: number, field: string, options: DoorOptions): Fault | undefined {
  const max = options.payloadBytesMax;
  if (max > 0 && end - start > max) return faulty("PAYLOAD_TOO_LARGE", field, `payload too large: ${end - start} bytes (max ${max})`);
  const fault = jsonFault(r.buf, start, end, 0, field);
  if (fault !== undefined && isBlank(r.buf, start, end)) r.hasUnknown = true;
  return fault;
}

/** The callback of a batch. */
export function callbackFault(r: { buf: Uint8Array; hasUnknown: boolean }, start: number, end: number, field: string, options: DoorOptions): Fault | undefined {
  callback.read(r.buf, start, end);
  if (callback.hasUnknown) r.hasUnknown = true;
  return (
    textFault(r.buf, callback.callbackQueueStart, callback.callbackQueueEnd, limits.queueNameBytesMax, `${field}callback_queue`) ??
    payloadFault(r, callback.callbackPayloadJsonStart, callback.callbackPayloadJsonEnd, `${field}callback_payload_json`, options)
  );
}

/** A chain or dependencies in their raw form become fields: `mendRelations`. */
function configFault(r: EnqueueRequestReader): Fault | undefined {
  const { buf, chainConfigJsonStart: start, chainConfigJsonEnd: end } = r;
  const fault = jsonObjectFault(buf, start, end, limits.chainBytesMax, "chain_config_json");
  if (fault !== undefined) {
    if (isBlank(buf, start, end)) r.hasUnknown = true;
    return fault;
  }
  if (jsonMember(buf, start, end, "steps", found)) r.hasUnknown = true;
  if (!jsonMember(buf, start, end, "depends_on", found)) return undefined;
  const wrong = idsFault(buf, found.start, found.end);
  if (wrong === undefined) r.hasUnknown = true;
  return wrong;
}

/** `depends_on` in its raw form is a list of texts, or null. What is neither is not taken apart: it stays, and is refused. */
function idsFault(buf: Uint8Array, start: number, end: number): Fault | undefined {
  const wrong = (what: string) => faulty("INVALID_VALUE", "chain_config_json", `chain_config: depends_on ${what}`);
  if (buf[start] === 0x6e) return undefined;
  if (buf[start] !== 0x5b) return wrong("is no list of job ids");
  let fault: Fault | undefined;
  let at = 0;
  eachJsonItem(buf, start, end, (itemStart) => {
    if (buf[itemStart] !== 0x22) fault ??= wrong(`[${at}] is no job id`);
    at++;
  });
  return fault;
}

function dependenciesFault(r: EnqueueRequestReader): Fault | undefined {
  const { buf, dependsOnCount: count } = r;
  const crowd = count > limits.dependsOnMax ? faulty("TOO_LARGE", "depends_on", `too many dependencies: ${count} (max ${limits.dependsOnMax})`) : undefined;
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    const fault = textFault(buf, r.dependsOnStart[i], r.dependsOnEnd[i], limits.entityIdBytesMax, `depends_on[${i}]`);
    if (fault !== undefined) return fault;
    const id = textOf(buf, r.dependsOnStart[i], r.dependsOnEnd[i]);
    const trimmed = id.trim();
    if (trimmed !== "" && !isJobIdText(trimmed)) return faulty("INVALID_VALUE", `depends_on[${i}]`, `depends_on[${i}] is not a job id`);
    if (id === "" || id !== trimmed || seen.has(id)) r.hasUnknown = true;
    seen.add(id);
  }
  return r.hasUnknown ? undefined : crowd;
}

/** Brings what joins a job to others into the form that is logged. A chain_config that cannot be understood stays, and is refused as a chain. */
export function mendRelations(message: EnqueueRequest | LifecycleEnqueueItem): void {
  if (message.chain !== undefined) {
    if (!message.chain.raw) {
      message.chainId = "";
      message.chainStep = undefined;
      message.chainConfigJson = "";
    }
  } else if (message.chainConfigJson !== "") readConfig(message);
  if (message.chain !== undefined) for (const one of stepsOf(message.chain)) one.payloadJson = unlessBlankText(one.payloadJson);
  message.dependsOn = [...new Set(message.dependsOn.map((id) => id.trim()).filter((id) => id !== ""))];
}

function stepsOf({ steps, onFailure, onExit }: Chain): ChainStep[] {
  return [...steps, ...(onFailure ? [onFailure] : []), ...(onExit ? [onExit] : [])];
}

/** `chain_config` as jobs show it: `{"steps": [{"queue", "payload"}], "on_failure": {…}, "on_exit": {…}, "depends_on": [ids]}`. */
function readConfig(message: EnqueueRequest | LifecycleEnqueueItem): void {
  const buf = new TextEncoder().encode(message.chainConfigJson);
  const range = { start: 0, end: 0 };
  const steps: ChainStep[] = [];
  if (jsonMember(buf, 0, buf.length, "steps", range)) {
    eachJsonItem(buf, range.start, range.end, (start, end) => void steps.push(stepOf(buf, start, end)));
    const handler = (name: string) => (jsonMember(buf, 0, buf.length, name, range) ? stepOf(buf, range.start, range.end) : undefined);
    message.chain = {
      $typeName: "corvo.v1.Chain",
      steps,
      onFailure: handler("on_failure"),
      onExit: handler("on_exit"),
      raw: true,
    };
  }
  const depends = jsonMember(buf, 0, buf.length, "depends_on", range) && idsFault(buf, range.start, range.end) === undefined;
  if (depends) {
    eachJsonItem(buf, range.start, range.end, (start, end) => {
      const value: unknown = JSON.parse(textOf(buf, start, end));
      if (typeof value === "string") message.dependsOn.push(value);
    });
  }
  if (message.chain !== undefined || depends) message.chainConfigJson = withoutRelations(buf, depends);
  if (/^\s*$/.test(message.chainConfigJson)) message.chainConfigJson = "";
}

function withoutRelations(buf: Uint8Array, depends: boolean): string {
  const taken = depends ? ["steps", "on_failure", "on_exit", "depends_on"] : ["steps", "on_failure", "on_exit"];
  const rest: string[] = [];
  eachJsonMember(buf, 0, buf.length, (keyStart, keyEnd, valueStart, valueEnd) => {
    const name = JSON.parse(`"${textOf(buf, keyStart, keyEnd)}"`) as string;
    if (!taken.includes(name)) rest.push(`${JSON.stringify(name)}:${textOf(buf, valueStart, valueEnd)}`);
  });
  return rest.length === 0 ? "" : `{${rest.join(",")}}`;
}

/** What is no step has no queue, and is refused for that. */
function stepOf(buf: Uint8Array, start: number, end: number): ChainStep {
  const range = { start: 0, end: 0 };
  let queue = "";
  if (jsonMember(buf, start, end, "queue", range)) {
    const value: unknown = JSON.parse(textOf(buf, range.start, range.end));
    if (typeof value === "string") queue = value;
  }
  const payloadJson = jsonMember(buf, start, end, "payload", range) ? textOf(buf, range.start, range.end) : "";
  return { $typeName: "corvo.v1.ChainStep", queue, payloadJson };
}

function unlessBlankText(text: string): string {
  return /^[ \t\r\n]*$/.test(text) ? "" : text;
}
