import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Folders whose test files share a process and its modules (`together` in vitest.config.ts). Those of the kill test do not. */
const shared = ["server/test", "server/src", "sdks/typescript/src", "packages/cli/src", "conformance"];
const apart = new Set(["conformance/test"]);
/** Hooks at the beginning of a line are registered when the file is loaded. */
const hook = /^(beforeAll|beforeEach|afterAll|afterEach)\(/m;

function* helpers(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !["node_modules", "dist"].includes(entry.name) && !apart.has(relative(root, path))) yield* helpers(path);
    else if (entry.isFile() && path.endsWith(".ts") && !path.endsWith(".test.ts")) yield path;
  }
}

test("helpers of tests that share a process register no hooks when they are loaded: they would run for the first file only", () => {
  const setUp = "server/test/clean-up-after.ts";
  const found = shared.flatMap((folder) => [...helpers(join(root, folder))]).filter((path) => hook.test(readFileSync(path, "utf8")));
  // The one that vitest runs beside each file; found, so the look is not blind.
  expect(found.map((path) => relative(root, path))).toEqual([setUp]);
});
