/** Bounds of the engine's own, beside the public ones in protocol's `limits`. Those that decide outcomes belong to the engine level. */

/** Timers that one tick ends; the rest waits for the next tick, which comes at once. Keeps a tick below about a millisecond. */
export const tickJobsMax = 1000;

/** Cleared or destroyed jobs that one entry sweeps away. */
export const sweepJobsMax = 1000;

/** Expired unique locks and remembered requests that one entry forgets. */
export const forgetMax = 256;

/** Failures kept per job: at most `limits.failuresKeptMax`, and no more than this many bytes of them; the newest stays in any case. */
export const failureBytesKeptMax = 1024 * 1024;

/** Live text that one entry moves out of sparse segments. */
export const compactBytesMax = 32 * 1024;

/** State hashes of the last entries, for comparing with the leader's. */
export const hashesKept = 1024;

/** Rows of the audit log; the oldest go. */
export const auditRowsMax = 10_000;
/** Of one namespace beside `default`; these share as many as `default` has. */
export const auditRowsOfNamespaceMax = 1000;

/** Data of one event, in bytes; longer data is left out. */
export const eventDataBytesMax = 4096;

/** Newest events that a snapshot takes along: 60 bytes each, so 2 MiB. */
export const snapshotEventsMax = 32_768;

/** Rows of the usage ledger with names of their own; usage beyond them is counted without names. */
export const usageRowsMax = 200_000;

/** Iteration records kept per job, and bytes of them; the newest stays in any case. */
export const iterationsKeptMax = 1000;
export const iterationBytesMax = 4 * 1024 * 1024;

/** Jobs that one command holds, or lets go, for a budget. */
export const budgetJobsMax = 1000;

/** Of the whole server, and of all namespaces beside `default` together. */
export const budgetsMax = 10_000;
/** Of one namespace. */
export const budgetsOfNamespaceMax = 1000;
/** Of one namespace. */
export const policiesMax = 1000;
/** Of all namespaces beside `default`: each of an agent job's acks goes through them. */
export const policiesTotalMax = 10_000;

/** Texts of people: why a job is held or sent back. Longer ones are cut. */
export const noteBytesMax = 4096;
/** Events that may wait for one webhook; more are left out, and a `gap` says so. */
export const webhookPendingMax = 10_000;

/** Dead letters that are kept per webhook; the oldest go. */
export const webhookDeadMax = 1000;
