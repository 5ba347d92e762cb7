import { type Refusal, refuse } from "@corvo/protocol";
import { textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** Namespaces that may ever have existed. */
const namespacesMax = 65_535;
const nothing = new Uint8Array(0);

/** The number under which a namespace owns entities; a new one gets the next. 0: `default`, and those beyond the limit. */
export function namespaceNumber(s: State, buf: Uint8Array, start: number, end: number): number {
  const { entities } = s;
  const known = entities.find(EntityKind.namespaceNumber, buf, start, end);
  if (known !== -1) return entities.int4(known, 0);
  const number = entities.count(EntityKind.namespaceNumber) + 1;
  if (number > namespacesMax || end - start > 63) return 0;
  entities.adding = 0;
  const row = entities.add(EntityKind.namespaceNumber, buf, start, end, nothing, 0, 0);
  entities.setInt4(row, 0, number);
  return number;
}

/** The same without making one; 0 for one that has none. */
export function knownNamespaceNumber({ entities }: State, name: Uint8Array): number {
  const known = name.length === 0 ? -1 : entities.find(EntityKind.namespaceNumber, name, 0, name.length);
  return known === -1 ? 0 : entities.int4(known, 0);
}

/** The row of a namespace, made if it is new; -1: there are too many. */
export function namespaceOf(s: State, buf: Uint8Array, start: number, end: number): number {
  const known = s.entities.find(EntityKind.namespace, buf, start, end);
  if (known !== -1) return known;
  if (s.entities.count(EntityKind.namespaceNumber) >= namespacesMax) return -1;
  namespaceNumber(s, buf, start, end);
  s.entities.adding = 0;
  const row = s.entities.add(EntityKind.namespace, buf, start, end, nothing, 0, 0);
  s.entities.setNum(row, NamespaceNumber.createdMs, s.logTimeMs);
  s.authVersion++;
  return row;
}

/** Numbers of a namespace's entity. Limits follow: the i-th of them has bit i of the first integer when it is set. */
export const NamespaceNumber = { createdMs: 0, limits: 1 } as const;

export function noSuchNamespace(buf: Uint8Array, start: number, end: number): Refusal {
  return refuse("not_found", "NOT_FOUND", `namespace "${textOf(buf, start, end)}" not found`);
}

export function tooManyNamespaces(): Refusal {
  return refuse("resource_exhausted", "TOO_LARGE", `there are ${namespacesMax} namespaces`);
}
