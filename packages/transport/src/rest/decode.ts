import { isUtf8 } from "node:buffer";
import { BodyError } from "./errors.js";
import { JsonReader } from "./json-reader.js";
import type { FieldPlan, MessagePlan } from "./plan.js";
import { fold, Kind } from "./plan.js";
import { ProtoOut } from "./proto-out.js";
import { parseTimestamp, timestamp } from "./time.js";

/**
 * Reads JSON and writes the protobuf message at once: no objects, no `JSON.parse`. Names are matched without regard to case and
 * underscores, unknown ones skipped; of a name given twice the last value counts; bytes behind the first value are ignored.
 * One instance serves all requests, one after the other; what it makes is taken with `take`.
 */
export class JsonToProto extends JsonReader {
  private readonly out = new ProtoOut(65_536);
  /** Where the fields of the open messages were written: two numbers a field, -1 when not yet. */
  private seen = new Int32Array(512);
  private seenTop = 0;
  /** Bytes that may still be moved because a name came twice. Keeps hostile bodies linear. */
  private movesLeft = 0;
  /** Inside a list that stands for a map: objects of JSON may be given as text. */
  private textForms = false;

  /** Starts a message. */
  begin(): void {
    this.out.pos = 0;
    this.seenTop = 0;
    this.depth = 0;
    this.textForms = false;
  }

  /** The message's bytes. They belong to the caller. */
  take(): Uint8Array {
    return this.out.take();
  }

  /** Adds the fields of a JSON body. Throws a BodyError. */
  body(plan: MessagePlan, bytes: Uint8Array): void {
    this.buf = bytes;
    this.pos = 0;
    this.end = bytes.length;
    this.movesLeft = (1 << 20) + 2 * bytes.length;
    this.preface = "invalid JSON: ";
    this.space();
    const c = bytes[this.pos];
    if (this.pos === this.end) throw new BodyError("invalid JSON", "the body is empty");
    if (c === 0x7b) this.message(plan);
    else if (c === 0x6e) this.word("null");
    else if (this.scanJson(bytes, this.pos, this.end) < 0) this.syntax();
    else throw new BodyError("invalid JSON: the body must be a JSON object", undefined);
    if (!isUtf8(this.pos === bytes.length ? bytes : bytes.subarray(0, this.pos))) throw new BodyError("invalid JSON", "the body is not UTF-8");
    this.buf = empty;
  }

  /** The field of this name, written any way, that a request may give. */
  named(plan: MessagePlan, name: string): FieldPlan | undefined {
    const text = Buffer.from(name);
    let hash = 0;
    for (const c of text) if (c !== 0x5f) hash = (Math.imul(hash, 31) + fold[c]) | 0;
    return plan.bucket(hash).find((field) => isFolded(field.folded, text, 0, text.length));
  }

  /** True when a body holds nothing but white space. */
  isBlank(bytes: Uint8Array): boolean {
    for (const b of bytes) if (b !== 0x20 && b !== 0x0a && b !== 0x0d && b !== 0x09) return false;
    return true;
  }

  /** Adds a field that came as text: in the path, in the query, in a header. Throws a BodyError that names it. */
  text(field: FieldPlan, text: string): void {
    const quoted = textKinds.has(field.kind) || (field.kind === Kind.enum && !/^-?\d+$/.test(text));
    this.buf = Buffer.from(quoted ? JSON.stringify(text) : text.trim());
    this.pos = 0;
    this.end = this.buf.length;
    this.preface = "";
    this.trail[this.depth++] = field;
    try {
      if (field.kind === Kind.message || field.kind === Kind.map) this.wrong("cannot be given here");
      if (field.repeated) this.element(field, field.number * 8 + field.wireType);
      else this.single(field, field.tag, true);
    } catch (e) {
      throw e instanceof BodyError && e.more.field === undefined ? this.fault("cannot be read") : e;
    }
    if (this.pos !== this.end) this.wrong("cannot be read");
    this.depth--;
  }

  /** Adds a string field as bytes, for a raw body. */
  bytes(field: FieldPlan, bytes: Uint8Array): void {
    this.out.tag(field.tag);
    this.out.varint(bytes.length);
    this.out.put(bytes, 0, bytes.length);
  }

