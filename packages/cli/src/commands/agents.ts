import type { AnyCommand } from "../command.js";

/** Agent work and money: replay, iterations, held, budgets, approval policies, usage, cache. */
export const agentCommands: readonly AnyCommand[] = [];
