// Prints the reader of one message.
import { ScalarType } from "@bufbuild/protobuf";
import { capital, className, is64, isOptional, isText, wire, wireType } from "./names.mjs";

const taken = new Set([
  "buf",
  "start",
  "end",
  "pos",
  "lo",
  "hi",
  "hasUnknown",
  "groupsMax",
  "read",
  "tag",
  "odd",
  "unknown",
  "skip",
  "keyStart",
  "keyEnd",
  "valueStart",
  "valueEnd",
]);

export function printReader({ f, runtime }, message) {
  const fields = message.fields.map((field) => ({ field, members: members(field) }));
  const seen = new Set(taken);
  for (const { field, members: list } of fields) {
    for (const { name } of list) {
      if (seen.has(name)) throw new Error(`${message.typeName}.${field.name}: the reader would have two members called ${name}`);
      seen.add(name);
    }
  }

  f.print("");
  f.print("/** Reads ", message.typeName, ". */");
  f.print("export class ", className(message), "Reader extends ", runtime("Reader"), " {");
  for (const { members: list } of fields) for (const { name, type, first } of list) f.print("  ", name, type ? `: ${type}` : "", " = ", first, ";");
  f.print("");
  f.print("  read(buf: Uint8Array, start = 0, end = buf.length): this {");
  f.print("    this.buf = buf;");
  f.print("    this.start = start;");
  f.print("    this.end = end;");
  f.print("    this.hasUnknown = false;");
  for (const { members: list } of fields) for (const { name, reset } of list) if (reset !== undefined) f.print("    this.", name, " = ", reset, ";");
  f.print("    let pos = start;");
  f.print("    while (pos < end) {");
  f.print("      let tag = buf[pos++];");
  f.print("      if (tag > 127) {");
  f.print("        const b = pos < end ? buf[pos] : 128;");
  f.print("        if (b < 128) {");
  f.print("          tag = (tag & 127) | (b << 7);");
  f.print("          pos++;");
  f.print("        } else {");
  f.print("          this.pos = pos - 1;");
  f.print("          tag = this.tag();");
  f.print("          pos = this.pos;");
  f.print("        }");
  f.print("      }");
  if (fields.length > 0)
    printSwitch(
      { f, runtime },
      fields.map((one) => one.field),
    );
  else f.print("      pos = this.unknown(tag, pos);");
  f.print("    }");
  f.print("    return this;");
  f.print("  }");
  f.print("}");
}

/** Members that a field gives the reader. A first value of -0 makes V8 keep the member as a double from the start. */
function members(field) {
  const name = field.localName;
  const range = [
    { name: `${name}Start`, first: "0", reset: "0" },
    { name: `${name}End`, first: "0", reset: "0" },
  ];
  const array = (one) => ({ name: one, type: "Int32Array<ArrayBuffer>", first: "new Int32Array(8)" });
  const count = { name: `${name}Count`, first: "0", reset: "0" };
  const has = { name: `has${capital(name)}`, first: "false", reset: "false" };
  switch (field.fieldKind) {
    case "list":
      return field.listKind === "enum" ? [count, array(name)] : [count, array(`${name}Start`), array(`${name}End`)];
    case "map":
      return [count, array(`${name}KeyStart`), array(`${name}KeyEnd`), array(`${name}ValueStart`), array(`${name}ValueEnd`)];
    case "message":
      return [...range, has];
  }
  if (isText(field)) return isOptional(field) ? [...range, has] : range;
  const wide = is64(field) || field.scalar === ScalarType.UINT32 || field.scalar === ScalarType.DOUBLE;
  const value = field.scalar === ScalarType.BOOL ? { name, first: "false", reset: "false" } : { name, first: wide ? "-0" : "0", reset: "0" };
  const list = [value];
  if (is64(field)) list.push({ name: `${name}Lo`, first: "-0", reset: "0" }, { name: `${name}Hi`, first: "-0", reset: "0" });
  if (isOptional(field)) list.push(has);
  return list;
}

/** Two switches, each dense, so that both become jump tables. */
function printSwitch(context, fields) {
  const { f } = context;
  const sorted = [...fields].sort((a, b) => a.number - b.number);
  const low = sorted.filter((field) => field.number < 16);
  const high = sorted.filter((field) => field.number >= 16);
  const both = low.length > 0 && high.length > 0;
  if (both) f.print("      if (tag < 128) {");
  for (const [i, list] of [low, high].filter((one) => one.length > 0).entries()) {
    if (i === 1) f.print("      } else {");
    f.print("      switch (tag >>> 3) {");
    for (const field of list) printCase(context, field);
    f.print("        default:");
    f.print("          pos = this.unknown(tag, pos);");
    f.print("      }");
  }
  if (both) f.print("      }");
}

