// Bundles a bench and runs it as plain Node does, without a loader in the way: node packages/transport/bench/run.mjs rpc [seconds per load] [only loads whose name has this]
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const [name, ...rest] = process.argv.slice(2);
const outfile = join(root, "node_modules", ".cache", `transport-bench-${name}.mjs`);
await build({
  entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
  external: ["@bufbuild/*", "@connectrpc/*"],
  plugins: [
    {
      name: "generated",
      setup(b) {
        b.onResolve({ filter: /^@corvo\/gen\// }, ({ path }) => ({
          path: join(root, "gen", "ts", "src", path.slice("@corvo/gen/".length).replace(/\.js$/, ".ts")),
        }));
      },
    },
  ],
});
process.exit(spawnSync(process.execPath, [outfile, ...rest], { stdio: "inherit" }).status ?? 1);
