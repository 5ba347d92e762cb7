import { AssignRoleRequestReader } from "@corvo/gen/corvo/v1/auth_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command, textOf } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { sameBytes } from "./tables/hash-index.js";

const reader = new AssignRoleRequestReader();

/** Gives a key a custom role more. */
export function assignRole(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const { entities } = s;
  if (entities.find(EntityKind.apiKey, c.buf, r.keyHashStart, r.keyHashEnd) === -1)
    return refuse("not_found", "NOT_FOUND", "api key not found", { field: "key_hash" });
  if (entities.find(EntityKind.role, c.buf, r.roleStart, r.roleEnd) === -1)
    return refuse("not_found", "NOT_FOUND", `role "${textOf(c.buf, r.roleStart, r.roleEnd)}" not found`, { field: "role" });
  if (keyRole(s, c.buf, r.keyHashStart, r.keyHashEnd, r.roleStart, r.roleEnd) === -1) {
    entities.add(EntityKind.keyRole, c.buf, r.keyHashStart, r.keyHashEnd, c.buf, r.roleStart, r.roleEnd);
    s.authVersion++;
  }
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}

/** The row that says that a key has a role; -1: it has not. */
export function keyRole(s: State, buf: Uint8Array, keyStart: number, keyEnd: number, roleStart: number, roleEnd: number): number {
  const { entities } = s;
  for (const row of entities.all(EntityKind.keyRole, buf, keyStart, keyEnd)) {
    if (sameBytes(entities.textMemory(row), entities.textStart(row), entities.textEnd(row), buf, roleStart, roleEnd)) return row;
  }
  return -1;
}
