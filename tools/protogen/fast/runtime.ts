/**
 * Runtime of the fast codec: protobuf without objects.
 *
 * Reading. `new XReader().read(buf, start, end)` parses one message X and can be used again and again. Nothing is copied:
 *  - string, bytes and message field `foo`: range `[fooStart, fooEnd)` of `buf`. Absent: both 0. Present but empty: equal, not 0.
 *  - message field `foo` also: `hasFoo`. Its content is not looked at; read the range with the reader of its type.
 *  - int32, uint32, bool, enum, double `foo`: value in `foo`. Optional: also `hasFoo`.
 *  - int64, uint64 `foo`: number in `foo` (exact up to 2^53), exact halves in `fooLo`, `fooHi` (uint32).
 *  - repeated string, bytes, message `foo`: `fooCount`, `fooStart[i]`, `fooEnd[i]`. Repeated enum: `fooCount`, `foo[i]`.
 *    The arrays are reused and may be longer than `fooCount`.
 *  - map with string keys and message values `foo`: `fooCount`, `fooKeyStart[i]`, `fooKeyEnd[i]`, `fooValueStart[i]`, `fooValueEnd[i]`.
 *    Entries in order of appearance; the caller sees to keys that come twice (the last one counts).
 *  - `hasUnknown`: the bytes hold an unknown field, a wire type that is not the field's, or a singular string, bytes or message (or a
 *    map entry's key or value) more than once. Rare. Whoever keeps such bytes, or needs proto's merging, takes them through protobuf-es.
 *
 * `read` throws WireError where protobuf-es 2.13.0 throws, with these differences: a nested message or packed list that runs past its
 * own end is refused here; UTF-8 is the caller's business; content of nested messages is judged when it is read.
 *
 * Writing. Fields go onto a growing `Writer` one after another: `putText(w, XTag.foo, "…")`, `putBytes`, `putRange`, `putInt32`, `putUint32`,
 * `putBool`, `putInt64`, `putUint64`, `putUint64Parts`, `putInt64OrBigInt`, `putDouble`, `putPackedInt32`. They write what they are told, zero values too.
 * A nested message stands between `const at = beginMessage(w, XTag.foo)` and `endMessage(w, at)`. `encodeX(w, init)` writes a whole
 * message X without its zero values. Output has minimal varints and is what protobuf-es writes for the same fields in the same order.
 */

/** Bytes that are not the message they should be. */
export class WireError extends Error {
  constructor(
    /** Offset into the buffer near which the damage is. */
    readonly offset: number,
    what: string,
  ) {
    super(`${what} at offset ${offset}`);
    this.name = "WireError";
  }
}

const nothing = new Uint8Array(0);

/** What all generated readers share. */
export abstract class Reader {
  /** The buffer of the last `read`. */
  buf: Uint8Array = nothing;
  /** Where the message starts in `buf`. */
  start = 0;
  /** Where the message ends in `buf`. */
  end = 0;
  /** See the head of this file. */
  hasUnknown = false;
  /** Groups that may be nested in an unknown field. protobuf-es: 100 less the depth of the message, so 99 for one that is not nested. */
  groupsMax = 99;
  protected pos = 0;
  protected lo = 0;
  protected hi = 0;
  protected keyStart = 0;
  protected keyEnd = 0;
  protected valueStart = 0;
  protected valueEnd = 0;

