import { createContextKey, type Interceptor } from "@connectrpc/connect";

/** What this software calls itself. */
export const sdkName = "corvo-typescript";
export const sdkVersion = "0.4.0";

/** Who the caller is. Both may be given. */
export interface Credentials {
  /** Sent as `X-API-Key`. */
  apiKey?: string;
  /** Sent as `Authorization: Bearer …`. A function is asked before every call. */
  bearerToken?: string | (() => string | Promise<string>);
  /**
   * Namespace to work in, for those who may choose; a key's own otherwise. Sent as `X-Corvo-Namespace`. One that does not exist is refused
   * as `not_found`, except by `access.createNamespace`.
   */
  namespace?: string;
}

/** Says who calls, and which software it is; the server logs the latter at debug level. */
export function identify(credentials: Credentials): Interceptor {
  return (next) => async (request) => {
    const { header } = request;
    header.set("x-corvo-client-name", sdkName);
    header.set("x-corvo-client-version", sdkVersion);
    header.set("x-corvo-namespace-must-exist", "1"); // a slip must not be an empty list, or a new namespace
    if (credentials.apiKey) header.set("x-api-key", credentials.apiKey);
    if (credentials.namespace) header.set("x-corvo-namespace", credentials.namespace);
    const { bearerToken } = credentials;
    if (bearerToken) header.set("authorization", `Bearer ${typeof bearerToken === "string" ? bearerToken : await bearerToken()}`);
    const timeoutMs = request.contextValues.get(serverTimeoutMs);
    if (timeoutMs !== undefined) header.set("connect-timeout-ms", String(timeoutMs));
    return next(request);
  };
}

/** The deadline that the server is told when it is not the client's: a waiting fetch ends a little before it. */
export const serverTimeoutMs = createContextKey<number | undefined>(undefined, { description: "deadline for the server in ms" });

/** Without slashes at its end. */
export function baseUrlOf(url: string): string {
  return url.replace(/\/+$/, "");
}
