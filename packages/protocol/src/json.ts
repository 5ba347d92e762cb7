import { isUtf8 } from "node:buffer";
import { limits } from "./limits.js";

/** Where a text stops being JSON, and what should stand there. */
export interface JsonFault {
  /** Offset from the start of the text, in bytes. */
  readonly offset: number;
  /** For example `a value`, `, or }`. */
  readonly expected: string;
}

/**
 * Says why `[start, end)` is not one JSON text (RFC 8259), or undefined when it is. Beyond the RFC: values nest at most
 * `limits.jsonDepthMax` deep, and bytes must be UTF-8. Escaped lone surrogates (`"\ud800"`) are JSON and pass.
 * Nothing is allocated for a valid text of ASCII.
 */
export function checkJson(buf: Uint8Array, start: number, end: number): JsonFault | undefined {
  return scan(buf, start, end) ? undefined : { offset: faultAt - start, expected: faultExpected };
}

/**
 * Finds the end of the one JSON value whose first byte is at `start`; what follows it does not matter. Returns the offset behind the
 * value, or -1 when it is not JSON or nests too deeply. UTF-8 is not looked at.
 */
export function scanJsonValue(buf: Uint8Array, start: number, end: number): number {
  prefixOnly = true;
  const found = scan(buf, start, end);
  prefixOnly = false;
  return found ? valueEnd : -1;
}

/** A fault as words: `expected a value at byte 7`. */
export function jsonFaultText(fault: JsonFault): string {
  return `expected ${fault.expected} at byte ${fault.offset}`;
}

/** `scan` stops behind the first value and leaves the offset here. */
let prefixOnly = false;
let valueEnd = 0;

