import { JsonReader } from "./json-reader.js";
import { type FieldPlan, Kind } from "./plan.js";
import { ProtoOut } from "./proto-out.js";
import { parseTimestamp, timestamp } from "./time.js";

/** Single values that are neither messages nor lists: reads one as JSON and writes it as protobuf. `zero`: also a zero value is written. Tag 0: no tag. */
export abstract class JsonValues extends JsonReader {
  protected readonly out = new ProtoOut(65_536);
  /** Inside a list that stands for a map: objects of JSON may be given as text. */
  protected textForms = false;

  /** The slice of the value as it was sent. */
  protected json(field: FieldPlan, tag: number): void {
    const start = this.pos;
    if (this.textForms && field.objectOnly && this.buf[start] === 0x22) return this.objectInText(tag);
    const stop = this.skip();
    if (field.objectOnly && this.buf[start] !== 0x7b) this.wrong("must be an object");
    this.out.tag(tag);
    this.out.varint(stop - start);
    this.out.put(this.buf, start, stop);
  }

  /** A JSON object that came as text; another text becomes the member `text` of one, an empty one is absent. */
  private objectInText(tag: number): void {
    const text = this.plainString();
    if (text.trim() === "") return;
    const given = Buffer.from(text.trim());
    const isObject = given[0] === 0x7b && this.scanJson(given, 0, given.length) === given.length;
    const bytes = isObject ? given : Buffer.from(JSON.stringify({ text }));
    this.out.tag(tag);
    this.out.varint(bytes.length);
    this.out.put(bytes, 0, bytes.length);
  }

  protected string(tag: number, zero: boolean) {
    const { buf, end } = this;
    if (buf[this.pos] !== 0x22) this.mistyped("must be a string");
    const start = this.pos + 1;
    let p = start;
    for (; p < end; p++) {
      const c = buf[p];
      if (c === 0x22) break;
      if (c === 0x5c) return this.escaped(tag);
      if (c < 0x20) this.syntax(undefined, p);
    }
    if (p >= end) this.syntax(undefined, p);
    this.pos = p + 1;
    if (p === start && !zero) return;
    this.out.tag(tag);
    this.out.varint(p - start);
    this.out.put(buf, start, p);
  }

  /** A string with escapes: written from the start, its length patched in. */
  private escaped(tag: number): void {
    const mark = this.out.open(tag);
    const { buf, end, out } = this;
    let p = this.pos + 1;
    for (;;) {
      if (p >= end) this.syntax(undefined, p);
      out.ensure(8);
      const c = buf[p++];
      if (c === 0x22) break;
      if (c < 0x20) this.syntax(undefined, p - 1);
      if (c !== 0x5c) {
        out.buf[out.pos++] = c;
        continue;
      }
      const e = buf[p++];
      if (e !== 0x75) {
        const plain = escapes[e];
        if (plain === 0 || plain === undefined) this.syntax(undefined, p - 1);
        out.buf[out.pos++] = plain;
        continue;
      }
      let code = this.hex4(p);
      p += 4;
      if (code >= 0xd800 && code < 0xe000) {
        const low = code < 0xdc00 && buf[p] === 0x5c && buf[p + 1] === 0x75 ? this.hex4(p + 2) : 0;
        if (low < 0xdc00 || low > 0xdfff) this.wrong("has half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
      }
      out.pos = writeUtf8(out.buf, out.pos, code);
    }
    this.pos = p;
    this.out.close(mark);
  }

  private hex4(at: number): number {
    let code = 0;
    for (let i = at; i < at + 4; i++) {
      const digit = i < this.end ? hexDigits[this.buf[i]] : 255;
      if (digit === 255) this.syntax(undefined, i);
      code = code * 16 + digit;
    }
    return code;
  }

  /** Reads a string value as a JavaScript string: for keys, words and times, never for what is passed on. */
  protected plainString(): string {
    const start = this.pos;
    if (this.buf[start] !== 0x22) this.mistyped("must be a string");
    const stop = this.skip();
    return JSON.parse(Buffer.from(this.buf.buffer, this.buf.byteOffset + start, stop - start).toString()) as string;
  }

  protected bool(tag: number, zero: boolean): void {
    const c = this.buf[this.pos];
    if (c !== 0x74 && c !== 0x66) this.mistyped("must be true or false");
    this.word(c === 0x74 ? "true" : "false");
    if (c === 0x66 && !zero) return;
    this.out.tag(tag);
    this.out.varint(c === 0x74 ? 1 : 0);
  }

  protected integer(kind: Kind, tag: number, zero: boolean, min: number, max: number): void {
    const value = this.number("must be a whole number");
    if (!Number.isInteger(value)) this.wrong("must be a whole number");
    if (value < min || value > max) this.wrong(`must be between ${min} and ${max}`);
    if (value === 0 && !zero) return;
    this.out.tag(tag);
    if (kind === Kind.int32 || kind === Kind.uint32) this.out.signed(value);
    else if (kind === Kind.sint32) this.out.varint(value < 0 ? -value * 2 - 1 : value * 2);
    else {
      this.out.ensure(4);
      this.out.pos = kind === Kind.fixed32 ? this.out.buf.writeUInt32LE(value, this.out.pos) : this.out.buf.writeInt32LE(value, this.out.pos);
    }
  }

  /** 64-bit integers are exact, as a number or as a string of digits. */
  protected long(kind: Kind, tag: number, zero: boolean): void {
    const quoted = this.buf[this.pos] === 0x22;
    const start = quoted ? this.pos + 1 : this.pos;
    if (quoted) {
      const first = this.buf[start];
      if (first !== 0x2d && !(first >= 0x30 && first <= 0x39)) this.mistyped("must be a whole number");
      this.pos++;
    }
    const short = this.number("must be a whole number");
    let value = BigInt(0);
    if (!Number.isInteger(short)) this.wrong("must be a whole number");
    if (Number.isSafeInteger(short)) value = BigInt(short);
    else {
      const text = Buffer.from(this.buf.subarray(start, Math.min(this.pos, start + 24))).toString("latin1");
      if (!/^-?\d{1,20}$/.test(text) || this.pos - start > 21) this.wrong("must be a whole number of 64 bits");
      value = BigInt(text);
    }
    if (quoted && this.buf[this.pos++] !== 0x22) this.wrong("must be a whole number");
    const unsigned = kind === Kind.uint64 || kind === Kind.fixed64;
    if (value !== (unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value))) this.wrong("must be a whole number of 64 bits");
    if (short === 0 && !zero) return;
    this.out.tag(tag);
    if (kind === Kind.int64 || kind === Kind.uint64) {
      if (short >= 0 && short <= Number.MAX_SAFE_INTEGER) this.out.varint(short);
      else this.out.bigVarint(BigInt.asUintN(64, value));
    } else if (kind === Kind.sint64) this.out.bigVarint(value < 0n ? -value * 2n - 1n : value * 2n);
    else {
      this.out.ensure(8);
      this.out.pos = this.out.buf.writeBigUInt64LE(BigInt.asUintN(64, value), this.out.pos);
    }
  }

