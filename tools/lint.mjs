// npm run lint: format and lint of TypeScript, and of the protos with the check that v0.3 clients keep working.
import { ensureInstalled, main, run, step } from "./lib.mjs";

export async function lint() {
  await step("lint TypeScript", () => run("biome", ["check", "--error-on-warnings", "."]));
  await step("lint protos, check compatibility", () => run(process.execPath, ["tools/lint-proto.mjs"]));
}

if (process.argv[1]?.endsWith("lint.mjs")) main(() => ensureInstalled().then(lint));
