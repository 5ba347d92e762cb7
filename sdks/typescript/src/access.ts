import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type Transport, type CallOptions as WireOptions } from "@connectrpc/connect";
import { AuthService } from "@corvo/gen/corvo/v1/auth_pb.js";
import { NamespaceService } from "@corvo/gen/corvo/v1/namespace_pb.js";
import type { CallOptions, ChangeOptions } from "./client-options.js";

/** A key without the key. */
export interface KeyInfo {
  /** Its name in the API. */
  keyHash: string;
  name: string;
  namespace: string;
  role: string;
  /** Patterns of queues; empty: all. */
  queueScope: string;
  enabled: boolean;
  createdAt: Date | undefined;
  lastUsedAt: Date | undefined;
  expiresAt: Date | undefined;
}

export interface KeyOptions {
  /** `readonly` (default), `worker`, `operator`, `admin`, or a custom role. */
  role?: string;
  /** Patterns of queues, like `emails.*,reports`. Default: all. */
  queueScope?: string;
  /** Default: the caller's. */
  namespace?: string;
  /** Default: never. */
  expiresAt?: Date;
  /** Your own text; one that is known is changed. Default: the server makes one. */
  key?: string;
  /** Default: true. */
  enabled?: boolean;
}

/** What a custom role may do: `write` includes every action but `read`, `*` is all. */
export interface Permission {
  resource: string;
  actions: readonly string[];
}

export interface Role {
  name: string;
  permissions: Permission[];
}

/** Per key; what is absent is the server's limit. */
export interface RateLimits {
  readRps?: number;
  readBurst?: number;
  writeRps?: number;
  writeBurst?: number;
}

/** Who the caller is, and what it may do. */
export interface Identity {
  principal: string;
  role: string;
  roles: string[];
  namespace: string;
  queueScope: string;
  /** Nobody is asked who they are. */
  open: boolean;
  /** Whether the caller may call this method of the API, for example `JobService/CancelJob`. */
  may(method: string): boolean;
}

export interface AuditFilter {
  principal?: string;
  /** HTTP method; calls over RPC are POST. */
  method?: string;
  pathPrefix?: string;
  namespace?: string;
  since?: Date;
  until?: Date;
  /** 1 to 1,000. Default 100. */
  limit?: number;
  offset?: number;
}

export interface AuditEntry {
  id: bigint;
  principal: string;
  role: string;
  namespace: string;
  method: string;
  path: string;
  status: number;
  at: Date;
}

type Repeat = <T>(options: CallOptions, call: (options: WireOptions) => Promise<T>) => Promise<T>;
type Change = <T>(options: ChangeOptions, call: (options: WireOptions, requestId: string) => Promise<T>) => Promise<T>;

/** Keys, roles, namespaces, the audit log: `client.access`. */
export class Access {
  private readonly auth: Client<typeof AuthService>;
  private readonly ns: Client<typeof NamespaceService>;

  constructor(
    transport: Transport,
    private readonly repeat: Repeat,
    private readonly change: Change,
  ) {
    this.auth = createClient(AuthService, transport);
    this.ns = createClient(NamespaceService, transport);
  }

  async whoAmI(options: CallOptions = {}): Promise<Identity> {
    const answer = await this.repeat(options, (o) => this.auth.whoAmI({}, o));
    const allowed = new Set(answer.capabilities.filter((one) => one.allowed).map((one) => one.method));
    const { principal, role, roles, namespace, queueScope, open } = answer;
    return { principal, role, roles, namespace, queueScope, open, may: (method) => allowed.has(`/corvo.v1.${method}`) };
  }

  async keys(options: CallOptions = {}): Promise<KeyInfo[]> {
    const { keys } = await this.repeat(options, (o) => this.auth.listApiKeys({}, o));
    return keys.map(({ keyHash, name, namespace, role, queueScope, enabled, createdAt, lastUsedAt, expiresAt }) => ({
      ...{ keyHash, name, namespace, role, queueScope, enabled },
      createdAt: createdAt && timestampDate(createdAt),
      lastUsedAt: lastUsedAt && timestampDate(lastUsedAt),
      expiresAt: expiresAt && timestampDate(expiresAt),
    }));
  }

