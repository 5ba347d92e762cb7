// protoc plugin: for every message with `option (corvo.options.v1.message) = {fast: true}`, and for every message that these hold, a reader
// that makes no objects and a writer. What the generated code does is told at the head of runtime.ts.

import { readFileSync } from "node:fs";
import { getExtension, hasExtension, ScalarType } from "@bufbuild/protobuf";
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { printEncoder } from "./encoder.mjs";
import { printReader } from "./reader.mjs";

const runtimePath = "corvo/fast/runtime";

runNodeJs(createEcmaScriptPlugin({ name: "protoc-gen-corvo-fast", version: "v1", generateTs }));

function generateTs(schema) {
  const messages = fastMessages(schema);
  if (messages.size === 0) return;
  const runtime = schema.generateFile(`${runtimePath}.ts`);
  runtime.print(`// @generated from tools/protogen/fast/runtime.ts. Do not edit.`);
  runtime.print(readFileSync(new URL("./runtime.ts", import.meta.url), "utf8").trimEnd());

  const files = new Map();
  for (const message of messages) {
    const list = files.get(message.file) ?? [];
    list.push(message);
    files.set(message.file, list);
  }
  for (const [file, list] of files) {
    const f = schema.generateFile(`${file.name}_fast.ts`);
    f.preamble(file);
    const context = { f, runtime: (name, typeOnly = false) => f.import(name, `./${runtimePath}.js`, typeOnly), other: importer(f) };
    for (const message of list) {
      printReader(context, message);
      printEncoder(context, message);
    }
  }
}

/** Imports something generated for another message. */
function importer(f) {
  return (message, name, typeOnly = false) => f.import(name, `./${message.file.name}_fast.js`, typeOnly);
}

/** The messages that ask for it and all that they hold, in the order of the files. */
function fastMessages(schema) {
  const options = schema.allFiles.find((file) => file.name === "corvo/options/v1/options");
  const extension = options?.extensions.find((one) => one.name === "message");
  const found = new Set();
  if (!extension) return found;
  const visit = (message) => {
    if (found.has(message)) return;
    found.add(message);
    for (const field of message.fields) if (field.message) visit(field.message);
  };
  for (const file of schema.files) {
    for (const message of everyMessage(file)) {
      if (message.proto.options && hasExtension(message.proto.options, extension) && getExtension(message.proto.options, extension).fast) visit(message);
    }
  }
  for (const message of found) for (const field of message.fields) check(message, field);
  return new Set(schema.allFiles.flatMap(everyMessage).filter((message) => found.has(message)));
}

function everyMessage(holder) {
  const nested = "messages" in holder ? holder.messages : holder.nestedMessages;
  return nested.flatMap((message) => [message, ...everyMessage(message)]);
}

const scalars = new Set([
  ScalarType.STRING,
  ScalarType.BYTES,
  ScalarType.BOOL,
  ScalarType.INT32,
  ScalarType.UINT32,
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.DOUBLE,
]);

/** Kinds of fields that no message here has are refused rather than guessed at. */
function check(message, field) {
  const ok =
    (field.fieldKind === "scalar" && scalars.has(field.scalar)) ||
    field.fieldKind === "enum" ||
    (field.fieldKind === "message" && !field.delimitedEncoding) ||
    (field.fieldKind === "list" &&
      (field.listKind === "message" || field.listKind === "enum" || field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES)) ||
    (field.fieldKind === "map" && field.mapKind === "message" && field.mapKey === ScalarType.STRING);
  if (!ok || field.oneof) throw new Error(`${message.typeName}.${field.name}: the fast codec does not know this kind of field`);
}