  // Objects

  /** Reads the object at `pos` and writes its fields. */
  private message(plan: MessagePlan, knownOnly = false): void {
    const base = this.seenTop;
    const slots = plan.fields.length * 2;
    if (base + slots > this.seen.length) {
      const grown = new Int32Array((base + slots) * 2);
      grown.set(this.seen);
      this.seen = grown;
    }
    this.seen.fill(-1, base, base + slots);
    this.seenTop = base + slots;
    if (this.seenTop > 100_000) this.syntax("nested too deeply");
    this.pos++;
    this.space();
    if (this.buf[this.pos] === 0x7d) this.pos++;
    else {
      for (;;) {
        const start = this.pos;
        const field = this.key(plan);
        if (field === undefined && knownOnly) this.unknown(start);
        this.colon();
        if (field === undefined) this.skip();
        else this.field(plan, field, base);
        this.space();
        const c = this.buf[this.pos++];
        if (c === 0x2c) this.space();
        else if (c === 0x7d) break;
        else this.syntax(undefined, this.pos - 1);
      }
    }
    this.seenTop = base;
  }

  /** Reads one value of the open message and notes where it was written; a value given before is cut out. */
  private field(plan: MessagePlan, field: FieldPlan, base: number): void {
    const slot = base + field.index * 2;
    if (this.seen[slot] >= 0) this.cut(plan, base, slot);
    const start = this.out.pos;
    this.trail[this.depth++] = field;
    if (this.buf[this.pos] === 0x6e && !field.keepNull) this.word("null");
    else if (field.repeated) this.list(field);
    else if (field.kind === Kind.map) this.map(field);
    else this.single(field, field.tag, field.explicit);
    this.depth--;
    this.seen[slot] = start;
    this.seen[slot + 1] = this.out.pos;
  }

  private cut(plan: MessagePlan, base: number, slot: number): void {
    const { out, seen } = this;
    const start = seen[slot];
    const bytes = seen[slot + 1] - start;
    if (bytes === 0) return;
    this.movesLeft -= out.pos - start + 2048;
    if (this.movesLeft < 0) throw new BodyError("invalid JSON", "names are given too often");
    out.buf.copyWithin(start, start + bytes, out.pos);
    out.pos -= bytes;
    for (let i = 0; i < plan.fields.length * 2; i++) if (seen[base + i] >= start + bytes) seen[base + i] -= bytes;
  }

  /** Reads the key at `pos` and finds its field. */
  private key(plan: MessagePlan): FieldPlan | undefined {
    const { buf, end } = this;
    const start = this.pos + 1;
    if (buf[this.pos] !== 0x22) this.syntax();
    let hash = 0;
    let p = start;
    for (; p < end; p++) {
      const c = buf[p];
      if (c === 0x22) break;
      if (c === 0x5c) return this.escapedKey(plan);
      if (c < 0x20) this.syntax(undefined, p);
      if (c !== 0x5f) hash = (Math.imul(hash, 31) + fold[c]) | 0;
    }
    if (p >= end) this.syntax(undefined, p);
    this.pos = p + 1;
    for (const field of plan.bucket(hash)) if (isFolded(field.folded, buf, start, p)) return field;
    return undefined;
  }

  /** The rare key with an escape: read as a string first. */
  private escapedKey(plan: MessagePlan): FieldPlan | undefined {
    return this.named(plan, this.plainString());
  }

  /** A member that nobody knows, where that is refused. `start`: where its name stands. */
  private unknown(start: number): never {
    this.trail[this.depth++] = -1 - start;
    const { message, more } = this.fault("is not known");
    throw new BodyError(message, undefined, { ...more, restCode: "VALIDATION_ERROR" });
  }

  private colon(): void {
    this.space();
    if (this.buf[this.pos] !== 0x3a) this.syntax();
    this.pos++;
    this.space();
  }

