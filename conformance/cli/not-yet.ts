/** Lines that are known to differ because their feature is not there yet. The list shrinks. */
export const notYet: ReadonlySet<string> = new Set<string>([]);
