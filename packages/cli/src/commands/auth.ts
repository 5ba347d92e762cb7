import type { AnyCommand } from "../command.js";

/** Keys, roles, namespaces, audit. */
export const authCommands: readonly AnyCommand[] = [];
