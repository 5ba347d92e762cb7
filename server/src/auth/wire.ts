import type { DescField } from "@bufbuild/protobuf";

/** How often a list's field is in a message, or the value of a number field, at least 1; for the price of a call. Bytes that are no message count 1. */
export function countField(bytes: Uint8Array, field: Pick<DescField, "number" | "fieldKind">): number {
  let count = 0;
  let value = 0;
  let pos = 0;
  while (pos < bytes.length) {
    let tag = 0;
    [tag, pos] = varint(bytes, pos);
    const found = Math.floor(tag / 8) === field.number;
    const wire = tag % 8;
    if (found) count++;
    let n = 0;
    if (wire === 0) [n, pos] = varint(bytes, pos);
    else if (wire === 1) pos += 8;
    else if (wire === 5) pos += 4;
    else if (wire === 2) {
      [n, pos] = varint(bytes, pos);
      pos += n;
    } else break;
    if (found && wire === 0) value = n;
  }
  if (field.fieldKind === "list") return count;
  return Math.max(1, value > 0x7fffffff ? 1 : value);
}

function varint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  let factor = 1;
  for (let pos = at; pos < bytes.length && pos < at + 10; pos++) {
    const b = bytes[pos];
    value += (b & 127) * factor;
    if (b < 128) return [value, pos + 1];
    factor *= 128;
  }
  return [0, bytes.length];
}
