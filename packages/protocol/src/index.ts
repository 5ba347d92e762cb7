export * from "./limits.js";
export * from "./refusal.js";
export * from "./seams.js";
