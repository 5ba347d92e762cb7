import { defaultNamespace, isOther } from "./own-namespace.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** Numbers of scopes: the first byte of a budget's key, before its target. */
export const Scope = { queue: 1, tag: 2, global: 3 } as const;

/**
 * Key of a budget: scope, target. One of a namespace has this added to its scope, and its namespace and a zero before the target: it is
 * another one than that of the whole server, and both hold.
 */
const ofNamespace = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const none = new Uint8Array(0);
const defaultBytes = encoder.encode(defaultNamespace);
const colon = 0x3a;

/** The key that was made last. */
export const budgetKey = new Uint8Array(1024);

/** Makes a budget's key in `budgetKey`; returns its length. An empty namespace: of the whole server. */
export function makeBudgetKey(scope: number, target: Uint8Array, namespace: Uint8Array = none): number {
  let at = 0;
  budgetKey[at++] = namespace.length === 0 ? scope : scope + ofNamespace;
  if (namespace.length > 0) {
    budgetKey.set(namespace, at);
    at += namespace.length;
    budgetKey[at++] = 0;
  }
  const end = Math.min(at + target.length, budgetKey.length);
  budgetKey.set(target.subarray(0, end - at), at);
  return end;
}

/** The row of a budget; -1: there is none. */
export function findBudget(s: State, scope: number, target: Uint8Array, namespace?: Uint8Array): number {
  return s.entities.find(EntityKind.budget, budgetKey, 0, makeBudgetKey(scope, target, namespace));
}

/** The namespace of a queue, by its name. */
export function namespaceOf(queue: Uint8Array): Uint8Array {
  for (let i = 0; i + 1 < queue.length; i++) if (queue[i] === colon && queue[i + 1] === colon) return queue.subarray(0, i);
  return defaultBytes;
}

/** Empty: of the whole server. */
export function namespaceOfBudget(s: State, budget: number): string {
  const key = s.entities.keyOf(budget);
  return key[0] < ofNamespace ? "" : decoder.decode(key.subarray(1, key.indexOf(0)));
}

export function targetBytesOf(s: State, budget: number): Uint8Array {
  const key = s.entities.keyOf(budget);
  return key.subarray(key[0] < ofNamespace ? 1 : key.indexOf(0) + 1);
}

export function targetOf(s: State, budget: number): string {
  return decoder.decode(targetBytesOf(s, budget));
}

/** Keys of settings that count: budgets of one namespace (before its name), and of all beside `default`. Those of the whole server are the rest. */
const ofOneCount = "budgets of ";
const ofOthersCount = "budgets of others than default";

/** How many budgets a namespace has, and how many those have that share a limit. */
export function countBudgets(s: State, namespace: string): { own: number; ofOthers: number } {
  const ofOthers = countOf(s, ofOthersCount);
  if (namespace !== "") return { own: countOf(s, ofOneCount + namespace), ofOthers };
  return { own: s.entities.count(EntityKind.budget) - ofOthers - countOf(s, ofOneCount + defaultNamespace), ofOthers };
}

/** To be called when a namespace has one more budget, or one less. */
export function budgetsChanged(s: State, namespace: string, by: number): void {
  if (namespace !== "") addToCount(s, ofOneCount + namespace, by);
  if (isOther(namespace)) addToCount(s, ofOthersCount, by);
}

/** A number that is kept as a setting of this name. */
export function countOf(s: State, name: string): number {
  const key = encoder.encode(name);
  const row = s.entities.find(EntityKind.setting, key, 0, key.length);
  return row === -1 ? 0 : s.entities.num(row, 0);
}

export function addToCount(s: State, name: string, by: number): void {
  const { entities: e } = s;
  const key = encoder.encode(name);
  let row = e.find(EntityKind.setting, key, 0, key.length);
  if (row === -1) row = e.add(EntityKind.setting, key, 0, key.length, none, 0, 0);
  e.setNum(row, 0, e.num(row, 0) + by);
}
