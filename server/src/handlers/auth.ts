import { randomBytes } from "node:crypto";
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { EntityKind, Settings } from "@corvo/engine";
import { ApiKeyCommandSchema, AuditEntrySchema, AuthSecretCommandSchema } from "@corvo/gen/corvo/internal/v1/auth_pb.js";
import * as auth from "@corvo/gen/corvo/v1/auth_pb.js";
import { limits, requestHash, Verb } from "@corvo/protocol";
import { type Call, methodPath, RpcError, restBindings, restExtensions, type UnaryHandler } from "@corvo/transport";
import type { Guard } from "../auth/guard.js";
import { defaultNamespace, type Principal, principalOf } from "../auth/principal.js";
import { scopeWithin } from "../auth/queue-scope.js";
import { forbidden, mustExistHeader, noNamespace } from "../auth/refusals.js";
import { allows, grants, isBuiltIn } from "../auth/roles.js";
import { type HandlerContext, namespaceName, principalName, toRpcError } from "./context.js";
import { decoded, timestamp } from "./job.js";

/** What handlers of keys, roles and namespaces stand on. */
export interface AuthContext extends HandlerContext {
  guard: Guard;
}

export function invalid(field: string, message: string, restCode = "AUTH_ERROR"): RpcError {
  return new RpcError("invalid_argument", message.endsWith("is required") ? "REQUIRED" : "INVALID_VALUE", message, { field, restCode });
}

/** A handler that decodes its request and encodes its answer: what is rare may be easy to read. */
export function handler<I extends DescMessage, O extends DescMessage>(
  input: I,
  output: O,
  run: (request: MessageShape<I>, call: Call) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
): UnaryHandler {
  const encode = (answer: MessageInitShape<O>): Uint8Array => toBinary(output, create(output, answer));
  return {
    kind: "unary",
    handle: (call, bytes) => {
      const request = decoded(() => fromBinary(input, bytes, { readUnknownFields: false }));
      const answer = run(request, call);
      return answer instanceof Promise ? answer.then(encode) : encode(answer);
    },
  };
}

/** Hands a command in as the caller's. The engine's answer, or its refusal thrown. */
export function submitted<I extends DescMessage>(
  context: HandlerContext,
  call: Call,
  verb: Verb,
  schema: I,
  message: MessageInitShape<I>,
): Promise<Uint8Array> {
  const body = toBinary(schema, create(schema, message));
  const { requestId } = message as { requestId?: string };
  const hash = requestId === undefined || requestId === "" ? undefined : requestHash(schema, body);
  return new Promise((resolve, reject) =>
    context.replica.submit(
      { verb, flags: 0, namespace: namespaceName(call), principal: principalName(call), requestHash: hash, body },
      { answer: (bytes) => resolve(bytes.slice()), refused: (refusal) => reject(toRpcError(refusal)) },
    ),
  );
}

/** `validate_only`: the refusal that the command would get now, else an empty answer. */
export async function lookedAt<I extends DescMessage>(
  context: HandlerContext,
  call: Call,
  verb: Verb,
  schema: I,
  message: MessageInitShape<I>,
): Promise<object> {
  const body = toBinary(schema, create(schema, message));
  const refusal = await context.replica.validate({
    verb,
    flags: 0,
    namespace: namespaceName(call),
    principal: principalName(call),
    requestHash: undefined,
    body,
  });
  if (refusal !== undefined) throw toRpcError(refusal);
  call.addHeader("corvo-validate-only", "true");
  return {};
}

/** Checks that a text is short enough; 1 to `max` bytes when it is required. */
export function checkText(field: string, text: string, max: number, required = true, restCode?: string): void {
  if (text === "" && required) throw invalid(field, `${field} is required`, restCode);
  if (Buffer.byteLength(text) > max) throw invalid(field, `${field} is longer than ${max} bytes`, restCode);
}

export function principal(call: Call): Principal {
  const found = principalOf(call);
  if (found === undefined) throw new RpcError("internal", "INTERNAL", "nobody has asked who calls");
  return found;
}

