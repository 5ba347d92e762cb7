// Bundles the server into one file that starts fast: dist/server.mjs. Loading some 500 modules one by one takes twice as long.
// The read view's threads have a file of their own, packages/view/dist/worker.mjs: each thread loads its modules again.
import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const outdir = `${here}dist`;

export async function buildServer() {
  await build({
    entryPoints: [`${outdir}/index.js`],
    outfile: `${outdir}/server.mjs`,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minifySyntax: true,
    // Native addons, and what is loaded only when somebody asks for it.
    external: ["classic-level", "better-sqlite3", "@opentelemetry/*"],
    plugins: [placesStay],
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    sourcemap: true,
    logLevel: "warning",
  });
  const view = fileURLToPath(new URL("../packages/view/dist", import.meta.url));
  await build({
    entryPoints: [`${view}/worker.js`],
    outfile: `${view}/worker.mjs`,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    minifySyntax: true,
    external: ["better-sqlite3"],
    sourcemap: true,
    logLevel: "warning",
  });
}

/** A module of ours that looks for a file beside itself (a worker, the raft core, the OpenAPI document) still finds it from the bundle. */
const placesStay = {
  name: "places-stay",
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/](packages|server)[\\/].*\.js$/ }, (args) => {
      const source = readFileSync(args.path, "utf8");
      if (!source.includes("import.meta.url")) return undefined;
      const place = relative(outdir, args.path).replaceAll("\\", "/");
      return {
        contents: source.replaceAll("import.meta.url", `new URL(${JSON.stringify(place)}, import.meta.url)`),
        resolveDir: dirname(args.path),
        loader: "js",
      };
    });
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildServer();
