import { createConnectTransport } from "@connectrpc/connect-web";
import { CorvoClient } from "./client.js";
import type { RetryOptions } from "./client-options.js";
import { baseUrlOf, type Credentials, identify } from "./transport-options.js";

export * from "./client.js";
export * from "./client-options.js";
export { CorvoError, type ErrorFacts } from "./errors.js";
export { defineJob, type EnqueueOptions, type JobDefinition } from "./job.js";
export type { Backoff } from "./retry.js";
export * from "./views.js";

export interface ConnectWebOptions extends Credentials, RetryOptions {
  /** Of the server, for example `location.origin`. */
  url: string;
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch;
}

/**
 * A client for browsers and edge runtimes: needs `fetch` alone, speaks HTTP/1.1 or 2. Everything but `Worker`, whose streams no browser
 * can send: work by `fetch`, `ack`, `fail` and `heartbeat`.
 */
export function connectWeb(options: ConnectWebOptions): CorvoClient {
  const transport = createConnectTransport({ baseUrl: baseUrlOf(options.url), fetch: options.fetch, interceptors: [identify(options)] });
  return new CorvoClient({ ...options, transport });
}
