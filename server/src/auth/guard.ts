import { type DescMethod, fromBinary } from "@bufbuild/protobuf";
import { SubscribeEventSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { validateOnly } from "@corvo/protocol";
import type { Replica } from "@corvo/replica";
import type { ArchiveStore } from "@corvo/storage";
import {
  type Access,
  accessOf,
  type BidiHandler,
  type Call,
  Caller,
  type Handler,
  type MessageSink,
  methodPath,
  type Route,
  RpcError,
  restBindings,
  restExtensions,
  Scope,
  type ServerStreamHandler,
  type UnaryHandler,
} from "@corvo/transport";
import { gapType } from "../events/encode.js";
import { AuditLog } from "./audit-log.js";
import { credentialOf } from "./credential.js";
import { Directory } from "./directory.js";
import { foreign, type NamePlan, namePlan, rewriteNames } from "./edge.js";
import { GuardedStream } from "./guarded-stream.js";
import { NamesInAnswers, NamesInRequest } from "./names.js";
import { defaultNamespace, type Identity, Principal, principalOf } from "./principal.js";
import { type Limits, RateLimiter } from "./rate-limit.js";
import { forbidden, mustExistHeader, noNamespace, restStatusOf } from "./refusals.js";
import { countField } from "./wire.js";

export interface GuardOptions {
  replica: Replica;
  archive: ArchiveStore;
  adminPassword: string;
  limits: Limits & { enabled: boolean; everybody: boolean };
  /** Unix milliseconds. */
  nowMs: () => number;
  onError: (cause: unknown, where: string) => void;
  /** Somebody known asked for what it may not do. Such calls change nothing, not even the audit log: this tells the server's. */
  onDenied?: (principal: Principal, what: string, why: string) => void;
}

/** The rule of one method with what its messages name. */
interface Rule {
  access: Access;
  /** Status of REST for what went well. */
  success: number;
  path: string;
  input: NamePlan | undefined;
  output: NamePlan | undefined;
}

export const namespacePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The one place that decides who may do what, on every transport: `authenticate` looks at the credential, the role and the rate limit before
 * a request is read; `wrap` puts namespaces, queue scopes and the audit around a handler. Callers of the namespace `default` without a queue
 * scope pay a look at two maps.
 */
export class Guard {
  readonly directory: Directory;
  readonly audit: AuditLog;
  private readonly rules = new Map<string, Rule>();
  private readonly limiter: RateLimiter;
  private readonly httpRules = new Map<string, HttpAccess>([["/api/v1/events", { ...readersOfAll, resource: "events", scope: Scope.namespace }]]);
  private readonly streams = new Set<{ principal: Principal; access: HttpAccess | undefined; end: () => void }>();
  /** Principals of identities, by namespace. */
  private readonly principals = new WeakMap<Identity, Map<string, Principal>>();
  private readonly nobody: Principal;

  constructor(private readonly options: GuardOptions) {
    const { engine } = options.replica;
    this.directory = new Directory(engine, options.adminPassword, options.nowMs);
    this.audit = new AuditLog(options.replica, options.onError);
    this.limiter = new RateLimiter(() => performance.now());
    this.nobody = new Principal(Object.assign(Object.create(null), { name: "", role: "", gone: undefined, inScope: undefined }) as Identity, defaultNamespace);
  }

  /** For the transport: a principal, or the refusal. */
  readonly authenticate = (header: (name: string) => string | undefined, path: string, peer: string, call?: Call): Principal | RpcError => {
    const rule = this.rules.get(path);
    // Health and reflection are not ours, and say nothing that is a secret; neither is what anybody may call.
    if (rule === undefined || rule.access.caller === Caller.anybody) return this.nobody;
    return this.admit(header, peer, rule.access, call);
  };

  /** The same for what is not RPC; without a rule only the credential is looked at. */
  admit(header: (name: string) => string | undefined, peer: string, access: Omit<Access, "method"> | undefined, call?: Call): Principal | RpcError {
    const identity = this.directory.identify(credentialOf(header));
    if (identity instanceof RpcError) return this.failedTry(peer) ?? identity;
    const principal = this.principalIn(identity, header("x-corvo-namespace") ?? "");
    if (principal instanceof RpcError || access === undefined) return principal;
    if (principal.namespace !== identity.namespace && this.unknownNamespace(principal.namespace, header, access)) return noNamespace(principal.namespace);
    identity.used = true;
    if (!access.unlimited && access.cost === undefined) {
      const limited = this.spend(principal, access.action === "read" ? "read" : "write", 1, header, peer);
      if (limited !== undefined) return limited;
    }
    const denied = this.denied(principal, access as Access);
    if (denied !== undefined) this.options.onDenied?.(principal, call === undefined ? access.resource : methodPath(call.method), denied.message);
    return denied ?? principal;
  }

  /**
   * A caller may ask that its namespace exists, as the command line and the SDK do: a slip would else be an empty namespace, or make a new
   * one. Others may use one that nobody created, as v0.3 lets them. Namespaces are created in any.
   */
  private unknownNamespace(name: string, header: (name: string) => string | undefined, access: Omit<Access, "method">): boolean {
    return header(mustExistHeader) !== undefined && access.resource !== "namespaces" && !this.directory.knowsNamespace(name);
  }

  /** The same for a path that is no method: metrics, debugging, server-sent events. */
  http(header: (name: string) => string | undefined, path: string, peer: string): Principal | RpcError {
    const access = this.httpAccess(path);
    return access === undefined ? this.nobody : this.admit(header, peer, access);
  }

  /** What is open without being a call (server-sent events): `end` is called when its caller may not read any more. */
  watch(principal: Principal, path: string, end: () => void): () => void {
    const one = { principal, access: this.httpAccess(path), end };
    this.streams.add(one);
    return () => this.streams.delete(one);
  }

  /** Ends those whose caller was revoked. */
  endStreams(): void {
    for (const { principal, access, end } of [...this.streams]) if (this.refused(principal, access as Access | undefined)) end();
  }

  /** Undefined: anybody may. */
  private httpAccess(path: string): HttpAccess | undefined {
    if (openPaths.has(path)) return undefined;
    const known = this.httpRules.get(path) ?? {
      ...readersOfAll,
      resource: path.split("/").filter((part) => part !== "" && part !== "api" && part !== "v1")[0] ?? "",
    };
    if (this.httpRules.size < 1000) this.httpRules.set(path, known);
    return known;
  }

  /** Why the principal may not call a method at all. */
  denied(principal: Principal, access: Access): RpcError | undefined {
    if (!principal.identity.may(access)) return forbidden("insufficient role permissions");
    if (access.scope === Scope.cluster && !this.concernsAll(principal))
      return forbidden(
        principal.identity.inScope === undefined ? "only callers of the namespace default may do this" : "a key with a queue scope may not do this",
      );
    if (access.scope === Scope.wholeNamespace && principal.identity.inScope !== undefined) return forbidden("a key with a queue scope may not do this");
    if (
      access.scope === Scope.namespace &&
      access.action !== "read" &&
      principal.identity.inScope !== undefined &&
      access.resource !== "auth" &&
      !this.namesQueue(access)
    )
      return forbidden("a key with a queue scope may not do this");
    return undefined;
  }

  private concernsAll(principal: Principal): boolean {
    return principal.overAll || (principal.prefix === "" && principal.identity.namespace === defaultNamespace && principal.identity.inScope === undefined);
  }

  private namesQueue(access: Access): boolean {
    const plan = this.rules.get(methodPath(access.method))?.input;
    return plan !== undefined && plansQueue(plan);
  }

  private principalIn(identity: Identity, wanted: string): Principal | RpcError {
    const namespace = wanted === "" ? identity.namespace : wanted;
    let byNamespace = this.principals.get(identity);
    if (byNamespace === undefined) this.principals.set(identity, (byNamespace = new Map()));
    const own = byNamespace.get(namespace);
    if (namespace === identity.namespace) {
      if (own !== undefined) return own;
    } else {
      if (!new Principal(identity, identity.namespace).overAll) return forbidden(`the key belongs to the namespace ${identity.namespace}`);
      if (own !== undefined) return own;
      if (!namespacePattern.test(namespace))
        return new RpcError("invalid_argument", "INVALID_VALUE", "X-Corvo-Namespace is not the name of a namespace", { restCode: "VALIDATION_ERROR" });
    }
    const principal = new Principal(identity, namespace);
    if (byNamespace.size < 1000) byNamespace.set(namespace, principal);
    return principal;
  }

  // Rate limits

  private spend(principal: Principal, kind: "read" | "write", cost: number, header: (name: string) => string | undefined, peer: string): RpcError | undefined {
    const { limits } = this.options;
    if (!limits.enabled) return undefined;
    const { identity } = principal;
    if (identity.credential === "none") {
      if (!limits.everybody) return undefined;
      const hop = header("x-forwarded-for")?.split(",")[0].trim();
      return this.limiter.spend(`peer ${hop || peer}`, kind, cost, limits);
    }
    const own = this.directory.limitsOf(identity.namespace);
    return this.limiter.spend(`${identity.credential} ${identity.keyHash}`, kind, cost, own === undefined ? limits : { ...limits, ...own });
  }

  /** Wrong credentials cost their sender: guessing is slow. */
  private failedTry(peer: string): RpcError | undefined {
    const { limits } = this.options;
    return limits.enabled ? this.limiter.spend(`wrong ${peer}`, "write", 1, limits) : undefined;
  }

  limitsOf(namespace: string): Partial<Limits> {
    return this.directory.limitsOf(namespace) ?? {};
  }

  // Handlers

  /** Puts the guard around the routes of Corvo. A method without a rule throws. */
  wrap(routes: readonly Route[]): Route[] {
    return routes.map((route) => {
      const rule = this.ruleOf(route.method);
      this.rules.set(rule.path, rule);
      return { ...route, handler: this.handler(rule, route.handler) };
    });
  }

  ruleOf(method: DescMethod): Rule {
    return {
      access: accessOf(method, restExtensions),
      path: methodPath(method),
      input: namePlan(method.input),
      output: namePlan(method.output),
      success: restBindings(method, restExtensions)[0]?.rules.successStatus || 200,
    };
  }

  /** Rules of all methods, for the answer of WhoAmI. */
  accesses(): Access[] {
    return [...this.rules.values()].map((rule) => rule.access);
  }

  private handler(rule: Rule, inner: Handler): Handler {
    switch (inner.kind) {
      case "unary":
        return this.unary(rule, inner);
      case "server_stream":
        return this.serverStream(rule, inner);
      case "bidi":
        return this.bidi(rule, inner);
    }
  }

  private unary(rule: Rule, inner: UnaryHandler): UnaryHandler {
    const { access } = rule;
    return {
      kind: "unary",
      handle: (call, request) => {
        const principal = principalOf(call);
        if (principal === undefined) return inner.handle(call, request);
        if (access.cost !== undefined) {
          const limited = this.spend(
            principal,
            access.action === "read" ? "read" : "write",
            countField(request, access.cost),
            (name) => call.header(name),
            call.peer,
          );
          if (limited !== undefined) throw limited;
        }
        if (!access.audited && this.plain(principal, rule, request)) return inner.handle(call, request);
        return this.watched(rule, inner, call, principal, request);
      },
    };
  }

  /** With names rewritten and audited. */
  private async watched(rule: Rule, inner: UnaryHandler, call: Call, principal: Principal, request: Uint8Array): Promise<Uint8Array> {
    const startedMs = performance.now();
    let status = rule.success;
    try {
      if (this.plain(principal, rule, request)) return await inner.handle(call, request);
      const names = new NamesInRequest(this.options, principal);
      const inside = rule.input === undefined ? request : await names.rewrite(rule.input, request);
      try {
        const answer = await inner.handle(call, inside);
        if (rule.output === undefined) return answer;
        const outside = rewriteNames(rule.output, answer, new NamesInAnswers(this.options.replica.engine, principal, names));
        if (outside === foreign) throw new RpcError("not_found", "NOT_FOUND", names.notFound());
        return outside;
      } catch (thrown) {
        throw names.told(thrown);
      }
    } catch (thrown) {
      status = restStatusOf(thrown);
      throw thrown;
    } finally {
      // What was refused, or only looked at, changes nothing, so it leaves no row either (J26): bad input costs no entry of the log.
      // An error of the server itself may hide a change that happened.
      if (rule.access.audited && (status < 400 || status >= 500) && !validateOnly(request)) await this.audit.add(principal, call, status, startedMs);
    }
  }

  private serverStream(rule: Rule, inner: ServerStreamHandler): ServerStreamHandler {
    return {
      kind: "server_stream",
      handle: async (call, request, out) => {
        const principal = principalOf(call);
        if (principal === undefined || principal.seesAll) return inner.handle(call, request, out);
        const names = new NamesInRequest(this.options, principal);
        const inside = rule.input === undefined ? request : await names.rewrite(rule.input, request);
        return inner.handle(call, inside, this.sink(rule, principal, names, out));
      },
    };
  }

  /** Rows of others are not sent. A row that names no queue at all is everybody's only where everybody sees all. */
  private sink(rule: Rule, principal: Principal, names: NamesInRequest, out: MessageSink): MessageSink {
    return {
      send: (message) => {
        if (rule.output === undefined || message.length === 0) return out.send(message);
        const visitor = new NamesInAnswers(this.options.replica.engine, principal, names);
        const outside = rewriteNames(rule.output, message, visitor);
        if (outside === foreign) return;
        if (rule.access.scope === Scope.namespace && visitor.strict && visitor.own === 0 && !isGap(message)) return;
        return out.send(outside);
      },
      end: (error) => out.end(error),
    };
  }

  private bidi(rule: Rule, inner: BidiHandler): BidiHandler {
    return {
      kind: "bidi",
      open: (call, out) => {
        const principal = principalOf(call);
        if (principal === undefined) return inner.open(call, out);
        return new GuardedStream(inner.open(call, this.answers(rule, principal, out)), (request) => this.frame(rule, principal, request));
      },
    };
  }

  /** Answers of a stream: plain ones go as they are. */
  private answers(rule: Rule, principal: Principal, out: MessageSink): MessageSink {
    if (rule.output === undefined || (principal.prefix === "" && principal.seesAll)) return out;
    const plan = rule.output;
    return {
      send: (message) => {
        if (principal.prefix === "" && principal.identity.inScope === undefined) return out.send(message);
        const outside = rewriteNames(plan, message, new NamesInAnswers(this.options.replica.engine, principal, undefined));
        return outside === foreign ? undefined : out.send(outside);
      },
      end: (error) => out.end(error),
    };
  }

  /** Checks one frame and rewrites its names. A promise only when a finished job must be looked up. */
  private frame(rule: Rule, principal: Principal, request: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const valid = this.directory.valid(principal.identity);
    if (valid instanceof RpcError) throw valid;
    principal.identity.used = true;
    if (!principal.identity.may(rule.access)) throw forbidden("insufficient role permissions");
    this.mayParts(principal, request);
    if (rule.input === undefined || this.plain(principal, rule, request)) return request;
    return new NamesInRequest(this.options, principal).rewrite(rule.input, request);
  }

  /** A custom role may fetch and not enqueue: what is in a frame needs what its own method needs. */
  private mayParts({ identity }: Principal, request: Uint8Array): void {
    if (identity.grants.length === 0) return;
    for (const [field, method] of frameParts) {
      const access = this.rules.get(`/corvo.v1.WorkerService/${method}`)?.access;
      if (access !== undefined && !identity.may(access) && countField(request, { number: field, fieldKind: "list" }) > 0)
        throw forbidden("insufficient role permissions");
    }
  }

  /** Nothing to rewrite and nothing to hide: the caller sees all, or is of `default` and nothing else exists. */
  private plain(principal: Principal, rule: Rule, request: Uint8Array): boolean {
    if (principal.prefix !== "" || principal.identity.inScope !== undefined) return false;
    if (principal.overAll) return true;
    const { access } = rule;
    if (access.scope === Scope.none) return true;
    if (access.scope === Scope.namespace || access.scope === Scope.wholeNamespace) return false; // keys, roles, audit rows and other entities of namespaces
    return this.options.replica.engine.namespacedQueues === 0 && !Buffer.from(request.buffer, request.byteOffset, request.length).includes("::");
  }

  // Changes

  /**
   * Why an open call must end now: its caller was revoked, or may not call the method any more. Streams and long polls only: another call
   * was allowed when it came and is over soon; it may be the very one that revoked its own key.
   */
  mustEnd(principal: unknown, method: DescMethod | undefined): RpcError | undefined {
    if (!(principal instanceof Principal) || principal === this.nobody) return undefined;
    if (method?.methodKind === "unary" && this.rules.get(methodPath(method))?.access.resource !== "fetch") return undefined;
    return this.refused(principal, method && this.rules.get(methodPath(method))?.access);
  }

  private refused(principal: Principal, access: Access | undefined): RpcError | undefined {
    const valid = this.directory.valid(principal.identity);
    if (valid instanceof RpcError) return valid;
    if (principal.namespace !== principal.identity.namespace && !principal.overAll) return forbidden("the key was moved to another namespace");
    return access && this.denied(principal, access);
  }
}

/** The rule of what is not RPC: for readers of the whole server. */
type HttpAccess = Omit<Access, "method">;
const readersOfAll: HttpAccess = {
  resource: "",
  action: "read",
  caller: Caller.reader,
  scope: Scope.cluster,
  cost: undefined,
  unlimited: false,
  audited: false,
  roles: ["readonly", "operator", "admin"],
};
const openPaths = new Set(["/api/v1/info"]);

/** Field of a frame, and the method of which it is a part. */
const frameParts = [
  [7, "AckBatch"],
  [8, "EnqueueBatch"],
] as const;

/** Events that were missed are everybody's to know. */
function isGap(message: Uint8Array): boolean {
  return fromBinary(SubscribeEventSchema, message).type === gapType;
}

const queuePlans = new Map<NamePlan, boolean>();

function plansQueue(plan: NamePlan): boolean {
  let found = queuePlans.get(plan);
  if (found === undefined) {
    queuePlans.set(plan, false); // for messages that hold themselves
    found = [...plan.fields.values()].some((field) => field.names === 2 || field.names === 5 || (field.inner !== undefined && plansQueue(field.inner)));
    queuePlans.set(plan, found);
  }
  return found;
}
