import { AuthSecretCommandReader } from "@corvo/gen/corvo/internal/v1/auth_fast.js";
import type { Command } from "./command.js";
import { Settings, setSetting, settingRow } from "./settings.js";
import type { State } from "./state.js";

const reader = new AuthSecretCommandReader();

/** The secret under which hashes of keys are made. The first one counts: with another one all keys would be unknown. */
export function authSecret(s: State, c: Command): void {
  const r = reader.read(c.buf, c.start, c.end);
  if (settingRow(s, Settings.authSecret) !== -1 || r.secretEnd - r.secretStart !== 32) return;
  setSetting(s, Settings.authSecret, c.buf, r.secretStart, r.secretEnd);
  s.authVersion++;
}
