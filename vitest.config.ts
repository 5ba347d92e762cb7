import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const root = fileURLToPath(new URL(".", import.meta.url));
const never = ["**/node_modules/**", "**/dist/**"];

/** Longest first, so that both workers end together. */
const longest = [
  "conformance/test/kill/kill.test.ts",
  "conformance/test/kill/bulk.test.ts",
  "packages/simulator/src/model-check.test.ts",
  "packages/simulator/src/power-cut.test.ts",
  "conformance/docs/docs.test.ts",
  "server/test/access-walk.test.ts",
  "packages/transport/test/same-as-node.test.ts",
  "conformance/test/kill/archive.test.ts",
  "conformance/test/kill/restore.test.ts",
  "server/test/disk-full-stores.test.ts",
  "conformance/test/kill/view.test.ts",
  "server/test/reads.test.ts",
  "conformance/clients/clients.test.ts",
];

/** Those that count what their process holds, change it for themselves, or make it do heavy work: each has a process of its own. */
const alone = [
  ...longest.filter((path) => /^(conformance\/(docs|clients)|server)\//.test(path)),
  "conformance/{connect,cli/run,cli/run-life}.test.ts",
  "server/test/{backup,disk-error,hostile,process,start,tracing}.test.ts",
  "sdks/typescript/src/{examples,requests,restart,retry,web,worker,worker-faults}.test.ts",
];

/** Those that load a server or the SDK: that takes longer than most of them last, so each of the two workers loads them once. */
const together = [
  "packages/cli/src/**/*.test.ts",
  "server/src/**/*.test.ts",
  "server/test/**/*.test.ts",
  "sdks/typescript/src/**/*.test.ts",
  "conformance/*.test.ts",
  "conformance/!(test)/**/*.test.ts",
];

const others = ["packages/!(cli)/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "conformance/test/**/*.test.ts", "tools/**/*.test.ts"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const at = longest.findIndex((path) => moduleId === root + path);
      // A worker keeps its modules only as long as files follow each other that share them.
      return at !== -1 ? at : longest.length + (project.name === "together" ? 1 : 0);
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

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
    setupFiles: ["server/test/clean-up-after.ts"],
    // Only so that what hangs ends some time: busy machines are slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: "alone", include: [...others, ...alone], exclude: never } },
      { extends: true, test: { name: "together", isolate: false, include: together, exclude: [...never, ...alone] } },
    ],
  },
});
