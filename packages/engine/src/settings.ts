import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";

/** Single values of the whole cluster, by name. The first number is the log time of the last change. */
export const Settings = { sso: "sso", authSecret: "auth_secret" } as const;

/** The row of a setting; -1: never set. */
export function settingRow(s: State, name: string): number {
  const key = new TextEncoder().encode(name);
  return s.entities.find(EntityKind.setting, key, 0, key.length);
}

export function setSetting(s: State, name: string, text: Uint8Array, start: number, end: number): void {
  let row = settingRow(s, name);
  if (row !== -1) s.entities.setText(row, text, start, end);
  else {
    const key = new TextEncoder().encode(name);
    s.entities.adding = 0;
    row = s.entities.add(EntityKind.setting, key, 0, key.length, text, start, end);
  }
  s.entities.setNum(row, 0, s.logTimeMs);
}
