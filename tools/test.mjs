// npm test: exactly what CI runs. Installs, builds, lints, generates and compares, runs every suite.
import { ensureBuilt, main, run, step } from "./lib.mjs";
import { lint } from "./lint.mjs";

const help = `Everything that CI runs: installs, builds, lints, generates and compares, runs every suite. 15 to 20 minutes on two cores.

Usage: npm test -- [what vitest takes]

Examples:
  npm test
  npm test -- packages/engine         of the suites, those of one folder
  npx vitest run packages/engine      the same, and nothing before it
`;

main(
  async () => {
    await ensureBuilt();
    await lint();
    await step("generated code is what the protos say", () => run(process.execPath, ["tools/generate.mjs", "--check"]));
    await step("raft core: upstream's own suite as WebAssembly", () => run(process.execPath, ["packages/raft/core/run-upstream.mjs"]));
    await step("suites", () => run("vitest", ["run", ...process.argv.slice(2)]));
  },
  { help },
);