  private list(field: FieldPlan): void {
    if (this.buf[this.pos] !== 0x5b) this.mistyped("must be an array");
    const { out } = this;
    const at = this.depth++;
    let mark = 0;
    let index = 0;
    this.pos++;
    this.space();
    if (this.buf[this.pos] === 0x5d) this.pos++;
    else {
      if (field.packed) mark = this.out.open(field.tag);
      for (;;) {
        this.trail[at] = index++;
        this.element(field, field.packed ? 0 : field.tag);
        this.space();
        const c = this.buf[this.pos++];
        if (c === 0x2c) this.space();
        else if (c === 0x5d) break;
        else this.syntax(undefined, this.pos - 1);
      }
      if (field.packed) this.out.close(mark);
    }
    out.ensure(16);
    this.depth = at;
  }

  /** One element of a list: zero values are written too. Tag 0: inside a packed list. */
  private element(field: FieldPlan, tag: number): void {
    if (this.buf[this.pos] === 0x6e && field.kind !== Kind.json) this.wrong("must not be null");
    this.single(field, tag, true);
  }

  private map(field: FieldPlan): void {
    if (this.buf[this.pos] === 0x5b && field.listKey !== undefined) return this.keyedList(field, field.listKey);
    if (this.buf[this.pos] !== 0x7b) this.mistyped("must be an object");
    const key = field.key as FieldPlan;
    const value = field.value as FieldPlan;
    const at = this.depth++;
    this.pos++;
    this.space();
    if (this.buf[this.pos] === 0x7d) this.pos++;
    else {
      for (;;) {
        const mark = this.out.open(field.tag);
        const start = this.pos;
        if (this.buf[start] !== 0x22) this.syntax();
        if (key.kind === Kind.string) this.string(key.tag, true);
        else this.quotedKey(key);
        this.trail[at] = -1 - start;
        this.colon();
        if (this.buf[this.pos] === 0x6e && value.kind === Kind.message) {
          this.word("null");
          this.out.close(this.out.open(value.tag));
        } else this.single(value, value.tag, true);
        this.out.close(mark);
        this.space();
        const c = this.buf[this.pos++];
        if (c === 0x2c) this.space();
        else if (c === 0x7d) break;
        else this.syntax(undefined, this.pos - 1);
      }
    }
    this.depth = at;
  }

  /** A map that came as a list: each object holds its own key. Only of maps with text keys and messages. */
  private keyedList(field: FieldPlan, listKey: Uint8Array): void {
    const [key, value] = [field.key as FieldPlan, field.value as FieldPlan];
    const at = this.depth++;
    this.pos++;
    this.space();
    if (this.buf[this.pos] === 0x5d) this.pos++;
    else {
      for (let index = 0; ; index++) {
        this.trail[at] = index;
        if (this.buf[this.pos] !== 0x7b) this.mistyped("must be an object");
        const start = this.pos;
        const keyAt = this.memberAt(listKey);
        if (keyAt < 0) this.wrong("does not say which one it is about");
        const mark = this.out.open(field.tag);
        this.pos = keyAt;
        this.string(key.tag, true);
        this.pos = start;
        this.textForms = true;
        this.single(value, value.tag, true);
        this.textForms = false;
        this.out.close(mark);
        this.space();
        const c = this.buf[this.pos++];
        if (c === 0x2c) this.space();
        else if (c === 0x5d) break;
        else this.syntax(undefined, this.pos - 1);
      }
    }
    this.depth = at;
  }

  /** Where the value of a member of the object at `pos` begins, the last one when it is there twice; below 0: there is none. Nothing is read. */
  private memberAt(folded: Uint8Array): number {
    const start = this.pos;
    let found = -1;
    this.pos++;
    this.space();
    while (this.buf[this.pos] !== 0x7d) {
      const name = Buffer.from(this.plainString());
      this.colon();
      if (isFolded(folded, name, 0, name.length)) found = this.pos;
      this.skip();
      this.space();
      if (this.buf[this.pos] !== 0x2c) break;
      this.pos++;
      this.space();
    }
    this.pos = start;
    return found;
  }

