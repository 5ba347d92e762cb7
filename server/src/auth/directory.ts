import { createHmac, timingSafeEqual } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { type Engine, EntityKind, KeyNumber, NamespaceNumber, RoleNumber, Settings } from "@corvo/engine";
import { type ApiKeyCommand, ApiKeyCommandSchema } from "@corvo/gen/corvo/internal/v1/auth_pb.js";
import { type SetRoleRequest, SetRoleRequestSchema } from "@corvo/gen/corvo/v1/auth_pb.js";
import { RpcError } from "@corvo/transport";
import { defaultNamespace, Identity } from "./principal.js";
import type { Limits } from "./rate-limit.js";
import { type Grant, isBuiltIn } from "./roles.js";

/** A key as the state has it. */
export interface KeyRecord {
  command: ApiKeyCommand;
  createdMs: number;
  /** 0: never. */
  lastUsedMs: number;
}

/** A custom role as the state has it. */
export interface RoleRecord {
  request: SetRoleRequest;
  createdMs: number;
  /** 0: never changed. */
  updatedMs: number;
}

/** A namespace as the state has it. */
export interface NamespaceRecord {
  name: string;
  createdMs: number;
  limits: Partial<Limits>;
}

export const limitNames = ["readRps", "readBurst", "writeRps", "writeBurst"] as const;

export function unauthenticated(message: string): RpcError {
  return new RpcError("unauthenticated", "UNAUTHENTICATED", message, { restCode: "UNAUTHORIZED" });
}

/**
 * Who there is, decoded from the state once and again when it changes. A credential is looked up by its text; only one that is new to
 * this node costs an HMAC. What is looked up is the HMAC, which nobody can steer without the cluster's secret, so the time of a look-up
 * tells nothing about keys.
 */
export class Directory {
  private version = -1;
  private secret: Uint8Array | undefined;
  private hasKeys = false;
  private readonly byText = new Map<string, Identity>();
  private readonly byHash = new Map<string, Identity>();
  private limits = new Map<string, Partial<Limits>>();
  /** Namespaces that nobody created, but that have a key or a queue: they are looked for once, until keys change. */
  private readonly used = new Set<string>();
  private readonly password: Identity | undefined;
  private readonly passwordDigest: Uint8Array;
  private readonly anonymous = new Identity("none", "");
  /** Called with the identities after they have changed. */
  onChanged: () => void = () => {};

  constructor(
    private readonly engine: Engine,
    adminPassword: string,
    /** Unix milliseconds. */
    private readonly nowMs: () => number,
  ) {
    this.anonymous.role = "admin";
    this.passwordDigest = digest(adminPassword);
    if (adminPassword === "") return;
    this.password = new Identity("password", "");
    this.password.name = "admin";
    this.password.role = "admin";
  }

  /** Nobody is asked who they are: there is no admin password and never was an enabled key. */
  get open(): boolean {
    this.refresh();
    return this.password === undefined && !this.hasKeys;
  }
  get passwordSet(): boolean {
    return this.password !== undefined;
  }

  /** The identity of a credential (empty: none was sent), or why there is none. The texts are those of spec/rest.md §2.2. */
  identify(credential: string): Identity | RpcError {
    if (this.version !== this.engine.authVersion) this.refresh();
    const known = this.byText.get(credential);
    if (known !== undefined) return this.valid(known);
    const text = credential.trim();
    if (this.password !== undefined && timingSafeEqual(digest(text), this.passwordDigest)) return this.password;
    if (this.password === undefined && !this.hasKeys) return this.anonymous;
    if (text === "") return unauthenticated("missing API key");
    const identity = this.secret === undefined ? undefined : this.byHash.get(this.hashOf(text));
    if (identity === undefined || identity.gone !== undefined) return unauthenticated("invalid API key");
    if (credential === text) this.byText.set(text, identity);
    return this.valid(identity);
  }

  /** The identity itself, or why it may not call now. */
  valid(identity: Identity): Identity | RpcError {
    if (this.version !== this.engine.authVersion) this.refresh();
    if (identity === this.anonymous && (this.password !== undefined || this.hasKeys)) return unauthenticated("missing API key");
    if (identity.gone !== undefined) return identity.gone;
    return identity.expiresAtMs !== 0 && identity.expiresAtMs <= this.nowMs() ? unauthenticated("expired API key") : identity;
  }

