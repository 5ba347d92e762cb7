export { commands } from "./commands.js";
export { exitCodes } from "./failure.js";
export type { Io } from "./io.js";
export type { Loaders } from "./loaders.js";
export { run } from "./program.js";
