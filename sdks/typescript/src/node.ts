import { hostname } from "node:os";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { CorvoClient } from "./client.js";
import type { RetryOptions } from "./client-options.js";
import { baseUrlOf, type Credentials, identify } from "./transport-options.js";

export interface ConnectOptions extends Credentials, RetryOptions {
  /** Default `CORVO_SERVER`, else `http://localhost:8080`. */
  url?: string;
  /** Sent as `X-API-Key`. Default `CORVO_API_KEY`. */
  apiKey?: string;
  /** Namespace to work in, for those who may choose; it must exist. Default `CORVO_NAMESPACE`, else the key's own. */
  namespace?: string;
}

/**
 * A client over HTTP/2 for Node: one connection, opened by the first call, reopened when it breaks. An idle connection does not keep the
 * process alive; `close` ends it at once.
 */
export function connect(options: ConnectOptions = {}): CorvoClient {
  const baseUrl = baseUrlOf(options.url ?? process.env.CORVO_SERVER ?? "http://localhost:8080");
  if (!/^https?:\/\/[^/]/i.test(baseUrl) || !URL.canParse(baseUrl)) throw new TypeError(`url: "${baseUrl}" is not an address like http://localhost:8080`);
  const apiKey = options.apiKey ?? process.env.CORVO_API_KEY;
  const namespace = options.namespace ?? process.env.CORVO_NAMESPACE;
  // A silent peer is found out after 15 s, well within the shortest default lease.
  const sessions = new Http2SessionManager(baseUrl, { pingIntervalMs: 10_000, pingTimeoutMs: 5_000 });
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: "2",
    useBinaryFormat: true,
    interceptors: [identify({ ...options, apiKey, namespace })],
    sessionManager: sessions,
  });
  return new CorvoClient({ ...options, transport, onClose: () => sessions.abort() });
}

let workers = 0;

/** `host:pid`, and from the second worker of a process on a number: tells workers apart. */
export function defaultWorkerId(): string {
  const number = ++workers;
  return `${hostname()}:${process.pid}${number > 1 ? `:${number}` : ""}`;
}
