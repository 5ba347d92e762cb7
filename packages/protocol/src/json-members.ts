import { scanJsonValue } from "./json.js";
import { textOf } from "./utf8.js";

/** JSON white space: nothing else counts as such. */
function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d;
}

/** To behind white space and, where wanted, one more byte like a comma or colon. */
function skip(buf: Uint8Array, at: number, end: number, also = 0): number {
  let pos = at;
  while (pos < end && (isSpace(buf[pos]) || buf[pos] === also)) pos++;
  return pos;
}

/** True when there is nothing but JSON white space. */
export function isBlank(buf: Uint8Array, start: number, end: number): boolean {
  return skip(buf, start, end) === end;
}

/** True when a valid JSON text is an object. */
export function isJsonObject(buf: Uint8Array, start: number, end: number): boolean {
  const pos = skip(buf, start, end);
  return pos < end && buf[pos] === 0x7b;
}

/** A place in a buffer. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Finds a member of a valid JSON object and leaves the range of its value in `found`. Like `JSON.parse`, the last one of a name counts.
 * False when the text is no object or has no such member.
 */
export function jsonMember(buf: Uint8Array, start: number, end: number, name: string, found: ByteRange): boolean {
  let hit = false;
  eachJsonMember(buf, start, end, (keyStart, keyEnd, valueStart, valueEnd) => {
    if (!nameIs(buf, keyStart, keyEnd, name)) return;
    hit = true;
    found.start = valueStart;
    found.end = valueEnd;
  });
  return hit;
}

/** Visits the members of a valid JSON object in order: range of the name without its quotes (escapes as they stand), range of the value. */
export function eachJsonMember(
  buf: Uint8Array,
  start: number,
  end: number,
  visit: (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void,
): void {
  if (!isJsonObject(buf, start, end)) return;
  let pos = skip(buf, start, end) + 1;
  for (;;) {
    const keyStart = skip(buf, pos, end, 0x2c);
    if (keyStart >= end || buf[keyStart] !== 0x22) return;
    const keyEnd = scanJsonValue(buf, keyStart, end);
    if (keyEnd < 0) return;
    const valueStart = skip(buf, keyEnd, end, 0x3a);
    pos = scanJsonValue(buf, valueStart, end);
    if (pos < 0) return;
    visit(keyStart + 1, keyEnd - 1, valueStart, pos);
  }
}

/** Visits the items of a valid JSON array in order. Nothing when the text is no array. */
export function eachJsonItem(buf: Uint8Array, start: number, end: number, visit: (start: number, end: number) => void): void {
  let pos = skip(buf, start, end);
  if (pos >= end || buf[pos] !== 0x5b) return;
  pos++;
  for (;;) {
    const at = skip(buf, pos, end, 0x2c);
    if (at >= end || buf[at] === 0x5d) return;
    pos = scanJsonValue(buf, at, end);
    if (pos < 0) return;
    visit(at, pos);
  }
}

function nameIs(buf: Uint8Array, start: number, end: number, name: string): boolean {
  for (let i = start; i < end; i++) {
    if (buf[i] === 0x5c || buf[i] > 127) return (JSON.parse(`"${textOf(buf, start, end)}"`) as string) === name;
  }
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (buf[start + i] !== name.charCodeAt(i)) return false;
  return true;
}
