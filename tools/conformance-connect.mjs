#!/usr/bin/env node
// Runs connectrpc's conformance suite in server mode over the transport's lanes.
//   node tools/conformance-connect.mjs [--lane fast|slow|both] [--slice] [-- further flags of the runner]
// --slice: a choice of cases of every kind, for `npm test` (about 10 s). Needs Go, for the runner; it is kept in node_modules/.cache.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const version = "v1.0.6";
const moduleName = "connectrpc.com/conformance";
const root = fileURLToPath(new URL("..", import.meta.url));
const cache = join(root, "node_modules", ".cache", `connectconformance-${version}`);
const runner = join(cache, "connectconformance");
const descriptors = join(cache, "descriptors.binpb");
const server = join(cache, "server.mjs");

/** Cases of the slice: one of every stream type and protocol, and all that is about limits, errors, timeouts and odd input. */
const slice = [
  "Basic/**",
  "Server Message Size/**",
  "Timeouts/**/Codec:CODEC_PROTO/**",
  "Connect Unexpected Requests/**",
  "gRPC Unexpected Requests/**",
  "Unexpected Requests/**",
];

const split = process.argv.indexOf("--");
const own = split === -1 ? process.argv.slice(2) : process.argv.slice(2, split);
const passed = split === -1 ? [] : process.argv.slice(split + 1);
const { values } = parseArgs({ args: own, options: { lane: { type: "string", default: "both" }, slice: { type: "boolean", default: false } } });
if (!["fast", "slow", "both"].includes(values.lane)) fail(`--lane must be fast, slow or both, not ${values.lane}`);

function fail(text) {
  console.error(text);
  process.exit(1);
}

function prepare() {
  mkdirSync(cache, { recursive: true });
  if (!existsSync(runner) || !existsSync(descriptors)) {
    if (spawnSync("go", ["version"]).error !== undefined) {
      if (process.env.CI === "true") fail("the conformance suite needs Go on the PATH");
      console.warn("skipped: the conformance suite needs Go on the PATH");
      process.exit(0);
    }
    console.log(`building the conformance runner ${version} (once, about two minutes)`);
    execFileSync("go", ["install", `${moduleName}/cmd/connectconformance@${version}`], {
      env: { ...process.env, GOBIN: cache },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const { Dir } = JSON.parse(execFileSync("go", ["mod", "download", "-json", `${moduleName}@${version}`], { encoding: "utf8", cwd: cache }));
    const temporary = `${descriptors}.${process.pid}.binpb`;
    execFileSync(join(root, "node_modules", ".bin", "buf"), ["build", "--as-file-descriptor-set", "-o", temporary], {
      cwd: join(Dir, "proto"),
      stdio: ["ignore", "inherit", "inherit"],
    });
    renameSync(temporary, descriptors);
  }
  return build({
    entryPoints: [join(root, "conformance", "src", "connect", "server.ts")],
    outfile: server,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
    alias: { "@corvo/transport": join(root, "packages", "transport", "src", "index.ts") },
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
    external: ["@bufbuild/*", "@connectrpc/*"],
  });
}

function run(lane) {
  const flags = ["--conf", join(root, "conformance", "connect.yaml"), "--mode", "server", "-p", "4", "--max-servers", "2"];
  if (values.slice) for (const pattern of slice) flags.push("--run", pattern);
  const started = Date.now();
  console.log(`${lane} lane`);
  return new Promise((resolve) => {
    const child = spawn(runner, [...flags, ...passed, "--", process.execPath, server, descriptors, lane], { stdio: ["ignore", "inherit", "inherit"] });
    child.on("exit", (code) => {
      console.log(`${lane} lane: ${code === 0 ? "passed" : "FAILED"} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
      resolve(code === 0);
    });
  });
}

await prepare();
let passedAll = true;
for (const lane of values.lane === "both" ? ["fast", "slow"] : [values.lane]) passedAll = (await run(lane)) && passedAll;
process.exit(passedAll ? 0 : 1);
