import { isUtf8 } from "node:buffer";
import { JsonValues } from "./decode-values.js";
import { BodyError } from "./errors.js";
import type { FieldPlan, MessagePlan } from "./plan.js";
import { fold, Kind } from "./plan.js";

/**
 * Reads JSON and writes the protobuf message at once: no objects, no `JSON.parse`. Names are matched without regard to case and
 * underscores, unknown ones skipped; of a name given twice the last value counts; bytes behind the first value are ignored.
 * One instance serves all requests, one after the other; what it makes is taken with `take`.
 */
export class JsonToProto extends JsonValues {
  /** Where the fields of the open messages were written: two numbers a field, -1 when not yet. */
  private seen = new Int32Array(512);
  private seenTop = 0;
  /** Bytes that may still be moved because a name came twice. Keeps hostile bodies linear. */
  private movesLeft = 0;

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
}

const empty = new Uint8Array(0);
const textKinds = new Set<Kind>([Kind.string, Kind.bytes, Kind.timestamp]);

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
