import { readFileSync } from "node:fs";
import { coreUrl } from "@corvo/raft";
import { beforeAll, expect, test } from "vitest";
import { PowerCutRun } from "./power-cut.js";

let core: WebAssembly.Module;
beforeAll(async () => {
  core = await WebAssembly.compile(readFileSync(coreUrl));
});

test("without faults", async () => {
  const t = Date.now();
  const report = await new PowerCutRun({ seed: 1, core, calls: 300 }).run();
  console.log(report, Date.now() - t);
  const again = await new PowerCutRun({ seed: 1, core, calls: 300 }).run();
  expect(again).toEqual(report);
});
