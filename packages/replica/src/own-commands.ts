import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeLeadershipCommand, encodePurgeCommand, encodeStateHashCommand } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import type { Verb } from "@corvo/protocol";
import type { CommandInput } from "./turn.js";

/** Commands that nobody asked for: those of the leader itself. */
export function ownCommand(verb: Verb, body: Uint8Array = nothing): CommandInput {
  return { verb, flags: 0, namespace: "", principal: "", requestHash: undefined, body };
}

export function leadershipBody(pauseMs: number): Uint8Array {
  const w = new Writer(16);
  encodeLeadershipCommand(w, { pauseMs });
  return w.copy();
}

export function purgeBody(endedBeforeMs: number): Uint8Array {
  const w = new Writer(16);
  encodePurgeCommand(w, { endedBeforeMs, tells: true });
  return w.copy();
}

export function stateHashBody(index: number, hashLow: number, hashHigh: number): Uint8Array {
  const w = new Writer(32);
  encodeStateHashCommand(w, { index, hashLow, hashHigh });
  return w.copy();
}

const nothing = new Uint8Array(0);