  /** A varint cut to 32 bits, unsigned, from `pos` on. */
  protected varint32(): number {
    const { buf, end } = this;
    let pos = this.pos;
    let result = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= end) throw new WireError(pos, "truncated varint");
      const b = buf[pos++];
      if (shift < 28) result |= (b & 0x7f) << shift;
      else if (shift === 28) result |= (b & 0x0f) << 28;
      if (b < 0x80) {
        this.pos = pos;
        return result >>> 0;
      }
    }
    throw new WireError(pos, "varint of more than 10 bytes");
  }

  /** A varint of 64 bits into `lo` and `hi` (uint32 each), from `pos` on. */
  protected varint64(): void {
    const { buf, end } = this;
    let pos = this.pos;
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= end) throw new WireError(pos, "truncated varint");
      const b = buf[pos++];
      if (shift < 28) lo |= (b & 0x7f) << shift;
      else if (shift === 28) {
        lo |= (b & 0x0f) << 28;
        hi = (b & 0x70) >> 4;
      } else hi |= (b & 0x7f) << (shift - 32);
      if (b < 0x80) {
        this.pos = pos;
        this.lo = lo >>> 0;
        this.hi = hi >>> 0;
        return;
      }
    }
    throw new WireError(pos, "varint of more than 10 bytes");
  }

  /** A tag from `pos` on. */
  protected tag(): number {
    const at = this.pos;
    const tag = this.varint32();
    const bytes = this.pos - at;
    if (bytes > 5 || (bytes === 5 && this.buf[this.pos - 1] > 0x0f)) throw new WireError(at, "tag of more than 32 bits");
    return tag;
  }

  /** A wire type that is not the field's: read as if it were, and flagged. */
  protected odd(tag: number, pos: number): void {
    if ((tag & 7) > 5) throw new WireError(pos, `illegal wire type ${tag & 7}`);
    this.hasUnknown = true;
  }

  /** Skips an unknown field whose tag ended before `pos`; returns where it ends. */
  protected unknown(tag: number, pos: number): number {
    this.hasUnknown = true;
    this.pos = pos;
    this.skip(tag, this.groupsMax);
    return this.pos;
  }

  private skip(tag: number, groups: number): void {
    const at = this.pos;
    if (tag >>> 3 === 0 || (tag & 7) > 5) throw new WireError(at, `illegal tag: field ${tag >>> 3} wire type ${tag & 7}`);
    switch (tag & 7) {
      case 0:
        for (;;) {
          if (this.pos >= this.end) throw new WireError(at, "truncated varint");
          if (this.buf[this.pos++] < 0x80) return;
        }
      case 1:
        this.pos += 8;
        break;
      case 2: {
        const n = this.varint32();
        this.pos += n;
        break;
      }
      case 3:
        if (groups <= 0) throw new WireError(at, "groups nested too deep");
        for (;;) {
          const inner = this.tag();
          if ((inner & 7) === 4) {
            if (inner >>> 3 !== tag >>> 3) throw new WireError(at, "group ends with another field number");
            return;
          }
          this.skip(inner, groups - 1);
        }
      case 4:
        throw new WireError(at, "end of a group that did not begin");
      default:
        this.pos += 4;
    }
    if (this.pos > this.end) throw new WireError(at, "truncated field");
  }

  /** One map entry with string key and message value in `[pos, end)`, into `keyStart` … `valueEnd`. */
  protected mapEntry(pos: number, entryEnd: number): void {
    const end = this.end;
    this.end = entryEnd;
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = 0;
    this.pos = pos;
    while (this.pos < entryEnd) {
      const tag = this.tag();
      const no = tag >>> 3;
      if (no === 0 || (tag & 7) > 5) throw new WireError(this.pos, `illegal tag: field ${no} wire type ${tag & 7}`);
      if (no > 2) {
        this.hasUnknown = true; // like protobuf-es, which does not skip it either
        continue;
      }
      if ((tag & 7) !== 2) this.hasUnknown = true;
      const n = this.varint32();
      if (n > entryEnd - this.pos) throw new WireError(this.pos, "truncated field");
      if (no === 1) {
        if (this.keyEnd !== 0) this.hasUnknown = true;
        this.keyStart = this.pos;
        this.keyEnd = this.pos + n;
      } else {
        if (this.valueEnd !== 0) this.hasUnknown = true;
        this.valueStart = this.pos;
        this.valueEnd = this.pos + n;
      }
      this.pos += n;
    }
    this.end = end;
  }
}

/** For generated readers. */
export function truncated(pos: number): never {
  throw new WireError(pos, "truncated field");
}

/** For generated readers: the same content in twice the room. */
export function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const bigger = new Int32Array(array.length * 2);
  bigger.set(array);
  return bigger;
}

