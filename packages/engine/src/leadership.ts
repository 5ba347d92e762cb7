import { LeadershipCommandReader } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import type { Command } from "./command.js";
import type { State } from "./state.js";

const reader = new LeadershipCommandReader();

/**
 * A node begins to lead: the time in which nobody served does not count for leases. `beforeMs` is the serving time before this entry:
 * it never falls, whatever the command says.
 */
export function leadership(s: State, c: Command, beforeMs: number): void {
  const { pauseMs } = reader.read(c.buf, c.start, c.end);
  s.pausedMs = Math.max(s.pausedMs, Math.min(s.pausedMs + pauseMs, s.logTimeMs - beforeMs));
  s.hash.mix(96, s.pausedMs, pauseMs);
}
