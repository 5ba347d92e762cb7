import { type ArchiveFooter, blockOf, type FooterBlock, findInBlock, readBlock, readFirstSeqs } from "./archive-footer.js";
import type { ArchiveIndex } from "./archive-index.js";
import { ArchiveDamaged, type ArchivePlace } from "./archive-store.js";
import type { ArchiveTail } from "./archive-tail.js";
import type { FileCache } from "./file-cache.js";
import { kinds, segmentHeaderBytes } from "./segment.js";
import { readRecordAt, recordIn, viewOf } from "./segment-reader.js";

/** A segment that is written no more, but perhaps for its footer. */
export interface FinishedSegment {
  number: number;
  seed: number;
  recordsBytes: number;
  /** Undefined until it is written: then `index` answers. */
  footer: ArchiveFooter | undefined;
  index: ArchiveIndex | undefined;
  firstSeqs: Float64Array | undefined;
}

/** The segments of an archive as they are now. */
export interface Segments {
  /** The one that records go to. */
  readonly tail: ArchiveTail | undefined;
  /** Those whose last records are still in buffers, by number; the tail among them. */
  readonly tails: ReadonlyMap<number, ArchiveTail>;
  readonly finished: ReadonlyMap<number, FinishedSegment>;
  readonly files: FileCache;
  path(number: number): string;
  /** Makes a damaged footer anew from the records. Throws `ArchiveDamaged` when they are damaged too. */
  rebuild(segment: FinishedSegment): Promise<void>;
}

/** First bytes that a read of a record asks for: most records fit. */
const readHintBytes = 4096;
/** Records of many jobs are read in stretches of at most this many bytes; what is not wanted between two of them may be this long. */
const stretchBytesMax = 1024 * 1024;
const stretchGapBytesMax = 16 * 1024;

/** Finds records by the sequence of their job: in buffers, by indexes in memory, by footers in files. */
export class ArchiveLookup {
  constructor(private readonly of: Segments) {}

  /** The latest records of these jobs, in the order in which they were asked for: what lies together is read together. */
  async find(seqs: readonly number[]): Promise<({ place: ArchivePlace; bytes: Uint8Array } | undefined)[]> {
    const places = await this.places(seqs);
    const found = new Map<number, { place: ArchivePlace; bytes: Uint8Array }>();
    const take = (seq: number, place: ArchivePlace, record: { seq: number; bytes: Uint8Array }): void => {
      if (record.seq !== seq) throw new ArchiveDamaged(place.segment, place.offset, `the record is of sequence ${record.seq}, not ${seq}`);
      found.set(seq, { place, bytes: record.bytes });
    };
    const inFiles: [seq: number, place: ArchivePlace][] = [];
    for (const [seq, place] of places) {
      const buffered = this.of.tails.get(place.segment)?.read(place.offset);
      if (buffered === undefined) inFiles.push([seq, place]);
      else take(seq, place, buffered);
    }
    inFiles.sort(([, a], [, b]) => a.segment - b.segment || a.offset - b.offset);
    for (let from = 0; from < inFiles.length; ) {
      const first = inFiles[from][1];
      let to = from + 1;
      for (let end = first.offset + readHintBytes; to < inFiles.length; to++) {
        const { segment, offset } = inFiles[to][1];
        if (segment !== first.segment || offset > end + stretchGapBytesMax || offset + readHintBytes - first.offset > stretchBytesMax) break;
        end = offset + readHintBytes;
      }
      const records = await this.readStretch(inFiles.slice(from, to).map(([, place]) => place));
      for (let i = from; i < to; i++) take(...inFiles[i], records[i - from]);
      from = to;
    }
    return seqs.map((seq) => found.get(seq));
  }

  /** The record at this place. */
  async read(place: ArchivePlace): Promise<{ seq: number; bytes: Uint8Array }> {
    const buffered = this.of.tails.get(place.segment)?.read(place.offset);
    if (buffered !== undefined) return buffered;
    const seed = this.of.tails.get(place.segment)?.seed ?? this.of.finished.get(place.segment)?.seed;
    if (seed === undefined) throw new ArchiveDamaged(place.segment, place.offset, "there is no such segment");
    const record = await this.of.files.use(this.of.path(place.segment), (file) => readRecordAt(file, segmentHeaderBytes + place.offset, seed, readHintBytes));
    if (typeof record === "string") throw new ArchiveDamaged(place.segment, place.offset, record);
    if (record.kind !== kinds.archived) throw new ArchiveDamaged(place.segment, place.offset, "the record there is not of a job");
    return { seq: record.index, bytes: record.body };
  }

