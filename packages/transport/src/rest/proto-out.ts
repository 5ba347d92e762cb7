import { Slab } from "./slab.js";

/** Protobuf as it is written: tags, numbers, and things with a length in front. A tag of 0 is none. */
export class ProtoOut extends Slab {
  /** Starts something with a length: writes the tag and leaves one byte for the length. */
  open(tag: number): number {
    if (tag !== 0) this.tag(tag);
    this.ensure(1);
    return this.pos++;
  }

  /** Ends it: puts the length in, moving the content when the length needs more than one byte. */
  close(mark: number): void {
    const bytes = this.pos - mark - 1;
    if (bytes < 0x80) {
      this.buf[mark] = bytes;
      return;
    }
    const size = bytes < 0x4000 ? 2 : bytes < 0x20_0000 ? 3 : bytes < 0x1000_0000 ? 4 : 5;
    this.ensure(size);
    this.buf.copyWithin(mark + size, mark + 1, this.pos);
    const stop = this.pos + size - 1;
    this.pos = mark;
    this.varint(bytes);
    this.pos = stop;
  }

  tag(tag: number): void {
    if (tag !== 0) this.varint(tag);
  }

  /** An unsigned whole number up to 2^53. */
  varint(value: number): void {
    this.ensure(10);
    let { pos } = this;
    let v = value;
    while (v >= 0x8000_0000) {
      this.buf[pos++] = (v % 128) | 0x80;
      v = Math.floor(v / 128);
    }
    while (v >= 0x80) {
      this.buf[pos++] = (v & 0x7f) | 0x80;
      v >>>= 7;
    }
    this.buf[pos++] = v;
    this.pos = pos;
  }

  /** A whole number within ±2^53 as a 64-bit two's complement. */
  signed(value: number): void {
    if (value >= 0) this.varint(value);
    else this.bigVarint(BigInt.asUintN(64, BigInt(value)));
  }

  bigVarint(value: bigint): void {
    this.ensure(10);
    let v = value;
    while (v >= 0x80n) {
      this.buf[this.pos++] = Number(v & 0x7fn) | 0x80;
      v >>= 7n;
    }
    this.buf[this.pos++] = Number(v);
  }
}