export function authStatusHandler({ guard }: AuthContext): UnaryHandler {
  return handler(auth.GetAuthStatusRequestSchema, auth.GetAuthStatusResponseSchema, () => ({
    adminPasswordSet: guard.directory.passwordSet,
    open: guard.directory.open,
  }));
}

export function whoAmIHandler({ guard }: AuthContext): UnaryHandler {
  return handler(auth.WhoAmIRequestSchema, auth.WhoAmIResponseSchema, (_request, call) => {
    const who = principal(call);
    const { identity } = who;
    return {
      principal: who.name === "" ? "anonymous" : who.name,
      credential: identity.credential,
      role: identity.role,
      roles: [...identity.roles],
      namespace: who.namespace,
      queueScope: identity.queueScope,
      expiresAt: timestamp(identity.expiresAtMs),
      open: guard.directory.open,
      capabilities: guard.accesses().map((access) => ({
        method: methodPath(access.method),
        rest: restBindings(access.method, restExtensions)
          .map((one) => `${one.verb} ${one.template}`)
          .join(", "),
        permission: `${access.resource}:${access.action}`,
        allowed: guard.denied(who, access) === undefined,
      })),
    };
  });
}

export function listApiKeysHandler({ guard }: AuthContext): UnaryHandler {
  return handler(auth.ListApiKeysRequestSchema, auth.ListApiKeysResponseSchema, () => ({
    keys: guard.directory
      .keys()
      .reverse()
      .map(({ command, createdMs, lastUsedMs }) => ({
        keyHash: command.keyHash,
        name: command.name,
        namespace: command.namespace,
        role: command.role,
        queueScope: command.queueScope,
        enabled: !command.disabled,
        createdAt: timestamp(createdMs),
        lastUsedAt: timestamp(lastUsedMs),
        expiresAt: timestamp(Number(command.expiresAtMs)),
      })),
  }));
}

export const namespacePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function setApiKeyHandler(context: AuthContext): UnaryHandler {
  const { guard } = context;
  return handler(auth.SetApiKeyRequestSchema, auth.SetApiKeyResponseSchema, async (request, call) => {
    const who = principal(call);
    checkText("name", request.name, 255);
    checkText("queue_scope", request.queueScope, 4096, false);
    checkText("role", request.role, 64, false);
    checkText("request_id", request.requestId, limits.requestIdBytesMax, false);
    const given = request.key.trim();
    if (given !== "" && !/^[\x21-\x7e]{1,255}$/.test(given)) throw invalid("key", "key must be 1 to 255 printable ASCII characters without spaces");
    const namespace = request.namespace || who.namespace;
    if (!namespacePattern.test(namespace)) throw invalid("namespace", "namespace must be 1 to 63 lower-case letters, digits and dashes");
    if (call.header(mustExistHeader) !== undefined && !guard.directory.knowsNamespace(namespace)) throw noNamespace(namespace);
    const expiresAtMs = request.expiresAt === "" ? 0 : parseRfc3339(request.expiresAt);
    if (expiresAtMs === undefined) throw invalid("expires_at", "expires_at must be RFC3339 timestamp");
    const role = request.role || "readonly";
    mayGrantRoles(context, who, [role]);
    if (!scopeWithin(request.queueScope, who.identity.queueScope)) throw forbidden("queue_scope is wider than your own");
    if (guard.directory.open && request.enabled !== false) checkFirstKey({ role, namespace, queueScope: request.queueScope, expiresAtMs });
    if (request.validateOnly) {
      call.addHeader("corvo-validate-only", "true");
      return {};
    }
    await needSecret(context, call);
    const key = given !== "" ? given : generated(guard, namespace, request.requestId);
    const keyHash = guard.directory.hashOf(key);
    reachable(guard, who, keyHash, "the key belongs to somebody else");
    await submitted(context, call, Verb.SET_API_KEY, ApiKeyCommandSchema, {
      keyHash,
      name: request.name,
      namespace,
      role,
      queueScope: request.queueScope,
      disabled: request.enabled === false,
      expiresAtMs: BigInt(expiresAtMs),
      requestId: request.requestId,
    });
    return { status: "ok", apiKey: key, keyHash };
  });
}

