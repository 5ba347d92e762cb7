export * from "./client.js";
export * from "./client-options.js";
export { CorvoError, type ErrorFacts } from "./errors.js";
export { defineJob, type EnqueueOptions, type JobDefinition } from "./job.js";
export { type ConnectOptions, connect } from "./node.js";
export type { Backoff } from "./retry.js";
export type { ScheduleInfo, ScheduleOptions, Schedules } from "./schedules.js";
export * from "./views.js";
export * from "./worker.js";
