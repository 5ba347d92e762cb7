import { isUtf8 } from "node:buffer";

/** Up to here a loop that stops at the first byte that is not ASCII is faster than a call into native code. */
const loopBytesMax = 64;

/** True when `[start, end)` is well-formed UTF-8, which is what protobuf asks of every string. */
export function isUtf8Range(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start > loopBytesMax) return isUtf8(buf.subarray(start, end));
  for (let i = start; i < end; i++) if (buf[i] > 127) return isUtf8(buf.subarray(i, end));
  return true;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of a range. Bytes that are not UTF-8 become U+FFFD. */
export function textOf(buf: Uint8Array, start: number, end: number): string {
  return start === end ? "" : decoder.decode(buf.subarray(start, end));
}

/** True when the ASCII text `word` is all of `[start, end)`. */
export function rangeIs(buf: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (buf[start + i] !== word.charCodeAt(i)) return false;
  return true;
}
