import { type DescMethod, fromBinary, fromJsonString, type Registry, toBinary, toJsonString } from "@bufbuild/protobuf";
import { RpcError } from "../rpc.js";
import { jsonDepthMax, jsonExcess, jsonValuesMax } from "./json-guard.js";
import { refuseUnknown, strictFields } from "./known-only.js";

/** Turns what is on the wire into the binary protobuf that handlers speak, and back. */
export interface MessageCodec {
  request(wire: Uint8Array): Uint8Array;
  answer(binary: Uint8Array): Uint8Array;
}

/** Binary on both sides: nothing to do. */
export const binaryCodec: MessageCodec = { request: (wire) => wire, answer: (binary) => binary };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Proto JSON: unknown fields are ignored (but where `known_only` says otherwise), both spellings of a name are read, lowerCamelCase is written. */
export function jsonCodec(method: DescMethod, registry: Registry | undefined): MessageCodec {
  const strict = strictFields(method.input);
  return {
    request(wire) {
      const excess = jsonExcess(wire);
      if (excess !== undefined)
        throw new RpcError("invalid_argument", "", excess === "deep" ? `JSON deeper than ${jsonDepthMax}` : `JSON of more than ${jsonValuesMax} values`);
      try {
        const text = utf8.decode(wire);
        const message = fromJsonString(method.input, text, { ignoreUnknownFields: true, registry });
        if (strict !== undefined) refuseUnknown(strict, JSON.parse(text));
        return toBinary(method.input, message);
      } catch (cause) {
        throw unreadable(cause);
      }
    },
    answer(binary) {
      return Buffer.from(toJsonString(method.output, fromBinary(method.output, binary), { registry }), "utf8");
    },
  };
}

/** What is thrown at JSON that is not the message; a refusal stays as it is. */
export function unreadable(cause: unknown): RpcError {
  if (cause instanceof RpcError) return cause;
  const message = `cannot read the message: ${cause instanceof Error ? cause.message.slice(0, 200) : "invalid JSON"}`;
  return new RpcError("invalid_argument", "PARSE_ERROR", message);
}