const len = ["let n = pos < end ? buf[pos] : 255;", "if (n < 128) pos++;", "else {", "  this.pos = pos;", "  n = this.varint32();", "  pos = this.pos;", "}"];

function printCase({ f, runtime }, field) {
  const name = field.localName;
  const print = (...parts) => f.print("          ", ...parts);
  const oddUnless = (wanted) => print("if ((tag & 7) !== ", wanted, ") this.odd(tag, pos);");
  const length = () => {
    for (const line of len) print(line);
    print("if (n > end - pos) ", runtime("truncated"), "(pos);");
  };
  const grow = (...arrays) => {
    print("const i = this.", name, "Count++;");
    print("if (i === this.", arrays[0], ".length) {");
    for (const array of arrays) print("  this.", array, " = ", runtime("grown"), "(this.", array, ");");
    print("}");
  };
  f.print("        case ", field.number, ": {");
  if (field.fieldKind === "list" && field.listKind === "enum") {
    printEnums({ print, runtime, oddUnless, length, grow }, name);
  } else if (field.fieldKind === "list") {
    oddUnless(wire.bytes);
    length();
    grow(`${name}Start`, `${name}End`);
    print("this.", name, "Start[i] = pos;");
    print("this.", name, "End[i] = pos += n;");
  } else if (field.fieldKind === "map") {
    oddUnless(wire.bytes);
    length();
    print("this.mapEntry(pos, pos + n);");
    print("pos += n;");
    grow(`${name}KeyStart`, `${name}KeyEnd`, `${name}ValueStart`, `${name}ValueEnd`);
    for (const part of ["keyStart", "keyEnd", "valueStart", "valueEnd"]) print("this.", name, capital(part), "[i] = this.", part, ";");
  } else if (wireType(field) === wire.bytes) {
    oddUnless(wire.bytes);
    length();
    print("if (this.", name, "End !== 0) this.hasUnknown = true;");
    print("this.", name, "Start = pos;");
    print("this.", name, "End = pos += n;");
    if (field.fieldKind === "message" || isOptional(field)) print("this.has", capital(name), " = true;");
  } else {
    oddUnless(wireType(field));
    printNumber({ print, runtime }, field, name);
    if (isOptional(field)) print("this.has", capital(name), " = true;");
  }
  print("break;");
  f.print("        }");
}

function printNumber({ print, runtime }, field, name) {
  if (field.scalar === ScalarType.DOUBLE) {
    print("if (end - pos < 8) ", runtime("truncated"), "(pos);");
    print("this.", name, " = ", runtime("doubleAt"), "(buf, pos);");
    print("pos += 8;");
    return;
  }
  const wide = is64(field);
  print("const b = pos < end ? buf[pos] : 255;");
  print("if (b < 128) {");
  print("  pos++;");
  print("  this.", name, " = b", field.scalar === ScalarType.BOOL ? " !== 0" : "", ";");
  if (wide) {
    print("  this.", name, "Lo = b;");
    print("  this.", name, "Hi = 0;");
  }
  print("} else {");
  print("  this.pos = pos;");
  if (wide || field.scalar === ScalarType.BOOL) print("  this.varint64();");
  if (field.scalar === ScalarType.BOOL) print("  this.", name, " = this.lo !== 0 || this.hi !== 0;");
  else if (wide) {
    print("  this.", name, " = ", field.scalar === ScalarType.INT64 ? "(this.hi | 0)" : "this.hi", " * 4294967296 + this.lo;");
    print("  this.", name, "Lo = this.lo;");
    print("  this.", name, "Hi = this.hi;");
  } else print("  this.", name, " = this.varint32()", field.scalar === ScalarType.UINT32 ? "" : " | 0", ";");
  print("  pos = this.pos;");
  print("}");
}

/** Repeated enums come packed or one by one. */
function printEnums({ print, runtime, oddUnless, length, grow }, name) {
  const one = () => {
    print("let value = pos < end ? buf[pos] : 255;");
    print("if (value < 128) pos++;");
    print("else {");
    print("  this.pos = pos;");
    print("  value = this.varint32() | 0;");
    print("  pos = this.pos;");
    print("}");
    grow(name);
    print("this.", name, "[i] = value;");
  };
  print("if ((tag & 7) === ", wire.bytes, ") {");
  length();
  print("const packedEnd = pos + n;");
  print("while (pos < packedEnd) {");
  one();
  print("}");
  print("if (pos > packedEnd) ", runtime("truncated"), "(pos);");
  print("} else {");
  oddUnless(wire.varint);
  one();
  print("}");
}
