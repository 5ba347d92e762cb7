// Prints tags, init type and encoder of one message.
import { ScalarType } from "@bufbuild/protobuf";
import { className, is64, isOptional, isText, tagOf } from "./names.mjs";

export function printEncoder(context, message) {
  const { f, runtime } = context;
  const name = className(message);
  f.print("");
  f.print("/** Tags of ", message.typeName, " for the put functions. */");
  f.print("export const ", name, "Tag = {");
  for (const field of message.fields) f.print("  ", field.localName, ": ", tagOf(field), ",");
  f.print("} as const;");

  f.print("");
  f.print("/** What `encode", name, "` writes. What is absent or zero is not written. */");
  f.print("export interface ", name, "Init {");
  for (const field of message.fields) f.print("  ", field.localName, "?: ", ...initType(context, field), ";");
  f.print("}");

  const nested = message.fields.filter((field) => field.message);
  f.print("");
  for (const field of nested) f.print("let ", guess(message, field), " = 0;");
  f.print("/** Writes the fields of ", message.typeName, ", without a length before them. */");
  f.print("export function encode", name, "(w: ", runtime("Writer", true), ", init: ", name, "Init): void {");
  if (message.fields.length === 0) f.print("  void [w, init];");
  for (const field of [...message.fields].sort((a, b) => a.number - b.number)) printField(context, message, field);
  f.print("}");
}

/** The length of the last nested message: a good guess for the next. Output does not depend on it. */
const guess = (message, field) => `${field.localName}Of${className(message)}`;

function initType({ other }, field) {
  const nested = (message) => (message.file === field.parent.file ? `${className(message)}Init` : other(message, `${className(message)}Init`, true));
  switch (field.fieldKind) {
    case "list":
      if (field.listKind === "message") return ["readonly ", nested(field.message), "[]"];
      return [field.listKind === "enum" ? "ArrayLike<number>" : "readonly (string | Uint8Array)[]"];
    case "map":
      return ["Readonly<Record<string, ", nested(field.message), ">>"];
    case "message":
      return [nested(field.message)];
    case "enum":
      return ["number"];
  }
  if (isText(field)) return ["string | Uint8Array"];
  if (field.scalar === ScalarType.BOOL) return ["boolean"];
  return [is64(field) ? "number | bigint" : "number"];
}

function printField({ f, runtime, other }, message, field) {
  const value = `init.${field.localName}`;
  const tag = String(tagOf(field));
  const encode = (nested) => (nested.file === message.file ? `encode${className(nested)}` : other(nested, `encode${className(nested)}`));
  const nested = (indent, one) => {
    f.print(indent, "const at = ", runtime("beginMessage"), "(w, ", tag, ", ", guess(message, field), ");");
    f.print(indent, encode(field.message), "(w, ", one, ");");
    f.print(indent, guess(message, field), " = ", runtime("endMessage"), "(w, at);");
  };
  if (field.fieldKind === "message") {
    f.print("  if (", value, " !== undefined) {");
    nested("    ", value);
    f.print("  }");
  } else if (field.fieldKind === "list" && field.listKind === "message") {
    f.print("  if (", value, " !== undefined) {");
    f.print("    for (const one of ", value, ") {");
    nested("      ", "one");
    f.print("    }");
    f.print("  }");
  } else if (field.fieldKind === "list" && field.listKind === "enum") {
    f.print("  if (", value, " !== undefined) ", runtime("putPackedInt32"), "(w, ", tag, ", ", value, ");");
  } else if (field.fieldKind === "list") {
    f.print("  if (", value, " !== undefined) for (const one of ", value, ") ", runtime("putStringOrBytes"), "(w, ", tag, ", one);");
  } else if (field.fieldKind === "map") {
    f.print("  if (", value, " !== undefined) {");
    f.print("    for (const [key, one] of Object.entries(", value, ")) {");
    f.print("      const entry = ", runtime("beginMessage"), "(w, ", tag, ", 64);");
    f.print("      ", runtime("putText"), "(w, 10, key);");
    f.print("      const at = ", runtime("beginMessage"), "(w, 18, ", guess(message, field), ");");
    f.print("      ", encode(field.message), "(w, one);");
    f.print("      ", guess(message, field), " = ", runtime("endMessage"), "(w, at);");
    f.print("      ", runtime("endMessage"), "(w, entry);");
    f.print("    }");
    f.print("  }");
  } else {
    f.print("  if (", value, " !== undefined", isOptional(field) ? "" : zero(field, value), ") ", ...put(runtime, field, tag, value), ";");
  }
}

function zero(field, value) {
  if (isText(field)) return ` && ${value}.length > 0`;
  if (field.scalar === ScalarType.BOOL) return ` && ${value}`;
  if (field.scalar === ScalarType.DOUBLE) return ` && (${value} !== 0 || Object.is(${value}, -0))`;
  if (is64(field)) return ` && ${value} != 0`;
  return ` && ${value} !== 0`;
}

function put(runtime, field, tag, value) {
  const call = (name) => [runtime(name), "(w, ", tag, ", ", value, ")"];
  if (isText(field)) return call("putStringOrBytes");
  if (is64(field)) return call("putInt64OrBigInt");
  switch (field.scalar) {
    case ScalarType.BOOL:
      return call("putBool");
    case ScalarType.DOUBLE:
      return call("putDouble");
    case ScalarType.UINT32:
      return call("putUint32");
    default:
      return call("putInt32");
  }
}
