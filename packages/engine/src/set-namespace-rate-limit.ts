import { SetNamespaceRateLimitRequestReader } from "@corvo/gen/corvo/v1/namespace_fast.js";
import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command, textOf } from "./command.js";
import { NamespaceNumber, namespaceOf, noSuchNamespace } from "./namespaces.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new SetNamespaceRateLimitRequestReader();

/** Gives the keys of a namespace other limits; none given: the server's again. */
export function setNamespaceRateLimit(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  let row = s.entities.find(EntityKind.namespace, c.buf, r.nameStart, r.nameEnd);
  if (row === -1 && textOf(c.buf, r.nameStart, r.nameEnd) === "default") row = namespaceOf(s, c.buf, r.nameStart, r.nameEnd);
  if (row === -1) return noSuchNamespace(c.buf, r.nameStart, r.nameEnd);
  const given = [r.hasReadRps, r.hasReadBurst, r.hasWriteRps, r.hasWriteBurst];
  const values = [r.readRps, r.readBurst, r.writeRps, r.writeBurst];
  let bits = 0;
  for (let i = 0; i < 4; i++) {
    if (given[i]) bits |= 1 << i;
    s.entities.setNum(row, NamespaceNumber.limits + i, given[i] ? values[i] : 0);
  }
  s.entities.setInt4(row, 0, bits);
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "updated");
  return undefined;
}