  /** A map's key that is a number or a bool: JSON writes it as a string. */
  private quotedKey(key: FieldPlan): void {
    const text = this.plainString();
    const { buf, pos, end } = this;
    this.buf = Buffer.from(text);
    this.pos = 0;
    this.end = text.length;
    this.single(key, key.tag, true);
    if (this.pos !== this.end) this.wrong("has a key that cannot be read");
    Object.assign(this, { buf, pos, end });
  }

  // Values

  /** Reads one value. `zero`: also a zero value is written. Tag 0: no tag. */
  private single(field: FieldPlan, tag: number, zero: boolean) {
    switch (field.kind) {
      case Kind.string:
        return this.string(tag, zero);
      case Kind.json:
        return this.json(field, tag);
      case Kind.message: {
        if (this.buf[this.pos] !== 0x7b) this.mistyped("must be an object");
        const mark = this.out.open(tag);
        this.message(field.message as MessagePlan, field.knownOnly);
        return this.out.close(mark);
      }
      case Kind.int32:
      case Kind.sint32:
      case Kind.sfixed32:
        return this.integer(field.kind, tag, zero, -0x8000_0000, 0x7fff_ffff);
      case Kind.uint32:
      case Kind.fixed32:
        return this.integer(field.kind, tag, zero, 0, 0xffff_ffff);
      case Kind.enum:
        return this.enumeration(field, tag, zero);
      case Kind.bool:
        return this.bool(tag, zero);
      case Kind.timestamp:
        return this.time(tag);
      case Kind.float:
      case Kind.double:
        return this.float(field.kind, tag, zero);
      case Kind.bytes:
        return this.base64(tag, zero);
      default:
        return this.long(field.kind, tag, zero);
    }
  }

  /** The slice of the value as it was sent. */
  private json(field: FieldPlan, tag: number): void {
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

  private string(tag: number, zero: boolean) {
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
  private plainString(): string {
    const start = this.pos;
    if (this.buf[start] !== 0x22) this.mistyped("must be a string");
    const stop = this.skip();
    return JSON.parse(Buffer.from(this.buf.buffer, this.buf.byteOffset + start, stop - start).toString()) as string;
  }

  private bool(tag: number, zero: boolean): void {
    const c = this.buf[this.pos];
    if (c !== 0x74 && c !== 0x66) this.mistyped("must be true or false");
    this.word(c === 0x74 ? "true" : "false");
    if (c === 0x66 && !zero) return;
    this.out.tag(tag);
    this.out.varint(c === 0x74 ? 1 : 0);
  }

  private integer(kind: Kind, tag: number, zero: boolean, min: number, max: number): void {
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
  private long(kind: Kind, tag: number, zero: boolean): void {
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

  private float(kind: Kind, tag: number, zero: boolean): void {
    const value = this.number("must be a number");
    if (!Number.isFinite(value) || (kind === Kind.float && !Number.isFinite(Math.fround(value)))) this.wrong("is too large");
    if (Object.is(value, 0) && !zero) return;
    this.out.tag(tag);
    this.out.ensure(8);
    this.out.pos = kind === Kind.float ? this.out.buf.writeFloatLE(value, this.out.pos) : this.out.buf.writeDoubleLE(value, this.out.pos);
  }

  private enumeration(field: FieldPlan, tag: number, zero: boolean): void {
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

  private time(tag: number): void {
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

  private base64(tag: number, zero: boolean): void {
    const text = this.plainString();
    const bytes = Buffer.from(text, "base64");
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) this.wrong("must be base64");
    if (bytes.length === 0 && !zero) return;
    this.out.tag(tag);
    this.out.varint(bytes.length);
    this.out.put(bytes, 0, bytes.length);
  }
}

const empty = new Uint8Array(0);
const textKinds = new Set<Kind>([Kind.string, Kind.bytes, Kind.timestamp]);

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

/** True when the bytes, less underscores and in lower case, are this name. */
function isFolded(name: Uint8Array, buf: Uint8Array, start: number, end: number): boolean {
  let k = 0;
  for (let i = start; i < end; i++) {
    const c = buf[i];
    if (c === 0x5f) continue;
    if (k === name.length || fold[c] !== name[k]) return false;
    k++;
  }
  return k === name.length;
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
