/** Records that the view is fed with. Each begins with its kind and its whole length (a multiple of 8) as 32-bit integers. */
export const FeedKind = {
  /** To be skipped. */
  void: 0,
  /** A live job as it is now. */
  live: 1,
  /** A job as the archive has it. */
  finished: 2,
  /** A job that is gone for good. */
  deleted: 3,
  /** Pending and scheduled jobs of a queue are gone, those of older epochs. */
  clear: 4,
  /** A queue is gone with all its jobs. */
  destroy: 5,
  /** Finished jobs of archive segments up to a number are gone. */
  purge: 6,
  /** A queue: its name and how many jobs it has in each state. */
  queue: 7,
  /** Everything up to a log index was told. */
  seen: 8,
} as const;

export const feedHeaderBytes = 8;
const chunkBytes = 256 * 1024;
/** Chunks that are kept for use again. */
const sparesMax = 32;

/** Memory that is given away whole. */
export class FeedChunk {
  readonly f64: Float64Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly u8: Uint8Array<ArrayBuffer>;
  used = 0;

  constructor(readonly buffer: ArrayBuffer) {
    this.f64 = new Float64Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u8 = new Uint8Array(buffer);
  }

  /** Starts a record; there is room for it. */
  begin(kind: number, size: number): number {
    const at = this.used;
    this.used = at + size;
    this.i32[at >> 2] = kind;
    this.i32[(at >> 2) + 1] = size;
    return at;
  }
}

/** Where chunks come from. */
export class FeedChunks {
  private readonly spares: ArrayBuffer[] = [];

  /** The last chunk of a list that has this much room, or a new one at its end. */
  room(list: FeedChunk[], bytes: number): FeedChunk {
    const last = list[list.length - 1];
    if (last !== undefined && last.used + bytes <= last.buffer.byteLength) return last;
    const chunk = new FeedChunk(bytes > chunkBytes ? new ArrayBuffer(bytes) : (this.spares.pop() ?? new ArrayBuffer(chunkBytes)));
    list.push(chunk);
    return chunk;
  }

  recycle(buffer: ArrayBuffer): void {
    if (buffer.byteLength === chunkBytes && this.spares.length < sparesMax) this.spares.push(buffer);
  }
}
