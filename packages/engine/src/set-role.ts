import { SetRoleRequestReader } from "@corvo/gen/corvo/v1/auth_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new SetRoleRequestReader();
const rolesMax = 10_000;

/** Numbers of a role's entity. */
export const RoleNumber = { createdMs: 0, updatedMs: 1 } as const;

/** Makes a custom role, or gives one other permissions. */
export function setRole(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.nameEnd === r.nameStart) return refuse("invalid_argument", "REQUIRED", "name is required", { field: "name" });
  const { entities } = s;
  const known = entities.find(EntityKind.role, c.buf, r.nameStart, r.nameEnd);
  if (known !== -1) {
    entities.setText(known, c.buf, c.start, c.end);
    entities.setNum(known, RoleNumber.updatedMs, s.logTimeMs);
  } else {
    if (entities.count(EntityKind.role) >= rolesMax) return refuse("resource_exhausted", "TOO_LARGE", `there are ${rolesMax} roles`);
    const row = entities.add(EntityKind.role, c.buf, r.nameStart, r.nameEnd, c.buf, c.start, c.end);
    entities.setNum(row, RoleNumber.createdMs, s.logTimeMs);
  }
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}
