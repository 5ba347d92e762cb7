// npm start: installs and builds what is missing, then serves on this machine. Arguments after `--` go to `corvo server`.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, main, root } from "./lib.mjs";

main(async () => {
  await ensureBuilt();
  const child = spawn(process.execPath, [join(root, "packages/cli/bin/corvo.mjs"), "server", ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
});
