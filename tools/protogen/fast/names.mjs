// What the generated code calls things.
import { ScalarType } from "@bufbuild/protobuf";

export const wire = { varint: 0, bit64: 1, bytes: 2 };

/** Wire type that a field is written with. */
export function wireType(field) {
  if (field.fieldKind === "list" || field.fieldKind === "map" || field.fieldKind === "message") return wire.bytes;
  if (field.fieldKind === "enum") return wire.varint;
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return wire.bytes;
  return field.scalar === ScalarType.DOUBLE ? wire.bit64 : wire.varint;
}

export const tagOf = (field) => field.number * 8 + wireType(field);
export const isOptional = (field) => field.fieldKind !== "message" && field.presence === 1;
export const is64 = (field) => field.fieldKind === "scalar" && (field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64);
export const isText = (field) => field.fieldKind === "scalar" && (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES);
export const capital = (name) => name[0].toUpperCase() + name.slice(1);

/** `Outer.Inner` is OuterInner. */
export function className(message) {
  return message.parent ? className(message.parent) + message.name : message.name;
}
