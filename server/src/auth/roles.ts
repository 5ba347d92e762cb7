import { type Access, builtInRoles, Caller } from "@corvo/transport";

/** What a custom role grants. */
export interface Grant {
  resource: string;
  actions: readonly string[];
}

/** A custom role. */
export interface CustomRole {
  name: string;
  grants: readonly Grant[];
}

export function isBuiltIn(role: string): boolean {
  return (builtInRoles as readonly string[]).includes(role);
}

/** Whether these roles allow a method. `custom` are the grants of all custom roles that the caller has. */
export function allows(access: Access, role: string, custom: readonly Grant[]): boolean {
  if (access.caller === Caller.anybody || access.caller === Caller.known) return true;
  return access.roles.includes(role) || custom.some((grant) => grants(grant, access.resource, access.action));
}

/** spec/rest.md §2.3: `write` grants every action but `read`; a `*` at a resource's end stands for any text. */
export function grants(grant: Grant, resource: string, action: string): boolean {
  const wanted = grant.resource;
  const fits = wanted === "*" || wanted === resource || (wanted.endsWith("*") && resource.startsWith(wanted.slice(0, -1)));
  return fits && grant.actions.some((one) => one === "*" || one === action || (one === "write" && action !== "read"));
}
