import { RpcError } from "@corvo/transport";

/** The namespaces that the call names must exist already. */
export const mustExistHeader = "x-corvo-namespace-must-exist";

export function noNamespace(name: string): RpcError {
  return new RpcError("not_found", "NOT_FOUND", `namespace "${name}" not found`, { field: "namespace", restStatus: 404, restCode: "NOT_FOUND" });
}

export function forbidden(message: string): RpcError {
  return new RpcError("permission_denied", "FORBIDDEN", message, { restCode: "FORBIDDEN" });
}

const statusOfCode: Record<string, number> = {
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  aborted: 409,
  resource_exhausted: 429,
  unimplemented: 501,
  unavailable: 503,
  unknown: 504,
  deadline_exceeded: 504,
  internal: 500,
};

/** What REST answers with. */
export function restStatusOf(thrown: unknown): number {
  if (!(thrown instanceof RpcError)) return 500;
  return thrown.more.restStatus ?? statusOfCode[thrown.code] ?? 400;
}
