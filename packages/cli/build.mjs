// Bundles the command line into one file that starts fast: dist/corvo.mjs. Server, bench and storage stay outside and are loaded on demand.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

export async function buildCli(outfile = `${here}dist/corvo.mjs`) {
  const { version } = JSON.parse(readFileSync(`${here}package.json`, "utf8"));
  const now = process.env.SOURCE_DATE_EPOCH ? new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000) : new Date();
  await build({
    entryPoints: [`${here}src/main.ts`],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minifySyntax: true,
    external: ["@corvo/server/bundle", "@corvo/bench", "@corvo/storage", "yaml"],
    plugins: [withoutChildProcess],
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    define: {
      CORVO_VERSION: JSON.stringify(version),
      CORVO_COMMIT: JSON.stringify(commit()),
      CORVO_BUILT: JSON.stringify(now.toISOString().replace(/\.\d+Z$/, "Z")),
    },
    logLevel: "warning",
  });
}

/** commander starts other programs only for commands that are files of their own. There are none; not loading the module saves 2 ms. */
const withoutChildProcess = {
  name: "without-child-process",
  setup(bundle) {
    bundle.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /commander/.test(importer) ? { path: "child_process", namespace: "absent" } : undefined,
    );
    bundle.onLoad({ filter: /./, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
  },
};

function commit() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: here, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown"; // A copy without its history.
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildCli(process.argv[2]);