/** The first enabled key closes the server for good: with any other there would be nobody who may make keys. */
function checkFirstKey(key: { role: string; namespace: string; queueScope: string; expiresAtMs: number }): void {
  const refuse = (field: string, wanted: string): never => {
    throw invalid(
      field,
      `the first enabled key closes the server, so ${field} must be ${wanted}: make a key of an admin over everything first, or start the server with an admin password`,
    );
  };
  if (key.role !== "admin") refuse("role", '"admin"');
  if (key.namespace !== defaultNamespace) refuse("namespace", `"${defaultNamespace}"`);
  if (key.queueScope.trim() !== "") refuse("queue_scope", "empty");
  if (key.expiresAtMs !== 0 && key.expiresAtMs <= Date.now()) refuse("expires_at", "in the future, or empty");
}

/** Unix milliseconds; undefined: no RFC 3339 time. */
function parseRfc3339(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const ms = Date.parse(text.toUpperCase());
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}

/** A request that is sent again gets the same key: it is made from its id under the cluster's secret. */
function generated(guard: Guard, namespace: string, requestId: string): string {
  const bytes = requestId === "" ? randomBytes(32) : guard.directory.mac(`key ${namespace} ${requestId}`);
  return `corvo_${bytes.toString("base64url")}`;
}

async function needSecret(context: AuthContext, call: Call): Promise<void> {
  if (context.guard.directory.hasSecret) return;
  await submitted(context, call, Verb.AUTH_SECRET, AuthSecretCommandSchema, { secret: randomBytes(32) });
}

/** A key that exists must be one that the caller may see. Throws, or (no text given) says whether. */
function reachable(guard: Guard, who: Principal, keyHash: string, otherwise: string): boolean {
  if (who.seesAll) return true;
  const known = guard.directory.keys().find(({ command }) => command.keyHash === keyHash);
  if (known === undefined) return true;
  const mine = (known.command.namespace || defaultNamespace) === who.namespace && scopeWithin(known.command.queueScope, who.identity.queueScope);
  if (!mine && otherwise !== "") throw forbidden(otherwise);
  return mine;
}

/** Nobody grants what they may not do. */
function mayGrantRoles(context: AuthContext, who: Principal, roles: readonly string[]): void {
  const custom = context.guard.directory
    .roles()
    .filter(({ request }) => roles.includes(request.name))
    .flatMap(({ request }) => request.permissions);
  for (const access of context.guard.accesses()) {
    if (roles.some((role) => allows(access, role, custom)) && !who.identity.may(access))
      throw forbidden(`you may not grant ${access.resource}:${access.action}`);
  }
}

export function deleteApiKeyHandler(context: AuthContext): UnaryHandler {
  return handler(auth.DeleteApiKeyRequestSchema, auth.DeleteApiKeyResponseSchema, async (request, call) => {
    checkText("key_hash", request.keyHash, 255);
    const hash = hashGiven(context.guard, request.keyHash);
    if (request.validateOnly) return lookedAt(context, call, Verb.DELETE_API_KEY, auth.DeleteApiKeyRequestSchema, request);
    if (hash !== undefined && reachable(context.guard, principal(call), hash, ""))
      await submitted(context, call, Verb.DELETE_API_KEY, auth.DeleteApiKeyRequestSchema, { keyHash: hash, requestId: request.requestId });
    return { status: "deleted" };
  });
}

/** The hash of a key that is named by its hash or by itself; undefined: there are no keys. */
function hashGiven(guard: Guard, text: string): string | undefined {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  return guard.directory.hasSecret ? guard.directory.hashOf(text.trim()) : undefined;
}

export function listRolesHandler({ guard }: AuthContext): UnaryHandler {
  return handler(auth.ListRolesRequestSchema, auth.ListRolesResponseSchema, () => ({
    roles: guard.directory
      .roles()
      .sort((a, b) => (a.request.name < b.request.name ? -1 : 1))
      .map(({ request, createdMs, updatedMs }) => ({
        name: request.name,
        permissions: request.permissions,
        createdAt: timestamp(createdMs),
        updatedAt: timestamp(updatedMs),
      })),
  }));
}

