import { type DescMethod, fromBinary, fromJsonString, type Registry, toBinary, toJsonString } from "@bufbuild/protobuf";
import { RpcError } from "../rpc.js";
import { jsonDepthMax, jsonExcess, jsonValuesMax } from "./json-guard.js";

/** Turns what is on the wire into the binary protobuf that handlers speak, and back. */
export interface MessageCodec {
  request(wire: Uint8Array): Uint8Array;
  answer(binary: Uint8Array): Uint8Array;
}

/** Binary on both sides: nothing to do. */
export const binaryCodec: MessageCodec = { request: (wire) => wire, answer: (binary) => binary };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Proto JSON: unknown fields are ignored, both spellings of a name are read, lowerCamelCase is written. */
export function jsonCodec(method: DescMethod, registry: Registry | undefined): MessageCodec {
  return {
    request(wire) {
      const excess = jsonExcess(wire);
      if (excess !== undefined)
        throw new RpcError("invalid_argument", "", excess === "deep" ? `JSON deeper than ${jsonDepthMax}` : `JSON of more than ${jsonValuesMax} values`);
      try {
        return toBinary(method.input, fromJsonString(method.input, utf8.decode(wire), { ignoreUnknownFields: true, registry }));
      } catch (cause) {
        throw new RpcError(
          "invalid_argument",
          "PARSE_ERROR",
          `cannot read the message: ${cause instanceof Error ? cause.message.slice(0, 200) : "invalid JSON"}`,
        );
      }
    },
    answer(binary) {
      return Buffer.from(toJsonString(method.output, fromBinary(method.output, binary), { registry }), "utf8");
    },
  };
}
