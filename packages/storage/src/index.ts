export * from "./archive-store.js";
export * from "./disk.js";
export * from "./log-store.js";
export * from "./snapshot-store.js";
