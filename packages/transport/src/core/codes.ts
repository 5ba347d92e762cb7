import type { RpcCode } from "../rpc.js";

/** Code to gRPC number and Connect HTTP status, as both protocols define them. */
const table: Record<string, readonly [grpc: number, http: number]> = {
  canceled: [1, 499],
  unknown: [2, 500],
  invalid_argument: [3, 400],
  deadline_exceeded: [4, 504],
  not_found: [5, 404],
  already_exists: [6, 409],
  permission_denied: [7, 403],
  resource_exhausted: [8, 429],
  failed_precondition: [9, 400],
  aborted: [10, 409],
  out_of_range: [11, 400],
  unimplemented: [12, 501],
  internal: [13, 500],
  unavailable: [14, 503],
  data_loss: [15, 500],
  unauthenticated: [16, 401],
};

const names: readonly RpcCode[] = ["ok", ...Object.keys(table)];

export function grpcNumber(code: RpcCode): number {
  return (table[code] ?? table.unknown!)[0];
}
export function httpStatus(code: RpcCode): number {
  return (table[code] ?? table.unknown!)[1];
}
export function codeName(grpc: number): RpcCode {
  return names[grpc] ?? "unknown";
}