export function setRoleHandler(context: AuthContext): UnaryHandler {
  return handler(auth.SetRoleRequestSchema, auth.SetRoleResponseSchema, async (request, call) => {
    checkText("name", request.name, 64);
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(request.name)) throw invalid("name", "name must be letters, digits, dots, dashes and underscores");
    if (isBuiltIn(request.name)) throw invalid("name", `"${request.name}" is a built-in role`);
    if (request.permissions.length === 0) throw invalid("permissions", "permissions is required");
    if (request.permissions.length > 100) throw invalid("permissions", "permissions has more than 100 items");
    for (const [i, one] of request.permissions.entries()) {
      checkText(`permissions[${i}].resource`, one.resource, 64);
      if (one.actions.length === 0) throw invalid(`permissions[${i}].actions`, `permissions[${i}].actions is required`);
      if (one.actions.length > 100) throw invalid(`permissions[${i}].actions`, `permissions[${i}].actions has more than 100 items`);
      for (const action of one.actions) checkText(`permissions[${i}].actions`, action, 64);
    }
    const who = principal(call);
    for (const access of context.guard.accesses()) {
      if (request.permissions.some((one) => grants(one, access.resource, access.action)) && !who.identity.may(access))
        throw forbidden(`you may not grant ${access.resource}:${access.action}`);
    }
    if (request.validateOnly) return lookedAt(context, call, Verb.SET_ROLE, auth.SetRoleRequestSchema, request);
    await submitted(context, call, Verb.SET_ROLE, auth.SetRoleRequestSchema, request);
    return { status: "ok" };
  });
}

export function deleteRoleHandler(context: AuthContext): UnaryHandler {
  return handler(auth.DeleteRoleRequestSchema, auth.DeleteRoleResponseSchema, async (request, call) => {
    checkText("name", request.name, 64);
    if (isBuiltIn(request.name)) throw invalid("name", `"${request.name}" is a built-in role`);
    if (request.validateOnly) return lookedAt(context, call, Verb.DELETE_ROLE, auth.DeleteRoleRequestSchema, request);
    await submitted(context, call, Verb.DELETE_ROLE, auth.DeleteRoleRequestSchema, request);
    return { status: "deleted" };
  });
}

export function listKeyRolesHandler({ guard }: AuthContext): UnaryHandler {
  return handler(auth.ListKeyRolesRequestSchema, auth.ListKeyRolesResponseSchema, ({ keyHash }, call) => ({
    keyHash,
    roles: reachable(guard, principal(call), keyHash, "") ? guard.directory.rolesOf(keyHash) : [],
  }));
}

export function assignRoleHandler(context: AuthContext): UnaryHandler {
  return handler(auth.AssignRoleRequestSchema, auth.AssignRoleResponseSchema, async (request, call) => {
    checkText("key_hash", request.keyHash, 255);
    checkText("role", request.role, 64);
    const who = principal(call);
    if (!reachable(context.guard, who, request.keyHash, "")) throw new RpcError("not_found", "NOT_FOUND", "api key not found", { field: "key_hash" });
    mayGrantRoles(context, who, [request.role]);
    if (request.validateOnly) return lookedAt(context, call, Verb.ASSIGN_ROLE, auth.AssignRoleRequestSchema, request);
    await submitted(context, call, Verb.ASSIGN_ROLE, auth.AssignRoleRequestSchema, request);
    return { status: "ok" };
  });
}

export function unassignRoleHandler(context: AuthContext): UnaryHandler {
  return handler(auth.UnassignRoleRequestSchema, auth.UnassignRoleResponseSchema, async (request, call) => {
    checkText("key_hash", request.keyHash, 255);
    checkText("role", request.role, 64);
    if (request.validateOnly) return lookedAt(context, call, Verb.UNASSIGN_ROLE, auth.UnassignRoleRequestSchema, request);
    if (reachable(context.guard, principal(call), request.keyHash, ""))
      await submitted(context, call, Verb.UNASSIGN_ROLE, auth.UnassignRoleRequestSchema, request);
    return { status: "deleted" };
  });
}