let faultAt = 0;
let faultExpected = "";
function fault(at: number, expected: string): false {
  faultAt = at;
  faultExpected = expected;
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openObject = 0x7b;
const openArray = 0x5b;

/** 1: ends the fast walk through a string: quote, backslash, control characters, bytes that are not ASCII. */
const stopsString = new Uint8Array(256).fill(1, 128);
stopsString.fill(1, 0, 32);
stopsString[quote] = 1;
stopsString[backslash] = 1;
const isSpace = new Uint8Array(256);
for (const c of [0x20, 0x09, 0x0a, 0x0d]) isSpace[c] = 1;
const isDigit = new Uint8Array(256);
for (let c = 0x30; c <= 0x39; c++) isDigit[c] = 1;
const isHex = new Uint8Array(256);
for (const c of "0123456789abcdefABCDEF") isHex[c.charCodeAt(0)] = 1;
const isEscape = new Uint8Array(256);
for (const c of '"\\/bfnrt') isEscape[c.charCodeAt(0)] = 1;

/** For each level the byte that opened it. */
const levels = new Uint8Array(limits.jsonDepthMax + 1);
/** True when a string holds bytes that are not ASCII: then all of the text is checked to be UTF-8 at the end. */
let beyondAscii = false;

function scan(buf: Uint8Array, start: number, end: number): boolean {
  let depth = 0;
  let pos = start;
  beyondAscii = false;
  // Each turn reads one value, or opens an object or array and goes on to its first one.
  value: for (;;) {
    if (pos < end && buf[pos] <= 0x20) pos = space(buf, pos, end);
    if (pos >= end) return fault(pos, "a value");
    const c = buf[pos];
    if (c === quote) {
      pos = string(buf, pos + 1, end);
      if (pos < 0) return false;
    } else if (c === openObject || c === openArray) {
      if (depth >= limits.jsonDepthMax) return fault(pos, `at most ${limits.jsonDepthMax} levels`);
      levels[++depth] = c;
      pos++;
      if (pos < end && buf[pos] <= 0x20) pos = space(buf, pos, end);
      if (pos >= end || buf[pos] !== c + 2) {
        if (c === openArray) continue;
        pos = key(buf, pos, end, "a name or }");
        if (pos < 0) return false;
        continue;
      }
      depth--; // an empty one is a value that has ended
      pos++;
    } else {
      pos = c === 0x2d || isDigit[c] === 1 ? number(buf, pos, end) : word(buf, pos, end, c);
      if (pos < 0) return false;
    }
    // A value has ended: what comes next?
    for (;;) {
      if (depth === 0 && prefixOnly) {
        valueEnd = pos;
        return true;
      }
      if (pos < end && buf[pos] <= 0x20) pos = space(buf, pos, end);
      if (depth === 0) {
        if (pos < end) return fault(pos, "nothing more");
        return !beyondAscii || isUtf8(buf.subarray(start, end)) || fault(badUtf8(buf, start, end), "UTF-8");
      }
      const opener = levels[depth];
      const next = pos < end ? buf[pos] : 0;
      if (next === comma) {
        pos++;
        if (opener === openObject) {
          pos = key(buf, pos, end, "a name");
          if (pos < 0) return false;
        }
        continue value;
      }
      if (next !== opener + 2) return fault(pos, opener === openObject ? ", or }" : ", or ]");
      depth--;
      pos++;
    }
  }
}

/** To behind white space. */
function space(buf: Uint8Array, at: number, end: number): number {
  let pos = at;
  while (pos < end && isSpace[buf[pos]] === 1) pos++;
  return pos;
}

/** From the place of a name to behind its colon; -1: a fault. */
function key(buf: Uint8Array, at: number, end: number, expected: string): number {
  let pos = at;
  if (pos < end && buf[pos] <= 0x20) pos = space(buf, pos, end);
  if (pos >= end || buf[pos] !== quote) {
    fault(pos, expected);
    return -1;
  }
  pos = string(buf, pos + 1, end);
  if (pos < 0) return -1;
  if (pos < end && buf[pos] <= 0x20) pos = space(buf, pos, end);
  if (pos < end && buf[pos] === colon) return pos + 1;
  fault(pos, ":");
  return -1;
}

/** From behind the opening quote to behind the closing one; -1: a fault. */
function string(buf: Uint8Array, at: number, end: number): number {
  let pos = at;
  for (;;) {
    while (pos + 4 <= end && (stopsString[buf[pos]] | stopsString[buf[pos + 1]] | stopsString[buf[pos + 2]] | stopsString[buf[pos + 3]]) === 0) pos += 4;
    while (pos < end && stopsString[buf[pos]] === 0) pos++;
    if (pos < end && buf[pos] === quote) return pos + 1;
    pos = inString(buf, pos, end);
    if (pos < 0) return -1;
  }
}

/** Behind what stopped the walk through a string and is not a quote; -1: a fault. */
function inString(buf: Uint8Array, at: number, end: number): number {
  let pos = at;
  const c = pos < end ? buf[pos] : 0;
  if (c > 127) {
    beyondAscii = true;
    while (pos < end && buf[pos] > 127) pos++;
    return pos;
  }
  if (c !== backslash) {
    fault(pos, pos < end ? "an escape for a control character" : 'the end of a string, "');
    return -1;
  }
  const escaped = ++pos < end ? buf[pos] : 0;
  if (isEscape[escaped] === 1) return pos + 1;
  if (escaped !== 0x75) {
    fault(pos, 'one of "\\/bfnrtu');
    return -1;
  }
  for (let i = 1; i <= 4; i++) {
    if (pos + i >= end || isHex[buf[pos + i]] !== 1) {
      fault(Math.min(pos + i, end), "4 hexadecimal digits");
      return -1;
    }
  }
  return pos + 5;
}

function number(buf: Uint8Array, at: number, end: number): number {
  let pos = at;
  if (buf[pos] === 0x2d) pos++;
  if (pos < end && buf[pos] === 0x30) pos++;
  else {
    pos = digits(buf, pos, end);
    if (pos < 0) return -1;
  }
  if (pos < end && buf[pos] === 0x2e) {
    pos = digits(buf, pos + 1, end);
    if (pos < 0) return -1;
  }
  if (pos < end && (buf[pos] === 0x65 || buf[pos] === 0x45)) {
    pos++;
    if (pos < end && (buf[pos] === 0x2b || buf[pos] === 0x2d)) pos++;
    pos = digits(buf, pos, end);
  }
  return pos;
}

function digits(buf: Uint8Array, at: number, end: number): number {
  let pos = at;
  while (pos < end && isDigit[buf[pos]] === 1) pos++;
  if (pos > at) return pos;
  fault(pos, "a digit");
  return -1;
}

function word(buf: Uint8Array, at: number, end: number, first: number): number {
  const text = first === 0x74 ? "true" : first === 0x66 ? "false" : first === 0x6e ? "null" : "";
  if (text !== "" && at + text.length <= end) {
    let i = 1;
    while (i < text.length && buf[at + i] === text.charCodeAt(i)) i++;
    if (i === text.length) return at + i;
  }
  fault(at, "a value");
  return -1;
}

/** Offset of the first byte that does not belong to UTF-8. Only for telling. */
function badUtf8(buf: Uint8Array, start: number, end: number): number {
  let good = start;
  let bad = end;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    let cut = middle; // never cut a sequence that may be good
    while (cut > good && (buf[cut] & 0xc0) === 0x80 && middle - cut < 4) cut--;
    if (cut === good) break;
    if (isUtf8(buf.subarray(start, cut))) good = cut;
    else bad = cut;
  }
  return good;
}
