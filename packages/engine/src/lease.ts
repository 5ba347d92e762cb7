import { type Refusal, refuse } from "@corvo/protocol";
import type { State } from "./state.js";

/** The lease is somebody else's now, or is over and was granted again. */
export function staleFence(s: State, id: string): Refusal {
  s.measured.staleFences++;
  return refuse("failed_precondition", "STALE_FENCE", `job ${id} is leased under another fence`);
}
