import { DeleteApiKeyRequestReader } from "@corvo/gen/corvo/v1/auth_fast.js";
import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new DeleteApiKeyRequestReader();

/** Revokes a key, with its roles. One that is not there: also done. */
export function deleteApiKey(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const { entities } = s;
  for (const kind of [EntityKind.apiKey, EntityKind.keyRole]) for (const row of entities.all(kind, c.buf, r.keyHashStart, r.keyHashEnd)) entities.remove(row);
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}
