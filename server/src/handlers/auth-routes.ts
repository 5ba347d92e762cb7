import type { DescMethod } from "@bufbuild/protobuf";
import { AuthService } from "@corvo/gen/corvo/v1/auth_pb.js";
import { NamespaceService } from "@corvo/gen/corvo/v1/namespace_pb.js";
import type { UnaryHandler } from "@corvo/transport";
import * as auth from "./auth.js";
import * as namespace from "./namespace.js";

/** Keys, roles, namespaces and the audit log. */
export function authRoutes(context: auth.AuthContext): { method: DescMethod; handler: UnaryHandler }[] {
  const a = AuthService.method;
  const n = NamespaceService.method;
  return [
    { method: a.getAuthStatus, handler: auth.authStatusHandler(context) },
    { method: a.whoAmI, handler: auth.whoAmIHandler(context) },
    { method: a.listApiKeys, handler: auth.listApiKeysHandler(context) },
    { method: a.setApiKey, handler: auth.setApiKeyHandler(context) },
    { method: a.deleteApiKey, handler: auth.deleteApiKeyHandler(context) },
    { method: a.listRoles, handler: auth.listRolesHandler(context) },
    { method: a.setRole, handler: auth.setRoleHandler(context) },
    { method: a.deleteRole, handler: auth.deleteRoleHandler(context) },
    { method: a.listKeyRoles, handler: auth.listKeyRolesHandler(context) },
    { method: a.assignRole, handler: auth.assignRoleHandler(context) },
    { method: a.unassignRole, handler: auth.unassignRoleHandler(context) },
    { method: a.getSsoSettings, handler: auth.getSsoSettingsHandler(context) },
    { method: a.setSsoSettings, handler: auth.setSsoSettingsHandler(context) },
    { method: a.listAuditLogs, handler: auth.listAuditLogsHandler(context) },
    { method: n.listNamespaces, handler: namespace.listNamespacesHandler(context) },
    { method: n.createNamespace, handler: namespace.createNamespaceHandler(context) },
    { method: n.deleteNamespace, handler: namespace.deleteNamespaceHandler(context) },
    { method: n.getNamespaceRateLimit, handler: namespace.getNamespaceRateLimitHandler(context) },
    { method: n.setNamespaceRateLimit, handler: namespace.setNamespaceRateLimitHandler(context) },
  ];
}
