/** Cases that are known to differ because their feature is not there yet. The list shrinks; the table shows them as different. */
export const notYet: ReadonlySet<string> = new Set([]);

/** Described routes that are not served yet. */
export const notYetRoutes: ReadonlySet<string> = new Set([]);
