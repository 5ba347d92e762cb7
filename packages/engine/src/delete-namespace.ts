import { DeleteNamespaceRequestReader } from "@corvo/gen/corvo/v1/namespace_fast.js";
import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { noSuchNamespace } from "./namespaces.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new DeleteNamespaceRequestReader();

/** Forgets a namespace and its limits; its keys, queues and jobs stay. */
export function deleteNamespace(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const row = s.entities.find(EntityKind.namespace, c.buf, r.nameStart, r.nameEnd);
  if (row === -1) return noSuchNamespace(c.buf, r.nameStart, r.nameEnd);
  s.entities.remove(row);
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}
