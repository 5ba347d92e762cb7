/**
 * Builds packages/raft/core.wasm from the Go module when it is missing or its sources or the toolchain changed.
 * As a command: `node tools/build-core.mjs`. `--record` writes the result's hash into packages/raft/core/hashes.json.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../packages/raft/core/", import.meta.url));
const wasmFile = fileURLToPath(new URL("../packages/raft/core.wasm", import.meta.url));
const stampFile = `${wasmFile}.stamp`;
const hashesFile = join(folder, "hashes.json");
const goVersionMin = [1, 26];
const buildArguments = ["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w"];

/** Whatever the caller's environment says, the same bytes come out; and no other toolchain is fetched behind anybody's back. */
export const goEnvironment = {
  ...process.env,
  GOOS: "wasip1",
  GOARCH: "wasm",
  GOWASM: "",
  GOEXPERIMENT: "",
  GOFLAGS: "",
  GOWORK: "off",
  GOTOOLCHAIN: "local",
  CGO_ENABLED: "0",
};

/** `go1.26.8`, or undefined when there is no Go. Throws one sentence when it is too old. */
export function goVersion() {
  let version;
  try {
    version = execFileSync("go", ["env", "GOVERSION"], { cwd: folder, env: goEnvironment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw new Error(`go env GOVERSION failed: ${String(error.stderr ?? error.message).trim()}`);
  }
  const [major = 0, minor = 0] = (version.match(/^go(\d+)\.(\d+)/) ?? []).slice(1).map(Number);
  if (major < goVersionMin[0] || (major === goVersionMin[0] && minor < goVersionMin[1]))
    throw new Error(
      `Building the raft core needs Go ${goVersionMin.join(".")} or newer, and this machine has ${version}: install it from https://go.dev/dl/ and run the command again.`,
    );
  return version;
}

/**
 * Leaves an up-to-date core.wasm. `hash` is its SHA-256; `listed` says whether hashes.json knows it for this toolchain.
 * @param {{ say?: (line: string) => void, record?: boolean }} [options]
 * @returns {{ path: string, built: boolean, hash: string, toolchain: string, listed: boolean, buildMs: number }}
 */
export function buildCore({ say = (line) => console.error(line), record = false } = {}) {
  const sources = sourcesHash();
  const stamp = readStamp();
  const toolchain = goVersion();
  if (stamp?.sources === sources && (toolchain === undefined || stamp.toolchain === toolchain) && fileHash(wasmFile) === stamp.hash)
    return { path: wasmFile, built: false, hash: stamp.hash, toolchain: stamp.toolchain, listed: check(stamp.hash, stamp.toolchain, say, record), buildMs: 0 };
  if (toolchain === undefined)
    throw new Error(
      `Building the raft core from source needs Go ${goVersionMin.join(".")} or newer, and there is no "go" on the PATH: install it from https://go.dev/dl/ and run the command again.`,
    );

  say(`building packages/raft/core.wasm with ${toolchain} (half a minute the first time)`);
  const started = performance.now();
  const fresh = `${wasmFile}.${process.pid}`;
  try {
    execFileSync("go", [...buildArguments, "-o", fresh, "."], { cwd: folder, env: goEnvironment, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
    const hash = fileHash(fresh);
    const listed = check(hash, toolchain, say, record);
    renameSync(fresh, wasmFile);
    writeFileSync(stampFile, `${JSON.stringify({ sources, toolchain, hash }, null, 2)}\n`);
    return { path: wasmFile, built: true, hash, toolchain, listed, buildMs: Math.round(performance.now() - started) };
  } catch (error) {
    rmSync(fresh, { force: true });
    if (error.stderr) throw new Error(`the raft core did not build:\n${String(error.stderr).trim()}`);
    throw error;
  }
}

/** A listed toolchain must give the listed bytes: the build is reproducible, so anything else was tampered with or changed unnoticed. */
function check(hash, toolchain, say, record) {
  const hashes = JSON.parse(readFileSync(hashesFile, "utf8"));
  if (record) {
    const sorted = Object.entries({ ...hashes, [toolchain]: hash }).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(hashesFile, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
    return true;
  }
  if (hashes[toolchain] === hash) return true;
  if (hashes[toolchain] !== undefined)
    throw new Error(
      `core.wasm built with ${toolchain} has SHA-256 ${hash}, but packages/raft/core/hashes.json lists ${hashes[toolchain]}: if the sources in packages/raft/core were changed on purpose, record it with node tools/build-core.mjs --record.`,
    );
  say(
    `core.wasm was built with ${toolchain}, which packages/raft/core/hashes.json does not list (SHA-256 ${hash}): npm test runs all checks on it; a release needs a listed toolchain.`,
  );
  return false;
}

function sourcesHash() {
  const hash = createHash("sha256").update(buildArguments.join(" "));
  for (const name of readdirSync(folder).sort()) if (/\.go$|^go\.(mod|sum)$/.test(name)) hash.update(`\0${name}\0`).update(readFileSync(join(folder, name)));
  return hash.digest("hex");
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, "utf8"));
  } catch {
    return undefined; // missing or cut short: build again
  }
}

function fileHash(path) {
  return existsSync(path) ? createHash("sha256").update(readFileSync(path)).digest("hex") : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const core = buildCore({ record: process.argv.includes("--record") });
    console.log(
      `core.wasm ${core.hash} (${core.toolchain}${core.listed ? "" : ", not listed"}) ${core.built ? `built in ${(core.buildMs / 1000).toFixed(1)} s` : "is up to date"}`,
    );
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
