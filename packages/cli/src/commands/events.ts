import type { AnyCommand } from "../command.js";

/** Events, webhooks, explain. */
export const eventCommands: readonly AnyCommand[] = [];
