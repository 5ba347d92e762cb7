import type { FieldPlan, MessagePlan } from "./plan.js";
import { Kind } from "./plan.js";
import { Slab } from "./slab.js";
import { writeTimestamp } from "./time.js";

/** Numbers kept per field of an open message. */
const slotsPerField = 4;
const COUNT = 0;
const START = 1;
const END = 2;
const FIRST = 3;

/**
 * Writes an answer's protobuf bytes as JSON: fields in the order of the proto under their REST names, zero values left out unless
 * `always`, 64-bit integers as exact numbers, JSON texts inlined without white space. Answers come from our own handlers: malformed bytes throw.
 * One instance serves all answers, one after the other.
 */
export class ProtoToJson {
  private buf: Uint8Array = new Uint8Array(0);
  private readonly out = new Slab(65_536);
  /** What the open messages hold: per field how often, where the last value lies, and where the first tag lies. */
  private slots = new Int32Array(1024);
  private top = 0;
  private pos = 0;

  /** Reads a message's outline; ask `flag` about it, then `write` it. */
  open(plan: MessagePlan, bytes: Uint8Array): void {
    this.buf = bytes;
    this.top = 0;
    this.out.pos = 0;
    this.scan(plan, 0, bytes.length);
  }

  /** A bool field of the open message. */
  flag(field: FieldPlan): boolean {
    const slot = field.index * slotsPerField;
    return this.slots[slot + COUNT] > 0 && this.buf[this.slots[slot + START]] !== 0;
  }

  /** Writes the open message, or only its field `body`, and a newline. */
  write(plan: MessagePlan, body: FieldPlan | undefined): void {
    const { out } = this;
    if (body === undefined) this.object(plan, 0, this.buf.length);
    else if (this.slots[body.index * slotsPerField + COUNT] === 0) this.absent(body);
    else this.value(body, body.index * slotsPerField, this.buf.length);
    out.ensure(1);
    out.buf[out.pos++] = 0x0a;
  }

  /** Length of what was written. */
  get length(): number {
    return this.out.pos;
  }

  /** What was written, for `encoding` latin1: each byte one character, which lets Node send it together with the header. */
  takeText(): string {
    const text = this.out.buf.toString("latin1", 0, this.out.pos);
    this.done();
    return text;
  }

  takeBytes(): Buffer {
    const bytes = this.out.take();
    this.done();
    return bytes;
  }

  private done(): void {
    this.out.pos = 0;
    this.buf = empty;
  }

  // Reading

  /** Fills the slots of a message from its bytes. Returns the base of its slots; the caller gives them back by setting `top` to it. */
  private scan(plan: MessagePlan, start: number, end: number): number {
    const base = this.top;
    const top = base + plan.fields.length * slotsPerField;
    if (top > this.slots.length) {
      const grown = new Int32Array(top * 2);
      grown.set(this.slots);
      this.slots = grown;
    }
    this.slots.fill(0, base, top);
    this.top = top;
    const { slots } = this;
    const { byNumber } = plan;
    this.pos = start;
    while (this.pos < end) {
      const at = this.pos;
      const tag = this.varint(end);
      const wire = tag & 7;
      const field = byNumber[tag >>> 3];
      let from = this.pos;
      if (wire === 0) this.skipVarint(end);
      else if (wire === 2) {
        const length = this.varint(end);
        from = this.pos;
        this.pos = from + length;
      } else if (wire === 1) this.pos += 8;
      else if (wire === 5) this.pos += 4;
      else throw new Error(`an answer holds wire type ${wire}`);
      if (this.pos > end) throw new Error("an answer is cut off");
      if (field === undefined || (wire !== field.wireType && !(field.packed && wire === 2))) continue;
      const slot = base + field.index * slotsPerField;
      if (slots[slot + COUNT]++ === 0) slots[slot + FIRST] = at;
      slots[slot + START] = from;
      slots[slot + END] = this.pos;
    }
    return base;
  }

  /** An unsigned varint up to 2^53; enough for tags, lengths and most values. */
  private varint(end: number): number {
    const { buf } = this;
    let pos = this.pos;
    let value = 0;
    let unit = 1;
    for (;;) {
      if (pos >= end || unit > 2 ** 49) throw new Error("an answer holds a broken number");
      const b = buf[pos++];
      value += (b & 0x7f) * unit;
      if (b < 0x80) break;
      unit *= 128;
    }
    this.pos = pos;
    return value;
  }

