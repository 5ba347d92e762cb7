import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/**
 * What the two codecs are allowed to differ in, found out by other means than theirs: by walking over the bytes with protobuf-es's
 * BinaryReader and the descriptors.
 */
export interface Facts {
  /** A nested message, map entry or packed list runs past its own end: protobuf-es reads on, the fast codec refuses. */
  overrun: boolean;
  /** What `hasUnknown` must say. */
  odd: boolean;
  /** A message field or map value came more than once: protobuf-es merges or replaces, the fast codec shows the last one. */
  merged: boolean;
}

/** For bytes that protobuf-es accepts. */
export function factsOf(desc: DescMessage, bytes: Uint8Array): Facts {
  const facts: Facts = { overrun: false, odd: false, merged: false };
  walk(desc, new BinaryReader(bytes), bytes.length, facts, 1);
  return facts;
}

function walk(desc: DescMessage, reader: BinaryReader, end: number, facts: Facts, depth: number): void {
  const seen = new Set<number>();
  while (reader.pos < end) {
    const [no, wireType] = reader.tag();
    const field = desc.fields.find((one) => one.number === no);
    if (field === undefined) {
      facts.odd = true;
      reader.skip(wireType, no, 100 - depth);
    } else {
      const singularBytes = field.fieldKind === "message" || (field.fieldKind === "scalar" && isBytes(field.scalar));
      if (singularBytes && seen.has(no)) {
        facts.odd = true;
        facts.merged ||= field.fieldKind === "message";
      }
      seen.add(no);
      walkField(field, wireType, reader, facts, depth);
    }
    if (reader.pos > end) facts.overrun = true;
  }
}

function walkField(field: DescField, wireType: WireType, reader: BinaryReader, facts: Facts, depth: number): void {
  const expect = (wanted: WireType) => {
    if (wireType !== wanted) facts.odd = true;
  };
  if (field.fieldKind === "map") {
    expect(WireType.LengthDelimited);
    const end = reader.uint32() + reader.pos;
    walkEntry(field.message as DescMessage, reader, end, facts, depth);
    if (reader.pos > end) facts.overrun = true;
  } else if (field.message) {
    expect(WireType.LengthDelimited);
    const end = reader.uint32() + reader.pos;
    walk(field.message, reader, end, facts, depth + 1);
    if (reader.pos > end) facts.overrun = true;
  } else if (field.fieldKind === "list" && field.listKind === "enum") {
    if (wireType !== WireType.LengthDelimited) {
      expect(WireType.Varint);
      reader.int32();
      return;
    }
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) reader.int32();
    if (reader.pos > end) facts.overrun = true;
  } else if (field.scalar !== undefined && isBytes(field.scalar)) {
    expect(WireType.LengthDelimited);
    reader.bytes();
  } else if (field.scalar === ScalarType.DOUBLE) {
    expect(WireType.Bit64);
    reader.double();
  } else {
    expect(WireType.Varint);
    reader.uint64();
  }
}

function walkEntry(value: DescMessage, reader: BinaryReader, end: number, facts: Facts, depth: number): void {
  const seen = new Set<number>();
  while (reader.pos < end) {
    const [no, wireType] = reader.tag();
    if (no > 2 || seen.has(no) || wireType !== WireType.LengthDelimited) facts.odd = true;
    if (no > 2) continue;
    if (no === 2 && seen.has(no)) facts.merged = true;
    seen.add(no);
    if (no === 1) reader.bytes();
    else {
      const valueEnd = reader.uint32() + reader.pos;
      walk(value, reader, valueEnd, facts, depth + 1);
      if (reader.pos > valueEnd) facts.overrun = true;
    }
    if (reader.pos > end) facts.overrun = true;
  }
}

function isBytes(scalar: ScalarType): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}