export function getSsoSettingsHandler({ replica }: AuthContext): UnaryHandler {
  return handler(auth.GetSsoSettingsRequestSchema, auth.GetSsoSettingsResponseSchema, () => {
    const record = replica.engine.entity(EntityKind.setting, Settings.sso);
    if (record === undefined) return { groupRoleMappingsJson: "{}" };
    const { provider, oidcIssuerUrl, oidcClientId, samlEnabled, oidcGroupClaim, groupRoleMappingsJson } = fromBinary(
      auth.SetSsoSettingsRequestSchema,
      record.text,
    );
    return {
      provider,
      oidcIssuerUrl,
      oidcClientId,
      samlEnabled,
      oidcGroupClaim,
      groupRoleMappingsJson: groupRoleMappingsJson || "{}",
      updatedAt: timestamp(record.nums[0]),
    };
  });
}

export function setSsoSettingsHandler(context: AuthContext): UnaryHandler {
  return handler(auth.SetSsoSettingsRequestSchema, auth.SetSsoSettingsResponseSchema, async (request, call) => {
    if (!["", "oidc", "saml"].includes(request.provider)) throw invalid("provider", `provider must be oidc or saml, not "${request.provider.slice(0, 64)}"`);
    if (request.provider === "oidc") {
      checkText("oidc_issuer_url", request.oidcIssuerUrl, 2048);
      checkText("oidc_client_id", request.oidcClientId, 255);
    }
    checkText("oidc_issuer_url", request.oidcIssuerUrl, 2048, false);
    checkText("oidc_client_id", request.oidcClientId, 255, false);
    checkText("oidc_group_claim", request.oidcGroupClaim, 255, false);
    checkText("group_role_mappings", request.groupRoleMappingsJson, 65_536, false);
    if (request.groupRoleMappingsJson !== "" && !isObject(request.groupRoleMappingsJson))
      throw invalid("group_role_mappings", "group_role_mappings must be a JSON object");
    if (request.validateOnly) return lookedAt(context, call, Verb.SET_SSO_SETTINGS, auth.SetSsoSettingsRequestSchema, request);
    await submitted(context, call, Verb.SET_SSO_SETTINGS, auth.SetSsoSettingsRequestSchema, request);
    return { status: "ok" };
  });
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

export function listAuditLogsHandler({ replica }: AuthContext): UnaryHandler {
  return handler(auth.ListAuditLogsRequestSchema, auth.ListAuditLogsResponseSchema, (request, call) => {
    const who = principal(call);
    const limit = request.limit >= 1 && request.limit <= 1000 ? request.limit : 100;
    const offset = Math.max(0, request.offset);
    const only = who.seesAll ? request.namespace : who.namespace;
    const auditLogs: MessageInitShape<typeof auth.AuditLogSchema>[] = [];
    let total = 0;
    for (const { serial, text, nums } of replica.engine.entities(EntityKind.audit).reverse()) {
      const row = fromBinary(AuditEntrySchema, text);
      const createdAt = new Date(nums[0]).toISOString();
      const fits =
        (only === "" || row.namespace === only) &&
        (request.namespace === "" || row.namespace === request.namespace) &&
        (request.principal === "" || row.principal === request.principal) &&
        (request.method === "" || row.method === request.method.toUpperCase()) &&
        row.path.startsWith(request.pathPrefix) &&
        (request.since === "" || createdAt >= request.since) &&
        (request.until === "" || createdAt <= request.until);
      if (!fits || total++ < offset || auditLogs.length >= limit) continue;
      auditLogs.push({
        id: BigInt(serial),
        namespace: row.namespace,
        principal: row.principal,
        role: row.role,
        method: row.method,
        path: row.path,
        statusCode: row.statusCode,
        metadata: { durationMs: BigInt(row.durationMs), query: row.query },
        createdAt,
      });
    }
    return { auditLogs, total: BigInt(total), limit, offset };
  });
}
