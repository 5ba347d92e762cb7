import { hostname } from "node:os";
import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { CorvoClient, clientName } from "./client.js";
import type { Backoff } from "./retry.js";

export interface ConnectOptions {
  /** Default `http://localhost:8080`, or `CORVO_SERVER`. */
  url?: string;
  /** Sent as `X-API-Key`. Default `CORVO_API_KEY`. */
  apiKey?: string;
  /** Longest time of a call including its retries, in ms. Default 30,000. */
  timeoutMs?: number;
  tries?: number;
  backoff?: Backoff;
}

/** A client over HTTP/2 for Node. Close it when it is no longer needed, or the process stays alive. */
export function connect(options: ConnectOptions = {}): CorvoClient & { close(): void } {
  const baseUrl = (options.url ?? process.env.CORVO_SERVER ?? "http://localhost:8080").replace(/\/$/, "");
  const apiKey = options.apiKey ?? process.env.CORVO_API_KEY;
  const authenticate: Interceptor = (next) => (request) => {
    if (apiKey) request.header.set("x-api-key", apiKey);
    return next(request);
  };
  const sessions = new Http2SessionManager(baseUrl, { pingIntervalMs: 20_000, pingTimeoutMs: 10_000 });
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: "2",
    useBinaryFormat: true,
    interceptors: [clientName, authenticate],
    sessionManager: sessions,
  });
  const client = new CorvoClient({ transport, timeoutMs: options.timeoutMs, tries: options.tries, backoff: options.backoff });
  return Object.assign(client, { close: () => sessions.abort() });
}

/** `host:pid`: tells two workers of one machine apart. */
export function defaultWorkerId(): string {
  return `${hostname()}:${process.pid}`;
}
