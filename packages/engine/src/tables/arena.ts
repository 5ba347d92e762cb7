import { ensure, InvariantBroken } from "../invariant.js";

/** Size of a segment. A text of more than half of it gets a segment of its own. */
export const segmentBytes = 2 * 1024 * 1024;
const offsetBits = 18;
const offsetMask = (1 << offsetBits) - 1;
const segmentsMax = 1 << (32 - offsetBits);
const headerBytes = 8;
/** Segments that are kept for reuse. */
const sparesMax = 8;
/** A sealed segment whose live part is below this share of its content is emptied. */
const sparseShare = 0.5;

/** Whose text it is: the owner's number is a row of that table. */
export const TextKind = {
  /** EnqueueRequest of a job. */
  request: 0,
  /** JobDocument of a job. */
  document: 1,
  /** Key of a unique lock; under an owner below 0, key or text of an entity. */
  uniqueKey: 2,
  /** Id, hash and answer of a remembered request. */
  remembered: 3,
} as const;

class Segment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same memory, for headers: owner, then length * 4 + kind. */
  readonly words: Int32Array<ArrayBuffer>;
  /** Where the next text goes. */
  used = 0;
  /** Bytes of texts that are still wanted, headers included. */
  live = 0;
  sealed = false;
  sparse = false;
  /** A cut refers to it: its content must not be overwritten. */
  held = false;
  constructor(
    readonly number: number,
    bytes: number,
    buffer = new ArrayBuffer(bytes),
  ) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
  }
}

/** Where the owners' rows are told that their text moved. */
export interface TextOwners {
  /** Does this owner still have its text at this address? */
  holds(kind: number, owner: number, address: number): boolean;
  moved(kind: number, owner: number, address: number): void;
}

/**
 * Texts of any length, appended to segments and freed one by one. A segment goes when its last text does; one that is mostly dead is
 * emptied in steps by moving what lives, so that a few old jobs cannot pin memory. Addresses are this node's own and part of no hash.
 *
 * An address is a uint32: segment number and offset in units of 8 bytes. 0 means none.
 */
export class Arena {
  private readonly segments: (Segment | undefined)[] = [undefined];
  private readonly freeNumbers: number[] = [];
  private readonly spares: ArrayBuffer[] = [];
  private open: Segment | undefined;
  private sparse: Segment[] = [];
  private victim: Segment | undefined;
  private victimAt = 0;
  private holding = false;
  /** Memory that segments take. */
  bytes = 0;
  /** Texts that are wanted, with their headers. */
  liveBytes = 0;

  /** Copies `source[start, end)` in; returns its address. */
  put(kind: number, owner: number, source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const size = (headerBytes + length + 7) & ~7;
    const segment = size > segmentBytes / 2 ? this.addSegment(size) : this.room(size);
    const at = segment.used;
    segment.used += size;
    segment.live += size;
    this.liveBytes += size;
    if (size > segmentBytes / 2) segment.sealed = true;
    segment.words[at >>> 2] = owner;
    segment.words[(at >>> 2) + 1] = length * 4 + kind;
    const bytes = segment.bytes;
    let to = at + headerBytes;
    if (length <= 32) for (let from = start; from < end; from++) bytes[to++] = source[from];
    else bytes.set(source.subarray(start, end), to);
    return ((segment.number << offsetBits) | (at >>> 3)) >>> 0;
  }

  /** The memory in which the text lies: from `start(address)`, `length(address)` bytes. Valid until something is put or freed. */
  memory(address: number): Uint8Array<ArrayBuffer> {
    return this.segments[address >>> offsetBits]!.bytes;
  }

  start(address: number): number {
    return ((address & offsetMask) << 3) + headerBytes;
  }

  length(address: number): number {
    return this.segments[address >>> offsetBits]!.words[((address & offsetMask) << 1) + 1] >>> 2;
  }

  view(address: number): Uint8Array<ArrayBuffer> {
    const start = this.start(address);
    return this.memory(address).subarray(start, start + this.length(address));
  }

  free(address: number): void {
    const segment = this.segments[address >>> offsetBits];
    if (segment === undefined) throw new InvariantBroken(`no text at address ${address}`);
    const size = (headerBytes + (segment.words[((address & offsetMask) << 1) + 1] >>> 2) + 7) & ~7;
    segment.live -= size;
    this.liveBytes -= size;
    if (segment.live < 0) throw new InvariantBroken(`segment ${segment.number} has lost more texts than it had`);
    if (!segment.sealed) return;
    if (segment.live === 0) this.drop(segment);
    else if (!segment.sparse && segment.live < segment.used * sparseShare) this.markSparse(segment);
  }

  private room(size: number): Segment {
    let segment = this.open;
    if (segment !== undefined && segment.live === 0 && !segment.held) segment.used = 0;
    if (segment !== undefined && segment.used + size <= segmentBytes) return segment;
    if (segment !== undefined) this.seal(segment);
    segment = this.addSegment(segmentBytes);
    this.open = segment;
    return segment;
  }

  private seal(segment: Segment): void {
    segment.sealed = true;
    this.open = undefined;
    if (segment.live === 0) this.drop(segment);
    else if (segment.live < segment.used * sparseShare) this.markSparse(segment);
  }

  private addSegment(bytes: number): Segment {
    const number = this.freeNumbers.pop() ?? this.segments.length;
    if (number >= segmentsMax) throw new InvariantBroken("the arena is full: keep the memory budget of live jobs below 16 GiB");
    const segment = new Segment(number, bytes, bytes === segmentBytes ? this.spares.pop() : undefined);
    this.segments[number] = segment;
    this.bytes += bytes;
    return segment;
  }

