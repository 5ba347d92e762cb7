import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A file of the repository that a test makes: it must be what the test made, or is written anew with `UPDATE_STATUS=1`. */
export function compareOrWrite(path: string, text: string): void {
  if (process.env.UPDATE_STATUS === "1") {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
    return;
  }
  let there = "";
  try {
    there = readFileSync(root + path, "utf8");
  } catch {
    // Not there yet: differs.
  }
  expect(text, `${path} is not what this server does; write it anew: UPDATE_STATUS=1 npx vitest run conformance/rest conformance/cli/`).toBe(there);
}
