import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

// The first time on a machine the Go programs are compiled and Python's packages installed, which takes minutes.
it("Go, Python, grpcurl, buf curl and curl add, fetch and complete jobs", async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("run.mjs", import.meta.url))], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const code = await new Promise((resolve) => child.on("exit", resolve));
  console.log(output.trim());
  expect(code, output).toBe(0);
}, 900_000);
