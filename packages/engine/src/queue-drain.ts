import type { Refusal } from "@corvo/protocol";
import type { Command } from "./command.js";
import { pause } from "./queue-pause.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";

/** Pauses a queue that is to be shut down: running jobs finish, no new ones start. */
export function drainQueue(s: State, c: Command): Refusal | undefined {
  return pause(s, c, "draining", EventType.queueDrained);
}
