import type { AnyCommand } from "../command.js";

/** Search, bulk and their kin. */
export const viewCommands: readonly AnyCommand[] = [];
