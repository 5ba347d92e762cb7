import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Dice } from "./random.js";

/** Numbers at which encodings change their length or sign. */
export const edges64 = [
  0n,
  1n,
  127n,
  128n,
  16383n,
  16384n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const texts = [
  "",
  "a",
  "mail",
  "job_0123456789abcdef0123456789",
  "käse",
  "日本語",
  "😀",
  "x".repeat(63),
  "x".repeat(64),
  "x".repeat(65),
  "é".repeat(70),
  "y".repeat(127),
  "z".repeat(128),
  '{"a":[1,2]}',
  "\ufeffbom",
];

export function varint(value: bigint, padding = 0): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  for (let i = 0; i < padding; i++) {
    bytes[bytes.length - 1] |= 128;
    bytes.push(0);
  }
  return bytes;
}

export const tag = (no: number, wireType: number, padding = 0) => varint((BigInt(no) << 3n) | BigInt(wireType), padding);
export const delimited = (bytes: readonly number[]) => [...varint(BigInt(bytes.length)), ...bytes];

/** Bytes that are nearly always close to a message of this type: right fields, wrong wire types, unknown fields, groups, long varints. */
export function soup(dice: Dice, desc: DescMessage, depth = 0): number[] {
  const bytes: number[] = [];
  for (let n = dice.below(depth === 0 ? 7 : 4); n > 0; n--) bytes.push(...ingredient(dice, desc, depth));
  return bytes;
}

function ingredient(dice: Dice, desc: DescMessage, depth: number): number[] {
  const longer = dice.chance(5) ? dice.below(5) : 0;
  if (desc.fields.length > 0 && dice.chance(85)) {
    const field = dice.one(desc.fields);
    if (dice.chance(92)) return [...tag(field.number, wireTypeOf(dice, field), longer), ...content(dice, field, depth)];
    return [...tag(field.number, dice.below(8), longer), ...(dice.chance(50) ? content(dice, field, depth) : dice.bytes(dice.below(12)))];
  }
  return unknown(dice, dice.one([0, 1, 2, 3, 12, 15, 16, 99, 116, 2047, 2048, 536870911]), 3);
}

function unknown(dice: Dice, no: number, groups: number): number[] {
  const wireType = dice.below(dice.chance(95) ? 6 : 8);
  const start = tag(no, wireType, dice.chance(5) ? 1 : 0);
  switch (wireType) {
    case 0:
      return [...start, ...varint(dice.one(edges64), dice.chance(10) ? dice.below(8) : 0)];
    case 1:
      return [...start, ...dice.bytes(8)];
    case 2:
      return [...start, ...delimited(dice.bytes(dice.below(6)))];
    case 3:
      return groups === 0 ? start : [...start, ...unknown(dice, 1 + dice.below(9), groups - 1), ...tag(dice.chance(90) ? no : no + 1, 4)];
    case 5:
      return [...start, ...dice.bytes(4)];
    default:
      return start;
  }
}

function wireTypeOf(dice: Dice, field: DescField): number {
  if (field.fieldKind === "list" && field.listKind === "enum") return dice.one([0, 2]);
  if (field.message || field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return 2;
  return field.scalar === ScalarType.DOUBLE ? 1 : 0;
}

function content(dice: Dice, field: DescField, depth: number): number[] {
  const off = dice.chance(3) ? dice.below(5) - 2 : 0; // a length that is not the length
  const sized = (bytes: number[]) => [...varint(BigInt(Math.max(0, bytes.length + off)), dice.chance(3) ? 1 : 0), ...bytes];
  if (field.fieldKind === "map") {
    const parts = [
      [...tag(1, 2), ...delimited(text(dice, true))],
      [...tag(2, 2), ...sized(soup(dice, field.message as DescMessage, depth + 1))],
    ];
    if (dice.chance(10)) parts.reverse();
    if (dice.chance(10)) parts.push(parts[dice.below(2)]);
    if (dice.chance(5)) parts.splice(dice.below(2), 1);
    if (dice.chance(5)) parts.push(unknown(dice, 3, 1));
    return sized(parts.flat());
  }
  if (field.message) return sized(soup(dice, field.message, depth + 1));
  if (field.fieldKind === "list" && field.listKind === "enum") {
    const numbers = () => varint(dice.one(edges64), dice.chance(5) ? 2 : 0);
    return dice.chance(50) ? numbers() : sized(Array.from({ length: dice.below(12) }, numbers).flat());
  }
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return sized(text(dice, field.scalar === ScalarType.STRING));
  if (field.scalar === ScalarType.DOUBLE)
    return [...new Uint8Array(new Float64Array([dice.one([0, -0, 1.5, 1e300, Number.NaN, Number.NEGATIVE_INFINITY])]).buffer)];
  return varint(dice.one(edges64), dice.chance(10) ? dice.below(9) : 0);
}

function text(dice: Dice, utf8: boolean): number[] {
  if (dice.chance(utf8 ? 3 : 50)) return dice.bytes(dice.below(8));
  return [...Buffer.from(dice.one(texts))];
}

/** A few bytes flipped, lost, added or cut off. */
export function mutated(dice: Dice, from: readonly number[]): number[] {
  const bytes = [...from];
  for (let n = 1 + dice.below(3); n > 0; n--) {
    const at = dice.below(bytes.length + 1);
    switch (dice.below(4)) {
      case 0:
        if (at < bytes.length) bytes[at] ^= 1 << dice.below(8);
        break;
      case 1:
        bytes.splice(at, 1);
        break;
      case 2:
        bytes.splice(at, 0, dice.below(256));
        break;
      default:
        bytes.length = at;
    }
  }
  return bytes;
}

/** A valid message as an init for `create` and `encodeX` alike. */
export function init(dice: Dice, desc: DescMessage): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const field of desc.fields) if (dice.chance(60)) made[field.localName] = value(dice, field);
  return made;
}

function value(dice: Dice, field: DescField): unknown {
  const many = <T>(one: () => T) => Array.from({ length: dice.one([0, 1, 2, 9, 20]) }, one);
  const message = field.message;
  const enumeration = () => dice.one([0, 1, 2, 127, 128, 300, 2147483647, -1, -2147483648]);
  if (field.fieldKind === "map") return Object.fromEntries(many(() => [dice.one(texts), init(dice, message as DescMessage)]));
  if (field.fieldKind === "list" && message) return many(() => init(dice, message));
  if (message) return init(dice, message);
  if (field.fieldKind === "enum") return enumeration();
  if (field.fieldKind === "list" && field.listKind === "enum") return many(enumeration);
  const scalar = () => {
    switch (field.scalar) {
      case ScalarType.STRING:
        return dice.one(texts);
      case ScalarType.BYTES:
        return new Uint8Array(dice.bytes(dice.one([0, 1, 28, 29, 200])));
      case ScalarType.BOOL:
        return dice.chance(50);
      case ScalarType.DOUBLE:
        return dice.one([0, -0, 1, -1.5, 1e300, Number.POSITIVE_INFINITY]);
      case ScalarType.INT64:
        return BigInt.asIntN(64, dice.one(edges64));
      case ScalarType.UINT64:
        return dice.one(edges64);
      case ScalarType.UINT32:
        return Number(BigInt.asUintN(32, dice.one(edges64)));
      default:
        return Number(BigInt.asIntN(32, dice.one(edges64)));
    }
  };
  return field.fieldKind === "list" ? many(scalar) : scalar();
}
