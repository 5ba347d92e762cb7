import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

// `npm run conformance:connect` runs all cases; here a slice of both lanes. The first time on a machine the runner is compiled, which takes minutes.
it("connectrpc's conformance suite, a slice over both lanes", async () => {
  const tool = fileURLToPath(new URL("../tools/conformance-connect.mjs", import.meta.url));
  const child = spawn(process.execPath, [tool, "--slice"], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const code = await new Promise((resolve) => child.on("exit", resolve));
  expect(code, output).toBe(0);
}, 600_000);
