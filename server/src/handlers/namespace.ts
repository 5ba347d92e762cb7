import * as ns from "@corvo/gen/corvo/v1/namespace_pb.js";
import { Verb } from "@corvo/protocol";
import { type Call, RpcError, type UnaryHandler } from "@corvo/transport";
import { defaultNamespace } from "../auth/principal.js";
import { type AuthContext, checkText, handler, invalid, lookedAt, namespacePattern, principal, submitted } from "./auth.js";
import { timestamp } from "./job.js";

export function listNamespacesHandler({ guard }: AuthContext): UnaryHandler {
  return handler(ns.ListNamespacesRequestSchema, ns.ListNamespacesResponseSchema, (_request, call) => {
    const only = onlyNamespace(call);
    const known = guard.directory.namespaces().filter(({ name }) => only === undefined || name === only);
    if ((only ?? defaultNamespace) === defaultNamespace && !known.some((one) => one.name === defaultNamespace))
      known.push({ name: defaultNamespace, createdMs: 0, limits: {} });
    known.sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      namespaces: known.map(({ name, createdMs, limits }) => ({
        name,
        createdAt: timestamp(createdMs) ?? { seconds: 0n, nanos: 0 },
        rateLimit: Object.keys(limits).length === 0 ? undefined : limits,
      })),
    };
  });
}

export function createNamespaceHandler(context: AuthContext): UnaryHandler {
  return handler(ns.CreateNamespaceRequestSchema, ns.CreateNamespaceResponseSchema, async (request, call) => {
    checkText("name", request.name, 255, true, "VALIDATION_ERROR");
    if (!namespacePattern.test(request.name))
      throw invalid("name", "name must be 1 to 63 lower-case letters, digits and dashes, and not begin or end with a dash", "VALIDATION_ERROR");
    if (request.validateOnly) return lookedAt(context, call, Verb.CREATE_NAMESPACE, ns.CreateNamespaceRequestSchema, request);
    await submitted(context, call, Verb.CREATE_NAMESPACE, ns.CreateNamespaceRequestSchema, request);
    return { name: request.name, status: "created" };
  });
}

export function deleteNamespaceHandler(context: AuthContext): UnaryHandler {
  return handler(ns.DeleteNamespaceRequestSchema, ns.DeleteNamespaceResponseSchema, async (request, call) => {
    if (request.name === defaultNamespace) throw invalid("name", "the default namespace cannot be deleted", "VALIDATION_ERROR");
    if (request.validateOnly) return lookedAt(context, call, Verb.DELETE_NAMESPACE, ns.DeleteNamespaceRequestSchema, request);
    await submitted(context, call, Verb.DELETE_NAMESPACE, ns.DeleteNamespaceRequestSchema, request);
    return { status: "deleted" };
  });
}

export function getNamespaceRateLimitHandler(context: AuthContext): UnaryHandler {
  return handler(ns.GetNamespaceRateLimitRequestSchema, ns.GetNamespaceRateLimitResponseSchema, ({ name }, call) => {
    const only = onlyNamespace(call);
    if (only !== undefined && name !== only) throw noSuchNamespace(name);
    const limits = name === defaultNamespace ? (context.guard.directory.limitsOf(name) ?? {}) : known(context, name).limits;
    return { usingDefaults: Object.keys(limits).length === 0, ...limits };
  });
}

export function setNamespaceRateLimitHandler(context: AuthContext): UnaryHandler {
  return handler(ns.SetNamespaceRateLimitRequestSchema, ns.SetNamespaceRateLimitResponseSchema, async (request, call) => {
    for (const [field, value, least] of [
      ["read_rps", request.readRps, 0],
      ["read_burst", request.readBurst, 1],
      ["write_rps", request.writeRps, 0],
      ["write_burst", request.writeBurst, 1],
    ] as const) {
      if (value === undefined) continue;
      if (!Number.isFinite(value) || value < least || value === 0)
        throw invalid(field, `${field} must be ${least === 0 ? "above 0" : "at least 1"}`, "VALIDATION_ERROR");
    }
    if (request.name !== defaultNamespace) known(context, request.name);
    if (request.validateOnly) return lookedAt(context, call, Verb.SET_NAMESPACE_RATE_LIMIT, ns.SetNamespaceRateLimitRequestSchema, request);
    await submitted(context, call, Verb.SET_NAMESPACE_RATE_LIMIT, ns.SetNamespaceRateLimitRequestSchema, request);
    return { status: "updated" };
  });
}

function known({ guard }: AuthContext, name: string) {
  const found = guard.directory.namespaces().find((one) => one.name === name);
  if (found === undefined) throw noSuchNamespace(name);
  return found;
}

function noSuchNamespace(name: string): RpcError {
  return new RpcError("not_found", "NOT_FOUND", `namespace "${name}" not found`, { field: "name", restCode: "NOT_FOUND", restStatus: 404 });
}

/** The one namespace that the caller may know of; undefined: callers of `default` without a queue scope may know of all. */
function onlyNamespace(call: Call): string | undefined {
  const { namespace, identity } = principal(call);
  return namespace === defaultNamespace && identity.inScope === undefined ? undefined : namespace;
}
