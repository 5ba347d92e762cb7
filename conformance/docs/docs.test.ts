import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { serve } from "../../server/test/harness.js";
import { compareOrWrite } from "../status/compare.js";
import { blocksOf, scriptOf } from "./blocks.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Below dist, so that git passes it over; inside the repository, so that `@corvo/sdk` is found as a reader's program finds it. */
mkdirSync(`${root}conformance/dist`, { recursive: true });
const folder = mkdtempSync(`${root}conformance/dist/docs-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const documents = ["README.md", ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)].filter((name) => name.endsWith(".md"));
const runnable = documents.map((name) => ({ name, blocks: blocksOf(readFileSync(root + name, "utf8")) })).filter(({ blocks }) => blocks.length > 0);

/** Longest time for all blocks of one document. */
const documentMsMax = 300_000;

test("docs/README.md names every document, and README.md leads there", () => {
  const lines = documents
    .filter((name) => name.startsWith("docs/") && name !== "docs/README.md")
    .sort()
    .map((name) => {
      const text = readFileSync(root + name, "utf8");
      const title = /^# (.*)$/m.exec(text)?.[1] ?? name;
      const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      return `| [${title}](${name.slice("docs/".length)}) | ${headings.join(" · ")} |`;
    });
  const head =
    "# Documents\n\nMade by `conformance/docs/docs.test.ts` (`UPDATE_STATUS=1`). The code blocks of all of them are run by a test.\n`corvo` in them is `npx corvo` in a checkout: `alias corvo='npx corvo'`.\n\n| document | holds |\n|---|---|\n";
  compareOrWrite("docs/README.md", `${head}${lines.join("\n")}\n`);
  expect(readFileSync(`${root}README.md`, "utf8")).toContain("(docs/README.md)");
});

test.each(runnable)("the blocks of $name run in order against a fresh server", { timeout: documentMsMax + 20_000 }, async ({ name, blocks }) => {
  const server = await serve();
  const here = join(folder, name.replaceAll("/", "-"));
  mkdirSync(here);
  const ended = await runScript(scriptOf(blocks, here, root, server.url), here, server.url);
  const where = ended.code === 0 ? "" : `${name}:${ended.block}`;
  expect({ where, code: ended.code, output: ended.code === 0 ? "" : ended.output }).toEqual({ where: "", code: 0, output: "" });
  await server.stop();
});

test("the TypeScript of all documents keeps to the types", async () => {
  const here = join(folder, "types");
  mkdirSync(here);
  const files: string[] = [];
  for (const { name, blocks } of runnable) {
    for (const block of blocks.filter(({ language }) => language === "ts")) {
      const file = `${name.replaceAll(/[/.]/g, "-")}-line-${block.line}.ts`;
      writeFileSync(join(here, file), `${block.code}\nexport {};\n`);
      files.push(file);
    }
  }
  const options = { noEmit: true, composite: false, incremental: false, rootDir: root, noUnusedLocals: false, noUnusedParameters: false, skipLibCheck: true };
  writeFileSync(join(here, "tsconfig.json"), JSON.stringify({ extends: `${root}tsconfig.base.json`, compilerOptions: options, files }));
  const { stdout } = await promisify(execFile)(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", here]).catch(
    (error) => error as { stdout: string },
  );
  expect(stdout).toBe("");
});

interface Ended {
  code: number | null;
  /** Line of the block that was running. */
  block: string;
  output: string;
}

function runScript(script: string, cwd: string, url: string): Promise<Ended> {
  const env = { PATH: process.env.PATH, HOME: cwd, CORVO_SERVER: url, CORVO_URL: url, LC_ALL: "C.UTF-8" };
  return new Promise((resolve) => {
    const child = spawn("bash", ["-c", script], { cwd, env, stdio: ["ignore", "pipe", "pipe", "pipe"], detached: true });
    const ended: Ended = { code: null, block: "", output: "" };
    const add = (chunk: Buffer): void => {
      ended.output = (ended.output + chunk.toString()).slice(-4000);
    };
    child.stdout?.on("data", add);
    child.stderr?.on("data", add);
    child.stdio[3]?.on("data", (chunk: Buffer) => {
      ended.block = chunk.toString().trim().split("\n").at(-1) ?? "";
      ended.output += `— block of line ${ended.block} —\n`;
    });
    const timer = setTimeout(() => {
      ended.output += "stopped: it took too long\n";
      if (child.pid) process.kill(-child.pid, "SIGKILL");
    }, documentMsMax);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ ...ended, code });
    });
  });
}
