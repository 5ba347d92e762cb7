/** Not on the way of the load of `kill.test.ts`: archive segments are 64 MiB there and nothing is old enough to go. `archive.test.ts` kills at these. */
export const elsewhere: ReadonlySet<string> = new Set(["archive-drop-before", "archive-drop-after"]);
