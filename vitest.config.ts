import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL(".", import.meta.url));
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@corvo\/gen\/(.*)\.js$/, replacement: `${root}gen/ts/src/$1.ts` },
      { find: /^@corvo\/server$/, replacement: `${root}server/src/index.ts` },
      { find: /^@corvo\/conformance$/, replacement: `${root}conformance/src/index.ts` },
      { find: /^@corvo\/sdk$/, replacement: `${root}sdks/typescript/src/index.ts` },
      { find: /^@corvo\/([a-z]+)$/, replacement: `${root}packages/$1/src/index.ts` },
    ],
  },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "server/src/**/*.test.ts",
      "server/test/**/*.test.ts",
      "sdks/typescript/src/**/*.test.ts",
      "conformance/**/*.test.ts",
      "tools/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    // Only so that what hangs ends some time: busy machines are slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
