// npm start: installs and builds what is missing, then serves on this machine. Arguments after `--` go to `corvo server`.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, main, root } from "./lib.mjs";

const help = `Installs and builds what is missing, then serves on this machine until Ctrl-C: http://localhost:8080, data in ./data.

Usage: npm start -- [flags of corvo server]

Examples:
  npm start
  npm start -- --bind 127.0.0.1:9090 --data-dir /var/lib/corvo

The first time it takes 1 to 3 minutes, later 2 seconds. The flags: npx corvo server --help
`;

main(
  async () => {
    await ensureBuilt();
    const child = spawn(process.execPath, [join(root, "packages/cli/bin/corvo.mjs"), "server", ...process.argv.slice(2)], { stdio: "inherit" });
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    child.on("close", (code) => {
      process.exitCode = code ?? 1;
    });
  },
  { help },
);