  private skipVarint(end: number): void {
    const { buf } = this;
    const stop = Math.min(end, this.pos + 10);
    while (this.pos < stop) if (buf[this.pos++] < 0x80) return;
    throw new Error("an answer holds a broken number");
  }

  // Objects

  /** Writes the message whose slots begin at `base`. `end`: end of its bytes. */
  private object(plan: MessagePlan, base: number, end: number): void {
    const { out } = this;
    const start = out.pos;
    const { shown } = plan;
    for (let i = 0; i < shown.length; i++) this.member(shown[i], base, end);
    out.ensure(2);
    if (out.pos === start) out.pos += 2;
    else out.pos++;
    // Each member begins with a comma; the first comma becomes the brace.
    out.buf[start] = 0x7b;
    out.buf[out.pos - 1] = 0x7d;
  }

  private member(field: FieldPlan, base: number, end: number): void {
    const { out, slots } = this;
    const slot = base + field.index * slotsPerField;
    if (slots[slot + COUNT] === 0) {
      if (!field.always) return;
      out.put(field.keyOut, 0, field.keyOut.length);
      this.absent(field);
      return;
    }
    if (!field.always && field.zeroIsAbsent && this.isZero(field, slots[slot + START], slots[slot + END])) return;
    out.put(field.keyOut, 0, field.keyOut.length);
    this.value(field, slot, end);
  }

  private value(field: FieldPlan, slot: number, end: number): void {
    const { slots } = this;
    const count = slots[slot + COUNT];
    if (field.repeated) this.list(field, slots[slot + FIRST], end, count);
    else if (field.kind === Kind.map) this.map(field, slots[slot + FIRST], end, count);
    else if (field.kind === Kind.message && count > 1) this.merged(field, slots[slot + FIRST], end, count);
    else this.single(field, slots[slot + START], slots[slot + END]);
  }

  /** What stands for an absent value that must be written. */
  private absent(field: FieldPlan): void {
    if (field.kind === Kind.message && !field.repeated && field.message !== undefined) this.nested(field.message, 0, 0);
    else this.out.put(field.zeroOut, 0, field.zeroOut.length);
  }

  private isZero(field: FieldPlan, from: number, to: number): boolean {
    if (field.wireType === 2) return from === to;
    const bits = field.wireType === 0 ? 0x7f : 0xff;
    for (let i = from; i < to; i++) if ((this.buf[i] & bits) !== 0) return false;
    return true;
  }

  private nested(plan: MessagePlan, start: number, end: number): void {
    const base = this.scan(plan, start, end);
    this.object(plan, base, end);
    this.top = base;
  }

  /** A message that was sent in pieces: pieces are merged by reading them as one. */
  private merged(field: FieldPlan, first: number, end: number, count: number): void {
    const parts: Uint8Array[] = [];
    this.each(field, first, end, count, (from, to) => parts.push(this.buf.subarray(from, to)));
    const whole = this.buf;
    this.buf = Buffer.concat(parts);
    this.nested(field.message as MessagePlan, 0, this.buf.length);
    this.buf = whole;
  }

  /** Calls back for every value of a field, from its first tag on. */
  private each(field: FieldPlan, first: number, end: number, count: number, run: (from: number, to: number, wire: number) => void): void {
    let pos = first;
    let left = count;
    while (left > 0) {
      this.pos = pos;
      const tag = this.varint(end);
      const wire = tag & 7;
      let from = this.pos;
      if (wire === 0) this.skipVarint(end);
      else if (wire === 2) {
        const length = this.varint(end);
        from = this.pos;
        this.pos = from + length;
      } else this.pos += wire === 1 ? 8 : 4;
      const to = this.pos;
      pos = to;
      if (tag >>> 3 === field.number && (wire === field.wireType || (field.packed && wire === 2))) {
        run(from, to, wire);
        left--;
      }
    }
  }

  private list(field: FieldPlan, first: number, end: number, count: number): void {
    const { out } = this;
    out.ensure(2);
    out.buf[out.pos++] = 0x5b;
    let comma = false;
    const one = (from: number, to: number): void => {
      out.ensure(1);
      if (comma) out.buf[out.pos++] = 0x2c;
      comma = true;
      this.single(field, from, to);
    };
    this.each(field, first, end, count, (from, to, wire) => {
      if (wire === field.wireType) return one(from, to);
      for (let p = from; p < to; ) {
        this.pos = p;
        if (field.wireType === 0) this.skipVarint(to);
        else this.pos += field.wireType === 1 ? 8 : 4;
        const next = this.pos;
        one(p, next);
        p = next;
      }
    });
    out.ensure(1);
    out.buf[out.pos++] = 0x5d;
  }

