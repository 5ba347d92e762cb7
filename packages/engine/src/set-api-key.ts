import { ApiKeyCommandReader } from "@corvo/gen/corvo/internal/v1/auth_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { namespaceOf, tooManyNamespaces } from "./namespaces.js";
import { Settings, settingRow } from "./settings.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { sameBytes } from "./tables/hash-index.js";

const reader = new ApiKeyCommandReader();
const keysMax = 100_000;

/** Numbers of a key's entity. */
export const KeyNumber = { createdMs: 0, lastUsedMs: 1 } as const;

/**
 * Makes a key, or changes the one with this hash. The log and the state hold the hash only. Its namespace comes into being with it.
 * The first enabled key closes the server for good: the secret's first integer says so.
 */
export function setApiKey(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.keyHashEnd - r.keyHashStart !== 64) return refuse("invalid_argument", "REQUIRED", "key_hash is required", { field: "key_hash" });
  if (!isDefault(c.buf, r.namespaceStart, r.namespaceEnd) && namespaceOf(s, c.buf, r.namespaceStart, r.namespaceEnd) === -1) return tooManyNamespaces();
  const { entities } = s;
  const known = entities.find(EntityKind.apiKey, c.buf, r.keyHashStart, r.keyHashEnd);
  if (known !== -1) entities.setText(known, c.buf, c.start, c.end);
  else {
    if (entities.count(EntityKind.apiKey) >= keysMax) return refuse("resource_exhausted", "TOO_LARGE", `there are ${keysMax} keys`);
    const row = entities.add(EntityKind.apiKey, c.buf, r.keyHashStart, r.keyHashEnd, c.buf, c.start, c.end);
    entities.setNum(row, KeyNumber.createdMs, s.logTimeMs);
  }
  const secret = settingRow(s, Settings.authSecret);
  if (!r.disabled && secret !== -1 && entities.int4(secret, 0) === 0) entities.setInt4(secret, 0, 1);
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}

const defaultName = new TextEncoder().encode("default");

function isDefault(buf: Uint8Array, start: number, end: number): boolean {
  return start === end || sameBytes(buf, start, end, defaultName, 0, defaultName.length);
}
