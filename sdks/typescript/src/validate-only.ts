import type { DescField } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { CorvoError } from "./errors.js";

/** `bool validate_only`, the same in every request that changes something. */
const field = 190;

/**
 * The same transport, but what changes something is only looked at: the server refuses as it would, and else answers with an empty
 * message and changes nothing. Reads go through; streams, and what the server cannot only look at, are refused here.
 */
export function validating(transport: Transport): Transport {
  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      if (method.idempotency === 1) return transport.unary(method, signal, timeoutMs, header, input, contextValues);
      const known = method.input.fields.find((one: DescField) => one.number === field);
      if (!known) throw new CorvoError(`${method.name} cannot only be looked at`, { code: "unimplemented", reason: "UNSUPPORTED" });
      return transport.unary(method, signal, timeoutMs, header, { ...(input as object), [known.localName]: true } as typeof input, contextValues);
    },
    stream(method) {
      throw new CorvoError(`${method.name} cannot only be looked at`, { code: "unimplemented", reason: "UNSUPPORTED" });
    },
  };
}