  /** Makes a key. The answer is the only place where it is shown. */
  async createKey(name: string, key: KeyOptions = {}, options: ChangeOptions = {}): Promise<{ key: string; keyHash: string }> {
    const answer = await this.change(options, (o, requestId) =>
      this.auth.setApiKey(
        {
          name,
          role: key.role ?? "",
          queueScope: key.queueScope ?? "",
          namespace: key.namespace ?? "",
          expiresAt: key.expiresAt?.toISOString() ?? "",
          key: key.key ?? "",
          enabled: key.enabled,
          requestId,
        },
        o,
      ),
    );
    return { key: answer.apiKey, keyHash: answer.keyHash };
  }

  /** Calls after this fail, open streams end. `key`: the hash, or the key itself. */
  async revokeKey(key: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.auth.deleteApiKey({ keyHash: key, requestId }, o));
  }

  /** The custom roles of a key. */
  async keyRoles(keyHash: string, options: CallOptions = {}): Promise<string[]> {
    return (await this.repeat(options, (o) => this.auth.listKeyRoles({ keyHash }, o))).roles;
  }

  async assignRole(keyHash: string, role: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.auth.assignRole({ keyHash, role, requestId }, o));
  }

  async unassignRole(keyHash: string, role: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.auth.unassignRole({ keyHash, role, requestId }, o));
  }

  /** Custom roles. */
  async roles(options: CallOptions = {}): Promise<Role[]> {
    const { roles } = await this.repeat(options, (o) => this.auth.listRoles({}, o));
    return roles.map(({ name, permissions }) => ({ name, permissions: permissions.map(({ resource, actions }) => ({ resource, actions })) }));
  }

  async setRole(name: string, permissions: readonly Permission[], options: ChangeOptions = {}): Promise<void> {
    const wire = permissions.map(({ resource, actions }) => ({ resource, actions: [...actions] }));
    await this.change(options, (o, requestId) => this.auth.setRole({ name, permissions: wire, requestId }, o));
  }

  async deleteRole(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.auth.deleteRole({ name, requestId }, o));
  }

  async namespaces(options: CallOptions = {}): Promise<string[]> {
    return (await this.repeat(options, (o) => this.ns.listNamespaces({}, o))).namespaces.map((one) => one.name);
  }

  async createNamespace(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.ns.createNamespace({ name, requestId }, o));
  }

  async deleteNamespace(name: string, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.ns.deleteNamespace({ name, requestId }, o));
  }

  /** Undefined: the server's limits hold. */
  async rateLimits(namespace: string, options: CallOptions = {}): Promise<RateLimits | undefined> {
    const answer = await this.repeat(options, (o) => this.ns.getNamespaceRateLimit({ name: namespace }, o));
    const { usingDefaults, readRps, readBurst, writeRps, writeBurst } = answer;
    return usingDefaults ? undefined : { readRps, readBurst, writeRps, writeBurst };
  }

  /** `{}` clears them. */
  async setRateLimits(namespace: string, limits: RateLimits, options: ChangeOptions = {}): Promise<void> {
    await this.change(options, (o, requestId) => this.ns.setNamespaceRateLimit({ name: namespace, ...limits, requestId }, o));
  }

  /** Who changed what, newest first. */
  async auditLog(filter: AuditFilter = {}, options: CallOptions = {}): Promise<{ entries: AuditEntry[]; total: number }> {
    const { principal, method, pathPrefix, namespace, since, until, limit, offset } = filter;
    const request = { principal, method, pathPrefix, namespace, since: since?.toISOString(), until: until?.toISOString(), limit, offset };
    const { auditLogs, total } = await this.repeat(options, (o) => this.auth.listAuditLogs(request, o));
    return {
      entries: auditLogs.map((row) => ({
        id: row.id,
        principal: row.principal,
        role: row.role,
        namespace: row.namespace,
        method: row.method,
        path: row.path,
        status: row.statusCode,
        at: new Date(row.createdAt),
      })),
      total: Number(total),
    };
  }
}