  private map(field: FieldPlan, first: number, end: number, count: number): void {
    const { out } = this;
    const key = field.key as FieldPlan;
    const value = field.value as FieldPlan;
    out.ensure(2);
    out.buf[out.pos++] = 0x7b;
    let comma = false;
    this.each(field, first, end, count, (from, to) => {
      let keyFrom = 0;
      let keyTo = 0;
      let valueFrom = -1;
      let valueTo = -1;
      this.pos = from;
      while (this.pos < to) {
        const tag = this.varint(to);
        const wire = tag & 7;
        let start = this.pos;
        if (wire === 0) this.skipVarint(to);
        else if (wire === 2) {
          const length = this.varint(to);
          start = this.pos;
          this.pos = start + length;
        } else this.pos += wire === 1 ? 8 : 4;
        if (tag === key.tag) [keyFrom, keyTo] = [start, this.pos];
        else if (tag === value.tag) [valueFrom, valueTo] = [start, this.pos];
      }
      out.ensure(2);
      if (comma) out.buf[out.pos++] = 0x2c;
      comma = true;
      if (key.kind === Kind.string) this.string(keyFrom, keyTo);
      else {
        out.buf[out.pos++] = 0x22;
        if (keyTo > 0) this.single(key, keyFrom, keyTo);
        else this.out.put(key.zeroOut, 0, key.zeroOut.length);
        out.ensure(1);
        out.buf[out.pos++] = 0x22;
      }
      out.ensure(1);
      out.buf[out.pos++] = 0x3a;
      if (valueFrom < 0) this.absent(value);
      else this.single(value, valueFrom, valueTo);
    });
    out.ensure(1);
    out.buf[out.pos++] = 0x7d;
  }

  // Values

  private single(field: FieldPlan, from: number, to: number) {
    switch (field.kind) {
      case Kind.string:
        return this.string(from, to);
      case Kind.json:
        return from === to ? this.out.put(field.zeroOut, 0, field.zeroOut.length) : this.compact(from, to);
      case Kind.message:
        return this.nested(field.message as MessagePlan, from, to);
      case Kind.bool:
        return this.isZero(field, from, to) ? this.literal("false") : this.literal("true");
      case Kind.timestamp:
        return this.time(from, to);
      case Kind.enum: {
        const number = Number(BigInt.asIntN(32, this.big(from)));
        const word = field.words?.get(number);
        return word === undefined ? this.literal(String(number)) : this.out.put(word, 0, word.length);
      }
      case Kind.bytes:
        return this.literal(JSON.stringify(Buffer.from(this.buf.subarray(from, to)).toString("base64")));
      default:
        return this.number(field.kind, from, to);
    }
  }

  private number(kind: Kind, from: number, to: number) {
    const view = Buffer.from(this.buf.buffer, this.buf.byteOffset + from, to - from);
    switch (kind) {
      case Kind.float:
        return this.literal(finite(view.readFloatLE(0), true));
      case Kind.double:
        return this.literal(finite(view.readDoubleLE(0), false));
      case Kind.fixed32:
        return this.literal(String(view.readUInt32LE(0)));
      case Kind.sfixed32:
        return this.literal(String(view.readInt32LE(0)));
      case Kind.fixed64:
        return this.literal(String(view.readBigUInt64LE(0)));
      case Kind.sfixed64:
        return this.literal(String(view.readBigInt64LE(0)));
    }
    if (to - from <= 4 && kind !== Kind.sint32 && kind !== Kind.sint64) {
      this.pos = from;
      return this.whole(this.varint(to));
    }
    const big = this.big(from);
    if (kind === Kind.uint64) this.literal(String(big));
    else if (kind === Kind.uint32) this.literal(String(BigInt.asUintN(32, big)));
    else if (kind === Kind.int64) this.literal(String(BigInt.asIntN(64, big)));
    else if (kind === Kind.int32) this.literal(String(BigInt.asIntN(32, big)));
    else this.literal(String((big >> 1n) ^ -(big & 1n)));
  }

