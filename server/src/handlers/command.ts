import type { DescMessage } from "@bufbuild/protobuf";
import { commandFlags, type DoorOptions, isRefusal, type Refusal, requestHash, Verb, validateOnly } from "@corvo/protocol";
import type { CommandInput } from "@corvo/replica";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { traceAcks, tracing, withTrace } from "../tracing/carry.js";
import { type HandlerContext, namespaceName, principalName, toRpcError } from "./context.js";

/** A door function of protocol: the bytes to log, or why not. */
export type Check = (request: Uint8Array, options: DoorOptions) => Uint8Array | Refusal;

/** The verb of a method, and how its request gets through the door. */
export interface CommandRule {
  verb: Verb;
  check: Check;
  /** The message that `check` lets through: its request id, if it has one, makes a retry safe. */
  schema: DescMessage;
  /** Adds jobs: refused when memory or disk is spent. */
  newWork?: boolean | ((body: Uint8Array) => boolean);
  /** REST: what an unknown id answers where it is not what the verb says by itself. */
  restNotFound?: { restStatus: number; restCode: string };
}

/** The handler of a verb whose answer is what the engine says: check, submit, answer. */
export function commandHandler(context: HandlerContext, rule: CommandRule): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      const no = rule.newWork === true ? context.replica.refusesNewWork() : undefined;
      if (no) throw toRpcError(no);
      const command = atTheDoor(context, call, rule, request);
      const late = typeof rule.newWork === "function" && rule.newWork(command.body) ? context.replica.refusesNewWork() : undefined;
      if (late) throw toRpcError(late);
      if (validateOnly(command.body)) return lookedAt(context, call, command, rule);
      return new Promise((resolve, reject) =>
        context.replica.submit(command, { answer: (bytes) => resolve(bytes.slice()), refused: (refusal) => reject(refusalOf(rule, refusal)) }),
      );
    },
  };
}

/** `validate_only`: the refusal that the command would get, else an empty answer. */
export async function lookedAt(context: HandlerContext, call: Call, command: CommandInput, rule?: CommandRule): Promise<Uint8Array> {
  const refusal = await context.replica.validate(command);
  if (refusal !== undefined) throw rule ? refusalOf(rule, refusal) : toRpcError(refusal);
  call.addHeader("corvo-validate-only", "true");
  return new Uint8Array(0);
}

function refusalOf(rule: CommandRule, refusal: Refusal): RpcError {
  const { code, reason, message } = refusal;
  const field = refusal.field ?? fieldOf(rule, reason);
  return reason === "NOT_FOUND" && rule.restNotFound ? new RpcError(code, reason, message, { field, ...rule.restNotFound }) : toRpcError({ ...refusal, field });
}

/** The field that a refusal is about, where the verb does not say it: requests name what they are about in their first field. */
function fieldOf({ schema }: CommandRule, reason: string): string | undefined {
  if (reason === "STALE_FENCE") return "fence";
  return reason === "NOT_FOUND" || reason === "WRONG_STATE" ? schema.fields.find((field) => field.number === 1)?.name : undefined;
}

/** Request to command; throws the door's refusal. */
export function atTheDoor(context: HandlerContext, call: Call, rule: CommandRule, request: Uint8Array): CommandInput {
  const body = rule.check(request, { payloadBytesMax: context.options.payloadBytesMax, rest: call.protocol === "rest" });
  if (isRefusal(body)) throw toRpcError(body);
  // A repeated request has the same hash in whatever trace it comes.
  const hash = mayHaveRequestId(body) ? requestHash(rule.schema, body) : undefined;
  if (tracing.jobs !== undefined && rule.verb === Verb.ACK_BATCH) traceAcks(tracing.jobs, call, context.replica.engine, body);
  return toCommand(call, rule.verb, rule.newWork ? withTrace(call, rule.verb, body) : body, hash);
}

export function toCommand(call: Call, verb: Verb, body: Uint8Array, hash: Uint8Array | undefined): CommandInput {
  return {
    verb,
    flags: call.protocol === "rest" ? commandFlags.absentResult : 0,
    namespace: namespaceName(call),
    principal: principalName(call),
    requestHash: hash,
    client: principalName(call) || call.peer,
    body,
  };
}

/** The tag of `string request_id = 110`. Found elsewhere (inside a payload) it costs a hash that nobody looks at. */
const requestIdTag = Buffer.from([0xf2, 0x06]);

export function mayHaveRequestId(body: Uint8Array): boolean {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(requestIdTag);
}
