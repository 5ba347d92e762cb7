import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** On answers to pages of other origins, as on REST's: any page may call this API, credentials are headers and never cookies. */
const answers = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Corvo-Log-Index",
} as const;

/** What a browser asks before it sends an RPC. */
export const preflight: Readonly<Record<string, string>> = {
  ...answers,
  "access-control-allow-methods": "GET, POST, OPTIONS",
  "access-control-allow-headers":
    "Content-Type, Authorization, X-API-Key, X-Corvo-Namespace, X-Corvo-Namespace-Must-Exist, X-Corvo-Client-Name, X-Corvo-Client-Version, Connect-Protocol-Version, Connect-Timeout-Ms, Grpc-Timeout, X-Grpc-Web, X-User-Agent",
  "access-control-max-age": "7200",
};

/** Adds them where a browser asks; programs send no `Origin` and pay nothing. */
export function addCors(asked: IncomingHttpHeaders, headers: OutgoingHttpHeaders): void {
  if (asked.origin !== undefined) Object.assign(headers, answers);
}

export const corsAnswers: readonly (readonly [name: string, value: string])[] = Object.entries(answers);
