export { checkAck, checkAckBatch, checkFail, checkRelease } from "./ack.js";
export { type DoorOptions, doorDefaults } from "./door.js";
export { checkEnqueue, checkEnqueueBatch } from "./enqueue.js";
export { checkFetch, checkFetchBatch } from "./fetch.js";
export * from "./frame.js";
export * from "./heartbeat.js";
export * from "./steer.js";
export * from "./validate-only.js";
export * from "./webhook.js";
