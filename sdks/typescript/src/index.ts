export * from "./client.js";
export * from "./client-options.js";
export { CorvoError, type ErrorFacts } from "./errors.js";
export { defineJob, type EnqueueOptions, type JobDefinition } from "./job.js";
export { type ConnectOptions, connect } from "./node.js";
export type { Backoff } from "./retry.js";
export * from "./views.js";
export * from "./worker.js";
