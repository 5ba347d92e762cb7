import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { ErrorDetailSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { RpcError } from "../rpc.js";
import { grpcNumber } from "./codes.js";

/**
 * One error mapping for all protocols and both lanes: a code for the transport, a reason for the program, a sentence for
 * the person. What is not an RpcError is reported to `report` and becomes `internal`; its words never cross the wire.
 */
export function toRpcError(thrown: unknown, report: (cause: unknown) => void): RpcError {
  if (thrown instanceof RpcError) {
    if (thrown.more.cause !== undefined) report(thrown.more.cause);
    return thrown;
  }
  report(thrown);
  return new RpcError("internal", "", "internal error");
}

export interface PackedDetail {
  /** Type name without prefix, for example `corvo.v1.ErrorDetail`. */
  type: string;
  value: Uint8Array;
}

/** The details of an error: its `ErrorDetail` when there is something to say, then what the handler packed itself. */
export function packDetails(error: RpcError): readonly PackedDetail[] {
  const { field, retryAfterMs, details } = error.more;
  const own = detailOf(error.reason, field, retryAfterMs);
  if (own === undefined) return details ?? [];
  const first = { type: ErrorDetailSchema.typeName, value: toBinary(ErrorDetailSchema, own) };
  return details === undefined ? [first] : [first, ...details];
}

function detailOf(reason: string, field: string | undefined, retryAfterMs: number | undefined) {
  if (reason === "" && field === undefined && retryAfterMs === undefined) return undefined;
  return create(ErrorDetailSchema, { reason, field: field ?? "", retryAfterMs: Math.min(Math.max(0, Math.ceil(retryAfterMs ?? 0)), 0xffff_ffff) });
}

/** Connect's error object, the body of a unary error and the `error` of an end-of-stream message. */
export function connectErrorJson(error: RpcError): Record<string, unknown> {
  const json: Record<string, unknown> = { code: error.code };
  if (error.message !== "") json.message = error.message;
  const details = packDetails(error);
  if (details.length > 0) {
    const own = detailOf(error.reason, error.more.field, error.more.retryAfterMs);
    json.details = details.map(({ type, value }, i) => {
      const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64").replace(/=+$/, "");
      return i === 0 && own !== undefined ? { type, value: base64, debug: toJson(ErrorDetailSchema, own) } : { type, value: base64 };
    });
  }
  return json;
}

/** gRPC's trailers of an error. */
export function grpcErrorTrailers(error: RpcError, into: Record<string, string | string[]>): void {
  const number = grpcNumber(error.code);
  into["grpc-status"] = String(number);
  if (error.message !== "") into["grpc-message"] = percentEncode(error.message);
  const details = packDetails(error);
  if (details.length === 0) return;
  const status = new BinaryWriter().uint32((1 << 3) | 0).int32(number);
  if (error.message !== "") status.uint32((2 << 3) | 2).string(error.message);
  for (const { type, value } of details) {
    status.uint32((3 << 3) | 2).fork();
    status.uint32((1 << 3) | 2).string(`type.googleapis.com/${type}`);
    status.uint32((2 << 3) | 2).bytes(value);
    status.join();
  }
  into["grpc-status-details-bin"] = Buffer.from(status.finish()).toString("base64").replace(/=+$/, "");
}

/** gRPC's own percent encoding of messages: printable ASCII but `%` stays, everything else becomes UTF-8 in hex. */
function percentEncode(text: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    out += byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
