export { checkAck, checkAckBatch, checkFail } from "./ack.js";
export { type DoorOptions, doorDefaults } from "./door.js";
export { checkEnqueue, checkEnqueueBatch } from "./enqueue.js";
export { checkFetch, checkFetchBatch } from "./fetch.js";
export * from "./frame.js";
export * from "./heartbeat.js";
export * from "./steer.js";
export * from "./webhook.js";