  private drop(segment: Segment): void {
    this.segments[segment.number] = undefined;
    this.freeNumbers.push(segment.number);
    this.bytes -= segment.bytes.length;
    if (segment === this.victim) this.victim = undefined;
    if (!segment.held && segment.bytes.length === segmentBytes && this.spares.length < sparesMax) this.spares.push(segment.bytes.buffer);
  }

  private markSparse(segment: Segment): void {
    segment.sparse = true;
    this.sparse.push(segment);
  }

  /** Moves up to `budgetBytes` of what lives in sparse segments. Does nothing while a cut runs. */
  compact(owners: TextOwners, budgetBytes: number): void {
    if (this.holding || (this.victim === undefined && this.sparse.length === 0)) return;
    let budget = budgetBytes;
    while (budget > 0) {
      const victim = this.victim ?? this.nextVictim();
      if (victim === undefined) return;
      if (this.victimAt >= victim.used) throw new InvariantBroken(`segment ${victim.number} has ${victim.live} live bytes that nobody holds`);
      const at = this.victimAt;
      const owner = victim.words[at >>> 2];
      const lengthAndKind = victim.words[(at >>> 2) + 1];
      const length = lengthAndKind >>> 2;
      const kind = lengthAndKind & 3;
      const size = (headerBytes + length + 7) & ~7;
      const address = ((victim.number << offsetBits) | (at >>> 3)) >>> 0;
      this.victimAt += size;
      budget -= 64;
      if (!owners.holds(kind, owner, address)) continue;
      budget -= size;
      owners.moved(kind, owner, this.put(kind, owner, victim.bytes, at + headerBytes, at + headerBytes + length));
      this.free(address);
    }
  }

  private nextVictim(): Segment | undefined {
    for (;;) {
      const segment = this.sparse.pop();
      if (segment === undefined) return undefined;
      if (this.segments[segment.number] !== segment) continue;
      this.victim = segment;
      this.victimAt = 0;
      return segment;
    }
  }

  /** What lies here now, segment by segment; nothing of it is overwritten before `end`. */
  cut(): ArenaCut {
    ensure(!this.holding, "two cuts of the arena at a time");
    this.holding = true;
    const segments = this.segments.filter((segment) => segment !== undefined && segment.used > 0) as Segment[];
    for (const segment of segments) segment.held = true;
    return {
      parts: segments.map((segment) => ({ number: segment.number, used: segment.used, bytes: segment.bytes })),
      end: () => {
        this.holding = false;
        for (const segment of segments) segment.held = false;
      },
    };
  }

  /** Puts a part of a segment in: `used` is the segment's, `at` the part's place in it. */
  restore(number: number, used: number, at: number, part: Uint8Array): void {
    ensure(number > 0 && number < segmentsMax && at + part.length <= used && used % 8 === 0, `a part of segment ${number} that cannot be`);
    let segment = this.segments[number];
    if (segment === undefined) {
      segment = new Segment(number, used);
      segment.used = used;
      segment.sealed = true;
      while (this.segments.length <= number) this.segments.push(undefined);
      this.segments[number] = segment;
      this.bytes += used;
    }
    ensure(segment.used === used, `segment ${number} with two sizes`);
    segment.bytes.set(part, at);
  }

  /** While restoring: this text is wanted. */
  restoreLive(kind: number, owner: number, address: number): void {
    const segment = this.segments[address >>> offsetBits];
    const at = (address & offsetMask) << 3;
    if (segment === undefined || at + headerBytes > segment.used) throw new InvariantBroken(`text ${address} lies nowhere`);
    const lengthAndKind = segment.words[(at >>> 2) + 1];
    const size = (headerBytes + (lengthAndKind >>> 2) + 7) & ~7;
    if ((lengthAndKind & 3) !== kind || segment.words[at >>> 2] !== owner || at + size > segment.used) {
      throw new InvariantBroken(`text ${address} is not what it should be`);
    }
    segment.live += size;
    this.liveBytes += size;
  }

  /** After the last part and the last text. */
  restored(): void {
    for (let number = this.segments.length - 1; number > 0; number--) {
      const segment = this.segments[number];
      if (segment === undefined) this.freeNumbers.push(number);
      else if (segment.live === 0) this.drop(segment);
      else if (segment.live < segment.used * sparseShare) this.markSparse(segment);
    }
  }

  /** For checkInvariants: counts again what lives. */
  check(owners: TextOwners): void {
    let total = 0;
    let bytes = 0;
    for (const segment of this.segments) {
      if (segment === undefined) continue;
      let live = 0;
      for (let at = 0; at < segment.used; ) {
        const lengthAndKind = segment.words[(at >>> 2) + 1];
        const size = (headerBytes + (lengthAndKind >>> 2) + 7) & ~7;
        if (owners.holds(lengthAndKind & 3, segment.words[at >>> 2], ((segment.number << offsetBits) | (at >>> 3)) >>> 0)) live += size;
        at += size;
      }
      ensure(live === segment.live, `segment ${segment.number}: ${live} bytes live, ${segment.live} counted`);
      total += live;
      bytes += segment.bytes.length;
    }
    ensure(total === this.liveBytes && bytes === this.bytes, `arena: ${total} live of ${bytes} bytes, counted ${this.liveBytes} of ${this.bytes}`);
  }
}

export interface ArenaCut {
  readonly parts: { readonly number: number; readonly used: number; readonly bytes: Uint8Array }[];
  end(): void;
}
