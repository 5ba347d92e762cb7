import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Command } from "../model/command.js";

/**
 * Public requests between the model's plain objects and bytes, both ways with protobuf-es: the second opinion on everything that
 * the fast codec reads and writes.
 */
export interface BodyCodec {
  encode(command: Command, requestId: string): Uint8Array;
  /** Without its request id. `flags`: those of the log's command. */
  decode(bytes: Uint8Array, flags: number): { command: Command; requestId: string };
}

export function codec<D extends DescMessage, C extends Command>(
  schema: D,
  init: (command: C) => MessageInitShape<D>,
  plain: (message: MessageShape<D>, flags: number) => C,
): BodyCodec {
  return {
    encode(command, requestId) {
      const message = create(schema, init(command as C)) as MessageShape<D> & { requestId?: unknown };
      const field = requestIdOf(message);
      if (field) (message as Record<string, unknown>)[field] = requestId;
      return toBinary(schema as DescMessage, message);
    },
    decode(bytes, flags) {
      const message = fromBinary(schema, bytes) as MessageShape<D> & { requestId?: unknown };
      const field = requestIdOf(message);
      return { command: plain(message, flags), requestId: field ? ((message as Record<string, unknown>)[field] as string) : "" };
    },
  };
}

/** A frame's `request_id` is a number and only correlates. */
function requestIdOf(message: object): "requestId" | "retryId" | undefined {
  if ("retryId" in message) return "retryId";
  return typeof (message as { requestId?: unknown }).requestId === "string" ? "requestId" : undefined;
}
