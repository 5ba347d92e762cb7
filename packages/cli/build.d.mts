/** Bundles the command line into one file; default `dist/corvo.mjs` of this package. */
export function buildCli(outfile?: string): Promise<void>;
