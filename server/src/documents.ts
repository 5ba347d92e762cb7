import { readFileSync } from "node:fs";
import { docsPage } from "@corvo/transport";

/** What /openapi.json and /docs send. */
export interface Documents {
  openapi: Uint8Array;
  page: Uint8Array;
}

/** Reads the generated OpenAPI document once. */
export function documents(): Documents {
  const openapi = readFileSync(new URL("../../gen/openapi/openapi.json", import.meta.url));
  return { openapi, page: Buffer.from(docsPage) };
}
