export * from "./client.js";
export * from "./errors.js";
export * from "./job.js";
export * from "./node.js";
export * from "./retry.js";
export * from "./worker.js";
