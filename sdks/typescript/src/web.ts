import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { CorvoClient, clientName } from "./client.js";

export * from "./client.js";
export * from "./errors.js";
export * from "./job.js";

/**
 * A client for browsers and edge runtimes: needs `fetch` alone. Everything but the streaming worker: a browser cannot send streams,
 * so work there by `fetch`, `ack` and `heartbeat`.
 */
export function connectWeb(options: { url: string; apiKey?: string; timeoutMs?: number; fetch?: typeof globalThis.fetch }): CorvoClient {
  const authenticate: Interceptor = (next) => (request) => {
    if (options.apiKey) request.header.set("x-api-key", options.apiKey);
    return next(request);
  };
  const transport = createConnectTransport({ baseUrl: options.url.replace(/\/$/, ""), fetch: options.fetch, interceptors: [clientName, authenticate] });
  return new CorvoClient({ transport, timeoutMs: options.timeoutMs });
}
