import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { Settings, setSetting } from "./settings.js";
import type { State } from "./state.js";

/** Keeps the settings for single sign-on as they were sent. */
export function setSsoSettings(s: State, c: Command): Refusal | undefined {
  setSetting(s, Settings.sso, c.buf, c.start, c.end);
  s.authVersion++;
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}
