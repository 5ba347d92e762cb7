export * from "./model/command.js";
export { durationMs } from "./model/duration.js";
export { Model } from "./model/model.js";
