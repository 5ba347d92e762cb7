import type { AnyCommand } from "../command.js";

/** Work that belongs together: batches, chains, dependencies. */
export const togetherCommands: readonly AnyCommand[] = [];
