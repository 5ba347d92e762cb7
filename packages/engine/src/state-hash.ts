import { StateHashCommandReader } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import type { Command } from "./command.js";
import { InvariantBroken } from "./invariant.js";
import type { State } from "./state.js";

const reader = new StateHashCommandReader();

/** The leader says what its state hash was after an index. Another one here means that this state, or that one, is wrong: stop. */
export function stateHash(s: State, c: Command): void {
  const r = reader.read(c.buf, c.start, c.end);
  if (s.hash.agrees(r.index, r.hashLow, r.hashHigh)) return;
  throw new InvariantBroken(`the state after index ${r.index} is not the leader's`);
}
