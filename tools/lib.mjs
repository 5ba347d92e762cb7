// What every command of the checkout needs: install what is missing, build what is stale, run a step and say how long it took.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");

/** Runs a program to its end; rejects with one sentence when it fails. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: "inherit",
      ...options,
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, ...options.env },
    });
    child.on("error", (cause) => reject(new Error(`${command} could not be started: ${cause.message}`)));
    child.on("close", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(" ")} ended with ${signal ?? `exit code ${code}`}`)),
    );
  });
}

/** Runs one named step and prints its time on stderr. */
export async function step(name, work) {
  const start = performance.now();
  process.stderr.write(`• ${name}\n`);
  await work();
  process.stderr.write(`✓ ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
}

/** Installs packages when there are none or the lockfile changed since. */
export async function ensureInstalled() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new Error(`Corvo needs Node 20.19 or newer, this is ${process.versions.node}`);
  const stamp = join(root, "node_modules", ".cache", "corvo-installed");
  const want = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === want) return;
  await step("install packages (once)", () => run("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]));
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, want);
}

/** Newest change under some paths, in ms. */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const full = join(root, path);
    if (!existsSync(full)) continue;
    const facts = statSync(full);
    if (!facts.isDirectory()) latest = Math.max(latest, facts.mtimeMs);
    else
      for (const name of readdirSync(full))
        if (name !== "node_modules" && name !== "dist" && name !== ".cache") latest = Math.max(latest, newest([join(path, name)]));
  }
  return latest;
}

const sources = ["gen/ts/src", "packages", "server", "sdks/typescript", "conformance", "tsconfig.base.json", "tsconfig.json", "package-lock.json"];

/** Compiles what is stale: the raft core (Go to WebAssembly), TypeScript, the bundles of server and command line. */
export async function ensureBuilt({ force = false } = {}) {
  await ensureInstalled();
  const { buildCore } = await import("./build-core.mjs");
  await buildCore();
  const stamp = join(root, "node_modules", ".cache", "corvo-built");
  if (!force && existsSync(stamp) && statSync(stamp).mtimeMs > newest(sources)) return;
  await step("compile TypeScript", () => run("tsc", ["-b"]));
  await step("bundle the server", () => run(process.execPath, ["server/build.mjs"]));
  await step("bundle the command line", () => run(process.execPath, ["packages/cli/build.mjs"]));
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, new Date().toISOString());
}

/**
 * Runs the main function of a command; a failure is one sentence and exit code 1. `options` are the flags that the command knows (those of
 * `parseArgs`), and what `work` is given; without them all arguments are the command's own affair. What is wrong with a flag is told before
 * anything is installed or built.
 */
export function main(work, { help = "", options } = {}) {
  const args = process.argv.slice(2);
  if (help !== "" && (args.includes("--help") || args.includes("-h"))) {
    process.stdout.write(help);
    return;
  }
  let values = {};
  try {
    if (options !== undefined) ({ values } = parseArgs({ args, options }));
  } catch (cause) {
    process.stderr.write(`error: ${cause.message.split(". ")[0]}\nhint:  ${/^Usage: (npm run \S+|npm \S+)/m.exec(help)?.[1]} -- --help\n`);
    process.exitCode = 2;
    return;
  }
  work(values).catch((cause) => {
    process.stderr.write(`error: ${cause.message}\n`);
    process.exitCode = 1;
  });
}

/** A flag's whole number; anything else is refused by name. */
export function whole(flag, value) {
  if (!/^\d{1,9}$/.test(value) || Number(value) === 0) throw new Error(`--${flag} "${value}" is not a whole number from 1 on`);
  return Number(value);
}
