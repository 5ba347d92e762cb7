import { putText } from "@corvo/gen/corvo/fast/runtime.js";
import { CreateNamespaceRequestReader } from "@corvo/gen/corvo/v1/namespace_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { namespaceOf, tooManyNamespaces } from "./namespaces.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new CreateNamespaceRequestReader();

/** Makes a namespace. One that exists is refused; `default` always exists. */
export function createNamespace(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const name = textOf(c.buf, r.nameStart, r.nameEnd);
  if (name === "default" || s.entities.find(EntityKind.namespace, c.buf, r.nameStart, r.nameEnd) !== -1)
    return refuse("already_exists", "ALREADY_EXISTS", `namespace "${name}" already exists`, { field: "name" });
  if (namespaceOf(s, c.buf, r.nameStart, r.nameEnd) === -1) return tooManyNamespaces();
  if (s.answering) {
    putText(s.out, 10, name);
    putText(s.out, 18, "created");
  }
  return undefined;
}
