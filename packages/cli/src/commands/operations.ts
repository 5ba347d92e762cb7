import type { AnyCommand } from "../command.js";

/** Backup, restore, cluster and administration. */
export const operationCommands: readonly AnyCommand[] = [];
