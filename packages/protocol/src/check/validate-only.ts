/** The tag of `bool validate_only = 190`, the same in every request that has it. */
const tag = Buffer.from([0xf0, 0x0b]);
const field = 190 << 3;

/** Does the request say `validate_only`? The last one counts. `request` has passed its door. Costs next to nothing where it does not. */
export function validateOnly(request: Uint8Array): boolean {
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength);
  if (!bytes.includes(tag)) return false;
  let found = false;
  let pos = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; pos < bytes.length; shift += 7) {
      const b = bytes[pos++];
      if (shift < 32) value |= (b & 127) << shift;
      if (b < 128) break;
    }
    return value >>> 0;
  };
  while (pos < bytes.length) {
    const at = varint();
    if ((at & 7) === 2) {
      const length = varint();
      pos += length;
    } else if ((at & 7) === 0) {
      const value = varint();
      if (at === field) found = value !== 0;
    } else pos += (at & 7) === 1 ? 8 : 4;
  }
  return found;
}