  protected float(kind: Kind, tag: number, zero: boolean): void {
    const value = this.number("must be a number");
    if (!Number.isFinite(value) || (kind === Kind.float && !Number.isFinite(Math.fround(value)))) this.wrong("is too large");
    if (Object.is(value, 0) && !zero) return;
    this.out.tag(tag);
    this.out.ensure(8);
    this.out.pos = kind === Kind.float ? this.out.buf.writeFloatLE(value, this.out.pos) : this.out.buf.writeDoubleLE(value, this.out.pos);
  }

  protected enumeration(field: FieldPlan, tag: number, zero: boolean): void {
    let value: number | undefined;
    if (this.buf[this.pos] === 0x22) {
      const word = this.plainString();
      value = field.numbers?.get(word.toLowerCase());
      if (value === undefined) this.wrong("is not a known word");
    } else value = this.number("must be a word");
    if (!Number.isInteger(value) || (value as number) !== ((value as number) | 0)) this.wrong("is not a known word");
    if (value === 0 && !zero) return;
    this.out.tag(tag);
    this.out.signed(value as number);
  }

  protected time(tag: number): void {
    const start = this.pos;
    if (this.buf[start] !== 0x22) this.mistyped("must be a time as in RFC 3339");
    const stop = this.skip();
    if (!parseTimestamp(this.buf, start + 1, stop - 1)) this.wrong("must be a time as in RFC 3339, like 2026-01-31T12:00:00Z");
    const mark = this.out.open(tag);
    if (timestamp.seconds !== 0) {
      this.out.tag(8);
      this.out.signed(timestamp.seconds);
    }
    if (timestamp.nanos !== 0) {
      this.out.tag(16);
      this.out.varint(timestamp.nanos);
    }
    this.out.close(mark);
  }

  protected base64(tag: number, zero: boolean): void {
    const text = this.plainString();
    const bytes = Buffer.from(text, "base64");
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) this.wrong("must be base64");
    if (bytes.length === 0 && !zero) return;
    this.out.tag(tag);
    this.out.varint(bytes.length);
    this.out.put(bytes, 0, bytes.length);
  }
}

/** What stands behind a backslash, to the byte it means; 0: nothing. */
const escapes = new Uint8Array(256);
for (const [name, byte] of [
  ['"', 0x22],
  ["\\", 0x5c],
  ["/", 0x2f],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
] as const)
  escapes[name.charCodeAt(0)] = byte;

const hexDigits = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  hexDigits[i.toString(16).charCodeAt(0)] = i;
  hexDigits[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

function writeUtf8(buf: Uint8Array, at: number, code: number): number {
  let pos = at;
  if (code < 0x80) buf[pos++] = code;
  else if (code < 0x800) {
    buf[pos++] = 0xc0 | (code >> 6);
    buf[pos++] = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    buf[pos++] = 0xe0 | (code >> 12);
    buf[pos++] = 0x80 | ((code >> 6) & 0x3f);
    buf[pos++] = 0x80 | (code & 0x3f);
  } else {
    buf[pos++] = 0xf0 | (code >> 18);
    buf[pos++] = 0x80 | ((code >> 12) & 0x3f);
    buf[pos++] = 0x80 | ((code >> 6) & 0x3f);
    buf[pos++] = 0x80 | (code & 0x3f);
  }
  return pos;
}
