import { KeysUsedCommandReader } from "@corvo/gen/corvo/internal/v1/auth_fast.js";
import type { Command } from "./command.js";
import { KeyNumber } from "./set-api-key.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

const reader = new KeysUsedCommandReader();

/** Keys that were used since the last such command. Does not count as a change of keys: nothing is decoded anew. */
export function keysUsed(s: State, c: Command): void {
  const r = reader.read(c.buf, c.start, c.end);
  for (let i = 0; i < r.keyHashesCount; i++) {
    const row = s.entities.find(EntityKind.apiKey, c.buf, r.keyHashesStart[i], r.keyHashesEnd[i]);
    if (row !== -1) s.entities.setNum(row, KeyNumber.lastUsedMs, s.logTimeMs);
  }
}
