/** Cases that are known to differ because their feature is not there yet. The list shrinks; the table shows them as different. */
export const notYet: ReadonlySet<string> = new Set([
  "POST /enqueue, a chain's step without queue",
  "POST /enqueue, a chain with a wrong type",
  "POST /enqueue, jobs in the body (newer clients)",
  "POST /enqueue/batch, with a callback",
  "POST /ack/{job_id}, a wrong step_status",
  "POST /heartbeat, jobs as a list (newer clients)",
]);

/** Described routes that are not served yet. */
export const notYetRoutes: ReadonlySet<string> = new Set([]);
