import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** One of `npm run …`, without npm. */
function tool(name: string, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`tools/${name}.mjs`, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (bytes) => {
      out += bytes;
    });
    child.stderr.on("data", (bytes) => {
      err += bytes;
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

test.each(["start", "test", "bench", "prove", "demo"])(
  "npm run %s -- --help says what it does, names every flag and variable, and does nothing",
  async (name) => {
    const { code, out, err } = await tool(name, "--help");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(name === "start" || name === "test" ? `Usage: npm ${name} -- [` : `Usage: npm run ${name} -- [flags]`);
    expect(out.split("\n").filter((line) => line.length > 150)).toEqual([]);
    const source = readFileSync(`${root}tools/${name}.mjs`, "utf8");
    for (const [, flag] of source.matchAll(/^ {2}"?([a-z-]+)"?: (?:text\(|\{ type:)/gm)) expect(out).toContain(`--${flag}`);
    for (const [, variable] of source.matchAll(/process\.env\.([A-Z_]+)/g)) expect(out).toContain(variable);
    expect((await tool(name, "-h")).out).toBe(out);
  },
);

test.each([
  ["bench", "--nope", "Unknown option '--nope'"],
  ["prove", "--nope", "Unknown option '--nope'"],
  ["demo", "nope", "Unexpected argument 'nope'"],
])("npm run %s refuses %s before it does anything", async (name, word, text) => {
  expect(await tool(name, word)).toEqual({ code: 2, out: "", err: `error: ${text}\nhint:  npm run ${name} -- --help\n` });
});

test.each([
  ["bench", "--runs", "0"],
  ["prove", "--kills", "many"],
  ["demo", "--jobs", "-5x"],
])("npm run %s refuses %s %s before it builds", async (name, flag, value) => {
  const { code, err } = await tool(name, `${flag}=${value}`);
  expect([code, err]).toEqual([1, `error: ${flag} "${value}" is not a whole number from 1 on\n`]);
});
