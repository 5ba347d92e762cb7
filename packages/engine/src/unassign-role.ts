import { UnassignRoleRequestReader } from "@corvo/gen/corvo/v1/auth_fast.js";
import type { Refusal } from "@corvo/protocol";
import { keyRole } from "./assign-role.js";
import { answerStatus, type Command } from "./command.js";
import type { State } from "./state.js";

const reader = new UnassignRoleRequestReader();

/** Takes a custom role from a key. It did not have it: also done. */
export function unassignRole(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const row = keyRole(s, c.buf, r.keyHashStart, r.keyHashEnd, r.roleStart, r.roleEnd);
  if (row !== -1) {
    s.entities.remove(row);
    s.authVersion++;
  }
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}
