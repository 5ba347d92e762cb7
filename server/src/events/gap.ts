import { create, toBinary } from "@bufbuild/protobuf";
import { SubscribeEventSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { gapType } from "./encode.js";

/** A SubscribeEvent that says which events its reader does not get. */
export function gapMessage(to: number, dataJson: string): Uint8Array {
  return toBinary(SubscribeEventSchema, create(SubscribeEventSchema, { seq: BigInt(to), type: gapType, atNs: BigInt(Date.now()) * 1_000_000n, dataJson }));
}
