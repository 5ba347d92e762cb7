const shards = 256;

/**
 * A 32-bit hash → entries of some table. 256 open-addressing tables that grow one at a time, so no growth is ever felt. It keeps
 * hashes only: the caller compares what lies behind `first` and `next`.
 *
 *   for (let e = index.first(hash); e !== -1; e = index.next()) if (same(e)) return e;
 */
export class HashIndex {
  size = 0;
  private readonly slots: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(shards).fill(undefined);
  private readonly counts = new Int32Array(shards);
  private at = 0;
  private wanted = 0;
  private table: Int32Array = new Int32Array(0);

  /** A slot is two integers: hash, entry + 1. */
  get bytes(): number {
    let bytes = 0;
    for (const slots of this.slots) bytes += slots === undefined ? 0 : slots.byteLength;
    return bytes;
  }

  /** The first entry with this hash, or -1. */
  first(hash: number): number {
    const table = this.slots[hash >>> 24];
    if (table === undefined) return -1;
    this.table = table;
    this.wanted = hash | 0;
    this.at = home(hash, table.length);
    return this.scan();
  }

  /** The next one with the same hash. Nothing may have changed in between. */
  next(): number {
    this.at = (this.at + 2) & (this.table.length - 1);
    return this.scan();
  }

  private scan(): number {
    const { table, wanted } = this;
    const mask = table.length - 1;
    for (let at = this.at; ; at = (at + 2) & mask) {
      const entry = table[at + 1];
      if (entry === 0) return -1;
      if (table[at] === wanted) {
        this.at = at;
        return entry - 1;
      }
    }
  }

  add(hash: number, entry: number): void {
    const shard = hash >>> 24;
    let table = this.slots[shard];
    if (table === undefined || (this.counts[shard] + 1) * 8 > table.length * 3) table = this.grow(shard, table);
    place(table, hash | 0, entry + 1);
    this.counts[shard]++;
    this.size++;
  }

  /** Takes this entry out; it must be in under this hash. */
  remove(hash: number, entry: number): void {
    const shard = hash >>> 24;
    const table = this.slots[shard];
    if (table === undefined) return;
    const mask = table.length - 1;
    let at = home(hash, table.length);
    while (table[at + 1] !== entry + 1) {
      if (table[at + 1] === 0) return;
      at = (at + 2) & mask;
    }
    // Close the gap: whoever follows and does not sit at home moves up.
    let gap = at;
    for (let next = (at + 2) & mask; table[next + 1] !== 0; next = (next + 2) & mask) {
      const wants = home(table[next], table.length);
      if (((next - wants) & mask) >= ((next - gap) & mask)) {
        table[gap] = table[next];
        table[gap + 1] = table[next + 1];
        gap = next;
      }
    }
    table[gap + 1] = 0;
    this.counts[shard]--;
    this.size--;
  }

  private grow(shard: number, old: Int32Array | undefined): Int32Array {
    const table = new Int32Array(old === undefined ? 16 : old.length * 2);
    if (old !== undefined) for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) place(table, old[at], old[at + 1]);
    this.slots[shard] = table;
    return table;
  }
}

function home(hash: number, length: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 7) & (length - 2);
}

function place(table: Int32Array, hash: number, value: number): void {
  const mask = table.length - 1;
  let at = home(hash, table.length);
  while (table[at + 1] !== 0) at = (at + 2) & mask;
  table[at] = hash;
  table[at + 1] = value;
}

/** A 32-bit hash of bytes. The seed is this node's own: no state depends on it, and nobody outside knows which keys collide. */
export function hashBytes(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let h = seed ^ Math.imul(end - start, 0x85ebca6b);
  for (let i = start; i < end; i++) {
    h = Math.imul(h ^ bytes[i], 0x01000193);
    h ^= h >>> 13;
  }
  return finish(h);
}

/** A 32-bit hash of an integer up to 2^53. */
export function hashNumber(seed: number, value: number): number {
  const high = Math.floor(value / 4294967296);
  return finish(Math.imul((value >>> 0) ^ seed, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b));
}

/** For keys of several parts. */
export function hashMore(hash: number, value: number): number {
  return finish(Math.imul(hash, 0x01000193) ^ hashNumber(0, value));
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function sameBytes(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  const n = aEnd - aStart;
  if (n !== bEnd - bStart) return false;
  for (let i = 0; i < n; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}
