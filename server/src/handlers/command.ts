import { type Checked, flagAbsentResult, isRefusal, type Refusal } from "@corvo/protocol";
import type { CommandInput } from "@corvo/replica";
import type { Call, UnaryHandler } from "@corvo/transport";
import { type HandlerContext, principalName, toRpcError } from "./context.js";

/** A door function of protocol: the bytes to log and the request's hash, or why not. */
export type Check = (request: Uint8Array, context: { payloadBytesMax: number; rest: boolean }) => Checked | Refusal;

/** Validated request to command. */
export function toCommand(call: Call, verb: number, checked: Checked): CommandInput {
  return {
    verb,
    flags: call.protocol === "rest" ? flagAbsentResult : 0,
    namespace: "",
    principal: principalName(call),
    requestHash: checked.requestHash,
    body: checked.body,
  };
}

/** Runs the door function; throws its refusal. */
export function atTheDoor(context: HandlerContext, call: Call, check: Check, request: Uint8Array): Checked {
  const checked = check(request, { payloadBytesMax: context.options.payloadBytesMax, rest: call.protocol === "rest" });
  if (isRefusal(checked)) throw toRpcError(checked);
  return checked;
}

/** The handler of a verb whose answer is what the engine says: check, submit, answer. `newWork`: refused when memory or disk is spent. */
export function commandHandler(context: HandlerContext, verb: number, check: Check, newWork = false): UnaryHandler {
  return {
    kind: "unary",
    handle(call, request) {
      if (newWork) {
        const no = context.replica.refusesNewWork();
        if (no) throw toRpcError(no);
      }
      const command = toCommand(call, verb, atTheDoor(context, call, check, request));
      return new Promise((resolve, reject) =>
        context.replica.submit(command, { answer: (bytes) => resolve(bytes.slice()), refused: (refusal) => reject(toRpcError(refusal)) }),
      );
    },
  };
}
