/** On every answer that is not RPC: any page may call this API, credentials are headers and never cookies. */
export const corsHeaders: readonly string[] = [
  ...["Access-Control-Allow-Origin", "*"],
  ...["Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"],
  ...["Access-Control-Allow-Headers", "Content-Type, Authorization, X-API-Key, X-Corvo-Namespace, X-Corvo-Namespace-Must-Exist, Idempotency-Key"],
];

/** On answers to pages of other origins: what their scripts may read. */
export const exposedHeaders: readonly string[] = ["Access-Control-Expose-Headers", "Corvo-Log-Index, Retry-After, Server-Timing"];

/** Log index that the answer has seen. Handlers add it under this name. */
export const seenHeader = "corvo-log-index";

/** `Server-Timing` of an answer that took so long, in ms with three decimals. */
export function serverTiming(durationMs: number): string {
  return `proc;dur=${durationMs.toFixed(3)}`;
}
