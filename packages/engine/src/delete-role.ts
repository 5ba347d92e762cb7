import { DeleteRoleRequestReader } from "@corvo/gen/corvo/v1/auth_fast.js";
import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { sameBytes } from "./tables/hash-index.js";

const reader = new DeleteRoleRequestReader();

/** Deletes a custom role and takes it from all keys. One that is not there: also done. */
export function deleteRole(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const { entities } = s;
  const row = entities.find(EntityKind.role, c.buf, r.nameStart, r.nameEnd);
  if (row !== -1) entities.remove(row);
  for (let one = entities.first(EntityKind.keyRole); one !== -1; ) {
    const next = entities.following(one);
    if (sameBytes(entities.textMemory(one), entities.textStart(one), entities.textEnd(one), c.buf, r.nameStart, r.nameEnd)) entities.remove(one);
    one = next;
  }
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}
