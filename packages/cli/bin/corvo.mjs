#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../dist/corvo.mjs", import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  process.stderr.write("error: corvo is not built yet\nhint:  npm run build\n");
  process.exitCode = 1;
}