  /** A small whole number, digit by digit. */
  private whole(value: number): void {
    const { out } = this;
    out.ensure(12);
    let v = value;
    let size = 1;
    for (let t = 10; t <= v; t *= 10) size++;
    for (let i = out.pos + size - 1; i >= out.pos; i--) {
      out.buf[i] = 0x30 + (v % 10);
      v = Math.floor(v / 10);
    }
    out.pos += size;
  }

  /** A varint of up to 64 bits. */
  private big(from: number): bigint {
    let value = 0n;
    let shift = 0n;
    for (let i = from; ; i++) {
      value |= BigInt(this.buf[i] & 0x7f) << shift;
      if (this.buf[i] < 0x80) return BigInt.asUintN(64, value);
      shift += 7n;
    }
  }

  private time(from: number, to: number): void {
    let seconds = 0;
    let nanos = 0;
    this.pos = from;
    while (this.pos < to) {
      const tag = this.varint(to);
      const start = this.pos;
      this.skipVarint(to);
      const value = Number(BigInt.asIntN(64, this.big(start)));
      if (tag === 8) seconds = value;
      else if (tag === 16) nanos = value;
    }
    const { out } = this;
    out.ensure(40);
    out.buf[out.pos++] = 0x22;
    out.pos = writeTimestamp(out.buf, out.pos, seconds, nanos);
    out.buf[out.pos++] = 0x22;
  }

  private string(from: number, to: number): void {
    const { out, buf } = this;
    out.ensure(to - from + 2);
    out.buf[out.pos++] = 0x22;
    let run = from;
    for (let i = from; i < to; i++) {
      const c = buf[i];
      if (plain[c] === 1) continue;
      out.put(buf, run, i);
      run = i + 1;
      this.escape(c);
    }
    out.put(buf, run, to);
    out.ensure(1);
    out.buf[out.pos++] = 0x22;
  }

  /** Stored JSON text without the white space between its tokens, `<`, `>` and `&` inside its strings escaped. Copied in runs. */
  private compact(from: number, to: number): void {
    const { out, buf } = this;
    out.ensure(to - from);
    let run = from;
    let inside = false;
    for (let i = from; i < to; i++) {
      const c = buf[i];
      if (unremarkable[c] === 1) continue;
      if (c === 0x22) inside = !inside;
      else if (c === 0x5c) i++;
      else if (inside !== (c === 0x3c || c === 0x3e || c === 0x26)) continue;
      else {
        out.put(buf, run, i);
        run = i + 1;
        if (inside) this.escape(c);
      }
    }
    out.put(buf, run, to);
  }

  /** Writes the escape of one byte. */
  private escape(c: number): void {
    const { out } = this;
    out.ensure(6);
    const { buf } = out;
    buf[out.pos++] = 0x5c;
    if (shortEscapes[c] !== 0) buf[out.pos++] = shortEscapes[c];
    else {
      buf[out.pos++] = 0x75;
      buf[out.pos++] = 0x30;
      buf[out.pos++] = 0x30;
      buf[out.pos++] = hex[c >> 4];
      buf[out.pos++] = hex[c & 15];
    }
  }

  private literal(text: string): void {
    const { out } = this;
    out.ensure(text.length);
    for (let i = 0; i < text.length; i++) out.buf[out.pos++] = text.charCodeAt(i);
  }
}

const empty = new Uint8Array(0);

/** 1: a byte that stands for itself inside a JSON string. */
const plain = Uint8Array.from({ length: 256 }, (_, b) => (b < 0x20 || b === 0x22 || b === 0x5c || b === 0x3c || b === 0x3e || b === 0x26 ? 0 : 1));

/** 1: a byte of a JSON text at which nothing happens: no quote, backslash, white space, `<`, `>` or `&`. */
const unremarkable = Uint8Array.from({ length: 256 }, (_, b) => ([0x22, 0x5c, 0x20, 0x09, 0x0a, 0x0d, 0x3c, 0x3e, 0x26].includes(b) ? 0 : 1));

const shortEscapes = new Uint8Array(256);
for (const [byte, name] of [
  [0x22, '"'],
  [0x5c, "\\"],
  [8, "b"],
  [12, "f"],
  [10, "n"],
  [13, "r"],
  [9, "t"],
] as const)
  shortEscapes[byte] = name.charCodeAt(0);
const hex = Buffer.from("0123456789abcdef");

/** A float in the shortest digits that mean it. What JSON cannot say is null. */
function finite(value: number, single: boolean): string {
  if (!Number.isFinite(value)) return "null";
  if (!single) return Object.is(value, -0) ? "-0" : String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}