  /** Decodes what has changed; identities that are in use get their new facts. */
  refresh(): void {
    if (this.version === this.engine.authVersion) return;
    this.version = this.engine.authVersion;
    const { engine } = this;
    const secret = engine.entity(EntityKind.setting, Settings.authSecret);
    this.secret = secret?.text;
    this.hasKeys = secret !== undefined && secret.ints[0] === 1;
    const roles = new Map(this.roles().map(({ request }) => [request.name, request.permissions as readonly Grant[]]));
    const more = new Map<string, string[]>();
    for (const { key, text } of engine.entities(EntityKind.keyRole)) {
      const hash = textOf(key);
      more.set(hash, [...(more.get(hash) ?? []), textOf(text)]);
    }
    const here = new Set<string>();
    for (const { command } of this.keys()) {
      const hash = command.keyHash;
      here.add(hash);
      let identity = this.byHash.get(hash);
      if (identity === undefined) this.byHash.set(hash, (identity = new Identity("key", hash)));
      const assigned = (more.get(hash) ?? []).sort();
      identity.name = command.name;
      identity.role = command.role;
      identity.roles = assigned;
      identity.grants = [...(isBuiltIn(command.role) ? [] : [command.role]), ...assigned].flatMap((name) => roles.get(name) ?? []);
      identity.namespace = command.namespace || defaultNamespace;
      identity.setScope(command.queueScope);
      identity.expiresAtMs = Number(command.expiresAtMs);
      identity.gone = command.disabled ? unauthenticated("invalid API key") : undefined;
      identity.changed();
    }
    for (const [hash, identity] of this.byHash) {
      if (here.has(hash)) continue;
      identity.gone = unauthenticated("invalid API key");
      this.byHash.delete(hash);
    }
    for (const [text, identity] of this.byText) if (identity.gone !== undefined) this.byText.delete(text);
    this.limits = new Map(this.namespaces().map(({ name, limits }) => [name, limits]));
    this.used.clear();
    this.onChanged();
  }

  /** Limits of a namespace's keys, where they differ from the server's. */
  limitsOf(namespace: string): Partial<Limits> | undefined {
    return this.limits.get(namespace);
  }

  keys(): KeyRecord[] {
    return this.engine.entities(EntityKind.apiKey).map(({ text, nums }) => ({
      command: fromBinary(ApiKeyCommandSchema, text),
      createdMs: nums[KeyNumber.createdMs],
      lastUsedMs: nums[KeyNumber.lastUsedMs],
    }));
  }

  roles(): RoleRecord[] {
    return this.engine.entities(EntityKind.role).map(({ text, nums }) => ({
      request: fromBinary(SetRoleRequestSchema, text),
      createdMs: nums[RoleNumber.createdMs],
      updatedMs: nums[RoleNumber.updatedMs],
    }));
  }

  namespaces(): NamespaceRecord[] {
    return this.engine.entities(EntityKind.namespace).map(({ key, nums, ints }) => ({
      name: textOf(key),
      createdMs: nums[NamespaceNumber.createdMs],
      limits: Object.fromEntries(limitNames.flatMap((name, i) => ((ints[0] >> i) & 1 ? [[name, nums[NamespaceNumber.limits + i]]] : []))),
    }));
  }

  /** It was created, has a key, or something was done in it. */
  knowsNamespace(name: string): boolean {
    const { engine } = this;
    if (name === defaultNamespace || engine.entity(EntityKind.namespace, name) !== undefined) return true;
    if (engine.entity(EntityKind.namespaceNumber, name) !== undefined) return true;
    this.refresh();
    if (this.used.has(name)) return true;
    const prefix = `${name}::`;
    const used = [...this.identities()].some(({ namespace }) => namespace === name) || [...engine.queueNames()].some((queue) => queue.startsWith(prefix));
    if (used) this.used.add(name);
    return used;
  }

  rolesOf(keyHash: string): string[] {
    return this.engine
      .entities(EntityKind.keyRole)
      .filter(({ key }) => textOf(key) === keyHash)
      .map(({ text }) => textOf(text))
      .sort();
  }

  /** Those with a key. */
  identities(): Iterable<Identity> {
    return this.byHash.values();
  }

  /** True once hashes can be made. */
  get hasSecret(): boolean {
    this.refresh();
    return this.secret !== undefined;
  }

  /** The name of a key: HMAC-SHA-256 under the cluster's secret, in hexadecimal digits. */
  hashOf(key: string): string {
    return this.mac(key).toString("hex");
  }

  /** Also for keys that must come out the same when a request is sent again. */
  mac(text: string): Buffer {
    if (this.secret === undefined) throw new Error("there is no secret yet");
    return createHmac("sha256", this.secret).update(text).digest();
  }
}

const decoder = new TextDecoder();

function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function digest(text: string): Buffer {
  return createHmac("sha256", "corvo").update(text).digest();
}
