/**
 * Runs the test suite of go.etcd.io/raft/v3, at exactly the version that core.wasm is built from, compiled to WebAssembly and run
 * under this Node: proof that the toolchain, the WebAssembly target and the engine keep the library's promises.
 *
 * `node packages/raft/core/run-upstream.mjs [--force]`. A pass is remembered under node_modules/.cache for the same module version,
 * toolchain, core hash and Node version. The tests come from the Go module; nothing of them is copied into this repository.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCore, goEnvironment } from "../../../tools/build-core.mjs";

/** v3.7.0 has 700; a few fewer would still be a suite, a hundred fewer would be a runner that looks away. */
const passedMin = 695;
const folder = fileURLToPath(new URL(".", import.meta.url));
const runner = join(folder, "upstream.mjs");
const modulePath = "go.etcd.io/raft/v3";
const packages = [".", "confchange", "quorum", "raftpb", "rafttest", "tracker"];

/** Gives the counts, and `cached` when nothing had to run. Throws when anything fails. */
export function runUpstream({ force = false, say = (line) => console.error(line) } = {}) {
  const core = buildCore({ say });
  const version = readFileSync(join(folder, "go.mod"), "utf8").match(/go\.etcd\.io\/raft\/v3 (v\S+)/)?.[1];
  const cache = fileURLToPath(new URL("../../../node_modules/.cache/corvo/", import.meta.url));
  const remembered = join(cache, `raft-upstream-${version}-${core.toolchain}-${core.hash.slice(0, 16)}-node${process.versions.node}.json`);
  if (!force && existsSync(remembered)) return { ...JSON.parse(readFileSync(remembered, "utf8")), cached: true };

  const started = performance.now();
  const work = mkdtempSync(join(tmpdir(), "corvo-raft-upstream-"));
  try {
    const source = copyModule(version, work);
    say(`compiling the tests of ${modulePath} ${version} to WebAssembly (a minute the first time)`);
    const binaries = packages.map((name) => compile(source, name, work));
    const compiled = performance.now();
    const counts = binaries.map(({ name, file }) => runOne(join(source, name), file));
    const passed = counts.reduce((sum, n) => sum + n, 0);
    if (passed < passedMin) throw new Error(`upstream's suite ran only ${passed} tests, at least ${passedMin} were expected`);
    const result = { module: `${modulePath} ${version}`, passed, compileMs: Math.round(compiled - started), runMs: Math.round(performance.now() - compiled) };
    mkdirSync(cache, { recursive: true });
    writeFileSync(remembered, `${JSON.stringify(result)}\n`);
    return { ...result, cached: false };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The module cache is read-only and tests read files beside their sources: work on a writable copy. */
function copyModule(version, work) {
  const found = JSON.parse(go(["mod", "download", "-json", `${modulePath}@${version}`], folder));
  const source = join(work, "module");
  cpSync(found.Dir, source, { recursive: true });
  execFileSync("chmod", ["-R", "u+w", source]);
  return source;
}

function compile(source, name, work) {
  const file = join(work, `${name === "." ? "raft" : basename(name)}.wasm`);
  go(["test", "-c", "-trimpath", "-buildvcs=false", "-vet=off", "-o", file, `./${name}`], source);
  return { name, file };
}

/** Runs one test binary in its package's folder and gives the number of tests and subtests that passed. */
function runOne(directory, file) {
  const run = spawnSync(process.execPath, ["--no-warnings", runner, file, "-test.v"], { cwd: directory, encoding: "utf8", maxBuffer: 256 << 20 });
  const output = `${run.stdout}\n${run.stderr}`;
  const count = (word) => output.match(new RegExp(`^ *--- ${word}: `, "gm"))?.length ?? 0;
  const failed = count("FAIL");
  if (run.status !== 0 || failed > 0 || !/^PASS$/m.test(output)) {
    const failures = output.match(/^ *--- FAIL: .*$/gm)?.join("\n") ?? output.slice(-4000);
    throw new Error(`upstream's suite failed in ${basename(file)} (exit ${run.status ?? run.signal}, ${failed} failed):\n${failures}`);
  }
  return count("PASS");
}

function go(args, cwd) {
  try {
    return execFileSync("go", args, { cwd, env: goEnvironment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20 });
  } catch (error) {
    throw new Error(`go ${args.join(" ")} failed:\n${String(error.stderr || error.message).trim()}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const result = runUpstream({ force: process.argv.includes("--force") });
    const times = `compiled in ${(result.compileMs / 1000).toFixed(1)} s, ran in ${(result.runMs / 1000).toFixed(1)} s`;
    console.log(`${result.module} under Node ${process.versions.node}: ${result.passed} passed, 0 failed (${result.cached ? `remembered: ${times}` : times})`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
