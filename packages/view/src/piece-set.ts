const lineEnd = 10;
/** Bits for the grams of a block: where its jobs have a few thousand different ones, most of another text's are not among them. */
const gramBits = 65_536;

/** What a byte is in a piece, ASCII letters as small ones; 0: it ends a piece. Bytes of characters beyond ASCII are as letters. */
const folded = Uint8Array.from({ length: 256 }, (_, byte) => {
  const small = byte >= 65 && byte <= 90 ? byte + 32 : byte;
  return byte >= 128 || (small >= 97 && small <= 122) || (small >= 48 && small <= 57) ? small : 0;
});

let scratch = Buffer.alloc(64 * 1024);

/** The pieces of texts, each once: their bytes, a line a piece, found by a hash. Works on bytes: a string a piece would cost ten times as much. */
export class PieceSet {
  /** Which grams the pieces have. */
  readonly grams = Buffer.alloc(gramBits / 8);
  private bytes = Buffer.alloc(16 * 1024);
  private used = 1;
  /** Where a piece begins, 0: none; beside it its hash. */
  private table = new Int32Array(2 * 1024);
  private count = 0;

  constructor() {
    this.bytes[0] = lineEnd;
  }

  add(text: string): void {
    if (scratch.length < text.length * 3) scratch = Buffer.alloc(text.length * 3);
    const source = scratch;
    const length = source.write(text);
    for (let at = 0; at < length; at++) {
      const start = at;
      let hash = 0x811c9dc5;
      for (let byte = 0; at < length && (byte = folded[source[at]]) !== 0; at++) {
        source[at] = byte;
        hash = Math.imul(hash ^ byte, 0x01000193);
      }
      if (at > start) this.enter(source, start, at, hash ^ (hash >>> 15));
    }
  }

  /** A line's end, then a line a piece. */
  text(): Buffer {
    return this.bytes.subarray(0, this.used);
  }

  private enter(source: Buffer, start: number, end: number, hash: number): void {
    const { table } = this;
    const mask = table.length / 2 - 1;
    let slot = hash & mask;
    for (; table[slot * 2] !== 0; slot = (slot + 1) & mask) if (table[slot * 2 + 1] === hash && this.isAt(table[slot * 2], source, start, end)) return;
    table[slot * 2] = this.used;
    table[slot * 2 + 1] = hash;
    if (++this.count * 2 > mask) this.grow();
    if (this.used + end - start + 1 > this.bytes.length) {
      const more = Buffer.alloc(Math.max(this.bytes.length * 2, this.used + end - start + 1));
      this.bytes.copy(more, 0, 0, this.used);
      this.bytes = more;
    }
    for (let at = start; at < end; at++) this.bytes[this.used++] = source[at];
    this.bytes[this.used++] = lineEnd;
    for (let at = start; at + 2 < end; at++) {
      const bit = gramAt(source, at);
      this.grams[bit >>> 3] |= 1 << (bit & 7);
    }
  }

  private isAt(place: number, source: Buffer, start: number, end: number): boolean {
    const { bytes } = this;
    for (let at = start; at < end; at++, place++) if (bytes[place] !== source[at]) return false;
    return bytes[place] === lineEnd;
  }

  private grow(): void {
    const { table } = this;
    const next = new Int32Array(table.length * 2);
    const mask = next.length / 2 - 1;
    for (let i = 0; i < table.length; i += 2) {
      if (table[i] === 0) continue;
      let slot = table[i + 1] & mask;
      while (next[slot * 2] !== 0) slot = (slot + 1) & mask;
      next[slot * 2] = table[i];
      next[slot * 2 + 1] = table[i + 1];
    }
    this.table = next;
  }
}

/** The bit of three bytes. */
function gramAt(bytes: Uint8Array, at: number): number {
  return Math.imul(bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16), 0x9e3779b1) >>> 16;
}

/** Bits that a block with this piece has, in small letters. */
export function gramsOf(piece: Uint8Array): number[] {
  return Array.from({ length: Math.max(0, piece.length - 2) }, (_, at) => gramAt(piece, at));
}

export function hasGram(bits: Uint8Array, gram: number): boolean {
  return (bits[gram >>> 3] & (1 << (gram & 7))) !== 0;
}

/** As SQLite's `lower`: other letters than those of ASCII stay what they are. */
export function lowered(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
