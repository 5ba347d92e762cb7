import { type Refusal, refuse } from "@corvo/protocol";

/** The lease is somebody else's now, or is over and was granted again. */
export function staleFence(id: string): Refusal {
  return refuse("failed_precondition", "STALE_FENCE", `job ${id} is leased under another fence`);
}
