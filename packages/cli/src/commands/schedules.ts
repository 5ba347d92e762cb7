import type { AnyCommand } from "../command.js";

/** Schedules, and the atomic step. */
export const scheduleCommands: readonly AnyCommand[] = [];
