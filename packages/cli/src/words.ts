import { usageFailure } from "./failure.js";
import { closest } from "./similar.js";

/** Words that the server knows, for what is typed by hand. Tests compare them with the server's own lists. */
export const jobStates = ["pending", "active", "held", "completed", "retrying", "dead", "cancelled", "scheduled"] as const;
export const priorities = ["critical", "high", "normal"] as const;
export const backoffs = ["exponential", "linear", "fixed", "none"] as const;
export const searchSorts = ["created_at", "priority", "started_at", "completed_at", "attempt"] as const;
export const bulkActions = ["retry", "delete", "cancel", "move", "requeue", "change_priority", "hold", "approve", "reject"] as const;
export const builtInRoles = ["readonly", "worker", "operator", "admin"] as const;
export const eventTypes = [
  ...["enqueued", "started", "completed", "failed", "retried", "cancelled", "held", "approved", "rejected", "progress", "moved", "deleted", "promoted"],
  ...["reclaimed", "expired", "retrying", "dead", "continued", "requeued", "revised", "released", "priority_changed", "purged", "batch_completed"],
  ...["schedule_fired", "budget_exceeded", "queue_created", "queue_paused", "queue_resumed", "queue_drained", "queue_cleared", "queue_deleted"],
  ...["queue_limits_changed", "webhook_test"],
] as const;

/** Returns the word when it is one of those, in any case of letters; else refuses it with the one that was probably meant. */
export function knownWord(what: string, given: string, words: readonly string[]): string {
  if (words.includes(given)) return given;
  const word = given.trim().toLowerCase();
  if (words.includes(word)) return word;
  const meant = closest(word, words);
  throw usageFailure(`${what} "${given}" is not known`, `${meant ? `did you mean ${meant}?   ·   ` : ""}known are ${words.join(", ")}`);
}

/** A sentence about event types that this program does not know: a newer server may. Undefined: all are known. */
export function strangeTypes(types: readonly string[]): string | undefined {
  const strange = types
    .map((type) => type.trim())
    .filter((type) => type !== "*" && type !== "gap" && !(eventTypes as readonly string[]).includes(type.toLowerCase()));
  if (strange.length === 0) return undefined;
  const meant = closest(strange[0], eventTypes);
  return `note: no event of type "${strange[0]}" is known here${meant ? `; did you mean ${meant}?` : ""}`;
}

/** `2/3`: this attempt of all. A job without further attempts was allowed the one that it had: `max_retries` 0 and 1 both mean one. */
export function attempts(job: { attempt: number; max_retries: number }): string {
  return `${job.attempt}/${Math.max(1, job.max_retries)}`;
}
