import { readFileSync } from "node:fs";
import { coreUrl } from "../../src/index.js";

let compiled: WebAssembly.Module | undefined;

/** core.wasm, built first when it is missing or stale. */
export async function coreModule(): Promise<WebAssembly.Module> {
  if (compiled === undefined) {
    // @ts-expect-error a script without types
    const { buildCore } = await import("../../../../tools/build-core.mjs");
    buildCore();
    compiled = new WebAssembly.Module(readFileSync(coreUrl));
  }
  return compiled;
}
