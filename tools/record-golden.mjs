// npm run record:golden: writes the golden logs of engine level 2 anew, from fixed seeds. Only while that level is not released: afterwards
// they stay as they are, and a change of behaviour takes a new level with logs of its own.
import { ensureBuilt, main, run, step } from "./lib.mjs";

main(async () => {
  await ensureBuilt();
  await step("golden logs of level 2", () => run("vitest", ["run", "packages/simulator/src/golden.test.ts"], { env: { RECORD_GOLDEN: "2" } }));
});
