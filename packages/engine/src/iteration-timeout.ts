import { durationMs } from "@corvo/protocol";
import { changeDocument, edit } from "./document.js";
import { factsOf, JobFacts } from "./job-facts.js";
import { configOf } from "./settle.js";
import type { State } from "./state.js";

const facts = new JobFacts();
const nothing = new Uint8Array(0);
const decoder = new TextDecoder();

/**
 * An agent job is handed out: its iteration has a clock of its own, in serving time like leases, so that no pause of the server ends it.
 * Returns when the lease ends at the latest.
 */
export function beginIteration(s: State, row: number, leaseEndsMs: number): number {
  const config = configOf(s, row);
  const timeoutMs = config === undefined ? Number.NaN : durationMs(config.buf, config.iterationTimeoutStart, config.iterationTimeoutEnd);
  const endsMs = timeoutMs > 0 ? s.servingMs + timeoutMs : 0;
  if (factsOf(s, row, facts).iterationEndsMs !== endsMs) {
    facts.iterationEndsMs = endsMs;
    const change = edit.clear(nothing);
    change.facts = facts;
    changeDocument(s, row, change);
  }
  return endsMs === 0 ? leaseEndsMs : Math.min(leaseEndsMs, endsMs);
}

/** No lease of an agent job outlives its iteration. */
export function withinIteration(s: State, row: number, leaseEndsMs: number): number {
  const { iterationEndsMs } = factsOf(s, row, facts);
  return iterationEndsMs === 0 ? leaseEndsMs : Math.min(leaseEndsMs, iterationEndsMs);
}

/** The lease that is over was ended by the iteration's clock: then this is what is to be said about it. */
export function iterationTimedOut(s: State, row: number): string | undefined {
  const { iterationEndsMs } = factsOf(s, row, facts);
  if (iterationEndsMs === 0 || s.jobs.dueMs(row) < iterationEndsMs) return undefined;
  const config = configOf(s, row)!;
  return `iteration_timeout exceeded (${decoder.decode(config.buf.subarray(config.iterationTimeoutStart, config.iterationTimeoutEnd))})`;
}
