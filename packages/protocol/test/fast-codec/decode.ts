import { isUtf8 } from "node:buffer";
import { type DescField, type DescMessage, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type AnyReader, fast } from "./messages.js";

/**
 * A message as both codecs must see it: set fields by name. Text and bytes as hex, 64-bit numbers as hex of 16 digits, doubles as hex of their
 * bits, nested messages as objects, maps as sorted pairs.
 */
export type Plain = { [field: string]: unknown };

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

// ---- protobuf-es ----

export function esDecode(desc: DescMessage, bytes: Uint8Array): Plain {
  return esPlain(reflect(desc, fromBinary(desc, bytes)));
}

function esPlain(message: ReflectMessage): Plain {
  const plain: Plain = {};
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const name = field.localName;
    if (field.fieldKind === "list") plain[name] = [...message.get(field)].map((one) => esValue(field, one));
    else if (field.fieldKind === "map") {
      const entries = [...message.get(field)].map(([key, one]) => [hex(Buffer.from(String(key))), esPlain(one as ReflectMessage)]);
      plain[name] = entries.sort(([a], [b]) => (a < b ? -1 : 1));
    } else plain[name] = esValue(field, message.get(field));
  }
  return plain;
}

function esValue(field: DescField, value: unknown): unknown {
  if (field.message) return esPlain(value as ReflectMessage);
  if (typeof value === "bigint") return [wide(BigInt.asUintN(64, value)), Number(value)];
  if (typeof value === "string") return hex(Buffer.from(value));
  if (value instanceof Uint8Array) return hex(value);
  return field.fieldKind === "scalar" && field.scalar === ScalarType.DOUBLE ? bits(value as number) : value;
}

const wide = (value: bigint) => value.toString(16).padStart(16, "0");

function bits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return Number.isNaN(value) ? "nan" : hex(new Uint8Array(view.buffer));
}

// ---- the fast codec ----

export interface FastDecoded {
  plain: Plain;
  /** `hasUnknown` of any reader. */
  hasUnknown: boolean;
}

export function fastDecode(desc: DescMessage, bytes: Uint8Array, start = 0, end = bytes.length, depth = 1): FastDecoded {
  const reader = fast(desc).newReader();
  reader.groupsMax = 100 - depth;
  reader.read(bytes, start, end);
  const decoded: FastDecoded = { plain: {}, hasUnknown: reader.hasUnknown };
  for (const field of desc.fields) {
    const value = fastField(reader, field, bytes, depth, decoded);
    if (value !== undefined) decoded.plain[field.localName] = value;
  }
  return decoded;
}

function fastField(reader: AnyReader, field: DescField, bytes: Uint8Array, depth: number, decoded: FastDecoded): unknown {
  const name = field.localName;
  const at = (member: string) => reader[name + member] as number;
  const nested = (message: DescMessage, start: number, end: number) => {
    const inner = fastDecode(message, bytes, start, end, depth + 1);
    decoded.hasUnknown ||= inner.hasUnknown;
    return inner.plain;
  };
  const text = (start: number, end: number, utf8: boolean) => {
    const range = bytes.subarray(start, end);
    if (utf8 && !isUtf8(range)) throw new Error(`${name} is not UTF-8`);
    const bom = utf8 && range[0] === 0xef && range[1] === 0xbb && range[2] === 0xbf; // protobuf-es drops it, the fast codec keeps bytes
    return hex(bom ? range.subarray(3) : range);
  };
  if (field.fieldKind === "list" || field.fieldKind === "map") {
    const count = at("Count");
    if (count === 0) return undefined;
    const array = (member: string) => reader[name + member] as Int32Array;
    const positions = Array.from({ length: count }, (_, i) => i);
    if (field.fieldKind === "map") {
      const entries = new Map<string, Plain>();
      const message = field.message as DescMessage;
      for (const i of positions) {
        const key = text(array("KeyStart")[i], array("KeyEnd")[i], true);
        entries.set(key, nested(message, array("ValueStart")[i], array("ValueEnd")[i]));
      }
      return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    }
    if (field.listKind === "enum") return positions.map((i) => array("")[i]);
    const message = field.message;
    if (message) return positions.map((i) => nested(message, array("Start")[i], array("End")[i]));
    return positions.map((i) => text(array("Start")[i], array("End")[i], field.listKind === "scalar" && field.scalar === ScalarType.STRING));
  }
  const optional = field.fieldKind !== "message" && field.presence === 1;
  const has = reader[`has${name[0].toUpperCase()}${name.slice(1)}`];
  if (field.fieldKind === "message") return has ? nested(field.message, at("Start"), at("End")) : undefined;
  if (optional && !has) return undefined;
  if (field.fieldKind === "scalar" && (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES)) {
    const value = text(at("Start"), at("End"), field.scalar === ScalarType.STRING);
    return value === "" && !optional ? undefined : value;
  }
  const value = reader[name] as number | boolean;
  if (field.fieldKind === "scalar" && (field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64)) {
    const exact = (BigInt(at("Hi")) << 32n) | BigInt(at("Lo"));
    return exact === 0n && !optional ? undefined : [wide(exact), value];
  }
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.DOUBLE) return Object.is(value, 0) && !optional ? undefined : bits(value as number);
  return (value === 0 || value === false) && !optional ? undefined : value;
}
