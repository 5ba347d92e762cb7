import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeUpRestored } from "../src/admin/restore.js";

const names = ["archive", "hard-state", "identity", "log", "snapshots"];
const quiet = { info: () => {} };
let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "corvo-take-up-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A data directory with a restored one beside it; the old one has a file that the new one lacks. */
function stage(ready: boolean): void {
  const put = (dir: string, content: string, files: readonly string[]): void => {
    mkdirSync(dir, { recursive: true });
    for (const name of files) writeFileSync(join(dir, name), content);
  };
  put(root, "old", [...names, "lock"]);
  put(join(root, "restore", "data"), "new", names);
  put(join(root, "restore"), "", ready ? ["archive", "ready"] : ["archive"]);
}

function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(root)
      .sort()
      .map((name) => [name, readFileSync(join(root, name), "utf8")]),
  );
}

const allNew = Object.fromEntries(names.map((name) => [name, "new"]));

test("an archive that was not whole when the process ended is thrown away, and the old content stays", async () => {
  stage(false);
  await takeUpRestored(root, quiet);
  expect(contents()).toEqual(Object.fromEntries([...names, "lock"].sort().map((name) => [name, "old"])));
});

test("a restored backup takes the place of the old content, whatever step the process ends behind, and however often", async () => {
  let steps = 0;
  stage(true);
  await takeUpRestored(root, quiet, () => steps++);
  expect(contents()).toEqual(allNew);
  expect(steps).toBe(names.length + 1 + 1 + names.length + 1 + 1);

  for (let first = 1; first <= steps; first++) {
    for (const again of [1, 2, 5]) {
      rmSync(root, { recursive: true, force: true });
      stage(true);
      for (const crashAt of [first, again]) {
        let left = crashAt;
        const crash = (): void => {
          if (--left === 0) throw new Error("killed");
        };
        await takeUpRestored(root, quiet, crash).catch((cause: Error) => expect(cause.message).toBe("killed"));
      }
      await takeUpRestored(root, quiet);
      expect(contents(), `killed behind step ${first}, then behind step ${again} of the next start`).toEqual(allNew);
    }
  }
});
