import { RpcError } from "../rpc.js";

const grpcUnitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/** Milliseconds of a `Connect-Timeout-Ms` or `Grpc-Timeout` header. Undefined: none given. */
export function timeoutMs(protocol: "connect" | "grpc", value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (protocol === "connect") {
    if (/^\d{1,10}$/.test(value)) return Number(value);
  } else {
    const unit = grpcUnitMs[value.charAt(value.length - 1)];
    const digits = value.slice(0, -1);
    if (unit !== undefined && /^\d{1,8}$/.test(digits)) return Number(digits) * unit;
  }
  throw new RpcError("invalid_argument", "", `protocol error: invalid timeout ${JSON.stringify(value.slice(0, 32))}`);
}

/** Longest wait that a timer can be set to, in ms: 24.8 days. A deadline beyond it has no timer. */
export const timerMsMax = 2 ** 31 - 1;
