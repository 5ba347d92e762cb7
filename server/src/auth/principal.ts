import type { Access, Call, RpcError } from "@corvo/transport";
import { readQueueScope } from "./queue-scope.js";
import { allows, type Grant } from "./roles.js";

/** Namespace of everybody who is in no other. */
export const defaultNamespace = "default";

/**
 * Somebody with a credential, as the state has it now: when keys or roles change, the same object gets the new facts, so that calls which
 * are open follow.
 */
export class Identity {
  name = "";
  role = "";
  roles: readonly string[] = [];
  grants: readonly Grant[] = [];
  namespace = defaultNamespace;
  queueScope = "";
  inScope: ((queue: string) => boolean) | undefined;
  /** Unix milliseconds; 0: never. */
  expiresAtMs = 0;
  /** It may not call any more. */
  gone: RpcError | undefined;
  /** Used since that was last noted. */
  used = false;
  private known = new Map<Access, boolean>();

  constructor(
    readonly credential: "key" | "password" | "none",
    /** Of its key; empty for others. */
    readonly keyHash: string,
  ) {}

  setScope(queueScope: string): void {
    this.queueScope = queueScope;
    this.inScope = readQueueScope(queueScope);
  }

  /** The facts have changed. */
  changed(): void {
    this.known = new Map();
  }

  may(access: Access): boolean {
    let answer = this.known.get(access);
    if (answer === undefined) this.known.set(access, (answer = allows(access, this.role, this.grants)));
    return answer;
  }
}

/** An identity in the namespace in which it calls. What a call's `principal` is. */
export class Principal {
  /** What its queues begin with: empty in `default`, `acme::` in `acme`. */
  readonly prefix: string;

  constructor(
    readonly identity: Identity,
    readonly namespace: string,
  ) {
    this.prefix = namespace === defaultNamespace ? "" : `${namespace}::`;
  }

  /** May choose namespaces and do what concerns all of them. */
  get overAll(): boolean {
    return this.identity.role === "admin" && this.identity.namespace === defaultNamespace && this.identity.inScope === undefined;
  }
  /** Sees every queue under its full name. */
  get seesAll(): boolean {
    return this.prefix === "" && this.overAll;
  }
  /** For the log and the audit; empty: nobody in particular. */
  get name(): string {
    return this.identity.name;
  }
}

/** A call's principal; calls that nobody authenticated (tests without a guard) have none. */
export function principalOf(call: Call): Principal | undefined {
  return call.principal instanceof Principal ? call.principal : undefined;
}