const float64 = new Float64Array(1);
const float64Bytes = new Uint8Array(float64.buffer);
float64[0] = 1;
if (float64Bytes[7] !== 0x3f) throw new Error("the fast codec needs a little-endian machine");

/** The double at `pos`, little-endian. */
export function doubleAt(buf: Uint8Array, pos: number): number {
  for (let i = 0; i < 8; i++) float64Bytes[i] = buf[pos + i];
  return float64[0];
}

const encoder = new TextEncoder();
/** Up to here a loop is faster than a call into native code. */
const loopBytesMax = 28;

/** Bytes that grow. `buf` is replaced when it grows: never keep it over a write. */
export class Writer {
  buf: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes. */
  pos = 0;
  constructor(bytes = 4096) {
    this.buf = new Uint8Array(bytes);
  }
  reset(): this {
    this.pos = 0;
    return this;
  }
  /** What was written from `from` on, as a view: valid until the next write after a `reset`. */
  view(from = 0): Uint8Array<ArrayBuffer> {
    return this.buf.subarray(from, this.pos);
  }
  /** What was written from `from` on, as a copy. */
  copy(from = 0): Uint8Array<ArrayBuffer> {
    return this.buf.slice(from, this.pos);
  }
  /** Makes room for `bytes` more. */
  ensure(bytes: number): void {
    if (this.buf.length - this.pos < bytes) this.grow(bytes);
  }
  private grow(bytes: number): void {
    const bigger = new Uint8Array(Math.max(this.buf.length * 2, this.pos + bytes, 64));
    bigger.set(this.buf.subarray(0, this.pos));
    this.buf = bigger;
  }
}