  /** Where the latest records of these jobs are, of those that have one. */
  private async places(seqs: readonly number[]): Promise<Map<number, ArchivePlace>> {
    const places = new Map<number, ArchivePlace>();
    const tail = this.of.tail;
    let missing: number[] = [];
    for (const seq of new Set(seqs)) {
      const offset = tail?.index.find(seq) ?? -1;
      if (offset >= 0) places.set(seq, { segment: tail!.number, offset });
      else missing.push(seq);
    }
    missing.sort((a, b) => a - b);
    for (const number of [...this.of.finished.keys()].sort((a, b) => b - a)) {
      if (missing.length === 0) break;
      const still: number[] = [];
      let block: FooterBlock | undefined;
      for (const seq of missing) {
        const segment = this.of.finished.get(number);
        let offset = -1; // also when it was dropped meanwhile
        if (segment?.index !== undefined) offset = segment.index.find(seq);
        else if (segment !== undefined && within(segment, seq)) {
          const firsts = segment.firstSeqs;
          if (block === undefined || firsts === undefined || blockOf(firsts, seq) !== block.number) block = await this.block(segment, seq);
          offset = block === undefined ? await this.inFooter(segment, seq) : findInBlock(block, seq);
        }
        if (offset >= 0) places.set(seq, { segment: number, offset });
        else still.push(seq);
      }
      missing = still;
    }
    return places;
  }

  /** The block of a footer that a sequence would be in; undefined: there is none, or it is damaged. */
  private block(segment: FinishedSegment, seq: number): Promise<FooterBlock | undefined> {
    const { footer, seed } = segment;
    if (footer === undefined) return Promise.resolve(undefined);
    return this.of.files.use(this.of.path(segment.number), async (file) => {
      const firsts = (segment.firstSeqs ??= await readFirstSeqs(file, footer, seed));
      const number = firsts === undefined ? -1 : blockOf(firsts, seq);
      return number < 0 ? undefined : readBlock(file, footer, firsts!, number, seed);
    });
  }

  private async inFooter(segment: FinishedSegment, seq: number, rebuilt = false): Promise<number> {
    const { footer } = segment;
    if (footer === undefined || !within(segment, seq)) return -1;
    const block = await this.block(segment, seq);
    if (block !== undefined) return findInBlock(block, seq);
    // The footer is damaged: it is made anew from the records. When they are damaged too, this answer fails, not the archive.
    if (rebuilt) throw new ArchiveDamaged(segment.number, footer.place - segmentHeaderBytes, "the footer cannot be read although it was just made");
    await this.of.rebuild(segment);
    return this.inFooter(segment, seq, true);
  }

  /** Records of one segment, by rising offset, in one read. */
  private async readStretch(places: readonly ArchivePlace[]): Promise<{ seq: number; bytes: Uint8Array }[]> {
    const { segment, offset } = places[0];
    const seed = this.of.tails.get(segment)?.seed ?? this.of.finished.get(segment)?.seed;
    if (seed === undefined || places.length === 1) return Promise.all(places.map((place) => this.read(place)));
    const length = places[places.length - 1].offset - offset + readHintBytes;
    const bytes = await this.of.files.use(this.of.path(segment), (file) => file.read(segmentHeaderBytes + offset, length));
    const view = viewOf(bytes);
    const found = new Array<{ seq: number; bytes: Uint8Array }>(places.length);
    const alone: Promise<void>[] = []; // what is too long for the stretch, or not what it should be: that read says what is wrong
    for (const [i, place] of places.entries()) {
      const record = recordIn(bytes, place.offset - offset, seed, view);
      if (typeof record !== "string" && record.kind === kinds.archived) found[i] = { seq: record.index, bytes: record.body };
      else alone.push(this.read(place).then((read) => void (found[i] = read)));
    }
    await Promise.all(alone);
    return found;
  }
}

/** May a job be in this segment? */
function within({ footer }: FinishedSegment, seq: number): boolean {
  return footer !== undefined && footer.records > 0 && seq >= footer.minSeq && seq <= footer.maxSeq;
}
