/** What the test file that runs now leaves behind. `clean-up-after.ts` calls them after it, the last one first. */
export const cleanUps: (() => Promise<unknown> | unknown)[] = [];