/** An unsigned varint of up to 32 bits at `pos`; returns where it ends. The room must be there. */
function varint(buf: Uint8Array, at: number, value: number): number {
  let pos = at;
  let rest = value >>> 0;
  while (rest > 127) {
    buf[pos++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buf[pos++] = rest;
  return pos;
}

/** A varint of 64 bits in two halves. */
function varint64(buf: Uint8Array, at: number, lo: number, hi: number): number {
  let pos = at;
  let low = lo >>> 0;
  let high = hi >>> 0;
  while (high !== 0) {
    buf[pos++] = (low & 127) | 128;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  return varint(buf, pos, low);
}

/** A varint without tag, for whoever frames by hand: uint32. */
export function putVarint(w: Writer, value: number): void {
  w.ensure(5);
  w.pos = varint(w.buf, w.pos, value);
}

export function putUint32(w: Writer, tag: number, value: number): void {
  w.ensure(10);
  w.pos = varint(w.buf, varint(w.buf, w.pos, tag), value);
}

/** Also for enums. */
export function putInt32(w: Writer, tag: number, value: number): void {
  if (value >= 0) putUint32(w, tag, value);
  else putUint64Parts(w, tag, value, 0xffffffff);
}

export function putBool(w: Writer, tag: number, value: boolean): void {
  putUint32(w, tag, value ? 1 : 0);
}

/** Integers from 0 to 2^53. */
export function putUint64(w: Writer, tag: number, value: number): void {
  if (value <= 0xffffffff) putUint32(w, tag, value);
  else putUint64Parts(w, tag, value, Math.floor(value / 4294967296));
}

/** Integers from -2^53 to 2^53. */
export function putInt64(w: Writer, tag: number, value: number): void {
  if (value >= 0) putUint64(w, tag, value);
  else putUint64Parts(w, tag, value, Math.floor(value / 4294967296));
}

/** Any 64 bits: the low and high 32 of them, signed or unsigned. */
export function putUint64Parts(w: Writer, tag: number, lo: number, hi: number): void {
  w.ensure(15);
  w.pos = varint64(w.buf, varint(w.buf, w.pos, tag), lo, hi);
}

/** int64 and uint64 alike. */
export function putInt64OrBigInt(w: Writer, tag: number, value: number | bigint): void {
  if (typeof value === "number") putInt64(w, tag, value);
  else putUint64Parts(w, tag, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
}

export function putDouble(w: Writer, tag: number, value: number): void {
  w.ensure(13);
  let pos = varint(w.buf, w.pos, tag);
  float64[0] = value;
  for (let i = 0; i < 8; i++) w.buf[pos++] = float64Bytes[i];
  w.pos = pos;
}

export function putBytes(w: Writer, tag: number, bytes: Uint8Array): void {
  const n = bytes.length;
  w.ensure(n + 10);
  const buf = w.buf;
  let pos = varint(buf, varint(buf, w.pos, tag), n);
  if (n <= loopBytesMax) for (let i = 0; i < n; i++) buf[pos++] = bytes[i];
  else {
    buf.set(bytes, pos);
    pos += n;
  }
  w.pos = pos;
}

/** A string, bytes or message field whose content lies in `source` from `start` to `end`. */
export function putRange(w: Writer, tag: number, source: Uint8Array, start: number, end: number): void {
  w.ensure(end - start + 10);
  w.pos = varint(w.buf, varint(w.buf, w.pos, tag), end - start);
  putRaw(w, source, start, end);
}

/** Bytes as they are, without tag and length. */
export function putRaw(w: Writer, source: Uint8Array, start: number, end: number): void {
  w.ensure(end - start);
  const buf = w.buf;
  let pos = w.pos;
  if (end - start <= loopBytesMax) for (let i = start; i < end; i++) buf[pos++] = source[i];
  else {
    buf.set(source.subarray(start, end), pos);
    pos += end - start;
  }
  w.pos = pos;
}

export function putText(w: Writer, tag: number, text: string): void {
  const n = text.length;
  if (n > 64) return putLongText(w, tag, text);
  w.ensure(n + 10);
  const buf = w.buf;
  let pos = varint(buf, w.pos, tag);
  buf[pos++] = n;
  for (let i = 0; i < n; i++) {
    const c = text.charCodeAt(i);
    if (c > 127) return putLongText(w, tag, text);
    buf[pos++] = c;
  }
  w.pos = pos;
}

function putLongText(w: Writer, tag: number, text: string): void {
  w.ensure(text.length * 3 + 10);
  w.pos = varint(w.buf, w.pos, tag);
  const at = reserve(w, varintBytes(text.length));
  w.pos += encoder.encodeInto(text, w.buf.subarray(w.pos)).written;
  endMessage(w, at);
}

/** A string or bytes field from either. */
export function putStringOrBytes(w: Writer, tag: number, value: string | Uint8Array): void {
  if (typeof value === "string") putText(w, tag, value);
  else putBytes(w, tag, value);
}

/** A repeated int32 or enum field, packed: `count` numbers of `values`. Nothing when there are none. */
export function putPackedInt32(w: Writer, tag: number, values: ArrayLike<number>, count = values.length): void {
  if (count === 0) return;
  w.ensure(5);
  w.pos = varint(w.buf, w.pos, tag);
  const at = reserve(w, varintBytes(count));
  w.ensure(count * 10);
  let pos = w.pos;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    pos = value >= 0 ? varint(w.buf, pos, value) : varint64(w.buf, pos, value, 0xffffffff);
  }
  w.pos = pos;
  endMessage(w, at);
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

function reserve(w: Writer, lengthBytes: number): number {
  w.ensure(5);
  w.pos += lengthBytes;
  return w.pos * 8 + lengthBytes;
}

/**
 * Starts a nested message. `bytesGuess` is about how long it will be: a wrong guess costs one move of its bytes when it ends.
 * The number that comes back is for `endMessage` only. Messages may be nested in it, in order.
 */
export function beginMessage(w: Writer, tag: number, bytesGuess = 0): number {
  w.ensure(10);
  w.pos = varint(w.buf, w.pos, tag);
  return reserve(w, varintBytes(bytesGuess));
}

/** Ends a nested message and returns its length in bytes. */
export function endMessage(w: Writer, at: number): number {
  const reserved = at % 8;
  const from = (at - reserved) / 8;
  const n = w.pos - from;
  const needed = varintBytes(n);
  if (needed !== reserved) {
    w.ensure(5);
    w.buf.copyWithin(from + needed - reserved, from, w.pos);
    w.pos += needed - reserved;
  }
  varint(w.buf, from - reserved, n);
  return n;
}
