import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** The floors of ARCHITECTURE.md: a package imports only from floors below its own; neighbours do not know each other. */
const floors: Record<string, number> = {
  "gen/ts": 0,
  "packages/protocol": 1,
  "packages/storage": 1,
  "packages/transport": 1,
  "packages/engine": 2,
  "packages/raft": 2,
  "packages/replica": 3,
  "packages/view": 3,
  server: 4,
  "packages/simulator": 4,
  "sdks/typescript": 5,
  "packages/cli": 6,
  "packages/bench": 6,
  conformance: 6,
};
const packageOf: Record<string, string> = {
  "@corvo/gen": "gen/ts",
  "@corvo/server": "server",
  "@corvo/sdk": "sdks/typescript",
  "@corvo/conformance": "conformance",
};
for (const name of ["protocol", "storage", "transport", "engine", "raft", "replica", "view", "simulator", "cli", "bench"])
  packageOf[`@corvo/${name}`] = `packages/${name}`;

/** Beyond the floors: what may be imported although it is a neighbour, or may not although it is below, and why. */
const allowed = new Set(["packages/cli -> packages/bench"]); // `corvo bench` is a command
const onlyGen = new Set(["sdks/typescript"]); // clients see the public API alone

/** Ways to the world that are closed below floor 4, except in the real implementation of a seam. */
const world = /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|process\.nextTick|crypto\.|randomBytes)\b/;
const worldImports = /from "node:(fs|crypto|net|http|http2|child_process|worker_threads|os|timers|dns)[^"]*"/;
const seams: Record<string, string> = {
  "packages/storage/src/node-disk.ts": "the real Disk",
  "packages/storage/src/level-log.ts": "LevelDB brings its own disk",
  "packages/protocol/src/request-id.ts": "hashing at the door",
  "packages/view/src/view.ts": "starts the view's thread",
  "packages/view/src/worker.ts": "is the view's thread",
  "packages/view/src/readers.ts": "starts the threads that read the view",
  "packages/view/src/digest.ts": "hashes the view for comparison",
};

const root = fileURLToPath(new URL("..", import.meta.url));

function* files(directory: string): Generator<string> {
  for (const name of readdirSync(directory)) {
    if (name === "node_modules" || name === "dist" || name === "testdata") continue;
    const path = join(directory, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (/\.ts$/.test(name)) yield path;
  }
}

test("packages import only from floors below their own", () => {
  const faults: string[] = [];
  for (const [owner, floor] of Object.entries(floors)) {
    if (owner === "gen/ts") continue;
    for (const file of files(join(root, owner, "src"))) {
      const isTest = /\.test\.ts$/.test(file);
      for (const [at, line] of readFileSync(file, "utf8").split("\n").entries()) {
        const found = /(?:from|import\()\s*"(@corvo\/[a-z]+)/.exec(line);
        if (!found || isTest) continue;
        const target = packageOf[found[1]];
        if (target === undefined || target === owner) continue;
        const place = `${relative(root, file)}:${at + 1}`;
        if (onlyGen.has(owner) && target !== "gen/ts") faults.push(`${place}: ${owner} sees the public API alone, import from @corvo/gen`);
        else if (floors[target] >= floor && !allowed.has(`${owner} -> ${target}`))
          faults.push(`${place}: ${owner} (floor ${floor}) imports ${target} (floor ${floors[target]})`);
      }
    }
  }
  expect(faults).toEqual([]);
});

test("below floor 4 the world is touched through the seams alone", () => {
  const faults: string[] = [];
  for (const [owner, floor] of Object.entries(floors)) {
    if (floor === 0 || floor >= 4 || owner === "packages/transport") continue; // the transport is HTTP
    for (const file of files(join(root, owner, "src"))) {
      const name = relative(root, file);
      if (/\.test\.ts$/.test(file) || name in seams) continue;
      for (const [at, line] of readFileSync(file, "utf8").split("\n").entries()) {
        const code = line.replace(/\/\/.*$/, "").replace(/^\s*\*.*$/, "");
        if (world.test(code) || worldImports.test(code)) faults.push(`${name}:${at + 1}: ${code.trim()} is banned here, take a Clock, Random, Disk or Network`);
      }
    }
  }
  expect(faults).toEqual([]);
});

test("the engine imports protocol's pure functions and nothing else", () => {
  const faults: string[] = [];
  for (const file of files(join(root, "packages/engine/src"))) {
    if (/\.test\.ts$/.test(file)) continue;
    for (const [at, line] of readFileSync(file, "utf8").split("\n").entries()) {
      const found = /from "([^".][^"]*)"/.exec(line);
      if (found && found[1] !== "@corvo/protocol" && !found[1].startsWith("@corvo/gen/")) faults.push(`${relative(root, file)}:${at + 1}: ${found[1]}`);
    }
  }
  expect(faults).toEqual([]);
});
