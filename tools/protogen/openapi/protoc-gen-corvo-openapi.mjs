// protoc plugin: gen/openapi/openapi.json, OpenAPI 3.1 of every method with an http rule. What a path, a field or an answer looks like is
// read by packages/transport/src/rest/rules.ts, the same file that the server reads, so the document cannot say something else than what is served.
// Runs with tsx (`node --import tsx`), because that file is TypeScript. `strategy: all`: one document of all files.

import { readFileSync } from "node:fs";
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { openApiDocument } from "./document.mjs";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));

runNodeJs(
  createEcmaScriptPlugin({
    name: "protoc-gen-corvo-openapi",
    version: "v1",
    generateTs(schema) {
      const extension = (typeName) => {
        const found = schema.allFiles.flatMap((file) => file.extensions).find((e) => e.typeName === typeName);
        if (found === undefined) throw new Error(`no file declares ${typeName}`);
        return found;
      };
      const extensions = { http: extension("google.api.http"), field: extension("corvo.options.v1.field"), method: extension("corvo.options.v1.method") };
      const services = schema.files.flatMap((file) => file.services);
      schema.generateFile("openapi.json").print(JSON.stringify(openApiDocument(services, extensions, version), undefined, 1));
    },
  }),
);
