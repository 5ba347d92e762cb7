export * from "./bench.js";
export * from "./ceilings.js";
export * from "./loads.js";
export * from "./run-bench.js";
export * from "./table.js";
