import type { DescExtension, DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { optionOf } from "./options.js";
import { type RestExtensions, restBindings } from "./rest/rules.js";

/**
 * What the descriptors say about who may call what, and which fields name queues, jobs and other things with an owner
 * (`corvo.options.v1.access`, `FieldRules.names`). The server's guard and the generator of the table of permissions both read the schema
 * through this file, so that what is documented is what is enforced.
 */
export interface AccessExtensions extends RestExtensions {
  /** `corvo.options.v1.access`. */
  access: DescExtension;
}

/** `corvo.options.v1.Caller`. */
export const Caller = { anybody: 1, known: 2, reader: 3, readerOrWorker: 4, worker: 5, operator: 6, admin: 7 } as const;
/** `corvo.options.v1.Scope`. */
export const Scope = { none: 1, queue: 2, job: 3, namespace: 4, cluster: 5, wholeNamespace: 6 } as const;
/** `corvo.options.v1.Names`. */
export const Names = { nothing: 1, queue: 2, job: 3, entity: 4, json: 5, namespace: 6, chain: 7, parent: 8, host: 9 } as const;

/** Built-in roles, in the order of the table of permissions. */
export const builtInRoles = ["readonly", "worker", "operator", "admin"] as const;

const rolesOf: Record<number, readonly string[]> = {
  [Caller.anybody]: builtInRoles,
  [Caller.known]: builtInRoles,
  [Caller.reader]: ["readonly", "operator", "admin"],
  [Caller.readerOrWorker]: builtInRoles,
  [Caller.worker]: ["worker", "operator", "admin"],
  [Caller.operator]: ["operator", "admin"],
  [Caller.admin]: ["admin"],
};

/** The rule of one method. */
export interface Access {
  method: DescMethod;
  resource: string;
  action: string;
  caller: number;
  scope: number;
  /** The field of the request that is the price; undefined: the price is 1. */
  cost: DescField | undefined;
  unlimited: boolean;
  /** Calls of it are recorded in the audit log. */
  audited: boolean;
  /** The built-in roles that may call it. */
  roles: readonly string[];
}

/** The rule of a method. Throws a sentence when it is missing or cannot be. */
export function accessOf(method: DescMethod, extensions: AccessExtensions): Access {
  const fail = (what: string): never => {
    throw new Error(`${method.parent.typeName}.${method.name}: ${what}`);
  };
  const access = optionOf<RawAccess>(method, extensions.access);
  if (access === undefined) {
    return fail(
      `has no rule who may call it; write: option (corvo.options.v1.access) = {resource: "…", action: "read", caller: CALLER_READER, scope: SCOPE_JOB}; (see proto/corvo/options/v1/options.proto)`,
    );
  }
  const { resource, action, caller, scope, cost, unlimited, daily } = access;
  if (resource === "") fail("access names no resource");
  if (!actions.has(action)) fail(`access.action "${action}" is none of ${[...actions].join(", ")}`);
  if (caller === 0) fail("access.caller is not said");
  if (scope === 0) fail("access.scope is not said");
  if (method.methodKind === "unary" && (action === "read") !== (method.idempotency === noSideEffects))
    fail(`access.action "${action}" does not fit: what has idempotency_level NO_SIDE_EFFECTS is "read", and only that`);
  const first = restBindings(method, extensions)[0];
  const segment = first?.segments[2];
  if (first?.template.startsWith("/api/v1/") && segment !== resource)
    fail(`access.resource "${resource}" is not the third segment of ${first.template}, by which custom roles grant`);
  const names = namesIn(method.input, extensions);
  if (scope === Scope.queue && !names.has(Names.queue) && !names.has(Names.json)) fail("SCOPE_QUEUE, but no field of the request names a queue (see Names)");
  if (scope === Scope.job && !names.has(Names.job) && !names.has(Names.parent)) fail("SCOPE_JOB, but no field of the request names a job (see Names)");
  const costField = cost === "" ? undefined : (method.input.fields.find((f) => f.name === cost) ?? fail(`access.cost: no field "${cost}"`));
  return {
    method,
    resource,
    action,
    caller,
    scope,
    cost: costField,
    unlimited,
    audited: action !== "read" && caller !== Caller.worker && !daily,
    roles: rolesOf[caller] ?? fail(`access.caller ${caller} is unknown`),
  };
}

/** What a field names: a value of `Names`. Throws when it says so and is not a string. */
export function namesOf(field: DescField, extensions: Pick<AccessExtensions, "field">): number {
  const said = optionOf<{ names: number }>(field, extensions.field)?.names ?? 0;
  const text = field.fieldKind === "map" ? field.mapKey === scalarString : field.fieldKind !== "message" && field.fieldKind !== "enum" && isText(field);
  if (said !== 0) {
    if (!text) throw new Error(`${field.parent.typeName}.${field.name}: only strings name something`);
    return said;
  }
  if (!text || field.fieldKind === "map") return Names.nothing;
  if (/^(.*_)?queues?$/.test(field.name)) return Names.queue;
  if (/^(.*_)?job_ids?$/.test(field.name)) return Names.job;
  return Names.nothing;
}

/** All that the fields of a message name, nested ones included. */
export function namesIn(message: DescMessage, extensions: Pick<AccessExtensions, "field">, seen = new Set<DescMessage>()): Set<number> {
  const found = new Set<number>();
  if (seen.has(message)) return found;
  seen.add(message);
  for (const field of message.fields) {
    found.add(namesOf(field, extensions));
    const inner = field.message;
    if (inner !== undefined) for (const one of namesIn(inner, extensions, seen)) found.add(one);
  }
  return found;
}

function isText(field: DescField): boolean {
  return field.fieldKind === "list" ? field.listKind === "scalar" && field.scalar === scalarString : field.scalar === scalarString;
}

/** `read`, `write`, `delete`, and the words with which paths of REST end (spec/rest.md §2.3). */
const actions = new Set(["read", "write", "delete", "pause", "resume", "drain", "clear", "retry", "cancel", "approve", "reject", "hold", "move", "replay"]);
const noSideEffects = 1;
const scalarString = 9;

interface RawAccess {
  resource: string;
  action: string;
  caller: number;
  scope: number;
  cost: string;
  unlimited: boolean;
  daily: boolean;
}
