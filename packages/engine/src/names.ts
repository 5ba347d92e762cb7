import { sameBytes } from "./tables/hash-index.js";

const namesMax = 64;
const decoder = new TextDecoder();

/** Texts of byte ranges that come again and again: the last few are not decoded anew. */
export class Names {
  private readonly bytes: Uint8Array[] = [];
  private readonly texts: string[] = [];
  private next = 0;

  of(buf: Uint8Array, start: number, end: number): string {
    for (let i = 0; i < this.bytes.length; i++) {
      if (sameBytes(this.bytes[i], 0, this.bytes[i].length, buf, start, end)) return this.texts[i];
    }
    const text = decoder.decode(buf.subarray(start, end));
    this.bytes[this.next] = buf.slice(start, end);
    this.texts[this.next] = text;
    this.next = (this.next + 1) % namesMax;
    return text;
  }
}
