// node upstream.mjs <test.wasm> [flags]: runs one Go test binary built for wasip1. For tests alone: the server never uses node:wasi.
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { WASI } from "node:wasi";

const [file, ...flags] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [file, ...flags],
  env: { PWD: process.cwd(), TMPDIR: tmpdir() },
  preopens: { "/": "/" },
  returnOnExit: true,
});
const instance = await WebAssembly.instantiate(await WebAssembly.compile(readFileSync(file)), wasi.getImportObject());
process.exit(wasi.start(instance));
